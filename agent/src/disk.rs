//! Disks and partitions by their names: the serial that the machine's maker gave a disk, the label of a GPT partition.

use std::fs;
use std::path::{Path, PathBuf};

const BLOCK: &str = "/sys/class/block";

/// The device with this name, the first by device where many have it.
pub fn find(name: &str) -> Option<PathBuf> {
    let devices = devices(Path::new(BLOCK));
    let found = devices.iter().find(|device| is_called(&Path::new(BLOCK).join(device), name))?;
    Some(Path::new("/dev").join(found))
}

/// All, sorted.
pub fn devices(block: &Path) -> Vec<String> {
    let entries = fs::read_dir(block).into_iter().flatten().flatten();
    let mut devices: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    devices.sort();
    devices
}

/// virtio's serial has at most 20 bytes, NVMe's is filled with blanks.
fn is_called(device: &Path, name: &str) -> bool {
    let serials = ["serial", "device/serial"].map(|file| text(&device.join(file)));
    let label = text(&device.join("uevent"));
    let label = label.lines().find_map(|line| line.strip_prefix("PARTNAME="));
    serials.iter().any(|serial| serial.trim() == name) || label == Some(name)
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_serial_or_by_label() {
        let folder = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put("vda/uevent", "MAJOR=253\n");
        put("vdb/serial", "rootbrew-env\n");
        put("vdc1/uevent", "PARTN=1\nPARTNAME=rootbrew-data\n");
        put("nvme0n1/device/serial", "rootbrew-data        \n");
        let named = |name: &str| {
            let found = devices(folder.path());
            found
                .into_iter()
                .filter(|device| is_called(&folder.path().join(device), name))
                .collect::<Vec<_>>()
        };
        assert_eq!(named("rootbrew-env"), ["vdb"]);
        assert_eq!(named("rootbrew-data"), ["nvme0n1", "vdc1"]);
        assert_eq!(named("rootbrew"), [""; 0]);
    }
}
