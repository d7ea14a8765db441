//! The store's folder: where each thing lies, and the steps by which it gets there.
//!
//! ```text
//! format                              `rootbrew-store 1`
//! blobs/ab/<sha256>[.x]               contents, read-only; `.x` is the executable twin of a blob
//! kegs/<name>-<version>-<digest12>/   a tree laid out, its files hard links to blobs
//! actions/ab/<sha256>                 ActionResult: written last, after its blobs are on disk
//! taken/ab/<sha256>                   what a cache said that an action came to: its trees may not be here (`taken`)
//! roots/<name>                        what garbage collection keeps
//! logs/<sha256>.zst                   one compressed log an action
//! notes/<kind>/<name>                 hints (durations, what went into the last key): never trusted for a key
//! stage/                              things in the making; never read by name, swept when nobody works
//! locks/                              one a running action, dropped by the kernel on death
//! ```
//! Stage, hash, sync, rename: in that order, so that the store holds only whole things after a kill or a power cut
//! at any instant. Nothing here knows what a recipe is.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::{Cache, Digest};

/// The store's format that this program reads and writes.
const FORMAT: u32 = 1;
const FORMAT_WORD: &str = "rootbrew-store";

/// More than a result has, or nine recipes in ten.
const SMALL_BYTES: usize = 4 << 10;

/// A store that is there and that we understand. Cheap to clone the path of; safe to share between threads and processes.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    /// Asked for what is not here.
    cache: Option<Arc<dyn Cache>>,
}

/// What can be wrong with a store; each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("no store at {0}: a build makes one, or name another by --store")]
    Absent(PathBuf),
    #[error("{path} is no store (its `format` says {found:?}): name another folder by --store")]
    NotAStore { path: PathBuf, found: String },
    #[error(
        "the store {path} has format {found}, this rootbrew knows {FORMAT}: use a newer rootbrew, or another --store"
    )]
    Newer { path: PathBuf, found: u32 },
    #[error("cannot {tried} {path}: {source}{}", advice(source))]
    Io { tried: &'static str, path: PathBuf, source: io::Error },
    #[error("blob {0} is not in the store: `rootbrew store verify --repair` finds what needs it")]
    Missing(Digest),
    #[error(
        "the tree {root} was taken from a cache and can't be had: {why}; it is forgotten, and the same command builds it"
    )]
    NotHad { root: Digest, why: String },
    #[error("stopped; the same command goes on from here")]
    Stopped,
    #[error("{path}: expected {expected}, found {found}; nothing was kept")]
    OtherBytes { path: PathBuf, expected: Digest, found: Digest },
    #[error("blob {digest} is damaged: {fault}; `rootbrew store verify --repair` mends it")]
    Damaged { digest: Digest, fault: String },
    #[error("{path} can't be in a keg: {why}")]
    Refused { path: PathBuf, why: &'static str },
}

pub type Result<T> = std::result::Result<T, StoreError>;

/// What a person can do about an I/O error, as the end of its sentence.
fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "; the disk is full: `rootbrew store gc` frees what no root needs, then run the same command again"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            "; the store must be writable: mend the permissions, or name another by --store"
        }
        _ => "",
    }
}

/// Turns an `io::Error` into ours: what was tried, on which path.
pub(crate) fn tried<'a>(tried: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { tried, path: path.to_path_buf(), source }
}

impl Store {
    /// Opens a store that exists; never creates.
    pub fn open(folder: &Path) -> Result<Store> {
        let format = folder.join("format");
        let text = match fs::read_to_string(&format) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(StoreError::Absent(folder.to_path_buf()));
            }
            text => text.map_err(tried("read", &format))?,
        };
        match parse_format(&text) {
            Some(FORMAT) => Ok(Store { folder: folder.to_path_buf(), cache: None }),
            Some(found) => Err(StoreError::Newer { path: folder.to_path_buf(), found }),
            None => Err(StoreError::NotAStore { path: folder.to_path_buf(), found: text }),
        }
    }

    /// Makes an empty store where none is, then opens it. A folder that holds other things is refused.
    pub fn create(folder: &Path) -> Result<Store> {
        match Store::open(folder) {
            Err(StoreError::Absent(_)) => {}
            opened => return opened,
        }
        let listing = |folder: &Path| fs::read_dir(folder).map(|mut entries| entries.next().is_some());
        if listing(folder).unwrap_or(false) && !folder.join("blobs").is_dir() {
            let found = "nothing, and the folder is not empty".into();
            return Err(StoreError::NotAStore { path: folder.to_path_buf(), found });
        }
        for part in ["blobs", "kegs", "actions", "roots", "logs", "notes", "stage", "locks"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).map_err(tried("create", &path))?;
        }
        let store = Store { folder: folder.to_path_buf(), cache: None };
        // The format last: a store that was killed in the making is made again.
        store.replace(&folder.join("format"), format!("{FORMAT_WORD} {FORMAT}\n").as_bytes())?;
        Ok(store)
    }

    /// The same store, which asks a cache for what is not here.
    pub fn with_cache(self, cache: Arc<dyn Cache>) -> Store {
        Store { cache: Some(cache), ..self }
    }

    pub(crate) fn cache(&self) -> Option<&dyn Cache> {
        self.cache.as_deref()
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn part(&self, part: &str) -> PathBuf {
        self.folder.join(part)
    }

    /// A new path under `stage/` that nobody else has.
    pub fn stage_path(&self, stem: &str) -> PathBuf {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        self.part("stage").join(format!("{stem}.{}.{count}", std::process::id()))
    }

    /// Where a download of these bytes is put until it is whole; the same path on each try, so that it resumes.
    pub fn partial(&self, sha256: &[u8; 32]) -> PathBuf {
        self.part("stage").join(format!("partial-{}", hex::encode(sha256)))
    }

    /// Puts `bytes` at `path` by way of the stage: whole and on disk, or not at all.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        let staged = self.stage_path("replace");
        write_new(&staged, bytes, 0o644)?;
        sync_file(&staged)?;
        rename(&staged, path)
    }

    /// Waits until everything written to the store's file system so far is on disk.
    pub fn sync(&self) -> Result<()> {
        let folder = File::open(&self.folder).map_err(tried("open", &self.folder))?;
        rustix::fs::syncfs(&folder).map_err(io::Error::from).map_err(tried("sync", &self.folder))
    }

    /// A hint kept for the next run: `None` when there is none or it can't be read.
    pub fn note(&self, kind: &str, name: &str) -> Option<Vec<u8>> {
        fs::read(self.part("notes").join(kind).join(name)).ok()
    }

    /// Keeps a hint. Not synced: losing it costs a reason or an estimate, never bytes.
    pub fn set_note(&self, kind: &str, name: &str, bytes: &[u8]) -> Result<()> {
        let folder = self.part("notes").join(kind);
        fs::create_dir_all(&folder).map_err(tried("create", &folder))?;
        let staged = self.stage_path("note");
        write_new(&staged, bytes, 0o644)?;
        rename(&staged, &folder.join(name))
    }

    /// Where the compressed log of an action lies, or will.
    pub fn log_path(&self, action: &Digest) -> PathBuf {
        self.part("logs").join(format!("{}.zst", action.hex()))
    }
}

