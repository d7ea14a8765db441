//! A GUID partition table (UEFI 2.10, 5.3), as far as its last partition can be made larger. Pure.
//!
//! ```text
//! sector 0  protective MBR   1  header   2…  entries           … the end  entries again, header again
//! header    "EFI PART" rev:u32 size:u32 crc:u32 0:u32 this:u64 other:u64 first:u64 last:u64 guid:16 entries:u64
//!           count:u32 entry_bytes:u32 entries_crc:u32
//! entry     type:16 guid:16 first:u64 last:u64 attributes:u64 name:72
//! ```
//! A table that is not whole is left alone.

/// The type of `/var`, 4d21b016-b534-45c2-a9fb-5c16e091fd2d, as it stands on disk.
pub const VAR: [u8; 16] =
    [0x16, 0xb0, 0x21, 0x4d, 0x34, 0xb5, 0xc2, 0x45, 0xa9, 0xfb, 0x5c, 0x16, 0xe0, 0x91, 0xfd, 0x2d];
const HEADER_BYTES: usize = 92;

#[derive(Debug, PartialEq, Eq)]
pub struct Grown {
    /// Bytes and where they go, in this order.
    pub writes: Vec<(u64, Vec<u8>)>,
    /// Of the partition, in bytes.
    pub start: u64,
    pub bytes: u64,
}

struct Table<'b> {
    header: &'b [u8],
    entries: &'b [u8],
    entry_bytes: usize,
}

fn read(disk: &[u8], sector: u64) -> Option<Table<'_>> {
    let header = disk.get(sector as usize..)?.get(..HEADER_BYTES)?;
    let mut unsummed = header.to_vec();
    unsummed[16..20].fill(0);
    let is_whole = header.starts_with(b"EFI PART")
        && long(header, 12) as u32 == HEADER_BYTES as u32
        && crc(&unsummed) == word(header, 16);
    let (count, entry_bytes) = (word(header, 80) as usize, word(header, 84) as usize);
    let start = usize::try_from(long(header, 72).checked_mul(sector)?).ok()?;
    let sane = is_whole && (128..=4096).contains(&entry_bytes) && count <= 1024;
    let entries = sane.then(|| disk.get(start..)?.get(..count.checked_mul(entry_bytes)?)).flatten()?;
    (crc(entries) == word(header, 88)).then_some(Table { header, entries, entry_bytes })
}

impl<'b> Table<'b> {
    fn entry(&self, number: u32) -> Option<&'b [u8]> {
        let at = (number as usize).checked_sub(1)?.checked_mul(self.entry_bytes)?;
        self.entries.get(at..)?.get(..self.entry_bytes)
    }

    fn used(&self) -> impl Iterator<Item = &'b [u8]> {
        self.entries.chunks_exact(self.entry_bytes).filter(|entry| entry[..16] != [0; 16])
    }
}

/// The type of a partition.
pub fn kind(disk: &[u8], sector: u64, number: u32) -> Option<[u8; 16]> {
    read(disk, sector)?.entry(number)?[..16].try_into().ok()
}

