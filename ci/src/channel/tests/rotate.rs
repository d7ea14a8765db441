//! Keys that are changed: takers follow, old keys sign nothing any more, and no instant refuses anybody.

use super::*;

fn turn(new: &[&str], drop: &[&str], threshold: Option<u64>) -> Turn {
    let words = |words: &[&str]| words.iter().map(ToString::to_string).collect();
    Turn { new: words(new), drop: words(drop), threshold }
}

fn rotated(toy: &Toy, turn: &Turn, now_s: u64) -> error::Result<Rotated> {
    rotate(&toy.channel(), &toy.keys(), turn, Life::default(), now_s)
}

#[test]
fn every_key_gets_a_successor_and_a_taker_follows() {
    let toy = Toy::new();
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "one");
    let stolen = toy.folder.path().join("stolen");
    copy(&toy.folder.path().join("keys"), &stolen);
    let all = turn(&["root-1", "timestamp", "snapshot", "targets", "publish"], &[], None);
    assert_eq!(rotated(&toy, &all, NOW_S + 1).unwrap(), Rotated::Done { version: 2 });
    assert!(!toy.folder.path().join("keys/next").exists());
    assert_eq!(toy.pulled("edge", "web", NOW_S + 1).unwrap(), "one");
    toy.is_whole(NOW_S + 1);
    // Whoever stole them can read, and publish nothing.
    let (folder, keys) = (toy.channel(), Keyring::at(&stolen, &passphrase));
    let mut desk = Desk::open(&folder, &keys, Life::default(), NOW_S + 2).unwrap();
    desk.publish("edge", item("web", "evil")).unwrap();
    let refused = desk.commit().unwrap_err().to_string();
    assert!(refused.contains("is not one that this channel's"), "{refused}");
    toy.publish("edge", "web", "two", NOW_S + 3).unwrap();
    assert_eq!(toy.pulled("edge", "web", NOW_S + 3).unwrap(), "two");
    toy.is_whole(NOW_S + 3);
    // And again, by the new ones.
    let more = turn(&["root-2", "root-4"], &["root-3"], Some(3));
    assert_eq!(rotated(&toy, &more, NOW_S + 4).unwrap(), Rotated::Done { version: 3 });
    assert!(!toy.folder.path().join("keys/root-3.pem").exists());
    assert_eq!(toy.pulled("edge", "web", NOW_S + 4).unwrap(), "two");
}

#[test]
fn a_role_gets_a_key_of_its_own() {
    let toy = Toy::new();
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    toy.publish("edge", "cache", "one", NOW_S).unwrap();
    assert_eq!(rotated(&toy, &turn(&["web"], &[], None), NOW_S).unwrap(), Rotated::Done { version: 1 });
    toy.publish("edge", "web", "two", NOW_S).unwrap();
    toy.publish("edge", "cache", "two", NOW_S).unwrap();
    assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "two");
    toy.is_whole(NOW_S);
}

/// Root keys that lie elsewhere sign in a sitting of their own.
#[test]
fn in_two_sittings() {
    let toy = Toy::new();
    let (keys, apart) = (toy.folder.path().join("keys"), toy.folder.path().join("apart"));
    fs::create_dir(&apart).unwrap();
    for name in ["root-2.pem", "root-3.pem"] {
        fs::rename(keys.join(name), apart.join(name)).unwrap();
    }
    let wanting = rotated(&toy, &turn(&["timestamp"], &[], None), NOW_S).unwrap();
    let root = keys.join("next/root.json");
    assert_eq!(wanting, Rotated::Wanting { root: root.clone(), old: 1, new: 1 });
    let begun = rotated(&toy, &turn(&["snapshot"], &[], None), NOW_S).unwrap_err().to_string();
    assert!(begun.starts_with("a change of keys is begun"), "{begun}");
    toy.publish("edge", "web", "meanwhile", NOW_S).unwrap();
    assert_eq!(cosign(&root, &Keyring::at(&apart, &passphrase), "root-3").unwrap().version, 2);
    assert_eq!(rotated(&toy, &Turn::default(), NOW_S).unwrap(), Rotated::Done { version: 2 });
    assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "meanwhile");
    toy.publish("edge", "web", "after", NOW_S).unwrap();
    assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "after");
}

