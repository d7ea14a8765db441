//! From the agent to a service: a child enters its room, step by step, and becomes the program.
//!
//! ```text
//! agent ──clone into namespaces──▶ child: cgroup, mounts, user, capabilities, landlock, seccomp
//!                                               │ shares pids: exec
//!                                               └ own pids: stays as number 1, reaps, hands signals on ──▶ 2: exec
//! ```
//! What it says to the agent, on a pipe: records of two numbers, `step errno` for a step that failed, [`STARTED`],
//! [`ENDED`] and the status. The child makes system calls only: no allocation, no lock, no unwinding.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{CWD, FileType, Mode, makedev, mknodat};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};
use rustix::process::{Resource, Rlimit, chdir, setrlimit, setsid};

use super::room::{Job, Room};
use super::{confine, landlock};
use crate::sys::{self, child};
use host::role::Share;

/// What failed, as the console says it. The place in the list is the record's first number.
const STEPS: [&str; 12] = [
    "enter a session of its own",
    "make its mounts read-only",
    "mount its /tmp, /proc, /sys or /dev",
    "set its limits",
    "take its user",
    "restrict its paths",
    "filter its calls",
    "start its own process",
    "hand on its descriptors",
    "run the program",
    "bring up its loopback",
    "enter its cgroup",
];
pub const STARTED: u32 = 100;
pub const ENDED: u32 = 101;
pub const MAIN: u32 = 102;
const TMP_MODE: &CStr = c"mode=1777,size=25%";

type Step<T = ()> = std::result::Result<T, (u32, io::Error)>;

/// What `at` of [`STEPS`] makes of a failure.
fn step<T, E: Into<io::Error>>(at: u32, result: std::result::Result<T, E>) -> Step<T> {
    result.map_err(|cause| (at, cause.into()))
}

pub fn step_name(at: u32) -> &'static str {
    STEPS.get(at as usize).copied().unwrap_or("start")
}

/// Two numbers of the pipe; `None` when it is empty or closed.
pub fn read_record(mut pipe: &File) -> Option<(u32, u32)> {
    let mut bytes = [0; 8];
    pipe.read_exact(&mut bytes).ok()?;
    let number = |at: usize| u32::from_ne_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    Some((number(0), number(4)))
}

fn tell(pipe: BorrowedFd, kind: u32, word: u32) {
    // Fewer than PIPE_BUF bytes go whole or not at all; an agent that does not read is gone.
    rustix::io::write(pipe, &record(kind, word)).unwrap_or_default();
}

/// Who has ended and how: in one write, so that no reader meets the one without the other.
fn tell_end(pipe: BorrowedFd, pid: u32, status: u32) {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&record(MAIN, pid));
    bytes[8..].copy_from_slice(&record(ENDED, status));
    rustix::io::write(pipe, &bytes).unwrap_or_default();
}

fn record(kind: u32, word: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&kind.to_ne_bytes());
    bytes[4..].copy_from_slice(&word.to_ne_bytes());
    bytes
}

/// The first child. `fds` become 0, 1, 2 and on.
pub fn enter(room: &Room, job: &mut Job, door: Option<BorrowedFd>, fds: &[OwnedFd], pipe: BorrowedFd) -> ! {
    let own_pids = room.namespaces & libc::CLONE_NEWPID != 0 && !room.bare;
    let inside = door.map_or(Ok(1), |door| rustix::io::write(door, b"0"));
    let fault = match step(11, inside).and_then(|_| confine_self(room)) {
        Ok(()) if own_pids => stand_for(job, fds, pipe),
        Ok(()) => become_program(job, fds),
        Err(fault) => fault,
    };
    tell(pipe, fault.0, fault.1.raw_os_error().unwrap_or(0) as u32);
    child::end(127)
}

fn confine_self(room: &Room) -> Step {
    step(0, setsid())?;
    if room.bare {
        return Ok(());
    }
    step(1, read_only(room))?;
    step(2, own_mounts(room))?;
    if room.namespaces & libc::CLONE_NEWNET != 0 {
        step(10, child::loopback_up())?;
    }
    step(3, limit(room))?;
    step(4, confine::apply(room.user, room.keep))?;
    if room.landlock > 0 {
        let rules = room.rules.iter().map(|(path, may)| (path.as_c_str(), *may));
        step(5, landlock::apply(room.landlock, rules))?;
    }
    match &room.filter {
        Some(filter) => step(6, child::filter_calls(filter)),
        None => Ok(()),
    }
}

/// All that is mounted, but for what it writes: bound onto itself first, so that it is a mount of its own.
fn read_only(room: &Room) -> io::Result<()> {
    mount_change(c"/", MountPropagationFlags::REC | MountPropagationFlags::PRIVATE)?;
    room.views.iter().try_for_each(|(at, what)| mount_bind(what.as_c_str(), at.as_c_str()))?;
    room.writes.iter().try_for_each(|path| mount_bind(path.as_c_str(), path.as_c_str()))?;
    child::mount_attributes(c"/", true, child::READ_ONLY | child::NO_SETUID, 0)?;
    room.writes.iter().try_for_each(|path| child::mount_attributes(path, false, 0, child::READ_ONLY))
}

