//! Content: where the bytes of a digest are read. The store is one; it is never written through this door.

use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use kegs::{Digest, Store, StoreError};

/// Bytes by digest. Errors say what could not be read; an implementation need not re-hash.
pub trait Content: Sync {
    fn open(&self, digest: &Digest) -> io::Result<File>;

    fn read(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(digest.size_bytes as usize);
        self.open(digest)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Content for Store {
    fn open(&self, digest: &Digest) -> io::Result<File> {
        self.open_blob(digest).map_err(|error| match error {
            // Its kind tells a full disk from a missing file.
            StoreError::Io { ref source, .. } => io::Error::new(source.kind(), error.to_string()),
            error => io::Error::other(error),
        })
    }
}

/// A folder whose files are named by their sha256, in hex: a store's blobs laid flat.
pub struct Folder(pub PathBuf);

impl Content for Folder {
    fn open(&self, digest: &Digest) -> io::Result<File> {
        let path = self.0.join(digest.hex());
        File::open(&path)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", path.display())))
    }
}
