//! squashfs: an image tree as a read-only compressed file system, zstd, by the crate `backhand`.
//!
//! Its own are the parts of the format (4.0, little-endian; blocks of 128 KiB, tails in fragments, equal files once); ours
//! is what makes the bytes the same: paths in sorted order, one time, one level of compression, on one thread.

use std::io::{self, Read, Seek, Write};

use backhand::compression::{CompressionOptions, Compressor, Zstd};
use backhand::{BackhandError, FilesystemCompressor, FilesystemWriter, NodeHeader};

use crate::content::{Content, open_whole};
use crate::erofs::TIME;
use crate::tree::{Bytes, ImageTree, Kind, Node};

/// What `mksquashfs` takes unless it is told.
const LEVEL: u32 = 15;

/// The whole tree.
///
/// # Errors
/// The writer's, the content's, and content of another length than its digest says.
pub fn write_squashfs(
    tree: &ImageTree,
    content: &dyn Content,
    out: &mut (impl Write + Seek),
) -> io::Result<()> {
    let mut writer = FilesystemWriter::default();
    writer.set_time(TIME as u32);
    writer.set_compressor(compressor().map_err(told)?);
    // By components and not by bytes, as the crate keeps them: each is then put at the end.
    let mut nodes: Vec<(&str, &Node)> = tree.iter().collect();
    nodes.sort_by(|(one, _), (two, _)| one.split('/').cmp(two.split('/')));
    for (path, node) in nodes {
        put(&mut writer, path, node, content).map_err(told)?;
    }
    writer.write(&mut *out).map_err(told)?;
    out.flush()
}

fn compressor() -> Result<FilesystemCompressor, BackhandError> {
    let level = CompressionOptions::Zstd(Zstd { compression_level: LEVEL });
    FilesystemCompressor::new(Compressor::Zstd, Some(level))
}

fn put<'a>(
    writer: &mut FilesystemWriter<'a, 'a, 'a>,
    path: &str,
    node: &'a Node,
    content: &'a dyn Content,
) -> Result<(), BackhandError> {
    let header = NodeHeader { permissions: node.mode, uid: node.uid, gid: node.gid, mtime: TIME as u32 };
    match &node.kind {
        Kind::Folder if path.is_empty() => {
            writer.set_root_mode(node.mode);
            writer.set_root_uid(node.uid);
            writer.set_root_gid(node.gid);
            Ok(())
        }
        Kind::Folder => writer.push_dir(path, header),
        Kind::Link { target } => writer.push_symlink(target.as_str(), path, header),
        Kind::File(bytes) => writer.push_file(Lazy { bytes, content, open: None }, path, header),
    }
}

/// A file that is opened when it is read: all are put before the first is written.
struct Lazy<'a> {
    bytes: &'a Bytes,
    content: &'a dyn Content,
    open: Option<Box<dyn Read + Send + 'a>>,
}

impl Read for Lazy<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.open.is_none() {
            self.open = Some(match self.bytes {
                Bytes::Inline(bytes) => Box::new(&bytes[..]),
                Bytes::Stored(digest) => Box::new(open_whole(digest, self.content)?.take(digest.size_bytes)),
            });
        }
        match &mut self.open {
            Some(open) => open.read(buffer),
            None => Ok(0),
        }
    }
}

fn told(error: BackhandError) -> io::Error {
    io::Error::other(format!("cannot write squashfs: {error}"))
}
