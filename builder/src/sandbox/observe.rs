//! What a command opens of its binds, told by fanotify(7).
//!
//! One mark a bind, set by the helper (it alone has power outside) once init has mounted them, before the command
//! starts. A mark holds for one mount, so another sandbox that is shown the same tree is not heard here. Events come as
//! file descriptors, whose path as `/proc` tells it is the path inside.
//!
//! It only hears: it never allows, delays or refuses, and nothing of it reaches the command, the key or the output.
//! Where the kernel or the user has no power for it there is no observer, and where it lost events it says so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{MemfdFlags, OFlags};
use serde::{Deserialize, Serialize};

use super::setup::Setup;
use super::sys::{self, OPENED, OVERFLOW, STARTED};

/// Which binds are heard, by what their path inside begins with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observe {
    /// Every file that is opened.
    pub files: String,
    /// Programs that are started.
    pub programs: String,
}

/// What was opened, by path inside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Files of the binds that are heard whole, and how often each was opened.
    pub files: BTreeMap<String, u64>,
    /// Programs that were started, of either kind of bind.
    pub programs: BTreeSet<String>,
    /// The kernel had to drop events: what is not named here may have been opened all the same.
    pub lost: Loss,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Loss {
    #[default]
    Nothing,
    Some,
}

/// Hears one sandbox.
pub struct Observer {
    group: File,
    observe: Observe,
}

/// 170 events (24 bytes each): each is an open file of ours while it is looked at, and 1024 is the usual limit.
const BATCH_BYTES: usize = 4096;

impl Observer {
    /// `None` where this machine does not let us hear.
    pub fn new(observe: &Observe) -> Option<Observer> {
        let group = File::from(sys::fanotify_group().ok()?);
        Some(Observer { group, observe: observe.clone() })
    }

    /// For who has the time to close it.
    pub fn into_group(self) -> OwnedFd {
        self.group.into()
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.group.as_fd()
    }

    /// Marks the binds below `root`, the root of the sandbox.
    ///
    /// Errors: a bind that can't be marked; what was marked before stays so.
    pub fn mark(&self, root: BorrowedFd, setup: &Setup) -> io::Result<()> {
        for bind in &setup.binds {
            let inside = bind.to.trim_start_matches('/');
            if bind.to.starts_with(&self.observe.files) {
                sys::fanotify_mark_mount(&self.group, OPENED | STARTED, root, inside)?;
            } else if bind.to.starts_with(&self.observe.programs) {
                sys::fanotify_mark_mount(&self.group, STARTED, root, inside)?;
            }
        }
        Ok(())
    }

    /// Takes in all events that are there.
    pub fn hear(&self, opened: &mut Opened) {
        let mut batch = [0; BATCH_BYTES];
        // It ends with WouldBlock; whatever else it can end with means that no more will be heard.
        while let Ok(count @ 1..) = (&self.group).read(&mut batch) {
            sys::fanotify_events(&batch[..count]).for_each(|(mask, file)| self.take(mask, file, opened));
        }
    }

    fn take(&self, mask: u64, file: Option<OwnedFd>, opened: &mut Opened) {
        if mask & OVERFLOW != 0 {
            opened.lost = Loss::Some;
        }
        let Some(path) = file.and_then(|file| path(&file)) else { return };
        if mask & STARTED != 0 {
            opened.programs.insert(path.clone());
        }
        if path.starts_with(&self.observe.files) {
            *opened.files.entry(path).or_default() += 1;
        }
    }
}

/// Up to the root of the sandbox's mount namespace, which is not ours: the path inside.
fn path(file: &OwnedFd) -> Option<String> {
    use std::os::fd::AsRawFd;
    let link = rustix::fs::readlink(format!("/proc/self/fd/{}", file.as_raw_fd()), Vec::new()).ok()?;
    link.into_string().ok()
}

/// Too long for a packet, so it travels as a file in memory.
pub fn write(opened: &Opened) -> io::Result<File> {
    let mut file = File::from(rustix::fs::memfd_create("rootbrew-opened", MemfdFlags::CLOEXEC)?);
    serde_json::to_writer(io::BufWriter::new(&file), opened)?;
    file.flush()?;
    file.rewind()?;
    Ok(file)
}

pub fn read(file: OwnedFd) -> Option<Opened> {
    serde_json::from_reader(io::BufReader::new(File::from(file))).ok()
}

/// The sandbox's mounts, kept while this is held: paths of events that are heard after its end are told through them.
pub fn keep_mounts(pid: i32) -> io::Result<OwnedFd> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    Ok(rustix::fs::open(format!("/proc/{pid}/ns/mnt"), flags, rustix::fs::Mode::empty())?)
}
