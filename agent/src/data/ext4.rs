//! What a device holds, by its first megabyte; and the mark of one that is being made.
//!
//! ```text
//! 0     a mark of ours while it is made          (else free for boot loaders)
//! 1024  superblock: blocks:u32@4 log_block:u32@24 magic:u16@56=EF53 state:u16@58 incompat:u32@96 blocks_high:u32@336
//! ```
//! A power cut while mke2fs runs leaves what is neither blank nor a file system. So a mark stands in the first sector from
//! before its first write until after its last, with the two words of a BSD label that keep mke2fs from wiping it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;

const LOOK_BYTES: usize = 1 << 20;
const SUPERBLOCK: usize = 1024;
const MARK: &[u8] = b"rootbrew-data: being made\n";
/// BSD_DISKMAGIC at BSD_LABEL_OFFSET of mke2fs.
const LABEL: (usize, [u8; 4]) = (64, 0x8256_4557u32.to_le_bytes());
/// EXT4_VALID_FS alone: unmounted, and no fault was met.
const STATE_CLEAN: u16 = 1;
/// EXT4_FEATURE_INCOMPAT_RECOVER: the journal must be read again.
const RECOVER: u32 = 4;
/// Where the second superblock of 4 KiB blocks is, as e2fsck is told.
pub const SECOND: [&str; 4] = ["-b", "32768", "-B", "4096"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Look {
    /// Nothing was ever written.
    Blank,
    HalfMade,
    Clean,
    /// Not unmounted, or with faults.
    Dirty,
    Other,
}

pub fn look(device: &Path) -> io::Result<Look> {
    let mut bytes = Vec::new();
    File::open(device)?.take(LOOK_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(judge(&bytes))
}

fn judge(bytes: &[u8]) -> Look {
    let Some(superblock) = bytes.get(SUPERBLOCK..SUPERBLOCK + 1024) else { return Look::Other };
    let short = |at: usize| u16::from_le_bytes([superblock[at], superblock[at + 1]]);
    match () {
        () if bytes.starts_with(MARK) => Look::HalfMade,
        () if short(56) == 0xEF53 => {
            let recover = word(superblock, 96) & RECOVER != 0;
            if short(58) == STATE_CLEAN && !recover { Look::Clean } else { Look::Dirty }
        }
        () if bytes.iter().all(|&byte| byte == 0) => Look::Blank,
        () => Look::Other,
    }
}

fn word(superblock: &[u8], at: usize) -> u32 {
    superblock.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
}

/// Blocks of the file system, and bytes of each. `None`: it has no superblock.
pub fn size(device: &Path) -> io::Result<Option<(u64, u64)>> {
    let mut superblock = [0; 1024];
    let mut file = File::open(device)?;
    file.seek(SeekFrom::Start(SUPERBLOCK as u64))?;
    file.read_exact(&mut superblock)?;
    let blocks = u64::from(word(&superblock, 336)) << 32 | u64::from(word(&superblock, 4));
    let log = word(&superblock, 24);
    Ok((log <= 6).then_some((blocks, 1024 << log)))
}

pub fn device_bytes(device: &Path) -> io::Result<u64> {
    File::open(device)?.seek(SeekFrom::End(0))
}

pub fn mark(device: &Path) -> io::Result<()> {
    let mut sector = [0; 512];
    sector[..MARK.len()].copy_from_slice(MARK);
    sector[LABEL.0..LABEL.0 + 4].copy_from_slice(&LABEL.1);
    write_first(device, &sector)
}

pub fn unmark(device: &Path) -> io::Result<()> {
    write_first(device, &[0; 512])
}

fn write_first(device: &Path, sector: &[u8; 512]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).open(device)?;
    file.write_all(sector)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    #[test]
    fn no_bytes_make_it_panic() {
        let mut whole = vec![0; SUPERBLOCK + 1024];
        whole[SUPERBLOCK + 56..SUPERBLOCK + 60].copy_from_slice(&[0x53, 0xEF, 1, 0]);
        assert_eq!(judge(&whole), Look::Clean);
        crate::chance::rounds(29, 50_000, |chance| {
            let bytes = chance.change(&whole, SUPERBLOCK);
            assert!(bytes.len() >= whole.len() || judge(&bytes) == Look::Other);
        });
    }

    use super::*;

    #[test]
    fn what_a_device_holds() {
        let mut bytes = vec![0; LOOK_BYTES];
        assert_eq!(judge(&bytes), Look::Blank);
        bytes[LOOK_BYTES - 1] = 1;
        assert_eq!(judge(&bytes), Look::Other);
        bytes[SUPERBLOCK + 56..SUPERBLOCK + 60].copy_from_slice(&[0x53, 0xEF, 1, 0]);
        assert_eq!(judge(&bytes), Look::Clean);
        bytes[SUPERBLOCK + 96] = 4;
        assert_eq!(judge(&bytes), Look::Dirty);
        bytes[SUPERBLOCK + 96] = 0;
        bytes[SUPERBLOCK + 58] = 3;
        assert_eq!(judge(&bytes), Look::Dirty);
        bytes[..MARK.len()].copy_from_slice(MARK);
        assert_eq!(judge(&bytes), Look::HalfMade);
        assert_eq!(judge(&bytes[..1500]), Look::Other);
    }
}
