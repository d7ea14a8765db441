//! A download in the making: one file, locked, hashed as it grows.
//!
//! The lock (flock, dropped by the kernel on death) keeps two builders from writing one partial file. It never has a
//! final name; the store gives one.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use kegs::Digest;
use kegs::digest::Hasher;
use rustix::fs::{FlockOperation, flock};

use super::blobs::copy_hashed;
use super::patience::pause;

pub struct Partial {
    path: PathBuf,
    file: File,
    hasher: Hasher,
    bytes: u64,
}

impl Partial {
    /// Opens or creates, waits for the lock, and hashes what an earlier try left. `None`: cancelled meanwhile.
    pub fn open(path: &Path, cancel: &AtomicBool) -> io::Result<Option<Partial>> {
        let Some(file) = locked(path, cancel)? else { return Ok(None) };
        let mut hasher = Hasher::default();
        if copy_hashed(&file, &mut hasher, |_| Ok(()), || !cancel.load(Ordering::Relaxed))?.is_none() {
            return Ok(None);
        }
        let bytes = hasher.clone().finish().size_bytes;
        Ok(Some(Partial { path: path.to_path_buf(), file, hasher, bytes }))
    }

    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    pub fn digest(&self) -> Digest {
        self.hasher.clone().finish()
    }

    pub fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    /// From nothing: what was there was of another file, or the server will not resume.
    pub fn restart(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.hasher = Hasher::default();
        self.bytes = 0;
        Ok(())
    }

    pub fn discard(self) -> io::Result<()> {
        std::fs::remove_file(&self.path)
    }
}

fn locked(path: &Path, cancel: &AtomicBool) -> io::Result<Option<File>> {
    loop {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            // While we waited the holder may have renamed it into the store: then ours is a blob by now, and untouchable.
            Ok(()) if is_still_at(&file, path)? => return Ok(Some(file)),
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                if !pause(Duration::from_millis(100), cancel) {
                    return Ok(None);
                }
            }
            Err(errno) => return Err(errno.into()),
        }
    }
}

fn is_still_at(file: &File, path: &Path) -> io::Result<bool> {
    let ours = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok((named.dev(), named.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
