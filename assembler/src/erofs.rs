//! erofs: an image tree as a read-only file system, uncompressed, straight to a writer.
//!
//! ```text
//! 0      1024        1152                                    M blocks            end
//! | zero | superblock | root inode, inodes each with its tail | whole blocks of files and folders |
//! ```
//! An inode's number is its offset / 32, so the root's is 36. A file's last partial block stands right behind its
//! inode where both fit one block ("flat inline"), its whole blocks in the data area. Same bytes, same blocks: content
//! that stands at several paths is written once. Facts: Linux `fs/erofs/erofs_fs.h`; docs/formats.md draws the rest.
//!
//! It never compresses (the wire does that better), never asks the clock, and holds no device or extended attribute.

mod dirent;
mod inode;
mod layout;
pub mod read;
mod superblock;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};

use kegs::{Digest, digest::Hasher};

use crate::content::{Content, open_whole};
use crate::tree::{Bytes, ImageTree};
use layout::{Body, Layout};
pub(crate) use superblock::uuid;

/// Every entry's time, in seconds: that of everything a store lays out.
pub const TIME: u64 = kegs::EPOCH_S.unsigned_abs();

/// Bytes. The one size that every Linux and every page size of the architectures we build for can mount.
pub const BLOCK: usize = 4096;

/// What was written: the image's bytes (a multiple of `BLOCK`), its regular files, the digest of all bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ImageFacts {
    pub bytes: u64,
    pub files: usize,
    pub digest: Digest,
}

/// Writes the image from first byte to last; the caller gives a place that is not yet under its final name.
///
/// # Errors
/// The writer's, the content's, and content that is shorter or longer than its digest says.
pub fn write_erofs(tree: &ImageTree, content: &dyn Content, out: &mut impl Write) -> io::Result<ImageFacts> {
    let layout = Layout::of(tree)?;
    let digest = hashed_aside(out, |out| {
        out.write(layout.metadata(content, superblock::uuid(tree))?)?;
        layout.data.iter().try_for_each(|body| copy_blocks(body, content, out))
    })?;
    assert_eq!(
        digest.size_bytes,
        layout.blocks as u64 * BLOCK as u64,
        "the image is as long as its superblock says"
    );
    Ok(ImageFacts { bytes: digest.size_bytes, files: layout.files, digest })
}

/// The part of a body that stands in whole blocks, the last one filled up with zeros. A stored file is hashed on the way,
/// its tail too: what is not what its digest says is in no image.
fn copy_blocks<W: Write>(body: &Body, content: &dyn Content, out: &mut Aside<W>) -> io::Result<()> {
    let length = body.block_bytes() as usize;
    let fill = length.next_multiple_of(BLOCK) - length;
    let digest = match &body.bytes {
        Bytes::Inline(bytes) => {
            let mut blocks = bytes[..length].to_vec();
            blocks.resize(length + fill, 0);
            return out.write(blocks);
        }
        Bytes::Stored(digest) => digest,
    };
    let mut file = open_whole(digest, content)?;
    let mut hasher = Hasher::default();
    let mut left = length;
    while left > 0 {
        let count = left.min(CHUNK_BYTES);
        let mut chunk = out.buffer();
        chunk.resize(count, 0);
        file.read_exact(&mut chunk)?;
        hasher.update(&chunk);
        left -= count;
        if left == 0 {
            chunk.resize(count + fill, 0);
        }
        out.write(chunk)?;
    }
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    hasher.update(&tail);
    whole(digest, hasher.finish())
}

/// The bytes from `start` to the end. A file that is all tail is hashed here, others where their blocks are copied.
fn read_tail(bytes: &Bytes, start: u64, content: &dyn Content) -> io::Result<Vec<u8>> {
    let digest = match bytes {
        Bytes::Inline(bytes) => return Ok(bytes[start as usize..].to_vec()),
        Bytes::Stored(digest) => digest,
    };
    let mut file = open_whole(digest, content)?;
    file.seek(SeekFrom::Start(start))?;
    let mut tail = vec![0; (digest.size_bytes - start) as usize];
    file.read_exact(&mut tail)?;
    if start == 0 {
        whole(digest, Digest::of(&tail))?;
    }
    Ok(tail)
}

fn whole(wanted: &Digest, found: Digest) -> io::Result<()> {
    if found == *wanted {
        return Ok(());
    }
    let text = format!(
        "content {} has the sha256 {}: `rootbrew store verify --repair` finds what needs it",
        wanted.hex(),
        found.hex()
    );
    Err(io::Error::new(io::ErrorKind::InvalidData, text))
}

/// Bytes copied at once: large enough that the two threads seldom meet, small enough for a core's cache.
const CHUNK_BYTES: usize = 1 << 20;

/// A writer whose bytes another thread hashes meanwhile: on one thread hashing takes as long as all the rest.
struct Aside<'a, W: Write> {
    out: &'a mut W,
    to_hash: SyncSender<Vec<u8>>,
    hashed: Receiver<Vec<u8>>,
}

impl<W: Write> Aside<'_, W> {
    /// An empty buffer, one that was hashed where there is one.
    fn buffer(&self) -> Vec<u8> {
        let mut buffer = self.hashed.try_recv().unwrap_or_default();
        buffer.clear();
        buffer
    }

    fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        self.out.write_all(&bytes)?;
        self.to_hash.send(bytes).map_err(io::Error::other)
    }
}

/// What `write` writes to `out`, and the digest of it.
fn hashed_aside<W: Write>(
    out: &mut W,
    write: impl FnOnce(&mut Aside<W>) -> io::Result<()>,
) -> io::Result<Digest> {
    // Four chunks under way bound the memory.
    let ((to_hash, coming), (done, hashed)) = (mpsc::sync_channel::<Vec<u8>>(4), mpsc::channel());
    std::thread::scope(|scope| {
        let hashing = scope.spawn(move || {
            let mut hasher = Hasher::default();
            for bytes in coming {
                hasher.update(&bytes);
                // Nobody may want the buffer again.
                done.send(bytes).ok();
            }
            hasher.finish()
        });
        let mut aside = Aside { out, to_hash, hashed };
        let written = write(&mut aside).and_then(|()| aside.out.flush());
        drop(aside);
        let digest = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.map(|()| digest)
    })
}
