//! Where the data partition is: a disk or a partition called `rootbrew-data`, else the first partition of the type that the
//! Discoverable Partitions Specification has for `/var`.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};

use super::ext4::device_bytes;
use super::gpt;
use crate::events::tell;
use crate::{disk, sys};

const LABEL: &str = "rootbrew-data";
const BLOCK: &str = "/sys/class/block";
/// Header and entries: the specification's least is 16 KiB of entries.
const TABLE_BYTES: u64 = 64 << 10;

pub struct Place {
    pub device: PathBuf,
    /// The disk and the number of a partition.
    partition: Option<(PathBuf, u32)>,
}

pub fn find() -> Option<Place> {
    let device = disk::find(LABEL).or_else(by_type)?;
    let name = device.file_name()?.to_string_lossy().into_owned();
    Some(Place { partition: partition(&name), device })
}

/// `/sys/class/block/vdb1` leads to `…/vdb/vdb1`, and has its number in `partition`.
fn partition(name: &str) -> Option<(PathBuf, u32)> {
    let at = fs::canonicalize(Path::new(BLOCK).join(name)).ok()?;
    let number = fs::read_to_string(at.join("partition")).ok()?.trim().parse().ok()?;
    Some((Path::new("/dev").join(at.parent()?.file_name()?), number))
}

fn by_type() -> Option<PathBuf> {
    let devices = disk::devices(Path::new(BLOCK));
    let partitions = devices.iter().filter_map(|name| Some((name, partition(name)?)));
    let mut partitions = partitions.filter(|(_, (disk, number))| {
        table(disk).is_ok_and(|(bytes, sector)| gpt::kind(&bytes, sector, *number) == Some(gpt::VAR))
    });
    partitions.next().map(|(name, _)| Path::new("/dev").join(name))
}

/// The first bytes of a disk, and the bytes of its sectors.
fn table(disk: &Path) -> std::io::Result<(Vec<u8>, u64)> {
    let mut bytes = Vec::new();
    File::open(disk)?.take(TABLE_BYTES).read_to_end(&mut bytes)?;
    let name = disk.file_name().unwrap_or_default();
    let text = fs::read_to_string(Path::new(BLOCK).join(name).join("queue/logical_block_size"));
    Ok((bytes, text.ok().and_then(|text| text.trim().parse().ok()).unwrap_or(512)))
}

impl Place {
    #[cfg(test)]
    pub fn whole(device: PathBuf) -> Place {
        Place { device, partition: None }
    }

    /// The partition up to the disk's end, where it is the last; the table's second copy moves there too.
    pub fn grow(&self) -> std::io::Result<()> {
        let Some((disk, number)) = &self.partition else { return Ok(()) };
        let (bytes, sector) = table(disk)?;
        let Some(grown) = gpt::grow(&bytes, sector, device_bytes(disk)?, *number) else { return Ok(()) };
        let mut file = OpenOptions::new().read(true).write(true).open(disk)?;
        // The second copy first: after a power cut one of the two is whole.
        for (at, bytes) in &grown.writes {
            file.seek(SeekFrom::Start(*at))?;
            file.write_all(bytes)?;
            file.sync_all()?;
        }
        sys::resize_partition(file.as_fd(), *number, grown.start, grown.bytes)?;
        tell(format_args!("data: {} is {} MiB now", self.device.display(), grown.bytes >> 20));
        Ok(())
    }
}
