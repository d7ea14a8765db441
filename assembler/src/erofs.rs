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
mod superblock;
#[cfg(test)]
mod tests;

use std::io::{self, Read, Seek, SeekFrom, Write};

use kegs::{Digest, digest::Hasher};

use crate::content::{Content, open_whole, other_length};
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
    let mut out = Counted { out, hasher: Hasher::default() };
    out.write_all(&layout.metadata(content, superblock::uuid(tree))?)?;
    for body in &layout.data {
        copy_blocks(body, content, &mut out)?;
    }
    out.flush()?;
    let digest = out.hasher.finish();
    assert_eq!(
        digest.size_bytes,
        layout.blocks as u64 * BLOCK as u64,
        "the image is as long as its superblock says"
    );
    Ok(ImageFacts { bytes: digest.size_bytes, files: layout.files, digest })
}

/// The part of a body that stands in whole blocks, the last one filled up with zeros.
fn copy_blocks(body: &Body, content: &dyn Content, out: &mut impl Write) -> io::Result<()> {
    let length = body.block_bytes();
    match body {
        Body { bytes: Bytes::Inline(bytes), .. } => out.write_all(&bytes[..length as usize])?,
        Body { bytes: Bytes::Stored(digest), .. } => {
            let copied = io::copy(&mut open_whole(digest, content)?.take(length), out)?;
            if copied != length {
                return Err(other_length(digest, copied));
            }
        }
    }
    let fill = length.next_multiple_of(BLOCK as u64) - length;
    out.write_all(&[0; BLOCK][..fill as usize])
}

/// The bytes from `start` to the end.
fn read_tail(bytes: &Bytes, start: u64, content: &dyn Content) -> io::Result<Vec<u8>> {
    let digest = match bytes {
        Bytes::Inline(bytes) => return Ok(bytes[start as usize..].to_vec()),
        Bytes::Stored(digest) => digest,
    };
    let mut file = open_whole(digest, content)?;
    file.seek(SeekFrom::Start(start))?;
    let mut tail = vec![0; (digest.size_bytes - start) as usize];
    file.read_exact(&mut tail)?;
    Ok(tail)
}

/// Hashes what passes by.
struct Counted<'a, W: Write> {
    out: &'a mut W,
    hasher: Hasher,
}

impl<W: Write> Write for Counted<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