/// What makes partition `number` reach to the end of a disk of `disk_bytes`; `disk` is its beginning. `None`: nothing is to
/// be done, or the table is none that we know.
pub fn grow(disk: &[u8], sector: u64, disk_bytes: u64, number: u32) -> Option<Grown> {
    let table = read(disk, sector)?;
    let entry = table.entry(number)?;
    let (first, last) = (long(entry, 32), long(entry, 40));
    let is_last = table.used().all(|other| long(other, 32) <= first);
    let entries_sectors = (table.entries.len() as u64).div_ceil(sector);
    let end = (disk_bytes / sector).checked_sub(1)?;
    // Whole megabytes, as partitions begin.
    let align = (1 << 20) / sector;
    let usable = end.checked_sub(entries_sectors + 1)?;
    let new_last = ((usable + 1) / align * align).checked_sub(1)?;
    if !is_last || new_last <= last || first > last {
        return None;
    }
    let mut entries = table.entries.to_vec();
    let at = (number as usize - 1) * table.entry_bytes;
    entries[at + 40..at + 48].copy_from_slice(&new_last.to_le_bytes());
    let header = |this: u64, other: u64, entries_at: u64| {
        let mut header = table.header.to_vec();
        header[24..32].copy_from_slice(&this.to_le_bytes());
        header[32..40].copy_from_slice(&other.to_le_bytes());
        header[48..56].copy_from_slice(&usable.to_le_bytes());
        header[72..80].copy_from_slice(&entries_at.to_le_bytes());
        header[88..92].copy_from_slice(&crc(&entries).to_le_bytes());
        header[16..20].fill(0);
        let sum = crc(&header);
        header[16..20].copy_from_slice(&sum.to_le_bytes());
        header.resize(sector as usize, 0);
        header
    };
    let first_entries = long(table.header, 72);
    let writes = vec![
        ((usable + 1) * sector, entries.clone()),
        (end * sector, header(end, 1, usable + 1)),
        (first_entries * sector, entries.clone()),
        (sector, header(1, end, first_entries)),
    ];
    Some(Grown { writes, start: first * sector, bytes: (new_last - first + 1) * sector })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|word| word.try_into().ok()).map_or(0, u32::from_le_bytes)
}

fn long(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|word| word.try_into().ok()).map_or(0, u64::from_le_bytes)
}

/// CRC-32 (IEEE 802.3), bit by bit: 16 KiB at a start.
fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 & (crc & 1).wrapping_neg()))
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{Seek, SeekFrom, Write};
    use std::path::Path;
    use std::process::Command;

    use super::*;

    const MB: u64 = 1 << 20;

    fn sgdisk(disk: &Path, words: &[&str]) -> String {
        let output = Command::new("sgdisk").args(words).arg(disk).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
        text
    }

    /// A disk of 64 MiB with two partitions, made 128 MiB.
    fn disk() -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk");
        fs::File::create(&path).unwrap().set_len(64 * MB).unwrap();
        sgdisk(&path, &["-n", "1:0:+8M", "-n", "2:0:0", "-t", "2:8310", "-c", "2:rootbrew-data"]);
        fs::File::options().write(true).open(&path).unwrap().set_len(128 * MB).unwrap();
        (folder, path)
    }

    #[test]
    fn the_last_partition_grows_and_a_judge_finds_no_fault() {
        let (_folder, path) = disk();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(kind(&bytes, 512, 2), Some(VAR));
        assert_eq!(grow(&bytes, 512, 128 * MB, 1), None, "not the last");
        assert_eq!(grow(&bytes, 512, 64 * MB, 2), None, "the disk is as it was");
        let grown = grow(&bytes, 512, 128 * MB, 2).unwrap();
        let mut file = fs::File::options().write(true).open(&path).unwrap();
        for (at, bytes) in &grown.writes {
            file.seek(SeekFrom::Start(*at)).unwrap();
            file.write_all(bytes).unwrap();
        }
        drop(file);
        assert!(sgdisk(&path, &["-v"]).contains("No problems found"), "{}", sgdisk(&path, &["-v"]));
        assert_eq!((grown.start, grown.start + grown.bytes), (9 * MB, 127 * MB));
        assert_eq!(grow(&fs::read(&path).unwrap(), 512, 128 * MB, 2), None, "once is enough");
    }

    #[test]
    fn a_table_that_is_not_whole_is_left_alone() {
        let (_folder, path) = disk();
        let whole = fs::read(&path).unwrap()[..64 << 10].to_vec();
        for at in [512, 560, 600, 1024 + 130] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            assert_eq!(grow(&bytes, 512, 128 * MB, 2), None, "{at}");
        }
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let (_folder, path) = disk();
        let whole = fs::read(&path).unwrap()[..64 << 10].to_vec();
        crate::chance::rounds(17, 2_000, |chance| {
            grow(&chance.change(&whole[..2048], 512), 512, 128 * MB, 2);
        });
    }
}
