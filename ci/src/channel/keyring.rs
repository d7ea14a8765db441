//! The keys of who publishes: a folder of encrypted files, and beside them the root of trust that its owner follows.
//!
//! ```text
//! root-1.pem root-2.pem …     better kept elsewhere but when the root changes
//! targets.pem                 delegates to roles
//! publish.pem  <role>.pem     signs what a role's lines hold; a role's own file goes first
//! snapshot.pem timestamp.pem  the pointers
//! names.json                  which key is whose, by the sha256 that metadata call it: also of files that were moved away
//! trusted/                    as a taker keeps it
//! next/ old/                  while keys are changed, and after: rotate.rs
//! ```
//! A passphrase is asked once, when the first key is needed; it is in no argument, no message, no environment.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use trust::KeyId;
use trust::sign::{Salt, Secret, Signer};

use super::error::{ChannelError, Result, tried, wrong};

/// A key's file is some 400 bytes.
const PEM_MAX_BYTES: u64 = 64 << 10;

/// Tests make hundreds of keys that guard nothing.
const COST_LOG2: u8 = if cfg!(test) { 4 } else { trust::sign::COST_LOG2 };

/// Where a passphrase comes from.
pub type Passphrase<'a> = &'a dyn Fn() -> Result<Vec<u8>>;

pub struct Keyring<'a> {
    pub folder: PathBuf,
    ask: Passphrase<'a>,
    asked: RefCell<Option<Vec<u8>>>,
    /// A tenth of a second each, by intention: once is enough.
    open: RefCell<BTreeMap<String, Rc<dyn Signer>>>,
}

impl<'a> Keyring<'a> {
    pub fn at(folder: &Path, ask: Passphrase<'a>) -> Keyring<'a> {
        Keyring { folder: folder.to_path_buf(), ask, asked: RefCell::default(), open: RefCell::default() }
    }

    pub fn trusted(&self) -> PathBuf {
        self.folder.join("trusted")
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.pem"))
    }

    pub fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    /// The file that signs for a role.
    pub fn of_role(&self, role: &str) -> String {
        if self.has(role) { role.to_string() } else { "publish".to_string() }
    }

    /// # Errors
    /// Not there, not readable, another passphrase.
    pub fn open(&self, name: &str) -> Result<Rc<dyn Signer>> {
        if let Some(signer) = self.open.borrow().get(name) {
            return Ok(signer.clone());
        }
        // The seam: whatever else holds a key is another `Signer`, and is made here.
        let signer: Rc<dyn Signer> = Rc::new(self.decrypt(name)?);
        self.open.borrow_mut().insert(name.to_string(), signer.clone());
        Ok(signer)
    }

    fn decrypt(&self, name: &str) -> Result<Secret> {
        let path = self.path(name);
        let file = match File::open(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let what = format!("the key {} is not there, and must sign", path.display());
                return Err(ChannelError::NoKey(what));
            }
            file => file.map_err(tried("open", &path))?,
        };
        let mut pem = String::new();
        file.take(PEM_MAX_BYTES).read_to_string(&mut pem).map_err(tried("read", &path))?;
        let passphrase = self.passphrase()?;
        Secret::from_pem(&pem, &passphrase).map_err(|source| ChannelError::Key { path, source })
    }

    /// A new key in a new file that its owner alone reads.
    pub fn create(&self, name: &str) -> Result<Secret> {
        fs::create_dir_all(&self.folder).map_err(tried("create", &self.folder))?;
        let path = self.path(name);
        let secret = Secret::from_seed(chance()?);
        let salt = Salt { salt: chance()?, iv: chance()?, cost_log2: COST_LOG2 };
        let passphrase = self.passphrase()?;
        let pem = secret
            .to_pem(&passphrase, &salt)
            .map_err(|source| ChannelError::Key { path: path.clone(), source })?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let mut file = file.map_err(tried("create", &path))?;
        file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(tried("write", &path))?;
        self.remember(name, &secret.key().id())?;
        Ok(secret)
    }

    /// The same passphrase, another folder.
    pub fn beside(&self, folder: &str) -> Keyring<'a> {
        let asked = RefCell::new(self.asked.borrow().clone());
        Keyring { folder: self.folder.join(folder), ask: self.ask, asked, open: RefCell::default() }
    }

    /// By name, the id of each key that was made here.
    pub fn names(&self) -> Result<BTreeMap<String, KeyId>> {
        let path = self.folder.join("names.json");
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(tried("read", &path)(error)),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| wrong(path.display().to_string(), error.to_string())),
        }
    }

    pub fn remember(&self, name: &str, id: &str) -> Result<()> {
        let mut names = self.names()?;
        names.insert(name.to_string(), id.to_string());
        self.keep_names(&names)
    }

    pub fn keep_names(&self, names: &BTreeMap<String, KeyId>) -> Result<()> {
        let path = self.folder.join("names.json");
        let mut file =
            tempfile::NamedTempFile::new_in(&self.folder).map_err(tried("write in", &self.folder))?;
        file.write_all(&serde_json::to_vec_pretty(names).unwrap_or_default())
            .map_err(tried("write", &path))?;
        file.as_file().sync_data().map_err(tried("sync", &path))?;
        file.persist(&path).map(drop).map_err(|error| tried("rename into", &path)(error.error))
    }

    fn passphrase(&self) -> Result<Vec<u8>> {
        if let Some(asked) = &*self.asked.borrow() {
            return Ok(asked.clone());
        }
        let asked = (self.ask)()?;
        *self.asked.borrow_mut() = Some(asked.clone());
        Ok(asked)
    }
}

/// The kernel's own.
fn chance<const N: usize>() -> Result<[u8; N]> {
    let path = "/dev/urandom";
    let mut bytes = [0; N];
    File::open(path).and_then(|mut file| file.read_exact(&mut bytes)).map_err(tried("read", path))?;
    Ok(bytes)
}