/// `None` when the text is not what a store's `format` says, whatever its number.
fn parse_format(text: &str) -> Option<u32> {
    text.trim_end().strip_prefix(FORMAT_WORD)?.trim_start().parse().ok()
}

/// Reads a file that is small: open, read, close. `fs::read` asks for its size before and for its end after, which is
/// two of five system calls, ten thousand times.
///
/// # Errors
/// Those of opening and reading.
pub fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let mut bytes = vec![0; SMALL_BYTES];
    let count = file.read(&mut bytes)?;
    bytes.truncate(count);
    // A regular file gives less than was asked only at its end (read(2)).
    if count == SMALL_BYTES {
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut file = create_new(path, mode)?;
    file.write_all(bytes).map_err(tried("write", path))
}

pub(crate) fn create_new(path: &Path, mode: u32) -> Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(mode).open(path).map_err(tried("create", path))
}

pub(crate) fn sync_file(path: &Path) -> Result<()> {
    File::open(path).and_then(|file| file.sync_data()).map_err(tried("sync", path))
}

pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    create_parent(to)?;
    fs::rename(from, to).map_err(tried("rename into", to))
}

/// Names a file whose bytes are those of any other of its name: one that came first stays, for a sandbox may be about to
/// bind it, and what has no name any more cannot be bound.
pub(crate) fn rename_or_drop(from: &Path, to: &Path) -> Result<()> {
    create_parent(to)?;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => remove_file(from),
        // A file system that knows no such flag (renameat2(2)).
        Err(Errno::INVAL | Errno::NOSYS) => fs::rename(from, to).map_err(tried("rename into", to)),
        Err(error) => Err(tried("rename into", to)(error.into())),
    }
}

fn create_parent(path: &Path) -> Result<()> {
    let absent = path.parent().filter(|folder| !folder.exists());
    absent.map_or(Ok(()), |folder| fs::create_dir_all(folder).map_err(tried("create", folder)))
}

pub(crate) fn set_mode(path: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(tried("set the mode of", path))
}

/// Removes a file that may be gone already.
pub(crate) fn remove_file(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(tried("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Removes a folder and what is in it; it may be gone already.
pub(crate) fn remove_folder(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(tried("remove", path)(error)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn open_never_creates_and_create_is_idempotent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        assert!(matches!(Store::open(&path), Err(StoreError::Absent(_))));
        assert!(!path.exists());
        Store::create(&path).unwrap();
        Store::create(&path).unwrap();
        Store::open(&path).unwrap();
    }

    #[test]
    fn a_newer_format_and_a_foreign_folder_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        fs::write(path.join("format"), "rootbrew-store 2\n").unwrap();
        let message = Store::create(path).unwrap_err().to_string();
        assert!(message.contains("has format 2, this rootbrew knows 1"), "{message}");
        fs::write(path.join("format"), "something\n").unwrap();
        assert!(matches!(Store::open(path), Err(StoreError::NotAStore { .. })));
        fs::remove_file(path.join("format")).unwrap();
        fs::write(path.join("letter.txt"), "dear").unwrap();
        assert!(matches!(Store::create(path), Err(StoreError::NotAStore { .. })));
    }

    #[test]
    fn a_small_read_is_the_whole_file_of_any_size() {
        let folder = tempfile::tempdir().unwrap();
        for size in [0, 1, SMALL_BYTES - 1, SMALL_BYTES, SMALL_BYTES + 1, 3 * SMALL_BYTES + 7] {
            let path = folder.path().join(size.to_string());
            let bytes: Vec<u8> = (0..size).map(|at| (at % 251) as u8).collect();
            fs::write(&path, &bytes).unwrap();
            assert_eq!(read_small(&path).unwrap(), bytes);
        }
        assert!(read_small(folder.path()).is_err(), "a folder is no file");
    }

    #[test]
    fn a_store_killed_in_the_making_is_made_again() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("blobs")).unwrap();
        Store::create(folder.path()).unwrap();
    }
}
