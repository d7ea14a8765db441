//! The layout: which inode stands where, what is behind it, and which blocks its data has.
//!
//! Inodes with their tails are packed into blocks largest first, each into the fullest block that still takes it
//! ("best fit decreasing"): a tail must not cross a block. Ties go by path, so the order is the tree's alone.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io;

use kegs::Digest;
use rayon::prelude::*;

use super::dirent::{self, Entry, EntryKind};
use super::inode::{self, Inode, NO_BLOCK, SLOT, Tail};
use super::superblock::{self, Superblock};
use super::{BLOCK, read_tail};
use crate::content::Content;
use crate::tree::{Bytes, ImageTree, Kind, Node};

/// Inodes whose tails are read before they are put in their places: 4 MB of them at most.
const INODES_AT_ONCE: usize = 1024;

/// Everything decided, nothing read yet. `data` is in the order of its blocks.
pub struct Layout<'a> {
    inodes: Vec<Placed<'a>>,
    meta_blocks: usize,
    pub blocks: u32,
    pub data: Vec<Body>,
    pub files: usize,
}

/// Content of which the first `blocks` blocks (the last perhaps partial) are in the data area.
pub struct Body {
    pub bytes: Bytes,
    pub blocks: u64,
}

struct Placed<'a> {
    node: &'a Node,
    entries: Vec<Entry<'a>>,
    size_bytes: u64,
    links: u32,
    tail: Tail,
    /// Bytes from the image's start.
    offset: usize,
    block: u32,
}

impl Body {
    /// Bytes in the data area without the zeros that fill its last block.
    pub fn block_bytes(&self) -> u64 {
        self.bytes.len().min(self.blocks * BLOCK as u64)
    }
}

impl<'a> Layout<'a> {
    /// # Errors
    /// An image of 2^32 blocks or more.
    pub fn of(tree: &'a ImageTree) -> io::Result<Layout<'a>> {
        let mut inodes = place(tree);
        let meta_blocks = pack(&mut inodes);
        let mut layout = Layout { inodes, meta_blocks, blocks: 0, data: Vec::new(), files: 0 };
        layout.files = layout.inodes.iter().filter(|inode| matches!(inode.node.kind, Kind::File(_))).count();
        layout.give_blocks()?;
        Ok(layout)
    }

    /// Blocks for the whole-block part of each body; equal bytes get the same ones.
    fn give_blocks(&mut self) -> io::Result<()> {
        let mut next = self.meta_blocks as u64;
        let mut seen: HashMap<(Digest, u64), u32> = HashMap::new();
        for at in 0..self.inodes.len() {
            let blocks = self.inodes[at].data_blocks();
            if blocks == 0 {
                continue;
            }
            let bytes = self.bytes_of(at);
            let first = u32::try_from(next).map_err(|_| too_large())?;
            let key = (bytes.digest(), blocks);
            self.inodes[at].block = *seen.entry(key).or_insert_with(|| {
                next += blocks;
                self.data.push(Body { bytes, blocks });
                first
            });
        }
        self.blocks = u32::try_from(next).map_err(|_| too_large())?;
        Ok(())
    }

    fn bytes_of(&self, at: usize) -> Bytes {
        let placed = &self.inodes[at];
        match &placed.node.kind {
            Kind::File(bytes) => bytes.clone(),
            Kind::Link { target } => Bytes::Inline(target.as_bytes().into()),
            Kind::Folder => Bytes::Inline(dirent::encode(&placed.entries, |inode| self.number(inode)).into()),
        }
    }

    fn number(&self, at: usize) -> u64 {
        (self.inodes[at].offset / SLOT) as u64
    }

    /// All blocks before the data area, sealed.
    pub fn metadata(&self, content: &dyn Content, uuid: [u8; 16]) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; self.meta_blocks * BLOCK];
        let root_nid = self.number(0) as u16;
        let superblock = Superblock { root_nid, inodes: self.inodes.len() as u64, blocks: self.blocks, uuid };
        bytes[superblock::OFFSET..][..superblock::SIZE].copy_from_slice(&superblock.encode());
        let places: Vec<usize> = (0..self.inodes.len()).collect();
        for places in places.chunks(INODES_AT_ONCE) {
            // Opening files is most of it, and that goes on all cores.
            let inodes: Vec<Vec<u8>> =
                places.par_iter().map(|&at| self.inode(at, content)).collect::<io::Result<_>>()?;
            for (&at, inode) in places.iter().zip(inodes) {
                bytes[self.inodes[at].offset..][..inode.len()].copy_from_slice(&inode);
            }
        }
        superblock::seal(&mut bytes[..BLOCK]);
        Ok(bytes)
    }

    /// An inode with the tail behind it.
    fn inode(&self, at: usize, content: &dyn Content) -> io::Result<Vec<u8>> {
        let Placed { node, size_bytes, links, tail, block, .. } = self.inodes[at];
        let mut bytes = Inode { node, size_bytes, links, number: at as u32 + 1, block, tail }.encode();
        if tail == Tail::BehindInode {
            let start = size_bytes - size_bytes % BLOCK as u64;
            bytes.extend(read_tail(&self.bytes_of(at), start, content)?);
        }
        Ok(bytes)
    }
}

