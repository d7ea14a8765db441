//! The data partition: found, made at first, checked, mounted at `/data`, grown with its disk.
//!
//! ```text
//! find ─▶ grow its place in the table ─▶ look ─┬─ blank, or half made ── mke2fs ─┐
//!                                              ├─ clean ─────────────────────────┼─▶ mount ─▶ grow
//!                                              ├─ dirty ── e2fsck -p, in time ───┘
//!                                              └─ no ext4, or not to be repaired ─▶ lost: memory, fresh or stop, as the role says
//! ```
//! Never: makes a file system where there is any byte of another's, unless the role says `lost = "fresh"`; keeps the machine
//! from serving, unless it says `lost = "stop"`.

mod ext4;
mod gpt;
mod place;
mod tool;

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;
use std::time::Duration;

use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

use crate::events::tell;
use crate::sys;
use ext4::Look;
use host::error::{Error, Result};
use host::role::{Data, Lost};
use place::Place;

pub const AT: &str = if cfg!(test) { "/mnt/data" } else { "/data" };
/// Root's: what the machine itself remembers.
pub const OWN: &str = if cfg!(test) { "/mnt/data/.rootbrew" } else { "/data/.rootbrew" };
/// mke2fs writes a few megabytes; a disk that is slow to wake gets the rest.
const MAKE_MAX: Duration = Duration::from_secs(120);

/// Puts the data partition in the place of the memory at `/data`. Says what it did.
///
/// # Errors
/// It is lost, and the role says that the machine must not serve without.
pub fn bring(data: &Data) -> Result<()> {
    let brought = match place::find() {
        Some(place) => bring_place(&place, data),
        None => Err("no partition, and no disk with the serial `rootbrew-data`".into()),
    };
    if brought.is_err() && is_ext4() {
        // It was mounted, and cannot be used: no half of it.
        unmount(AT, UnmountFlags::DETACH).unwrap_or_default();
        crate::mount::memory(AT)?;
    }
    match brought {
        Ok(()) => Ok(()),
        Err(why) if data.lost == Lost::Stop => Err(Error::input(format!("data: {why}"))),
        Err(why) => {
            tell(format_args!("data: {why}; {AT} is memory, and lasts until the machine ends"));
            Ok(())
        }
    }
}

/// In words, why it could not.
type Why = String;

fn bring_place(place: &Place, data: &Data) -> std::result::Result<(), Why> {
    if let Err(why) = place.grow() {
        tell(format_args!("data: {}: its partition is not grown: {why}", place.device.display()));
    }
    let device = place.device.as_path();
    let limit = Duration::from_secs(data.check_s);
    // What looks well and cannot be mounted gets a whole look.
    let mended = |_| tool::check(device, limit, &["-f"]).and_then(|()| put(device));
    match make_ready(device, limit).and_then(|()| put(device).or_else(mended)) {
        Err(why) if data.lost == Lost::Fresh => {
            tell(format_args!("data: {why}; it is made anew, as the role says"));
            make(device)?;
            put(device)?;
        }
        done => done?,
    }
    if let Err(why) = grow(device) {
        tell(format_args!("data: {} is not grown: {why}", device.display()));
    }
    for path in &data.paths {
        fs::create_dir_all(path).map_err(|cause| format!("make {path}: {cause}"))?;
    }
    fs::create_dir_all(OWN)
        .and_then(|()| fs::set_permissions(OWN, std::os::unix::fs::PermissionsExt::from_mode(0o700)))
        .map_err(|cause| format!("make {OWN}: {cause}"))
}

/// So that it can be mounted.
fn make_ready(device: &Path, limit: Duration) -> std::result::Result<(), Why> {
    let named = |why: String| format!("{}: {why}", device.display());
    match ext4::look(device).map_err(|cause| named(cause.to_string()))? {
        Look::Blank => {
            tell(format_args!("data: {} is blank: an ext4 is made on it", device.display()));
            make(device)
        }
        Look::HalfMade => {
            tell(format_args!("data: {} was not made to its end: made anew", device.display()));
            make(device)
        }
        Look::Clean => Ok(()),
        Look::Dirty => tool::check(device, limit, &[]).map_err(named),
        // Its second superblock, where the disk is large enough to have one.
        Look::Other => tool::check(device, limit, &ext4::SECOND)
            .map_err(|_| named("it holds something that is no ext4, and is left as it is".into())),
    }
}

fn make(device: &Path) -> std::result::Result<(), Why> {
    let tried = |cause: std::io::Error| format!("{}: {cause}", device.display());
    ext4::mark(device).map_err(tried)?;
    tool::make(device, MAKE_MAX).map_err(|why| format!("{}: {why}", device.display()))?;
    ext4::unmark(device).map_err(tried)
}

/// In the place of the memory. Where it cannot be mounted, the memory is there again.
fn put(device: &Path) -> std::result::Result<(), Why> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::NOATIME;
    unmount(AT, UnmountFlags::DETACH).unwrap_or_default();
    // A disk that fails stops who writes to it, and nobody else.
    mount(device, AT, "ext4", flags, c"errors=remount-ro").map_err(|cause| {
        if let Err(fault) = crate::mount::memory(AT) {
            tell(fault);
        }
        format!("mount {}: {cause}", device.display())
    })
}

/// The file system as large as its device, while it is mounted.
fn grow(device: &Path) -> std::io::Result<()> {
    let Some((blocks, block_bytes)) = ext4::size(device)? else { return Ok(()) };
    let room = ext4::device_bytes(device)? / block_bytes;
    // Less than a group's own tables would be refused.
    if room < blocks + (1 << 10) {
        return Ok(());
    }
    sys::resize_ext4(File::open(AT)?.as_fd(), room)?;
    tell(format_args!("data: grown from {} to {} MiB", mib(blocks * block_bytes), mib(room * block_bytes)));
    Ok(())
}

fn mib(bytes: u64) -> u64 {
    bytes >> 20
}

/// Whether what is written there is there at the next start.
pub fn is_lasting() -> bool {
    is_ext4() && Path::new(OWN).is_dir()
}

fn is_ext4() -> bool {
    // EXT4_SUPER_MAGIC
    rustix::fs::statfs(AT).is_ok_and(|found| found.f_type as u64 == 0xEF53)
}

#[cfg(test)]
#[path = "data_test.rs"]
mod tests;
