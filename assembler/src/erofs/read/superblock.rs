//! The superblock, read: drawn in the writer's `superblock.rs`. Past it, the image is as long as it says.

use super::{BLOCK, ReadError, Result, Source, u16_at, u32_at, u64_at};
use crate::erofs::superblock::{COMPAT_CHECKSUM, MAGIC, OFFSET, SIZE, checksum};

/// What of it says where things are.
#[derive(Debug, Clone, Copy)]
pub struct Superblock {
    pub root_nid: u16,
    pub blocks: u32,
    /// The block from which inode numbers count.
    pub meta_block: u32,
}

impl Superblock {
    pub fn len_bytes(&self) -> u64 {
        u64::from(self.blocks) * BLOCK as u64
    }
}

/// `feature_incompat` bits that change only inodes which are refused by their own layout: compression's, chunks' and
/// devices', names of extended attributes. mkfs.erofs sets the first where nothing is compressed, too.
const INCOMPAT_OF_INODES: u32 = 0x7f;
/// An inode takes this much at least.
const SLOT: u64 = 32;

pub fn read(source: &impl Source) -> Result<Superblock> {
    let length = source.len_bytes()?;
    let mut head = vec![0; length.min(BLOCK as u64) as usize];
    source.read_at(&mut head, 0)?;
    let Some(bytes) = head.get(OFFSET..OFFSET + SIZE) else {
        return Err(ReadError::Foreign(format!(
            "{length} bytes, where a superblock ends at {}",
            OFFSET + SIZE
        )));
    };
    if u32_at(bytes, 0) != MAGIC {
        let found = u32_at(bytes, 0);
        return Err(ReadError::Foreign(format!(
            "{found:08x} stands at {OFFSET} where it would say {MAGIC:08x}"
        )));
    }
    features(bytes)?;
    let superblock =
        Superblock { root_nid: u16_at(bytes, 14), blocks: u32_at(bytes, 36), meta_block: u32_at(bytes, 40) };
    is_whole(&superblock, length)?;
    is_sealed(bytes, &head)?;
    counts(bytes, &superblock)?;
    Ok(superblock)
}

/// What concerns the whole image.
fn features(bytes: &[u8]) -> Result<()> {
    let unsupported =
        |feature: String| Err(ReadError::Unsupported { place: "its superblock".to_string(), feature });
    let unknown = u32_at(bytes, 80) & !INCOMPAT_OF_INODES;
    if unknown != 0 {
        return unsupported(format!("has the features {unknown:#x}"));
    }
    match bytes[12] {
        bits if 1_usize.checked_shl(bits.into()) == Some(BLOCK) => Ok(()),
        bits => unsupported(format!("has blocks of 2^{bits} bytes")),
    }
}

fn is_whole(superblock: &Superblock, length: u64) -> Result<()> {
    let said = superblock.len_bytes();
    if said > length {
        let what = format!(
            "it says {} blocks, which are {said} bytes, and the file has {length}: it is cut short or lies",
            superblock.blocks
        );
        return Err(in_superblock(what));
    }
    if superblock.blocks == 0 {
        return Err(in_superblock("it says 0 blocks"));
    }
    Ok(())
}

fn is_sealed(bytes: &[u8], head: &[u8]) -> Result<()> {
    if u32_at(bytes, 8) & COMPAT_CHECKSUM == 0 {
        return Ok(());
    }
    let (said, found) = (u32_at(bytes, 4), checksum(head));
    match said == found {
        true => Ok(()),
        false => Err(in_superblock(format!("its checksum is {said:08x}, and its bytes have {found:08x}"))),
    }
}

fn counts(bytes: &[u8], superblock: &Superblock) -> Result<()> {
    let (inodes, room) = (u64_at(bytes, 16), superblock.len_bytes() / SLOT);
    match inodes <= room {
        true => Ok(()),
        false => Err(in_superblock(format!("it says {inodes} inodes, and there is room for {room}"))),
    }
}

fn in_superblock(what: impl Into<String>) -> ReadError {
    ReadError::Damaged { place: "its superblock".to_string(), what: what.into() }
}
