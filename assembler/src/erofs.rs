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
mod stream;
mod superblock;
#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::os::unix::fs::FileExt;

use kegs::Digest;

use crate::content::{Content, open_whole};
use crate::tree::{Bytes, ImageTree};
use layout::Layout;
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
    let metadata = layout.metadata(content, superblock::uuid(tree))?;
    let digest = stream::write(metadata, &layout.data, content, out)?;
    assert_eq!(
        digest.size_bytes,
        layout.blocks as u64 * BLOCK as u64,
        "the image is as long as its superblock says"
    );
    Ok(ImageFacts { bytes: digest.size_bytes, files: layout.files, digest })
}

/// The bytes from `start` to the end. A file that is all tail is hashed here, others where their blocks are copied.
fn read_tail(bytes: &Bytes, start: u64, content: &dyn Content) -> io::Result<Vec<u8>> {
    let digest = match bytes {
        Bytes::Inline(bytes) => return Ok(bytes[start as usize..].to_vec()),
        Bytes::Stored(digest) => digest,
    };
    let mut tail = vec![0; (digest.size_bytes - start) as usize];
    open_whole(digest, content)?.read_exact_at(&mut tail, start)?;
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
