//! Where the environment comes from: what this machine was given, read with bounds.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};

use host::environment::{SIZE_MAX_BYTES, Source};
use host::error::{Error, Result};
use host::role::Variable;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};

use crate::wait::{News, Waiter};

/// Where QEMU's `-fw_cfg name=opt/org.rootbrew/environment.toml,file=…` appears.
const FW_CFG: &str = "/sys/firmware/qemu_fw_cfg/by_name/opt/org.rootbrew/environment.toml/raw";

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

/// The operator's file, in one instant; empty: none.
pub fn put(bytes: &[u8]) -> Result<()> {
    let tried = || Error::world(format!("write {OPERATOR}"));
    if bytes.is_empty() {
        return match fs::remove_file(OPERATOR) {
            Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => Err(tried()(cause)),
            _ => Ok(()),
        };
    }
    // Told to whoever put it, and not only to the console.
    Source::parse("operator", bytes).map_err(|fault| Error::from(vec![fault]))?;
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

/// Weakest first.
pub fn all(schema: &BTreeMap<String, Variable>) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    if let Some(bytes) = read(FW_CFG)? {
        sources.push(Source::parse("fw_cfg", &bytes).map_err(|fault| Error::from(vec![fault]))?);
    }
    let line = read("/proc/cmdline")?.unwrap_or_default();
    sources.push(Source::kernel(&String::from_utf8_lossy(&line), schema));
    if let Some(bytes) = read(OPERATOR)? {
        sources.push(Source::parse("operator", &bytes).map_err(|fault| Error::from(vec![fault]))?);
    }
    Ok(sources)
}

/// At most one byte more than an environment may have. `None` when there is no such file.
fn read(path: &str) -> Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(Error::world(format!("open {path}")))?,
    };
    let mut bytes = Vec::new();
    file.take(SIZE_MAX_BYTES + 1).read_to_end(&mut bytes).map_err(Error::world(format!("read {path}")))?;
    Ok(Some(bytes))
}
