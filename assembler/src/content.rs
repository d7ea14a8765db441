//! Content: where the bytes of a digest are read, and a depot, where what the assembler made of them is put.

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

/// Content that takes more: stripped programs are put by their digest, so that an image of any size needs little memory.
pub trait Depot: Content {
    /// Puts bytes; on disk once whoever records the image has waited for it.
    fn put(&self, bytes: &[u8]) -> io::Result<Digest>;

    /// What a file's bytes were stripped to: itself where nothing was taken. `None` when nobody stripped them yet.
    fn stripped(&self, digest: &Digest) -> Option<Digest>;

    /// Remembers it. A hint: what can't be kept costs the work again.
    fn remember_stripped(&self, digest: &Digest, stripped: &Digest);
}

/// Raised when stripping gives other bytes.
const STRIPPED: &str = "stripped-1";

impl Depot for Store {
    fn put(&self, bytes: &[u8]) -> io::Result<Digest> {
        self.put_bytes_unsynced(bytes).map_err(io::Error::other)
    }

    fn stripped(&self, digest: &Digest) -> Option<Digest> {
        let note = String::from_utf8(self.note(STRIPPED, &digest.hex())?).ok()?;
        note.parse().ok().filter(|stripped| self.has(stripped))
    }

    fn remember_stripped(&self, digest: &Digest, stripped: &Digest) {
        self.set_note(STRIPPED, &digest.hex(), stripped.to_string().as_bytes()).ok();
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

impl Depot for Folder {
    fn put(&self, bytes: &[u8]) -> io::Result<Digest> {
        let digest = Digest::of(bytes);
        std::fs::write(self.0.join(digest.hex()), bytes)?;
        Ok(digest)
    }

    fn stripped(&self, _: &Digest) -> Option<Digest> {
        None
    }

    fn remember_stripped(&self, _: &Digest, _: &Digest) {}
}

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

fn other_length(digest: &Digest, found: u64) -> io::Error {
    let text = format!("content {} has {found} bytes where {} were stored", digest.hex(), digest.size_bytes);
    io::Error::new(io::ErrorKind::InvalidData, text)
}
