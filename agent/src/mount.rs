//! The file systems that a machine needs beside its root. The root itself is the kernel's affair and read-only.

use std::fs;

use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};

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
const MOUNTS: [Mount; 6] = [
    Mount { kind: "proc", at: "/proc", flags: data_only(), options: "" },
    Mount { kind: "sysfs", at: "/sys", flags: data_only(), options: "" },
    Mount {
        kind: "devtmpfs",
        at: "/dev",
        flags: MountFlags::NOSUID.union(MountFlags::NOEXEC),
        options: "mode=0755",
    },
    Mount { kind: "tmpfs", at: "/run", flags: safe(), options: "mode=0755" },
    Mount { kind: "tmpfs", at: "/tmp", flags: safe(), options: "mode=1777" },
    Mount { kind: "tmpfs", at: "/data", flags: data_only(), options: "mode=0755" },
];

/// Mounts all; what the kernel has mounted already (CONFIG_DEVTMPFS_MOUNT) is left as it is.
pub fn all() -> Result<()> {
    for wanted in MOUNTS {
        let options = std::ffi::CString::new(wanted.options).unwrap_or_default();
        match mount(wanted.kind, wanted.at, wanted.kind, wanted.flags, options.as_c_str()) {
            Ok(()) | Err(Errno::BUSY) => {}
            Err(cause) => return Err(Error::world(format!("mount {} at {}", wanted.kind, wanted.at))(cause)),
        }
    }
    cgroups();
    Ok(())
}

/// Wanted, not needed: a kernel without cgroups serves as well.
fn cgroups() {
    let at = "/sys/fs/cgroup";
    if fs::exists(at).unwrap_or(false) {
        mount("cgroup2", at, "cgroup2", data_only(), c"").unwrap_or_default();
    }
}

/// Lets go of what may be on a disk. Errors change nothing now: the power goes next.
pub fn release() {
    rustix::fs::sync();
    unmount("/data", UnmountFlags::DETACH).unwrap_or_default();
    rustix::fs::sync();
}
