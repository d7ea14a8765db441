//! Files of a tap, written whole: beside, synced, renamed over. Whoever reads sees the old bytes or the new.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

/// Replaces a file that is there; its permissions stay.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let beside = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let written = write(&beside, path, bytes).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // The failure is the news; a leftover is hidden, and no recipe's file.
        fs::remove_file(&beside).ok();
    }
    written
}

fn write(beside: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(beside)?;
    file.write_all(bytes)?;
    file.set_permissions(fs::metadata(path)?.permissions())?;
    file.sync_all()
}
