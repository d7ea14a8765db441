//! cpio: an image tree as an archive of the form "newc", which a kernel unpacks as its initramfs.
//!
//! ```text
//! header: "070701", then 13 numbers of 8 hex digits: inode mode uid gid links time size, 2 + 2 device numbers, length of
//!         the name with its NUL, check (0)
//! | header | name NUL, filled up to 4 | bytes, filled up to 4 | ... | header | "TRAILER!!!" NUL |
//! ```
//! The kernel starts `/init`: where the tree has none, a link to `/sbin/init` is added, and nothing else. Facts: Linux
//! `Documentation/driver-api/early-userspace/buffer-format.rst`.

use std::io::{self, Write};

use crate::content::{Content, copy_whole};
use crate::erofs::TIME;
use crate::tree::{ImageTree, Kind, Node, Reason};

/// The whole tree, the root first as `.`.
///
/// # Errors
/// The writer's, the content's, content of another length than its digest says, and a file of 4 GiB or more.
pub fn write_cpio(tree: &ImageTree, content: &dyn Content, out: &mut impl Write) -> io::Result<()> {
    let started = started(tree);
    for (at, (path, node)) in started.iter().enumerate() {
        entry(at + 1, path, node, content, out)?;
    }
    out.write_all(&header(0, 0, &bare(), 1, 0, TRAILER))?;
    out.flush()
}

const TRAILER: &str = "TRAILER!!!";

/// The tree with something that the kernel starts.
fn started(tree: &ImageTree) -> ImageTree {
    let mut started = tree.clone();
    if tree.get("init").is_none() && tree.get("sbin/init").is_some() {
        let link = Node::link("sbin/init", Reason::image("what a kernel starts in an initramfs"));
        // Its parent is the root, and nothing is there: it cannot be refused.
        started.insert("init", link).ok();
    }
    started
}

fn entry(at: usize, path: &str, node: &Node, content: &dyn Content, out: &mut impl Write) -> io::Result<()> {
    let size = u32::try_from(node.size_bytes()).map_err(|_| too_large(path))?;
    let (kind, links) = match node.kind {
        Kind::Folder => (0o040000, 2),
        Kind::File(_) => (0o100000, 1),
        Kind::Link { .. } => (0o120000, 1),
    };
    let name = if path.is_empty() { "." } else { path };
    out.write_all(&header(at, kind, node, links, size, name))?;
    match &node.kind {
        Kind::Folder => {}
        Kind::File(bytes) => copy_whole(bytes, content, out)?,
        Kind::Link { target } => out.write_all(target.as_bytes())?,
    }
    out.write_all(fill(size as usize))
}

fn header(at: usize, kind: u32, node: &Node, links: u32, size: u32, name: &str) -> Vec<u8> {
    let time = if at == 0 { 0 } else { TIME as u32 };
    let mode = kind | u32::from(node.mode);
    let length = name.len() as u32 + 1;
    let numbers = [at as u32, mode, node.uid, node.gid, links, time, size, 0, 0, 0, 0, length, 0];
    let mut bytes = b"070701".to_vec();
    for number in numbers {
        bytes.extend_from_slice(format!("{number:08X}").as_bytes());
    }
    bytes.extend_from_slice(name.as_bytes());
    bytes.push(0);
    bytes.extend_from_slice(fill(bytes.len()));
    bytes
}

/// What the trailer is of.
fn bare() -> Node {
    Node::folder(0, Reason::image("the end"))
}

/// Zeros up to a multiple of 4.
fn fill(length: usize) -> &'static [u8] {
    &[0; 4][..length.next_multiple_of(4) - length]
}

fn too_large(path: &str) -> io::Error {
    let text = format!("`/{path}` has 4 GiB or more, which no cpio archive of this form can hold");
    io::Error::new(io::ErrorKind::FileTooLarge, text)
}
