//! The disk of a guest's data: a file of the operator's, with holes where nothing was written. Never made smaller.

use std::fs::OpenOptions;
use std::path::PathBuf;

use crate::trouble::{Result, Trouble};

/// Most of it is a hole.
const USUAL_BYTES: u64 = 16 << 30;

/// `FILE[:SIZE]`, SIZE as `512M`, `16G`: the file, of at least that size.
pub fn ready(asked: &str) -> Result<PathBuf> {
    let sized = asked.rsplit_once(':').and_then(|(file, size)| Some((file, bytes(size)?)));
    let (file, wanted) = sized.map_or((asked, None), |(file, bytes)| (file, Some(bytes)));
    let failed = |error| Trouble::Failed(format!("cannot make the disk {file}: {error}"));
    let mut options = OpenOptions::new();
    let disk = options.read(true).write(true).create(true).truncate(false).open(file).map_err(failed)?;
    let has = disk.metadata().map_err(failed)?.len();
    let wanted = wanted.unwrap_or(if has == 0 { USUAL_BYTES } else { has });
    if wanted > has {
        disk.set_len(wanted).map_err(failed)?;
    }
    Ok(PathBuf::from(file))
}

fn bytes(size: &str) -> Option<u64> {
    let units = [("K", 10), ("M", 20), ("G", 30), ("T", 40)];
    let (number, shift) = units.iter().find_map(|(unit, shift)| Some((size.strip_suffix(unit)?, *shift)))?;
    number.parse::<u64>().ok()?.checked_mul(1 << shift)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_only_grows() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a:b").display().to_string();
        let size = || std::fs::metadata(&file).unwrap().len();
        assert_eq!(ready(&format!("{file}:64M")).unwrap(), PathBuf::from(&file));
        assert_eq!(size(), 64 << 20);
        ready(&format!("{file}:32M")).unwrap();
        ready(&file).unwrap();
        assert_eq!(size(), 64 << 20);
        ready(&format!("{file}:128M")).unwrap();
        assert_eq!(size(), 128 << 20);
    }
}
