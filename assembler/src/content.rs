//! Content: where the bytes of a digest are read. The store is one; it is never written through this door.

use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use kegs::{Digest, Store, StoreError};

use crate::tree::Bytes;

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

/// Opens content that is as long as its digest says: formats write lengths before bytes.
///
/// # Errors
/// The content's, and another length.
pub fn open_whole(digest: &Digest, content: &dyn Content) -> io::Result<File> {
    let file = content.open(digest)?;
    match file.metadata()?.len() {
        length if length == digest.size_bytes => Ok(file),
        length => Err(other_length(digest, length)),
    }
}

/// Copies a file's bytes, all of them.
///
/// # Errors
/// The content's, the writer's, and content that is shorter or longer than its digest says.
pub fn copy_whole(bytes: &Bytes, content: &dyn Content, out: &mut impl Write) -> io::Result<()> {
    let digest = match bytes {
        Bytes::Inline(bytes) => return out.write_all(bytes),
        Bytes::Stored(digest) => digest,
    };
    match io::copy(&mut open_whole(digest, content)?.take(digest.size_bytes), out)? {
        copied if copied == digest.size_bytes => Ok(()),
        copied => Err(other_length(digest, copied)),
    }
}

pub(crate) fn other_length(digest: &Digest, found: u64) -> io::Error {
    let text = format!("content {} has {found} bytes where {} were stored", digest.hex(), digest.size_bytes);
    io::Error::new(io::ErrorKind::InvalidData, text)
}
