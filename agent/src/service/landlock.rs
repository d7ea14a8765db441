//! The paths that a service may reach, by landlock: what is not named is not there for it, whoever owns it.
//!
//! ```text
//! read, run       /bin /sbin /lib /lib64 /usr /kegs /etc
//! read            /proc /run/etc, folders of the role's files, `reads`
//! read, write     /dev
//! all but run     /tmp, `writes`
//! ```
//! The rules are made by the child itself, since its `/tmp`, `/proc` and `/dev` are mounts of its own.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{CWD, Mode, OFlags, openat};

use crate::sys::child::{Ruleset, landlock_allow, landlock_restrict, landlock_ruleset};

/// linux/landlock.h, LANDLOCK_ACCESS_FS_…
const RUN: u64 = 1 << 0;
const WRITE: u64 = 1 << 1;
const READ: u64 = 1 << 2;
const READ_FOLDER: u64 = 1 << 3;
const TRUNCATE: u64 = 1 << 14;
const IOCTL: u64 = 1 << 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum May {
    Read,
    Run,
    /// Of a file or device; makes none.
    Write,
    All,
}

impl May {
    fn bits(self) -> u64 {
        match self {
            May::Read => READ | READ_FOLDER,
            May::Run => READ | READ_FOLDER | RUN,
            May::Write => READ | READ_FOLDER | WRITE | TRUNCATE | IOCTL,
            May::All => !RUN,
        }
    }
}

/// Every access to files that version `version` knows.
fn known(version: i32) -> u64 {
    let bits = match version {
        ..=1 => 13,
        2 => 14,
        3 | 4 => 15,
        _ => 16,
    };
    (1 << bits) - 1
}

/// What may be asked of a file: not the making of files.
const OF_FILE: u64 = RUN | WRITE | READ | TRUNCATE | IOCTL;

/// In the child: from here on only `rules` hold. A path that is not there is passed over.
pub fn apply<'p>(version: i32, rules: impl Iterator<Item = (&'p CStr, May)>) -> io::Result<()> {
    // Version 6: no abstract Unix sockets of others, no signals to others.
    let (scoped, size) = if version >= 6 { (3, 24) } else { (0, 8) };
    let ruleset = landlock_ruleset(&Ruleset { files: known(version), network: 0, scoped }, size)?;
    for (path, may) in rules {
        let Some(place) = open(path)? else { continue };
        let folder = rustix::fs::fstat(&place)?.st_mode & libc::S_IFMT == libc::S_IFDIR;
        let bits = may.bits() & known(version) & if folder { u64::MAX } else { OF_FILE };
        landlock_allow(ruleset.as_fd(), place.as_fd(), bits)?;
    }
    landlock_restrict(ruleset.as_fd())
}

fn open(path: &CStr) -> io::Result<Option<OwnedFd>> {
    match openat(CWD, path, OFlags::PATH | OFlags::CLOEXEC, Mode::empty()) {
        Ok(place) => Ok(Some(place)),
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
        Err(cause) => Err(cause.into()),
    }
}
