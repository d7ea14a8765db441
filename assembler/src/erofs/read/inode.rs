//! An inode, read: drawn in the writer's `inode.rs`.

use super::body::Body;
use super::{BLOCK, Image, Result, Source, damaged, u16_at, u32_at, u64_at, unsupported};
use crate::erofs::inode::SLOT;

/// `S_IFMT` of stat(2), without what no tree can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InodeKind {
    File,
    Folder,
    Link,
}

impl InodeKind {
    pub fn word(self) -> &'static str {
        match self {
            InodeKind::File => "file",
            InodeKind::Folder => "folder",
            InodeKind::Link => "link",
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub struct Inode {
    pub nid: u64,
    pub kind: InodeKind,
    /// The twelve permission bits.
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    pub size_bytes: u64,
    block: u32,
    has_tail: bool,
    /// Where the inode ends, from the image's start.
    end: u64,
}

/// The inode of this number, which the entry of `path` names.
pub fn read<S: Source>(image: &Image<S>, nid: u64, path: &str) -> Result<Inode> {
    let start = u64::from(image.superblock.meta_block) * BLOCK as u64;
    let offset = nid.checked_mul(SLOT as u64).and_then(|offset| offset.checked_add(start));
    let beyond =
        || damaged(path, format!("its inode {nid} is beyond the image's {} bytes", image.len_bytes()));
    let offset = offset.filter(|offset| *offset < image.len_bytes()).ok_or_else(beyond)?;
    let head = image.part(offset, SLOT, path)?;
    let format = u16_at(&head, 0);
    let extended = format & 1 == 1;
    let has_tail = has_tail(format, path)?;
    if u16_at(&head, 2) != 0 {
        return Err(unsupported(path, "has extended attributes"));
    }
    let mode = u16_at(&head, 4);
    let mut inode = Inode {
        nid,
        kind: kind(mode, path)?,
        mode: mode & 0o7777,
        uid: u16_at(&head, 24).into(),
        gid: u16_at(&head, 26).into(),
        size_bytes: u32_at(&head, 8).into(),
        block: u32_at(&head, 16),
        has_tail,
        end: offset + SLOT as u64,
    };
    if extended {
        image.part(offset, 2 * SLOT, path)?;
        inode.size_bytes = u64_at(&head, 8);
        inode.uid = u32_at(&head, 24);
        inode.gid = u32_at(&head, 28);
        inode.end += SLOT as u64;
    }
    Ok(inode)
}

/// Bits 1 to 3: where the data is. The bits above mean nothing yet.
fn has_tail(format: u16, path: &str) -> Result<bool> {
    match format >> 1 {
        0 => Ok(false),
        2 => Ok(true),
        1 | 3 => Err(unsupported(path, "is compressed")),
        4 => Err(unsupported(path, "is in chunks")),
        _ => Err(unsupported(path, format!("has an inode of format {format:#x}"))),
    }
}

fn kind(mode: u16, path: &str) -> Result<InodeKind> {
    match mode & 0o170000 {
        0o100000 => Ok(InodeKind::File),
        0o040000 => Ok(InodeKind::Folder),
        0o120000 => Ok(InodeKind::Link),
        0o020000 | 0o060000 => Err(unsupported(path, "is a device")),
        0o010000 => Err(unsupported(path, "is a fifo")),
        0o140000 => Err(unsupported(path, "is a socket")),
        _ => Err(damaged(path, format!("its mode {mode:o} is of no kind"))),
    }
}

impl Inode {
    /// Where its bytes are, all of them in the image.
    pub fn body<S: Source>(&self, image: &Image<S>, path: &str) -> Result<Body> {
        let block = BLOCK as u64;
        let blocks = self.size_bytes.div_ceil(block) - u64::from(self.has_tail && self.size_bytes > 0);
        let in_blocks = self.size_bytes.min(blocks.saturating_mul(block));
        let body = Body {
            offset: u64::from(self.block) * block,
            in_blocks,
            tail_offset: self.end,
            tail: self.size_bytes - in_blocks,
        };
        // An empty file's first block is nothing's.
        if blocks > 0 && u64::from(self.block) + blocks > image.superblock.blocks.into() {
            let what = format!("its {} bytes from block {} on", self.size_bytes, self.block);
            return Err(damaged(
                path,
                format!("{what} are more than the image's {} blocks", image.superblock.blocks),
            ));
        }
        if body.tail > 0 && (self.end % block + body.tail > block || self.end >= image.len_bytes()) {
            return Err(damaged(
                path,
                format!("its last {} bytes, behind its inode, cross a block", body.tail),
            ));
        }
        Ok(body)
    }
}
