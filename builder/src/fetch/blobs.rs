//! What fetch and seed need of a store, and a plain folder that has it.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use kegs::digest::Hasher;
use kegs::{Digest, Store};

/// The store, as seen from here. Every method may be called from many threads.
pub trait Blobs: Sync {
    /// The staging path of a resumable download; its folder exists and is on the store's file system.
    fn partial(&self, sha256: &[u8; 32]) -> PathBuf;
    /// Takes a whole, checked file in by rename, and returns when it is on disk.
    fn adopt(&self, staged: &Path, digest: &Digest) -> io::Result<()>;
    /// Puts a small blob, perhaps not yet on disk: thousands come from a seed or a commit, and whoever names their
    /// tree syncs first.
    fn put_bytes(&self, bytes: &[u8]) -> io::Result<Digest>;
    /// The same of what a reader gives, of any size; an error of the reader's comes back as it is.
    fn put_reader(&self, reader: &mut dyn Read) -> io::Result<Digest>;
    fn find_sha256(&self, sha256: &[u8; 32]) -> Option<Digest>;
    /// Where a blob that is in the store can be read.
    fn blob_path(&self, digest: &Digest) -> PathBuf;
}

impl Blobs for Store {
    fn partial(&self, sha256: &[u8; 32]) -> PathBuf {
        Store::partial(self, sha256)
    }

    fn adopt(&self, staged: &Path, digest: &Digest) -> io::Result<()> {
        Store::adopt(self, staged, digest).map_err(io::Error::other)
    }

    fn put_bytes(&self, bytes: &[u8]) -> io::Result<Digest> {
        self.put_bytes_unsynced(bytes).map_err(io::Error::other)
    }

    fn put_reader(&self, reader: &mut dyn Read) -> io::Result<Digest> {
        self.put_reader_unsynced(reader).map_err(io::Error::other)
    }

    fn find_sha256(&self, sha256: &[u8; 32]) -> Option<Digest> {
        Store::find_sha256(self, sha256)
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        Store::blob_path(self, digest, false)
    }
}

/// Blobs in one folder, by their hex names: for tests and for trying things without a store.
pub struct Folder {
    root: PathBuf,
}

impl Folder {
    pub fn open(root: &Path) -> io::Result<Folder> {
        fs::create_dir_all(root.join("partial"))?;
        Ok(Folder { root: root.to_path_buf() })
    }
}

impl Blobs for Folder {
    fn partial(&self, sha256: &[u8; 32]) -> PathBuf {
        self.root.join("partial").join(hex::encode(sha256))
    }

    fn adopt(&self, staged: &Path, digest: &Digest) -> io::Result<()> {
        fs::File::open(staged)?.sync_all()?;
        fs::rename(staged, self.blob_path(digest))
    }

    fn put_bytes(&self, bytes: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(bytes);
        let path = self.blob_path(&digest);
        if !path.exists() {
            // A name of one's own, since two threads may put the same bytes.
            let mut staged = tempfile::NamedTempFile::new_in(self.root.join("partial"))?;
            io::Write::write_all(&mut staged, bytes)?;
            staged.persist(path)?;
        }
        Ok(digest)
    }

    fn put_reader(&self, reader: &mut dyn Read) -> io::Result<Digest> {
        let mut staged = tempfile::NamedTempFile::new_in(self.root.join("partial"))?;
        let mut hasher = Hasher::default();
        copy_hashed(reader, &mut hasher, |bytes| io::Write::write_all(&mut staged, bytes), || true)?;
        let digest = hasher.finish();
        staged.persist(self.blob_path(&digest))?;
        Ok(digest)
    }

    fn find_sha256(&self, sha256: &[u8; 32]) -> Option<Digest> {
        let size_bytes = fs::metadata(self.root.join(hex::encode(sha256))).ok()?.len();
        Some(Digest { sha256: *sha256, size_bytes })
    }

    fn blob_path(&self, digest: &Digest) -> PathBuf {
        self.root.join(digest.hex())
    }
}

/// Feeds a reader to a hasher and a sink at once, 64 KiB a time; `None` once `go_on` says no.
pub fn copy_hashed(
    mut from: impl Read,
    hasher: &mut Hasher,
    mut write: impl FnMut(&[u8]) -> io::Result<()>,
    go_on: impl Fn() -> bool,
) -> io::Result<Option<()>> {
    let mut buffer = vec![0; 64 << 10];
    while go_on() {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(Some(())),
            Ok(count) => {
                hasher.update(&buffer[..count]);
                write(&buffer[..count])?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}
