//! Blobs: contents by digest.
//!
//! A blob may lie in the store twice: plain (mode 0444) and as its executable twin (`.x`, mode 0555), because a laid-out
//! keg's files are hard links and a mode belongs to the file and not to its name. Blobs never change and are never
//! written in place.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use crate::digest::Hasher;
use crate::store::{
    Result, Store, StoreError, create_new, remove_file, rename_or_drop, set_mode, sync_file, tried, write_new,
};
use crate::{Digest, digest};

/// A blob's bytes in the stage: hashed, perhaps not yet on disk.
#[derive(Debug)]
pub(crate) struct Staged {
    pub digest: Digest,
    pub path: PathBuf,
    pub executable: bool,
}

impl Store {
    /// Where a blob lies, whether it is there or not.
    pub fn blob_path(&self, digest: &Digest, executable: bool) -> PathBuf {
        let hex = digest.hex();
        let twin = if executable { ".x" } else { "" };
        self.part("blobs").join(&hex[..2]).join(format!("{hex}{twin}"))
    }

    pub fn has(&self, digest: &Digest) -> bool {
        self.found(digest).is_some()
    }

    /// The path of a blob that is there, in either form.
    pub fn found(&self, digest: &Digest) -> Option<PathBuf> {
        [false, true]
            .map(|executable| self.blob_path(digest, executable))
            .into_iter()
            .find(|path| path.exists())
    }

    /// The whole digest of a blob known by its sha256 alone, when it is here.
    pub fn find_sha256(&self, sha256: &[u8; 32]) -> Option<Digest> {
        let path = self.blob_path(&Digest { sha256: *sha256, size_bytes: 0 }, false);
        let size_bytes = fs::metadata(path).ok()?.len();
        Some(Digest { sha256: *sha256, size_bytes })
    }

    /// A blob's bytes. They are hashed again only by `verify`; callers that parse must check what they read.
    pub fn get(&self, digest: &Digest) -> Result<Vec<u8>> {
        let path = self.found(digest).ok_or(StoreError::Missing(*digest))?;
        fs::read(&path).map_err(tried("read", &path))
    }

    pub fn open_blob(&self, digest: &Digest) -> Result<File> {
        for executable in [false, true] {
            let path = self.blob_path(digest, executable);
            // Opened without asking first whether it is there: an image opens tens of thousands.
            match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return opened.map_err(tried("open", &path)),
            }
        }
        Err(StoreError::Missing(*digest))
    }

    /// Puts a blob, on disk when this returns.
    pub fn put_bytes(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        self.put_all([(digest, bytes)])?;
        Ok(digest)
    }

    /// Puts several small blobs with one wait for the disk. The digests are the caller's own computation.
    pub fn put_all<'a>(&self, blobs: impl IntoIterator<Item = (Digest, &'a [u8])>) -> Result<()> {
        self.commit(self.stage_all(blobs)?)
    }

    /// Those of the blobs that are not here yet, in the stage.
    pub(crate) fn stage_all<'a>(
        &self,
        blobs: impl IntoIterator<Item = (Digest, &'a [u8])>,
    ) -> Result<Vec<Staged>> {
        let absent = blobs.into_iter().filter(|(digest, _)| !self.blob_path(digest, false).exists());
        absent.map(|(digest, bytes)| self.stage_bytes(digest, bytes)).collect()
    }

    /// Puts what a reader gives, on disk when this returns.
    pub fn put_reader(&self, reader: impl Read) -> Result<Digest> {
        let staged = self.stage_reader(reader, Mode::Plain)?;
        let digest = staged.digest;
        self.commit(vec![staged])?;
        Ok(digest)
    }

    /// Puts a blob without waiting for the disk, for thousands at once: [`Store::sync`] before anything names them.
    /// A power cut before that may leave a blob with other bytes, which `verify` finds.
    pub fn put_bytes_unsynced(&self, bytes: &[u8]) -> Result<Digest> {
        let digest = Digest::of(bytes);
        let path = self.blob_path(&digest, false);
        if !path.exists() {
            let staged = self.stage_bytes(digest, bytes)?;
            rename_or_drop(&staged.path, &path)?;
        }
        Ok(digest)
    }

    /// The same of what a reader gives, of any size.
    pub fn put_reader_unsynced(&self, reader: impl Read) -> Result<Digest> {
        let staged = self.stage_reader(reader, Mode::Plain)?;
        let digest = staged.digest;
        self.commit_synced(vec![staged])?;
        Ok(digest)
    }

    /// Takes a staged file of the caller's (`partial` or `stage_path`) in as a blob. Hashes it: what does not fit
    /// `digest` is refused and stays where it was.
    pub fn adopt(&self, staged: &Path, digest: &Digest) -> Result<()> {
        let file = File::open(staged).map_err(tried("open", staged))?;
        let found = Digest::of_reader(&file).map_err(tried("read", staged))?;
        if found != *digest {
            return Err(StoreError::OtherBytes { path: staged.to_path_buf(), expected: *digest, found });
        }
        set_mode(staged, 0o444)?;
        self.commit(vec![Staged { digest: found, path: staged.to_path_buf(), executable: false }])
    }

    fn stage_bytes(&self, digest: Digest, bytes: &[u8]) -> Result<Staged> {
        let path = self.stage_path("blob");
        write_new(&path, bytes, 0o444)?;
        Ok(Staged { digest, path, executable: false })
    }

    pub(crate) fn stage_reader(&self, mut reader: impl Read, mode: Mode) -> Result<Staged> {
        let path = self.stage_path("blob");
        let mut file = create_new(&path, mode.bits())?;
        let digest = copy_hashed(&mut reader, &mut file).map_err(|error| {
            // Nothing half-written stays, whatever ended the copy.
            fs::remove_file(&path).err();
            tried("write", &path)(error)
        })?;
        Ok(Staged { digest, path, executable: mode == Mode::Executable })
    }

    /// Syncs, then renames into place. A blob that another process put meanwhile has our bytes, so ours is spare.
    pub(crate) fn commit(&self, staged: Vec<Staged>) -> Result<()> {
        let fresh = self.without_spare(staged)?;
        self.settle(&fresh)?;
        self.name(&fresh)
    }

    /// The same where the caller has waited for the disk.
    pub(crate) fn commit_synced(&self, staged: Vec<Staged>) -> Result<()> {
        let fresh = self.without_spare(staged)?;
        self.name(&fresh)
    }

    fn without_spare(&self, staged: Vec<Staged>) -> Result<Vec<Staged>> {
        let (spare, fresh): (Vec<Staged>, Vec<Staged>) =
            staged.into_iter().partition(|blob| self.blob_path(&blob.digest, blob.executable).exists());
        spare.iter().try_for_each(|blob| remove_file(&blob.path))?;
        Ok(fresh)
    }

    fn name(&self, fresh: &[Staged]) -> Result<()> {
        fresh
            .iter()
            .try_for_each(|blob| rename_or_drop(&blob.path, &self.blob_path(&blob.digest, blob.executable)))
    }

    fn settle(&self, fresh: &[Staged]) -> Result<()> {
        // One syncfs costs as much as one to two syncs of single files, on a quiet disk and beside a writer (`cargo bench
        // ... store`: 2 blobs 0.3 ms against 0.7, 8 blobs 0.6 against 11), and stays one.
        match fresh {
            [] => Ok(()),
            [only] => sync_file(&only.path),
            _ => self.sync(),
        }
    }
}

