//! What the operator put on this machine: goes before all others, and lasts until it ends.

use std::fs;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

use host::environment::Source;
use host::error::{Error, Result};
use host::role::Role;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::wait::{News, Waiter};

/// What an operator put here goes before all others: written by the control's `env put`, or by whoever may write there.
pub const FOLDER: &str = "/run/rootbrew/environment";
const OPERATOR: &str = "/run/rootbrew/environment/operator.toml";

/// Watches the operator's folder: each whole write and rename is news.
pub fn watch(waiter: &Waiter) -> Result<OwnedFd> {
    let watch = || {
        fs::create_dir_all(FOLDER)?;
        fs::set_permissions(FOLDER, fs::Permissions::from_mode(0o700))?;
        let inotify = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        let flags = WatchFlags::CLOSE_WRITE | WatchFlags::MOVED_TO | WatchFlags::DELETE;
        inotify::add_watch(&inotify, FOLDER, flags)?;
        waiter.watch(&inotify, News::Environment)?;
        Ok(inotify)
    };
    watch().map_err(Error::world::<std::io::Error>(format!("watch {FOLDER}")))
}

/// The operator's file, in one instant; empty: none. A machine that has no role yet asks for no signature: it will at its start.
///
/// # Errors
/// No TOML, or not signed as the role wants it: told to whoever put it, and not only to the console.
pub fn put(role: Option<&Role>, bytes: &[u8]) -> Result<()> {
    let tried = || Error::world(format!("write {OPERATOR}"));
    if bytes.is_empty() {
        return match fs::remove_file(OPERATOR) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(tried()(cause)),
            _ => Ok(()),
        };
    }
    match role {
        Some(role) => super::whole(role, "operator", bytes)?,
        None => Source::parse("operator", bytes).map_err(|fault| Error::from(vec![fault]))?,
    };
    let aside = format!("{OPERATOR}.new");
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&aside)
        .map_err(tried())?;
    file.write_all(bytes).map_err(tried())?;
    fs::rename(&aside, OPERATOR).map_err(tried())
}

/// `None`: nobody put any.
pub fn read() -> Result<Option<Vec<u8>>> {
    super::read(OPERATOR)
}
