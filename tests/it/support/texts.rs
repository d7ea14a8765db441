//! A channel of small texts on any shelf, without a program between.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use builder::fetch::{Patience, Places};
use ci::channel::{self, ChannelError, Content, Desk, Item, Keyring, Life, Policy, Pulling, Shelf, now_s};
use trust::sign::{Salt, Secret};

pub struct Texts {
    pub folder: tempfile::TempDir,
    pub open: Opener,
    sha256: String,
}

type Opener = Box<dyn Fn() -> Box<dyn Shelf> + Sync>;

/// One try, so that what is cut is seen.
pub fn hasty() -> Patience {
    Patience { stall: Duration::from_secs(20), tries: 1, ..Patience::default() }
}

fn passphrase() -> Result<Vec<u8>, ChannelError> {
    Ok(b"correct horse".to_vec())
}

impl Texts {
    pub fn new(open: Opener) -> Texts {
        let folder = tempfile::tempdir().expect("a folder");
        let mut texts = Texts { folder, open, sha256: String::new() };
        let (shelf, keys) = (texts.shelf(), texts.keys());
        texts.sha256 =
            channel::init(shelf.as_ref(), &keys, 1, 1, Life::default(), now_s()).expect("a channel");
        texts.cheapen();
        texts
    }

    /// Keys that guard nothing, opened hundreds of times: a guess at their passphrase costs nothing.
    fn cheapen(&self) {
        let passphrase = passphrase().expect("a passphrase");
        for entry in fs::read_dir(self.folder.path().join("keys")).expect("keys") {
            let path = entry.expect("a key").path();
            if path.extension().is_some_and(|extension| extension == "pem") {
                let secret = Secret::from_pem(&fs::read_to_string(&path).expect("a key"), &passphrase);
                let salt = Salt { salt: [1; 16], iv: [2; 16], cost_log2: 4 };
                let pem = secret.expect("a key").to_pem(&passphrase, &salt).expect("a key");
                fs::write(path, pem.as_bytes()).expect("a file");
            }
        }
    }

    pub fn shelf(&self) -> Box<dyn Shelf> {
        (self.open)()
    }

    pub fn keys(&self) -> Keyring<'static> {
        Keyring::at(&self.folder.path().join("keys"), &passphrase)
    }

    pub fn change(
        &self,
        shelf: &dyn Shelf,
        make: impl FnOnce(&mut Desk) -> Result<(), ChannelError>,
    ) -> Result<(), ChannelError> {
        let keys = self.keys();
        let mut desk = Desk::open(shelf, &keys, Life::default(), now_s())?;
        make(&mut desk)?;
        desk.commit().map(drop)
    }

    pub fn publish(&self, shelf: &dyn Shelf, role: &str, text: &str) -> Result<(), ChannelError> {
        self.change(shelf, |desk| desk.publish("edge", item(role, text)).map(drop))
    }

    pub fn prune(&self, shelf: &dyn Shelf) -> Result<(), ChannelError> {
        let policy = Policy { keep: 1, keep_s: 0, grace_s: 0 };
        channel::prune(shelf, &self.keys(), policy, Life::default(), now_s()).map(drop)
    }

    pub fn pull(&self, shelf: &dyn Shelf, role: &str) -> Result<String, ChannelError> {
        let (trusted, to) = (self.folder.path().join("host"), self.folder.path().join("out"));
        self.pull_to(shelf, role, &trusted, &to)
    }

    pub fn pull_to(
        &self,
        shelf: &dyn Shelf,
        role: &str,
        trusted: &Path,
        to: &Path,
    ) -> Result<String, ChannelError> {
        channel::trusted(trusted, shelf, &self.sha256)?;
        let places = Places { patience: hasty(), ..Places::default() };
        let pulling = Pulling {
            place: shelf,
            trusted,
            places: &places,
            events: &|_| (),
            cancel: &AtomicBool::new(false),
            now_s: now_s(),
        };
        channel::pull(&pulling, "edge", role, to, &|_| true)?;
        Ok(fs::read_to_string(to.join("root.erofs")).expect("a root"))
    }

    #[track_caller]
    pub fn is_whole(&self) {
        let report =
            channel::verify(self.shelf().as_ref(), &self.keys().trusted(), now_s()).expect("it is verified");
        assert_eq!(report.faults, [""; 0]);
    }
}

pub fn item(role: &str, text: &str) -> Item {
    let kernel = format!("kernel of {text}");
    let part =
        |name: &str, text: &str| (name.to_string(), "text/plain".to_string(), Content::Bytes(text.into()));
    Item {
        role: role.into(),
        root_sha256: trust::sha256(text.as_bytes()),
        kernel_sha256: trust::sha256(kernel.as_bytes()),
        commit: None,
        parts: vec![part("root.erofs", text), part("vmlinuz", &kernel), part("tree.txt", "same")],
        statement: None,
    }
}
