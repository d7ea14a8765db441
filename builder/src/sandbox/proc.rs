//! `/proc` as a command sees it: its own processes, read-only, and one made-up machine.
//!
//! Read-only as a whole: root outside is the owner of `/proc/sys` inside too, and must not be able to write there.

use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::mount::MountAttrFlags;

use super::root;
use super::setup::ProcKind;
use super::sys::{NODEV, NOEXEC, NOSUID, RDONLY};

/// What tells machines, loads and moments apart. One processor, as a build takes its number from the job pool.
const FIXED: [(&str, &str); 5] = [
    (
        "cpuinfo",
        "processor\t: 0\nvendor_id\t: rootbrew\ncpu family\t: 0\nmodel\t\t: 0\nmodel name\t: rootbrew\ncpu MHz\t\t: 1000.000\n\n",
    ),
    ("loadavg", "0.00 0.00 0.00 1/1 1\n"),
    (
        "stat",
        "cpu  0 0 0 0 0 0 0 0 0 0\ncpu0 0 0 0 0 0 0 0 0 0 0\nintr 0\nctxt 0\nbtime 1767225600\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n",
    ),
    ("uptime", "1.00 1.00\n"),
    ("version", "Linux version 6.1.0 (rootbrew@rootbrew) #1 SMP\n"),
];

/// What an owner of kernel secrets could read or write, were capabilities not gone.
const MASKED: [&str; 5] = ["kcore", "keys", "kmsg", "sysrq-trigger", "timer_list"];

/// A fresh `/proc` of this pid namespace, or the outer one where that is refused; detached.
pub fn take() -> io::Result<(OwnedFd, ProcKind)> {
    let attributes = MountAttrFlags::MOUNT_ATTR_RDONLY
        | MountAttrFlags::MOUNT_ATTR_NOSUID
        | MountAttrFlags::MOUNT_ATTR_NODEV
        | MountAttrFlags::MOUNT_ATTR_NOEXEC;
    match root::mount("proc", &[], attributes) {
        Ok(proc) => Ok((proc, ProcKind::Fresh)),
        Err(_) => Ok((root::copy(Path::new("/proc"), RDONLY | NOSUID | NODEV | NOEXEC)?, ProcKind::Outer)),
    }
}

/// Covers the files of `/proc` that tell of this machine.
pub fn disguise() -> io::Result<()> {
    for (name, text) in FIXED {
        let file = format!("/.{name}");
        fs::write(&file, text)?;
        cover(&file, name)?;
        fs::remove_file(&file)?;
    }
    MASKED.iter().try_for_each(|name| cover("/dev/null", name))
}

fn cover(with: &str, name: &str) -> io::Result<()> {
    let path = format!("/proc/{name}");
    match root::attach(&root::copy(Path::new(with), RDONLY | NOSUID | NOEXEC)?, &path) {
        // Kernels are built without some of them.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
