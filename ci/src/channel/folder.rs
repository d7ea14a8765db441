//! A channel in a folder: read as any place, and written: whole files by rename, the pointer by compare and swap.
//!
//! ```text
//! .stage/      files in the making: gone with whoever makes them, or swept by the next prune
//! .lock        shared by who publishes, alone for who removes          .swap   one pointer at a time
//! ```
//! Locks are flock's: the kernel drops them when their holder dies.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use rustix::fs::{FlockOperation, flock};

use super::error::{ChannelError, Result, tried};
use super::place::Place;
use super::shelf::{Filed, Held, Shelf};

pub struct Folder {
    root: PathBuf,
    /// Folders with names that may not be on disk yet.
    touched: Mutex<BTreeSet<PathBuf>>,
}

impl Folder {
    /// For reading: it need not be there yet.
    pub fn at(root: &Path) -> Folder {
        Folder { root: root.to_path_buf(), touched: Mutex::default() }
    }

    /// For writing: made where it is missing.
    pub fn create(root: &Path) -> Result<Folder> {
        for part in ["metadata", "targets", "blobs", ".stage"] {
            let path = root.join(part);
            fs::create_dir_all(&path).map_err(tried("create", &path))?;
        }
        Ok(Folder::at(root))
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    fn lock(&self, name: &str, operation: FlockOperation) -> Result<File> {
        let path = self.root.join(name);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = file.map_err(tried("open", &path))?;
        loop {
            match flock(&file, operation) {
                Err(rustix::io::Errno::INTR) => {}
                locked => {
                    locked.map_err(io::Error::from).map_err(tried("lock", &path))?;
                    return Ok(file);
                }
            }
        }
    }

    fn stage(&self, from: &mut dyn Read) -> Result<tempfile::NamedTempFile> {
        let folder = self.root.join(".stage");
        let mut builder = tempfile::Builder::new();
        let readable = <fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o644);
        let file = builder.permissions(readable).tempfile_in(&folder);
        let mut file = file.map_err(tried("create a file in", &folder))?;
        io::copy(from, &mut file).map_err(tried("write to", &folder))?;
        file.flush().and_then(|()| file.as_file().sync_data()).map_err(tried("write to", &folder))?;
        Ok(file)
    }

    fn make_parent(&self, path: &Path) -> Result<()> {
        let parent = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(parent).map_err(tried("create", parent))?;
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        // Those above may be new too.
        touched.extend(
            parent.ancestors().take_while(|folder| folder.starts_with(&self.root)).map(Path::to_path_buf),
        );
        Ok(())
    }

    /// Folder by folder: to sync the whole file system would wait for everybody else's writes.
    fn sync_names(&self) -> Result<()> {
        let mut touched = self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        for folder in std::mem::take(&mut *touched) {
            File::open(&folder).and_then(|file| file.sync_all()).map_err(tried("sync", &folder))?;
        }
        Ok(())
    }
}

impl Place for Folder {
    fn get(&self, path: &str, size_max_bytes: u64) -> Result<Option<Vec<u8>>> {
        let path = self.root.join(path);
        match File::open(&path) {
            Ok(file) => {
                let mut bytes = Vec::new();
                let read = file.take(size_max_bytes.saturating_add(1)).read_to_end(&mut bytes);
                read.map_err(tried("read", &path))?;
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => match self.root.is_dir() {
                true => Ok(None),
                false => Err(ChannelError::Io { tried: "open", path: self.root.clone(), source: error }),
            },
            Err(error) => Err(tried("open", &path)(error)),
        }
    }

    fn name(&self) -> String {
        self.root.display().to_string()
    }

    fn open(&self, path: &str) -> Result<Option<Box<dyn Read + Send + '_>>> {
        let path = self.root.join(path);
        match File::open(&path) {
            Ok(file) => Ok(Some(Box::new(file))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(tried("open", &path)(error)),
        }
    }

    fn url(&self, _path: &str) -> Option<String> {
        None
    }

    fn folder(&self) -> Option<&Path> {
        Some(&self.root)
    }
}

impl Shelf for Folder {
    fn has(&self, path: &str, length: u64) -> Result<bool> {
        Ok(fs::metadata(self.root.join(path)).is_ok_and(|found| found.is_file() && found.len() == length))
    }

    fn put(&self, path: &str, from: &mut (dyn Read + Send)) -> Result<()> {
        let target = self.root.join(path);
        let staged = self.stage(from)?;
        self.make_parent(&target)?;
        // Read by web servers, which are other users.
        staged.persist(&target).map(drop).map_err(|error| tried("rename into", &target)(error.error))
    }

    fn create_new(&self, path: &str, bytes: &[u8]) -> Result<bool> {
        let target = self.root.join(path);
        let mut from = bytes;
        let staged = self.stage(&mut from)?;
        self.make_parent(&target)?;
        match staged.persist_noclobber(&target) {
            Ok(_) => Ok(true),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(fs::read(&target).map_err(tried("read", &target))? == bytes)
            }
            Err(error) => Err(tried("rename into", &target)(error.error)),
        }
    }

    fn swap(&self, path: &str, old: Option<&[u8]>, new: &[u8]) -> Result<bool> {
        let target = self.root.join(path);
        let mut from = new;
        let staged = self.stage(&mut from)?;
        let _held = self.lock(".swap", FlockOperation::LockExclusive)?;
        let found = match fs::read(&target) {
            Ok(found) => Some(found),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(tried("read", &target)(error)),
        };
        if found.as_deref() != old {
            return Ok(false);
        }
        // What it points to has its names on disk before it does.
        self.sync_names()?;
        staged.persist(&target).map_err(|error| tried("rename into", &target)(error.error))?;
        self.make_parent(&target)?;
        self.sync_names()?;
        Ok(true)
    }

    fn remove(&self, path: &str) -> Result<()> {
        let path = self.root.join(path);
        fs::remove_file(&path).map_err(tried("remove", &path))
    }

    fn list(&self) -> Result<Vec<Filed>> {
        let mut files = Vec::new();
        for part in ["metadata", "targets", "blobs"] {
            list(&self.root.join(part), part, &mut files)?;
        }
        files.sort();
        Ok(files)
    }

    fn sweep(&self) -> Result<()> {
        let path = self.root.join(".stage");
        for entry in fs::read_dir(&path).map_err(tried("list", &path))? {
            let path = entry.map_err(tried("list", &path))?.path();
            fs::remove_file(&path).map_err(tried("remove", &path))?;
        }
        Ok(())
    }

    fn share(&self) -> Result<Held> {
        Ok(Box::new(self.lock(".lock", FlockOperation::LockShared)?))
    }

    fn alone(&self) -> Result<Held> {
        Ok(Box::new(self.lock(".lock", FlockOperation::LockExclusive)?))
    }
}

fn list(folder: &Path, name: &str, files: &mut Vec<Filed>) -> Result<()> {
    for entry in fs::read_dir(folder).map_err(tried("list", folder))? {
        let entry = entry.map_err(tried("list", folder))?;
        let found = entry.metadata().map_err(tried("list", folder))?;
        let path = format!("{name}/{}", entry.file_name().to_string_lossy());
        match found.is_dir() {
            true => list(&entry.path(), &path, files)?,
            false => files.push(Filed { path, size: found.len(), age_s: age_s(&found) }),
        }
    }
    Ok(())
}

/// Of a time to come, and of none: nothing.
fn age_s(found: &fs::Metadata) -> u64 {
    let since = found.modified().map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    since.map_or(0, |since| since.as_secs())
}
