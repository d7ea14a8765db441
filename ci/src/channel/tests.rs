//! Lines in real folders: moved, rolled back, pruned, damaged; and many at once, by seeded chance.

mod cut;
mod rotate;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use builder::fetch::Places;

use super::*;

pub(super) const NOW_S: u64 = 1_795_288_801;
const DAY_S: u64 = 86_400;

pub(super) struct Toy {
    pub(super) folder: tempfile::TempDir,
}

fn passphrase() -> std::result::Result<Vec<u8>, ChannelError> {
    Ok(b"correct horse".to_vec())
}

impl Toy {
    pub(super) fn new() -> Toy {
        let toy = Toy { folder: tempfile::tempdir().unwrap() };
        let (folder, keys) = (toy.channel(), toy.keys());
        let sha256 = init(&folder, &keys, 3, 2, Life::default(), NOW_S).unwrap();
        trusted(&toy.host(), &folder, &sha256).unwrap();
        toy
    }

    pub(super) fn channel(&self) -> Folder {
        Folder::create(&self.folder.path().join("public")).unwrap()
    }

    pub(super) fn keys(&self) -> Keyring<'static> {
        Keyring::at(&self.folder.path().join("keys"), &passphrase)
    }

    pub(super) fn host(&self) -> std::path::PathBuf {
        self.folder.path().join("host")
    }

    pub(super) fn change<T>(
        &self,
        now_s: u64,
        make: impl FnOnce(&mut Desk) -> error::Result<T>,
    ) -> error::Result<T> {
        let (folder, keys) = (self.channel(), self.keys());
        let mut desk = Desk::open(&folder, &keys, Life::default(), now_s)?;
        let made = make(&mut desk)?;
        desk.commit()?;
        Ok(made)
    }

    pub(super) fn publish(&self, line: &str, role: &str, text: &str, now_s: u64) -> error::Result<Moved> {
        self.change(now_s, |desk| desk.publish(line, item(role, text)))
    }

    /// What a host has after it asked.
    pub(super) fn pulled(&self, line: &str, role: &str, now_s: u64) -> error::Result<String> {
        let (folder, to, trusted) = (self.channel(), self.folder.path().join("out"), self.host());
        let (places, cancel) = (Places::default(), AtomicBool::new(false));
        let pulling = Pulling {
            place: &folder,
            trusted: &trusted,
            places: &places,
            events: &|_| (),
            cancel: &cancel,
            now_s,
        };
        pull(&pulling, line, role, &to, &|_| true)?;
        Ok(fs::read_to_string(to.join("root.erofs")).unwrap())
    }

    pub(super) fn verified(&self, now_s: u64) -> Report {
        verify(&self.channel(), &self.keys().trusted(), now_s).unwrap()
    }

    #[track_caller]
    pub(super) fn is_whole(&self, now_s: u64) {
        assert_eq!(self.verified(now_s).faults, [""; 0]);
    }

    pub(super) fn blob(&self, text: &str) -> std::path::PathBuf {
        self.channel().path(&line::blob_path(&trust::sha256(text.as_bytes())))
    }
}

fn item(role: &str, text: &str) -> Item {
    let (root, kernel) = (text.to_string(), format!("kernel of {text}"));
    let (root_sha256, kernel_sha256) = (trust::sha256(root.as_bytes()), trust::sha256(kernel.as_bytes()));
    let part = |name: &str, text: String| {
        (name.to_string(), "text/plain".to_string(), Content::Bytes(text.into_bytes()))
    };
    let statement = statement(&Made {
        role,
        toolchain: "seed",
        subjects: &[("root.erofs", &root_sha256), ("vmlinuz", &kernel_sha256)],
        commit: None,
        actions: &BTreeMap::new(),
        taken: &BTreeMap::new(),
        materials: &[],
        version: "0",
    });
    Item {
        role: role.into(),
        parts: vec![part("root.erofs", root), part("vmlinuz", kernel), part("tree.txt", "same".into())],
        root_sha256,
        kernel_sha256,
        commit: None,
        statement: Some(statement),
    }
}

#[test]
fn a_line_moves_and_goes_back() {
    let toy = Toy::new();
    assert!(matches!(toy.publish("edge", "web", "one", NOW_S).unwrap(), Moved::New { .. }));
    assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "one");
    assert_eq!(toy.publish("edge", "web", "one", NOW_S).unwrap(), Moved::Same);
    toy.publish("edge", "web", "two", NOW_S + 1).unwrap();
    toy.publish("edge", "web", "three", NOW_S + 2).unwrap();
    assert_eq!(toy.pulled("edge", "web", NOW_S + 2).unwrap(), "three");
    toy.change(NOW_S + 3, |desk| rollback(desk, "edge", "web", None)).unwrap();
    assert_eq!(toy.pulled("edge", "web", NOW_S + 3).unwrap(), "two");
    toy.change(NOW_S + 4, |desk| rollback(desk, "edge", "web", None)).unwrap();
    assert_eq!(toy.pulled("edge", "web", NOW_S + 4).unwrap(), "one");
    let none = toy.change(NOW_S + 5, |desk| rollback(desk, "edge", "web", None)).unwrap_err();
    assert_eq!(none.to_string(), "edge/web has no image before its present one");
    let three = trust::sha256(b"three");
    toy.change(NOW_S + 6, |desk| rollback(desk, "edge", "web", Some(&three[..12]))).unwrap();
    assert_eq!(toy.pulled("edge", "web", NOW_S + 6).unwrap(), "three");
    toy.is_whole(NOW_S + 6);
}

