//! Reading an image back: the tree that is in it, and the contents of its files. It believes nothing.
//!
//! ```text
//! Source ─superblock─▶ Image ─walk─▶ inodes, folders' entries ─digests, on all cores─▶ ImageTree
//!                        └─ body of one path ─▶ Read
//! ```
//! What it reads: one device, blocks of 4096 bytes, compact and extended inodes, data in blocks or with its tail behind
//! the inode. All else (compression, chunks, extended attributes, devices) is an error that names the path and the
//! feature: a tree that left something out would lie. Whatever the bytes are, it ends, without a panic, in time and
//! memory that the image's own size bounds: a folder stands at one place, and what folders and files hold together is
//! no more than the image has (`budget.rs`).

mod body;
mod budget;
mod folder;
mod inode;
mod superblock;
#[cfg(test)]
mod tests;
mod walk;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::BLOCK;
use crate::tree::ImageTree;
pub use body::Contents;
use inode::{Inode, InodeKind};
use superblock::Superblock;

/// Where an image's bytes are: read at a place by many threads at once.
pub trait Source: Sync {
    /// Fills `bytes` from `offset` on.
    ///
    /// # Errors
    /// The source's, and `UnexpectedEof` where it ends before.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;

    /// How many bytes there are.
    fn len_bytes(&self) -> io::Result<u64>;
}

impl Source for File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.read_exact_at(bytes, offset)
    }

    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl Source for &[u8] {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let start = usize::try_from(offset).ok();
        let part = start.and_then(|start| self.get(start..start.checked_add(bytes.len())?));
        bytes.copy_from_slice(part.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn len_bytes(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
}

/// Why an image is not read, by what its reader would do next: look at the disk, take another file, make the image
/// anew, make it by other options.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("cannot read it: {0}")]
    Io(#[from] io::Error),
    #[error("it is no erofs image: {0}")]
    Foreign(String),
    #[error("it is damaged: {place}: {what}")]
    Damaged { place: String, what: String },
    #[error("{place} {feature}: that is not read here, and no image of ours holds it")]
    Unsupported { place: String, feature: String },
    #[error("/{0} is not in it")]
    NotThere(String),
    #[error("/{0} is a {1} and no file")]
    NotAFile(String, &'static str),
}

pub type Result<T> = std::result::Result<T, ReadError>;

/// An image whose superblock is as it should be.
pub struct Image<S> {
    source: S,
    superblock: Superblock,
}

impl Image<File> {
    /// # Errors
    /// A file that is not there, or that does not begin as an image does.
    pub fn open_file(path: &Path) -> Result<Image<File>> {
        let file = File::open(path)?;
        if !file.metadata()?.is_file() {
            return Err(ReadError::Foreign("it is not a file".into()));
        }
        Image::open(file)
    }
}

impl<S: Source> Image<S> {
    /// # Errors
    /// What does not begin as an image does, and one that is shorter than its superblock says.
    pub fn open(source: S) -> Result<Image<S>> {
        let superblock = superblock::read(&source)?;
        Ok(Image { source, superblock })
    }

    /// Bytes of the image by its superblock; what is behind them (a hash tree) is not looked at.
    pub fn len_bytes(&self) -> u64 {
        self.superblock.len_bytes()
    }

    /// Every path of it, files by the digest of their contents. Reasons are not in an image: each is `image: unknown`.
    ///
    /// # Errors
    /// The first thing in it that is damaged or that can't be read here.
    pub fn tree(&self) -> Result<ImageTree> {
        walk::tree(self)
    }

    /// The contents of the file at a path, links not followed; the path may begin with `/`.
    ///
    /// # Errors
    /// A path that is no file, or what is damaged on the way to it.
    pub fn contents(&self, path: &str) -> Result<Contents<'_, S>> {
        let (path, inode) = self.find(path.trim_matches('/'))?;
        match inode.kind {
            InodeKind::File => Ok(Contents::new(&self.source, inode.body(self, &path)?)),
            other => Err(ReadError::NotAFile(path, other.word())),
        }
    }

    fn find(&self, path: &str) -> Result<(String, Inode)> {
        let mut at = self.root()?;
        let mut above = at.nid;
        let mut seen = String::new();
        for name in path.split('/').filter(|name| !name.is_empty()) {
            let absent = || ReadError::NotThere(path.to_string());
            if at.kind != InodeKind::Folder {
                return Err(absent());
            }
            let entries = folder::entries(self, &at, above, &seen)?;
            let entry = entries.into_iter().find(|entry| entry.name == name).ok_or_else(absent)?;
            seen = join(&seen, name);
            above = at.nid;
            at = inode::read(self, entry.nid, &seen)?;
        }
        Ok((seen, at))
    }

    fn root(&self) -> Result<Inode> {
        let root = inode::read(self, self.superblock.root_nid.into(), "")?;
        match root.kind {
            InodeKind::Folder => Ok(root),
            _ => Err(damaged("", "the root is not a folder")),
        }
    }

    /// Bytes of the image, which must be within what the superblock says it has.
    fn part(&self, offset: u64, length: usize, path: &str) -> Result<Vec<u8>> {
        let end = offset.checked_add(length as u64);
        if end.is_none_or(|end| end > self.len_bytes()) {
            let what = format!("{length} bytes at {offset}, beyond the image's {}", self.len_bytes());
            return Err(damaged(path, what));
        }
        let mut bytes = vec![0; length];
        self.source.read_at(&mut bytes, offset)?;
        Ok(bytes)
    }
}

fn damaged(path: &str, what: impl Into<String>) -> ReadError {
    ReadError::Damaged { place: format!("/{path}"), what: what.into() }
}

fn unsupported(path: &str, feature: impl Into<String>) -> ReadError {
    ReadError::Unsupported { place: format!("/{path}"), feature: feature.into() }
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}

/// Little-endian numbers out of bytes whose length was checked before: a short array is our bug.
fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from(u16_at(bytes, at)) | u32::from(u16_at(bytes, at + 2)) << 16
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from(u32_at(bytes, at)) | u64::from(u32_at(bytes, at + 4)) << 32
}