impl Placed<'_> {
    fn inode_bytes(&self) -> usize {
        inode::size(self.node, self.size_bytes, self.links)
    }

    /// Bytes past the last whole block.
    fn rest_bytes(&self) -> usize {
        (self.size_bytes % BLOCK as u64) as usize
    }

    /// Bytes in the metadata area.
    fn meta_bytes(&self) -> usize {
        let tail = if self.tail == Tail::BehindInode { self.rest_bytes() } else { 0 };
        (self.inode_bytes() + tail).next_multiple_of(SLOT)
    }

    fn data_blocks(&self) -> u64 {
        match self.tail {
            Tail::InBlocks => self.size_bytes.div_ceil(BLOCK as u64),
            Tail::BehindInode => self.size_bytes / BLOCK as u64,
        }
    }
}

/// The tree's nodes in its order (the root first), each with its size and where its tail goes.
fn place(tree: &ImageTree) -> Vec<Placed<'_>> {
    let listings = listings(tree);
    tree.iter()
        .zip(listings)
        .map(|((_, node), entries)| {
            let links = if node.is_folder() { folders_in(&entries) } else { 1 };
            let size_bytes = match node.kind {
                Kind::Folder => dirent::size(entries.iter().map(|entry| entry.name)),
                _ => node.size_bytes(),
            };
            let mut placed =
                Placed { node, entries, size_bytes, links, tail: Tail::InBlocks, offset: 0, block: NO_BLOCK };
            let rest = placed.rest_bytes();
            if rest > 0 && placed.inode_bytes() + rest <= BLOCK {
                placed.tail = Tail::BehindInode;
            }
            placed
        })
        .collect()
}

/// `.` and `..` of each child that is a folder, and the two of its own: what stat(2) calls links.
fn folders_in(entries: &[Entry]) -> u32 {
    entries.iter().filter(|entry| matches!(entry.kind, EntryKind::Folder)).count() as u32
}

/// For each node, in the tree's order, what it lists if it is a folder.
fn listings(tree: &ImageTree) -> Vec<Vec<Entry<'_>>> {
    let places: BTreeMap<&str, usize> = tree.iter().enumerate().map(|(at, (path, _))| (path, at)).collect();
    let mut listings: Vec<Vec<Entry>> = tree.iter().map(|_| Vec::new()).collect();
    for (at, (path, node)) in tree.iter().enumerate() {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let above = places[parent];
        if node.is_folder() {
            listings[at].push(Entry { name: ".", inode: at, kind: EntryKind::Folder });
            listings[at].push(Entry { name: "..", inode: above, kind: EntryKind::Folder });
        }
        if !path.is_empty() {
            listings[above].push(Entry { name, inode: at, kind: EntryKind::of(&node.kind) });
        }
    }
    for entries in &mut listings {
        entries.sort_by_key(|entry| entry.name);
    }
    listings
}

/// Gives each inode its offset; returns how many blocks they take. The root comes first: its number has 16 bits only.
fn pack(inodes: &mut [Placed]) -> usize {
    let start = superblock::OFFSET + superblock::SIZE;
    let mut order: Vec<usize> = (1..inodes.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(inodes[at].meta_bytes()));
    let mut blocks = Blocks { used: vec![start], gaps: BTreeSet::from([(BLOCK - start, 0)]) };
    for at in std::iter::once(0).chain(order) {
        inodes[at].offset = blocks.take(inodes[at].meta_bytes());
    }
    blocks.used.len()
}

/// How full each block is, and the free bytes of each, sorted.
struct Blocks {
    used: Vec<usize>,
    gaps: BTreeSet<(usize, usize)>,
}

impl Blocks {
    fn take(&mut self, bytes: usize) -> usize {
        let (gap, block) = self.gaps.range((bytes, 0)..).next().copied().unwrap_or((BLOCK, self.used.len()));
        if block == self.used.len() {
            self.used.push(0);
        }
        self.gaps.remove(&(gap, block));
        let offset = block * BLOCK + self.used[block];
        self.used[block] += bytes;
        self.gaps.insert((gap - bytes, block));
        offset
    }
}

fn too_large() -> io::Error {
    io::Error::other("the image would have more than 2^32 blocks of 4096 bytes")
}
