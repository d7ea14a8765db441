//! The file systems that a machine needs beside its root. The root itself is the kernel's affair and read-only.

use std::fs;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, mount_remount, unmount};
use rustix::process::{WaitOptions, wait};

use crate::sys;
use host::error::{Error, Result};

struct Mount {
    kind: &'static str,
    at: &'static str,
    flags: MountFlags,
    options: &'static str,
}

const fn safe() -> MountFlags {
    MountFlags::NOSUID.union(MountFlags::NODEV)
}

const fn data_only() -> MountFlags {
    safe().union(MountFlags::NOEXEC)
}

/// In this order. `/data` is memory until there is a data partition.
const MOUNTS: [Mount; 8] = [
    Mount { kind: "proc", at: "/proc", flags: data_only(), options: "" },
    Mount { kind: "sysfs", at: "/sys", flags: data_only(), options: "" },
    Mount {
        kind: "devtmpfs",
        at: "/dev",
        flags: MountFlags::NOSUID.union(MountFlags::NOEXEC),
        options: "mode=0755",
    },
    Mount {
        kind: "devpts",
        at: "/dev/pts",
        flags: MountFlags::NOSUID.union(MountFlags::NOEXEC),
        options: "gid=5,mode=0620,ptmxmode=0666",
    },
    Mount { kind: "tmpfs", at: "/dev/shm", flags: data_only(), options: "mode=1777" },
    Mount { kind: "tmpfs", at: "/run", flags: safe(), options: "mode=0755" },
    Mount { kind: "tmpfs", at: "/tmp", flags: safe(), options: "mode=1777" },
    Mount { kind: "tmpfs", at: "/data", flags: data_only(), options: "mode=0755" },
];

/// Mounts all; what the kernel has mounted already (CONFIG_DEVTMPFS_MOUNT) is left as it is.
pub fn all() -> Result<()> {
    for wanted in &MOUNTS {
        // Only below `/dev`, which is memory: elsewhere the image has the place.
        if wanted.at.starts_with("/dev/") {
            fs::create_dir_all(wanted.at).map_err(Error::world(format!("make {}", wanted.at)))?;
        }
        one(wanted)?;
    }
    cgroups();
    Ok(())
}

fn one(wanted: &Mount) -> Result<()> {
    let options = std::ffi::CString::new(wanted.options).unwrap_or_default();
    match mount(wanted.kind, wanted.at, wanted.kind, wanted.flags, options.as_c_str()) {
        Ok(()) | Err(Errno::BUSY) => Ok(()),
        // A kernel without pseudo terminals serves as well.
        Err(Errno::NODEV) if wanted.kind == "devpts" => Ok(()),
        Err(cause) => Err(Error::world(format!("mount {} at {}", wanted.kind, wanted.at))(cause)),
    }
}

/// The memory that belongs at this place, again.
pub fn memory(at: &str) -> Result<()> {
    MOUNTS.iter().filter(|wanted| wanted.at == at).try_for_each(one)
}

/// Wanted, not needed: a kernel without cgroups serves as well. Each controller by itself, since one that is not there
/// would refuse them all. Whose groups are below is the services' affair.
fn cgroups() {
    let at = "/sys/fs/cgroup";
    if fs::exists(at).unwrap_or(false) {
        mount("cgroup2", at, "cgroup2", data_only(), c"nsdelegate").unwrap_or_default();
        for controller in ["+cpu", "+memory", "+pids"] {
            fs::write(format!("{at}/cgroup.subtree_control"), controller).unwrap_or_default();
        }
    }
}

/// How long who holds a file of `/data` may take to be gone after it was killed.
const HELD_MAX: Duration = Duration::from_secs(2);

/// Lets go of what may be on a disk: nobody is left who writes, all is written, and the file system knows it. Errors change
/// nothing now: the power goes next.
pub fn release() {
    rustix::fs::sync();
    // Whoever left its service's group. Nothing here is PID 1 in a test.
    if std::process::id() == 1 {
        sys::kill_others();
    }
    let until = Instant::now() + HELD_MAX;
    while unmount("/data", UnmountFlags::empty()) == Err(Errno::BUSY) {
        if Instant::now() > until {
            mount_remount("/data", MountFlags::RDONLY, c"").unwrap_or_default();
            unmount("/data", UnmountFlags::DETACH).unwrap_or_default();
            break;
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        std::thread::sleep(Duration::from_millis(5));
    }
    rustix::fs::sync();
}
