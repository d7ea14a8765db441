//! An inode: 32 bytes ("compact") or, where a number is too large for those, 64 ("extended"), little-endian.
//!
//! ```text
//! compact   0 format  2 0  4 mode  6 links    8 size (32)  12 0          16 block  20 number  24 uid (16)  26 gid (16)  28 0
//! extended  0 format  2 0  4 mode  6 0        8 size (64)                16 block  20 number  24 uid (32)  28 gid (32)
//!           32 time s (64)  40 time ns  44 links  48 … zero
//! ```
//! `format`: bit 0 is set in an extended one; bits 1 to 3 say where the data is: 0 in blocks, 2 in blocks and, its last
//! part, right behind the inode. `block` is the first of the data's blocks.

use super::TIME;
use crate::tree::{Kind, Node};

/// Inodes start at multiples of this, and their number is their offset divided by it.
pub const SLOT: usize = 32;

/// `block` of data that has none.
pub const NO_BLOCK: u32 = u32::MAX;

pub struct Inode<'a> {
    pub node: &'a Node,
    pub size_bytes: u64,
    pub links: u32,
    pub number: u32,
    pub block: u32,
    pub tail: Tail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// All data is in blocks.
    InBlocks,
    /// The data past the last whole block is behind the inode.
    BehindInode,
}

/// Bytes of the inode of such a node.
pub fn size(node: &Node, size_bytes: u64, links: u32) -> usize {
    let small = |number: u32| u16::try_from(number).is_ok();
    let compact = u32::try_from(size_bytes).is_ok() && small(links) && small(node.uid) && small(node.gid);
    if compact { SLOT } else { 2 * SLOT }
}

impl Inode<'_> {
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![0; size(self.node, self.size_bytes, self.links)];
        let extended = bytes.len() > SLOT;
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &(u16::from(extended) | self.layout() << 1).to_le_bytes());
        put(4, &(file_type(&self.node.kind) | self.node.mode & 0o7777).to_le_bytes());
        put(16, &self.block.to_le_bytes());
        put(20, &self.number.to_le_bytes());
        if extended {
            put(8, &self.size_bytes.to_le_bytes());
            put(24, &self.node.uid.to_le_bytes());
            put(28, &self.node.gid.to_le_bytes());
            put(32, &TIME.to_le_bytes());
            put(44, &self.links.to_le_bytes());
        } else {
            put(6, &(self.links as u16).to_le_bytes());
            put(8, &(self.size_bytes as u32).to_le_bytes());
            put(24, &(self.node.uid as u16).to_le_bytes());
            put(26, &(self.node.gid as u16).to_le_bytes());
        }
        bytes
    }

    fn layout(&self) -> u16 {
        match self.tail {
            Tail::InBlocks => 0,
            Tail::BehindInode => 2,
        }
    }
}

/// `S_IFMT` of stat(2).
fn file_type(kind: &Kind) -> u16 {
    match kind {
        Kind::Folder => 0o040000,
        Kind::File(_) => 0o100000,
        Kind::Link { .. } => 0o120000,
    }
}