#[test]
fn a_lost_key_of_each_kind() {
    for name in ["timestamp", "snapshot", "targets", "publish", "root-2"] {
        let toy = Toy::new();
        toy.publish("edge", "web", "one", NOW_S).unwrap();
        toy.pulled("edge", "web", NOW_S).unwrap();
        fs::remove_file(toy.folder.path().join(format!("keys/{name}.pem"))).unwrap();
        rotated(&toy, &turn(&[name], &[], None), NOW_S).unwrap();
        toy.publish("edge", "web", "two", NOW_S).unwrap();
        toy.publish("edge", "new", "one", NOW_S).unwrap();
        assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "two", "{name}");
        toy.is_whole(NOW_S);
    }
}

#[test]
fn what_is_no_change_is_said() {
    let toy = Toy::new();
    let said = |turn: &Turn| rotated(&toy, turn, NOW_S).unwrap_err().to_string();
    assert_eq!(said(&Turn::default()), "no key is to be changed: --new NAME says which");
    assert_eq!(
        said(&turn(&[], &["root-1", "root-2"], None)),
        "2 of 1 root keys can't sign: give another --threshold"
    );
    assert!(said(&turn(&["nobody"], &[], None)).starts_with("`nobody` is no key of this channel"));
    assert!(said(&turn(&[], &["root-9"], None)).starts_with("--drop root-9: "));
}

/// A shelf whose owner dies after so many changes.
struct Mortal {
    folder: Folder,
    left: std::sync::atomic::AtomicI64,
}

impl Mortal {
    fn lives(&self) -> error::Result<()> {
        match self.left.fetch_sub(1, std::sync::atomic::Ordering::Relaxed) > 0 {
            true => Ok(()),
            false => Err(ChannelError::Cancelled),
        }
    }
}

impl Place for Mortal {
    fn get(&self, path: &str, size_max_bytes: u64) -> error::Result<Option<Vec<u8>>> {
        self.folder.get(path, size_max_bytes)
    }

    fn open(&self, path: &str) -> error::Result<Option<Box<dyn std::io::Read + Send + '_>>> {
        self.folder.open(path)
    }

    fn name(&self) -> String {
        self.folder.name()
    }

    fn url(&self, path: &str) -> Option<String> {
        self.folder.url(path)
    }

    fn folder(&self) -> Option<&Path> {
        self.folder.folder()
    }
}

impl Shelf for Mortal {
    fn has(&self, path: &str, length: u64) -> error::Result<bool> {
        self.folder.has(path, length)
    }

    fn put(&self, path: &str, from: &mut (dyn std::io::Read + Send)) -> error::Result<()> {
        self.lives()?;
        self.folder.put(path, from)
    }

    fn create_new(&self, path: &str, bytes: &[u8]) -> error::Result<bool> {
        self.lives()?;
        self.folder.create_new(path, bytes)
    }

    fn swap(&self, path: &str, old: Option<&[u8]>, new: &[u8]) -> error::Result<bool> {
        self.lives()?;
        self.folder.swap(path, old, new)
    }

    fn remove(&self, path: &str) -> error::Result<()> {
        self.lives()?;
        self.folder.remove(path)
    }

    fn list(&self) -> error::Result<Vec<Filed>> {
        self.folder.list()
    }

    fn share(&self) -> error::Result<Held> {
        self.folder.share()
    }

    fn alone(&self) -> error::Result<Held> {
        self.folder.alone()
    }

    fn sweep(&self) -> error::Result<()> {
        self.folder.sweep()
    }
}

/// Each of its steps: a taker takes, and the same command goes on.
#[test]
fn a_death_at_each_step_refuses_nobody() {
    let all = turn(&["root-1", "timestamp", "snapshot", "targets", "publish"], &[], None);
    for left in 0.. {
        let toy = Toy::new();
        toy.publish("edge", "web", "one", NOW_S).unwrap();
        let mortal = Mortal { folder: toy.channel(), left: (left as i64).into() };
        let died = rotate(&mortal, &toy.keys(), &all, Life::default(), NOW_S).is_err();
        assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "one", "after {left} changes");
        toy.is_whole(NOW_S);
        if !died {
            assert!(left > 5);
            return;
        }
        assert_eq!(rotated(&toy, &Turn::default(), NOW_S).unwrap(), Rotated::Done { version: 2 });
        toy.publish("edge", "web", "two", NOW_S).unwrap();
        assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "two");
        toy.is_whole(NOW_S);
    }
}
