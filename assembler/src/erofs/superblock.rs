//! The superblock: 128 bytes at 1024, little-endian.
//!
//! ```text
//!  0 magic e0f5e1e2   4 crc32c     8 compat (1 checksum, 2 times are mtime)   12 log2(block)  13 0
//! 14 root inode (16)  16 inodes (64)   24 time s (64)   32 time ns   36 blocks   40 metadata block 0   44 xattr block 0
//! 48 uuid (16)   64 volume name (16)   80 incompat 0   84 … zero
//! ```

use super::{BLOCK, TIME};
use crate::tree::ImageTree;

/// Left free for boot sectors, by the format.
pub const OFFSET: usize = 1024;
pub const SIZE: usize = 128;

pub const MAGIC: u32 = 0xE0F5_E1E2;
pub const COMPAT_CHECKSUM: u32 = 1;
const COMPAT_MTIME: u32 = 2;

pub struct Superblock {
    pub root_nid: u16,
    pub inodes: u64,
    pub blocks: u32,
    pub uuid: [u8; 16],
}

impl Superblock {
    pub fn encode(&self) -> [u8; SIZE] {
        let mut bytes = [0; SIZE];
        let mut put = |at: usize, field: &[u8]| bytes[at..at + field.len()].copy_from_slice(field);
        put(0, &MAGIC.to_le_bytes());
        put(8, &(COMPAT_CHECKSUM | COMPAT_MTIME).to_le_bytes());
        put(12, &[BLOCK.ilog2() as u8]);
        put(14, &self.root_nid.to_le_bytes());
        put(16, &self.inodes.to_le_bytes());
        put(24, &TIME.to_le_bytes());
        put(36, &self.blocks.to_le_bytes());
        put(48, &self.uuid);
        bytes
    }
}

/// Puts the checksum into a first block that is complete but for it: crc32c from the superblock to the block's end,
/// not inverted at the end, as the kernel computes it.
pub fn seal(block: &mut [u8]) {
    let checksum = checksum(block);
    block[OFFSET + 4..OFFSET + 8].copy_from_slice(&checksum.to_le_bytes());
}

/// Of a first block, whatever stands in the checksum's own place.
pub fn checksum(block: &[u8]) -> u32 {
    let mut bytes = block[OFFSET..BLOCK].to_vec();
    bytes[4..8].fill(0);
    crc32c(&bytes)
}

/// From the content, so that the same tree has the same; version 8 ("custom") of RFC 9562.
pub fn uuid(tree: &ImageTree) -> [u8; 16] {
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&tree.key().sha256[..16]);
    uuid[6] = uuid[6] & 0x0f | 0x80;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}

/// Bit by bit: it runs over 3 KB an image.
fn crc32c(bytes: &[u8]) -> u32 {
    const REFLECTED_CASTAGNOLI: u32 = 0x82F6_3B78;
    bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (REFLECTED_CASTAGNOLI * (crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crc32c_has_its_published_check_value() {
        assert_eq!(!crc32c(b"123456789"), 0xE306_9283);
    }
}