#[test]
fn a_replayed_channel_is_refused_and_what_was_pulled_stays() {
    let toy = Toy::new();
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    let old = fs::read(toy.channel().path("metadata/timestamp.json")).unwrap();
    toy.publish("edge", "web", "two", NOW_S).unwrap();
    assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "two");
    fs::write(toy.channel().path("metadata/timestamp.json"), old).unwrap();
    let refused = toy.pulled("edge", "web", NOW_S).unwrap_err().to_string();
    assert!(refused.ends_with("something old was replayed"), "{refused}");
    assert_eq!(fs::read_to_string(toy.folder.path().join("out/root.erofs")).unwrap(), "two");
}

#[test]
fn promoted_after_its_soak_unless_the_line_is_held() {
    let toy = Toy::new();
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    let promote = |now_s| toy.change(now_s, |desk| promote(desk, "edge", "stable", "web", DAY_S));
    let early = promote(NOW_S + 60).unwrap_err().to_string();
    assert_eq!(
        early,
        "edge/web is the newest since 2026-11-21T19:20:01Z: 60 s, of 86400 s that it must be before it is promoted"
    );
    promote(NOW_S + DAY_S).unwrap();
    assert_eq!(toy.pulled("stable", "web", NOW_S + DAY_S).unwrap(), "one");
    assert_eq!(promote(NOW_S + DAY_S).unwrap(), Moved::Same);
    toy.change(NOW_S + DAY_S, |desk| hold(desk, "stable", "web", Some("holidays"))).unwrap();
    toy.publish("edge", "web", "two", NOW_S + DAY_S).unwrap();
    let held = promote(NOW_S + 3 * DAY_S).unwrap_err().to_string();
    assert_eq!(held, "stable/web is held: holidays; `rootbrew channel hold --off` lets it go");
    toy.change(NOW_S + 3 * DAY_S, |desk| hold(desk, "stable", "web", None)).unwrap();
    promote(NOW_S + 3 * DAY_S).unwrap();
    toy.is_whole(NOW_S + 3 * DAY_S);
}

#[test]
fn refreshed_before_it_expires() {
    let toy = Toy::new();
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    let late = NOW_S + 15 * DAY_S;
    assert!(toy.pulled("edge", "web", late).unwrap_err().to_string().contains("expired"));
    let (folder, keys) = (toy.channel(), toy.keys());
    refresh(Desk::open(&folder, &keys, Life::default(), NOW_S + 13 * DAY_S).unwrap()).unwrap();
    assert_eq!(toy.pulled("edge", "web", late).unwrap(), "one");
}

#[test]
fn pruned_to_what_lines_hold() {
    let toy = Toy::new();
    for at in 0..6 {
        toy.publish("edge", "web", &format!("image {at}"), NOW_S + at * DAY_S).unwrap();
        if at == 1 {
            toy.change(NOW_S + DAY_S, |desk| promote(desk, "edge", "stable", "web", 0)).unwrap();
        }
    }
    let now_s = NOW_S + 6 * DAY_S;
    let policy = Policy { keep: 2, keep_s: 0, grace_s: 0 };
    let (folder, keys) = (toy.channel(), toy.keys());
    let pruned = prune(&folder, &keys, policy, Life::default(), now_s).unwrap();
    assert_eq!(pruned.entries, 4);
    // Of `stable`, though of `edge` it is forgotten.
    assert!(toy.blob("kernel of image 1").exists());
    assert!(!toy.blob("kernel of image 0").exists() && !toy.blob("kernel of image 3").exists());
    toy.is_whole(now_s);
    assert_eq!(toy.pulled("stable", "web", now_s).unwrap(), "image 1");
    let again = prune(&folder, &keys, policy, Life::default(), now_s).unwrap();
    assert_eq!(again.entries, 0);
}

#[test]
fn a_lying_blob_is_found_and_not_taken() {
    let toy = Toy::new();
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    fs::write(toy.blob("kernel of one"), "kernel of on3").unwrap();
    let report = toy.verified(NOW_S);
    assert!(
        matches!(&report.faults[..], [fault] if fault.contains("is damaged: 13 bytes")),
        "{:?}",
        report.faults
    );
    let refused = toy.pulled("edge", "web", NOW_S).unwrap_err().to_string();
    assert!(refused.contains("vmlinuz") && refused.contains("sha256"), "{refused}");
    assert!(!toy.folder.path().join("out/vmlinuz").exists());
}