fn own_mounts(room: &Room) -> io::Result<()> {
    let safe = MountFlags::NOSUID | MountFlags::NODEV;
    let data = safe | MountFlags::NOEXEC;
    mount_bind(room.own.as_c_str(), c"/run/rootbrew")?;
    if !room.shares(Share::Tmp) {
        mount(c"tmpfs", c"/tmp", c"tmpfs", safe, TMP_MODE)?;
    }
    if !room.shares(Share::Devices) {
        devices()?;
    }
    if !room.shares(Share::Pids) {
        mount(c"proc", c"/proc", c"proc", data | MountFlags::RDONLY, c"hidepid=2")?;
    }
    let hide = |path: &CStr| mount(c"tmpfs", path, c"tmpfs", data | MountFlags::RDONLY, c"mode=0555");
    match room.shares(Share::Sys) {
        true => passed_over(hide(c"/sys/firmware"))?,
        false => hide(c"/sys")?,
    }
    room.masked.iter().try_for_each(|path| Ok(mount_bind(c"/dev/null", path.as_c_str())?))
}

fn passed_over(result: rustix::io::Result<()>) -> rustix::io::Result<()> {
    match result {
        Err(rustix::io::Errno::NOENT | rustix::io::Errno::NODEV) => Ok(()),
        result => result,
    }
}

/// The few that any program may want (linux/Documentation/admin-guide/devices.txt); memory's folder is its `/tmp`.
fn devices() -> io::Result<()> {
    const DEVICES: [(&CStr, u32, u32); 6] = [
        (c"/dev/null", 1, 3),
        (c"/dev/zero", 1, 5),
        (c"/dev/full", 1, 7),
        (c"/dev/random", 1, 8),
        (c"/dev/urandom", 1, 9),
        (c"/dev/tty", 5, 0),
    ];
    const LINKS: [(&CStr, &CStr); 6] = [
        (c"/proc/self/fd", c"/dev/fd"),
        (c"/proc/self/fd/0", c"/dev/stdin"),
        (c"/proc/self/fd/1", c"/dev/stdout"),
        (c"/proc/self/fd/2", c"/dev/stderr"),
        (c"/tmp", c"/dev/shm"),
        (c"pts/ptmx", c"/dev/ptmx"),
    ];
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC;
    mount(c"tmpfs", c"/dev", c"tmpfs", flags, c"mode=0755,size=64k")?;
    rustix::process::umask(Mode::empty());
    for (path, major, minor) in DEVICES {
        mknodat(CWD, path, FileType::CharacterDevice, Mode::from_raw_mode(0o666), makedev(major, minor))?;
    }
    for (target, path) in LINKS {
        rustix::fs::symlink(target, path)?;
    }
    rustix::fs::mkdir(c"/dev/pts", Mode::from_raw_mode(0o755))?;
    Ok(passed_over(mount(c"devpts", c"/dev/pts", c"devpts", flags, c"newinstance,ptmxmode=0666,mode=0620"))?)
}

fn limit(room: &Room) -> rustix::io::Result<()> {
    let both = |most: u64| Rlimit { current: Some(most), maximum: Some(most) };
    setrlimit(Resource::Nofile, both(room.descriptors))?;
    setrlimit(Resource::Core, both(room.core))
}

fn become_program(job: &mut Job, fds: &[OwnedFd]) -> (u32, io::Error) {
    if let Err(fault) = hand_on(job, fds) {
        return (8, fault);
    }
    job.fill_pid(std::process::id());
    (9, child::exec(&job.program, &job.arguments_at, &job.environment_at))
}

fn hand_on(job: &Job, fds: &[OwnedFd]) -> io::Result<()> {
    chdir(c"/")?;
    child::default_signals();
    sys::unblock_signals()?;
    // Their numbers are above all that they get (`spawn::high`), so none is overwritten before it is copied.
    let numbered = fds.iter().enumerate().map(|(number, fd)| (fd, number as i32));
    let also = job.also.iter().map(|(fd, number)| (fd, *number));
    numbered.chain(also).try_for_each(|(fd, number)| sys::duplicate_onto(fd.as_fd(), number))
}

/// Number 1 of the service's own processes: it holds nothing, reaps orphans, hands signals on to the main one, and when that
/// has ended all the others end with it. Comes back only with a fault.
fn stand_for(job: &mut Job, fds: &[OwnedFd], pipe: BorrowedFd) -> (u32, io::Error) {
    let started = child::block_all_signals().and_then(|()| child::clone_and_wait());
    let main = match started {
        Ok(0) => return setsid().map_or_else(|cause| (0, cause.into()), |_| become_program(job, fds)),
        Ok(main) => main,
        Err(cause) => return (7, cause),
    };
    // Nothing of the service's stays open by us.
    if let Err(cause) = sys::duplicate_onto(pipe, 0) {
        return (8, cause);
    }
    child::close_from(1);
    tell(rustix::stdio::stdin(), STARTED, 0);
    stand(main, job.asks)
}

fn stand(mut main: i32, asks: bool) -> ! {
    loop {
        match child::next_signal() {
            (libc::SIGCHLD, _) => reap(main, asks),
            (signal, word) if signal == libc::SIGRTMIN() => main = new_main(main, word),
            // An error of sigwaitinfo, or a signal with no meaning here.
            (signal, _) if signal > 0 => child::kill(main, signal),
            _ => {}
        }
    }
}

/// A main process that has ended is told; where nobody is to be asked, that is the end of all.
fn reap(main: i32, asks: bool) {
    while let Ok(Some((pid, status))) = child::ended_child() {
        if pid == main {
            tell_end(rustix::stdio::stdin(), pid as u32, status as u32);
            if !asks {
                child::end(0);
            }
        }
    }
}

/// The word of the agent: another main process, or 0 for the end.
fn new_main(main: i32, word: i32) -> i32 {
    match word {
        0 => child::end(0),
        word if word > 1 && child::is_there(word) => word,
        _ => main,
    }
}
