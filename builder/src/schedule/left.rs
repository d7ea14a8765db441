//! What a failed build leaves: `/build`, kept so that `rootbrew shell` opens the sandbox as it was.

use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use kegs::Store;

/// Where the last failed build of a keg lies, or would.
pub fn path(store: &Store, keg: &str) -> PathBuf {
    store.folder().join("failed").join(keg)
}

/// Copies `/build` of a failed action out of its sandbox; an older failure of the same keg goes.
pub fn keep(store: &Store, keg: &str, build: &Path) -> io::Result<PathBuf> {
    let to = path(store, keg);
    forget(store, keg)?;
    let staged = store.stage_path("failed");
    copy(build, &staged)?;
    fs::create_dir_all(to.parent().unwrap_or(&to))?;
    fs::rename(&staged, &to)?;
    Ok(to)
}

/// Removes what a failure left.
pub fn forget(store: &Store, keg: &str) -> io::Result<()> {
    match fs::remove_dir_all(path(store, keg)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Files, folders and links; sockets and the like of a dead build are of no use.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, &target)?;
        } else if kind.is_file() {
            fs::copy(entry.path(), &target)?;
        }
    }
    // After its entries: a folder may be read-only.
    fs::set_permissions(to, fs::Permissions::from_mode(fs::metadata(from)?.mode() & 0o777 | 0o700))
}