#[test]
fn keys_are_files_of_their_owner_and_of_a_passphrase() {
    let toy = Toy::new();
    let path = toy.folder.path().join("keys/timestamp.pem");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&path).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    let wrong = || Ok(b"wrong".to_vec());
    let error = Keyring::at(&toy.folder.path().join("keys"), &wrong).open("timestamp").err().unwrap();
    assert_eq!(error.to_string(), format!("the key {}: the passphrase is not this key's", path.display()));
}

#[test]
fn two_publishers_one_wins_and_the_other_goes_on() {
    let toy = Toy::new();
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    let (folder, keys) = (toy.channel(), toy.keys());
    let open = || Desk::open(&folder, &keys, Life::default(), NOW_S).unwrap();
    let (mut web, mut cache, mut late) = (open(), open(), open());
    web.publish("edge", item("web", "two")).unwrap();
    cache.publish("edge", item("cache", "first")).unwrap();
    late.publish("edge", item("web", "three")).unwrap();
    assert_eq!(web.commit().unwrap(), 0);
    // Another role: on top of theirs.
    assert_eq!(cache.commit().unwrap(), 1);
    // The same role: said, and its next try goes on.
    assert!(matches!(late.commit(), Err(ChannelError::Lost { .. })));
    assert_eq!(toy.pulled("edge", "web", NOW_S).unwrap(), "two");
    assert_eq!(toy.publish("edge", "web", "three", NOW_S).unwrap(), Moved::New { bytes: 0 });
    toy.is_whole(NOW_S);
}

/// Small numbers that look like chance and are the same each time (xorshift, Marsaglia 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn a_hundred_rounds_of_publish_promote_prune_and_pull_at_once() {
    let toy = Toy::new();
    toy.publish("edge", "web", "first", NOW_S).unwrap();
    toy.publish("edge", "cache", "first", NOW_S).unwrap();
    let one = |seed: u64, round: u64| {
        let mut chance = Chance(seed * 1000 + round + 1);
        let role = if chance.below(2) == 0 { "web" } else { "cache" };
        let (folder, keys) = (toy.channel(), toy.keys());
        let policy = Policy { keep: 1 + chance.below(3) as usize, keep_s: 0, grace_s: 0 };
        let done = match chance.below(5) {
            0 | 1 => toy.publish("edge", role, &format!("{seed} {round}"), NOW_S + round).map(drop),
            2 => toy.change(NOW_S + round, |desk| promote(desk, "edge", "stable", role, 0)).map(drop),
            3 => prune(&folder, &keys, policy, Life::default(), NOW_S + round).map(drop),
            _ => toy.change(NOW_S + round, |desk| rollback(desk, "edge", role, None)).map(drop),
        };
        match done {
            Ok(()) | Err(ChannelError::Lost { .. }) => {}
            // There is nothing before the first image of a history that was pruned.
            Err(ChannelError::Asked(what)) if what.ends_with("no image before its present one") => {}
            Err(error) => panic!("seed {seed}, round {round}: {error}"),
        }
    };
    for round in 0..100 {
        std::thread::scope(|scope| {
            for seed in 1..4 {
                scope.spawn(move || one(seed, round));
            }
        });
        if round % 10 == 9 {
            toy.is_whole(NOW_S + round);
            toy.pulled("edge", "web", NOW_S + round).unwrap();
        }
    }
}

/// Copies of a channel as a death left it at each of its steps: whoever comes next goes on.
#[test]
fn cut_off_after_each_file() {
    let toy = Toy::new();
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    let before = files(&toy.folder.path().join("public"));
    toy.publish("edge", "web", "two", NOW_S).unwrap();
    let after = files(&toy.folder.path().join("public"));
    let new: Vec<&String> = after.keys().filter(|path| before.get(*path) != after.get(*path)).collect();
    assert!(new.len() > 6);
    for left in 0..new.len() {
        let cut = Toy::new();
        let public = cut.folder.path().join("public");
        fs::remove_dir_all(&public).unwrap();
        fs::remove_dir_all(cut.folder.path().join("keys")).unwrap();
        copy(&toy.folder.path().join("keys"), &cut.folder.path().join("keys"));
        fs::remove_dir_all(cut.keys().trusted()).unwrap();
        let there = new.iter().filter(|path| !path.ends_with("timestamp.json")).take(left);
        for (path, bytes) in before.iter().chain(there.map(|path| (*path, &after[*path]))) {
            let path = public.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, bytes).unwrap();
        }
        fs::create_dir_all(cut.keys().trusted()).unwrap();
        fs::copy(public.join("metadata/1.root.json"), cut.keys().trusted().join("root.json")).unwrap();
        fs::remove_dir_all(cut.host()).unwrap();
        copy(&cut.keys().trusted(), &cut.host());
        cut.is_whole(NOW_S);
        assert_eq!(cut.pulled("edge", "web", NOW_S).unwrap(), "one");
        cut.publish("edge", "web", "two", NOW_S).unwrap();
        assert_eq!(cut.pulled("edge", "web", NOW_S).unwrap(), "two");
        cut.is_whole(NOW_S);
    }
}

fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let listed = Folder::at(folder).list().unwrap();
    listed
        .into_iter()
        .map(|Filed { path, .. }| (path.clone(), fs::read(folder.join(path)).unwrap()))
        .collect()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}