/// The two modes that a file of a keg can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Plain,
    Executable,
}

impl Mode {
    pub fn of(executable: bool) -> Mode {
        if executable { Mode::Executable } else { Mode::Plain }
    }

    pub fn bits(self) -> u32 {
        match self {
            Mode::Plain => 0o444,
            Mode::Executable => 0o555,
        }
    }
}

fn copy_hashed(reader: &mut impl Read, file: &mut File) -> io::Result<digest::Digest> {
    let mut hasher = Hasher::default();
    // 64 KiB: below the allocator's threshold for a mapping of its own, which cost more than a small file's copy.
    let mut buffer = vec![0; 64 << 10];
    loop {
        let count = match reader.read(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            count => count?,
        };
        if count == 0 {
            return Ok(hasher.finish());
        }
        hasher.update(&buffer[..count]);
        file.write_all(&buffer[..count])?;
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("store")).unwrap();
        (folder, store)
    }

    fn staged_files(store: &Store) -> usize {
        fs::read_dir(store.part("stage")).unwrap().count()
    }

    #[test]
    fn a_blob_comes_back_and_is_there_once() {
        let (_folder, store) = store();
        let digest = store.put_bytes(b"abc").unwrap();
        assert_eq!(store.put_bytes(b"abc").unwrap(), digest);
        assert_eq!(store.get(&digest).unwrap(), b"abc");
        assert_eq!(store.find_sha256(&digest.sha256), Some(digest));
        assert_eq!(staged_files(&store), 0);
    }

    #[test]
    fn other_bytes_are_not_adopted() {
        let (_folder, store) = store();
        let expected = Digest::of(b"archive");
        let partial = store.partial(&expected.sha256);
        fs::write(&partial, b"<html>").unwrap();
        assert!(matches!(store.adopt(&partial, &expected), Err(StoreError::OtherBytes { .. })));
        assert!(!store.has(&expected));
        fs::write(&partial, b"archive").unwrap();
        store.adopt(&partial, &expected).unwrap();
        assert_eq!(store.get(&expected).unwrap(), b"archive");
    }

    #[test]
    fn a_reader_that_fails_leaves_nothing() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let (_folder, store) = store();
        assert!(store.put_reader(b"half".chain(Broken)).is_err());
        assert_eq!(staged_files(&store), 0);
    }

    /// Two builds that need one file, both before either has named it.
    #[test]
    fn a_blob_that_is_named_stays_the_file_that_it_is() {
        let (_folder, store) = store();
        let bytes = b"the same".as_slice();
        let staged = || store.stage_bytes(Digest::of(bytes), bytes).unwrap();
        let (one, two) = (staged(), staged());
        store.name(&[one]).unwrap();
        let path = store.blob_path(&Digest::of(bytes), false);
        let first = fs::metadata(&path).unwrap().ino();
        store.name(&[two]).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().ino(), first);
        assert_eq!(staged_files(&store), 0);
    }

    #[test]
    fn a_missing_blob_says_so() {
        let (_folder, store) = store();
        assert!(matches!(store.get(&Digest::of(b"x")), Err(StoreError::Missing(_))));
    }
}
