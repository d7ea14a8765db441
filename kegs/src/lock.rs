//! Locks: one a running action, one for the whole store. The kernel drops them when their holder dies.

use std::fs::{File, OpenOptions};
use std::io;

use rustix::fs::{FlockOperation, flock};

use crate::Digest;
use crate::store::{Result, Store, tried};

/// A lock as long as this value lives.
#[derive(Debug)]
pub struct Held {
    _file: File,
}

impl Store {
    /// Waits for the right to run an action. After it is held, look for a result again: another may have made it.
    pub fn lock_action(&self, key: &Digest) -> Result<Held> {
        self.lock(&key.hex(), FlockOperation::LockExclusive)
    }

    /// The same without waiting: `None` when another builder runs it.
    pub fn try_lock_action(&self, key: &Digest) -> Result<Option<Held>> {
        self.try_lock(&key.hex(), FlockOperation::NonBlockingLockExclusive)
    }

    /// Held by whoever builds or reads: nothing is collected meanwhile.
    pub fn lock_in_use(&self) -> Result<Held> {
        self.lock("store", FlockOperation::LockShared)
    }

    /// Held by the collector: `None` when somebody works.
    pub fn try_lock_alone(&self) -> Result<Option<Held>> {
        self.try_lock("store", FlockOperation::NonBlockingLockExclusive)
    }

    fn lock(&self, name: &str, operation: FlockOperation) -> Result<Held> {
        let (path, file) = self.lock_file(name)?;
        loop {
            match flock(&file, operation) {
                Err(rustix::io::Errno::INTR) => continue,
                locked => {
                    locked.map_err(io::Error::from).map_err(tried("lock", &path))?;
                    return Ok(Held { _file: file });
                }
            }
        }
    }

    fn try_lock(&self, name: &str, operation: FlockOperation) -> Result<Option<Held>> {
        let (path, file) = self.lock_file(name)?;
        match flock(&file, operation) {
            Ok(()) => Ok(Some(Held { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(tried("lock", &path)(error.into())),
        }
    }

    fn lock_file(&self, name: &str) -> Result<(std::path::PathBuf, File)> {
        let path = self.part("locks").join(name);
        let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        file.map_err(tried("open", &path)).map(|file| (path, file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_dropped_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("store")).unwrap();
        let key = Digest::of(b"key");
        let held = store.lock_action(&key).unwrap();
        assert!(store.try_lock_action(&key).unwrap().is_none());
        drop(held);
        assert!(store.try_lock_action(&key).unwrap().is_some());
        let _in_use = store.lock_in_use().unwrap();
        let _too = store.lock_in_use().unwrap();
        assert!(store.try_lock_alone().unwrap().is_none());
    }
}
