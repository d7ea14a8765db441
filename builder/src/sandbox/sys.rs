//! The system calls that no crate wraps safely. The only `unsafe` of the sandbox.
//!
//! Thin: no policy here. All of it is called from the single-threaded helper or its children, never from the caller's
//! threads.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::mem::{size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Attributes of a mount, as `mount_setattr(2)` takes them.
#[repr(C)]
pub struct MountAttr {
    pub set: u64,
    pub clear: u64,
    pub propagation: u64,
    pub userns_fd: u64,
}

pub const RDONLY: u64 = 1;
pub const NOSUID: u64 = 2;
pub const NODEV: u64 = 4;
pub const NOEXEC: u64 = 8;

/// What became of a child: its raw wait status, and what it and all that it reaped used.
pub struct Reaped {
    pub pid: i32,
    pub status: i32,
    pub cpu_s: f64,
    pub largest_bytes: u64,
}

fn check(result: libc::c_long) -> io::Result<libc::c_long> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// A fork into new namespaces: 0 in the child, its pid in the parent.
pub fn fork_into(namespaces: i32) -> io::Result<i32> {
    let flags = (namespaces | libc::SIGCHLD) as libc::c_ulong;
    // SAFETY: without a stack and without CLONE_VM this is fork(2); the process has one thread, so no lock of another
    // thread can be held in the child.
    let pid = unsafe { libc::syscall(libc::SYS_clone, flags, 0, 0, 0, 0) };
    check(pid).map(|pid| pid as i32)
}

/// Changes attributes of a mount and of all mounts below it.
pub fn mount_setattr(mount: BorrowedFd, attr: &MountAttr) -> io::Result<()> {
    setattr(mount, attr, libc::AT_EMPTY_PATH | libc::AT_RECURSIVE)
}

/// Changes attributes of one mount.
pub fn mount_setattr_one(mount: BorrowedFd, attr: &MountAttr) -> io::Result<()> {
    setattr(mount, attr, libc::AT_EMPTY_PATH)
}

fn setattr(mount: BorrowedFd, attr: &MountAttr, flags: i32) -> io::Result<()> {
    let (fd, path) = (mount.as_raw_fd(), c"".as_ptr());
    // SAFETY: `path` is a C string and `attr` a `struct mount_attr` of the size that is given; both only read.
    check(unsafe { libc::syscall(libc::SYS_mount_setattr, fd, path, flags, attr, size_of::<MountAttr>()) })
        .map(drop)
}

/// Waits for any child; `None` when none ended (with `WNOHANG`) or none is left.
pub fn wait_any(options: i32) -> Option<Reaped> {
    wait_for(-1, options)
}

/// Waits for one child, or any (-1).
pub fn wait_for(pid: i32, options: i32) -> Option<Reaped> {
    loop {
        let mut status = 0;
        // SAFETY: a `rusage` of zeroes is valid, and both pointers are to locals.
        let (pid, usage) = unsafe {
            let mut usage: libc::rusage = zeroed();
            (libc::wait4(pid, &mut status, options, &mut usage), usage)
        };
        if pid > 0 {
            let cpu_s = seconds(usage.ru_utime) + seconds(usage.ru_stime);
            return Some(Reaped { pid, status, cpu_s, largest_bytes: usage.ru_maxrss as u64 * 1024 });
        }
        if pid == 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EINTR) {
            return None;
        }
    }
}

fn seconds(time: libc::timeval) -> f64 {
    time.tv_sec as f64 + time.tv_usec as f64 / 1e6
}

/// Blocks `SIGCHLD`, so that [`await_child`] can wait for it.
pub fn block_sigchld() {
    // SAFETY: the set is a local, initialised by sigemptyset before its use.
    unsafe {
        let mut set = zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut());
    }
}

/// Sleeps until a child ends or `limit_s` passed. `SIGCHLD` must be blocked.
pub fn await_child(limit_s: i64) {
    // SAFETY: as above; the time is a local.
    unsafe {
        let mut set = zeroed();
        libc::sigemptyset(&mut set);
        libc::sigaddset(&mut set, libc::SIGCHLD);
        let limit = libc::timespec { tv_sec: limit_s, tv_nsec: 0 };
        libc::sigtimedwait(&set, std::ptr::null_mut(), &limit);
    }
}

/// All signals to their default action and none blocked: what the caller ignores must not be heard inside.
pub fn reset_signals() {
    // SAFETY: SIG_DFL installs no code of ours; numbers that may not be set are refused by the kernel.
    unsafe {
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        let mut set = zeroed();
        libc::sigemptyset(&mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &set, std::ptr::null_mut());
    }
}

/// Ignores a signal (job control while a shell inside has the terminal).
pub fn ignore_signal(signal: i32) {
    // SAFETY: SIG_IGN installs no code of ours.
    unsafe { libc::signal(signal, libc::SIG_IGN) };
}

/// Brings the loopback interface of this network namespace up.
pub fn loopback_up(socket: BorrowedFd) -> io::Result<()> {
    // SAFETY: an `ifreq` of zeroes is valid; the name is shorter than its array; the ioctl reads that one struct.
    unsafe {
        let mut request: libc::ifreq = zeroed();
        request.ifr_name[0] = b'l' as libc::c_char;
        request.ifr_name[1] = b'o' as libc::c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
        check(libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS as _, &request) as libc::c_long).map(drop)
    }
}

/// No randomised addresses from the next exec on.
pub fn fix_addresses() -> io::Result<()> {
    // SAFETY: takes a number only.
    check(unsafe { libc::personality(libc::ADDR_NO_RANDOMIZE as libc::c_ulong) } as libc::c_long).map(drop)
}

/// Takes every capability that the kernel knows out of the bounding set.
pub fn drop_bounding_set() -> io::Result<()> {
    for capability in 0..64 {
        // SAFETY: takes numbers only.
        let dropped =
            check(unsafe { libc::prctl(libc::PR_CAPBSET_DROP, capability, 0, 0, 0) } as libc::c_long);
        match dropped {
            // One past the kernel's last capability.
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => return Ok(()),
            other => other.map(drop)?,
        }
    }
    Ok(())
}

/// Every fd from `first` on closes at the next exec.
pub fn close_on_exec_from(first: RawFd) -> io::Result<()> {
    // SAFETY: marks only; no fd is closed under anyone's feet.
    let result = unsafe { libc::close_range(first as u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC as i32) };
    check(result as libc::c_long).map(drop)
}

/// Installs a filter for this process and all that it starts. Needs `no_new_privs`.
pub fn install_filter(filter: &[libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog { len: filter.len() as u16, filter: filter.as_ptr().cast_mut() };
    // SAFETY: `program` points at `filter`, which the kernel copies during the call.
    let result = unsafe { libc::syscall(libc::SYS_seccomp, libc::SECCOMP_SET_MODE_FILTER, 0, &program) };
    check(result).map(drop)
}

pub const OPENED: u64 = libc::FAN_OPEN;
pub const STARTED: u64 = libc::FAN_OPEN_EXEC;
pub const OVERFLOW: u64 = libc::FAN_Q_OVERFLOW;

/// A group of marks whose events are read from it without waiting. Needs power over the machine.
///
/// The queue keeps its limit (16,384 events): a command that floods it costs itself its observation, not us our memory.
pub fn fanotify_group() -> io::Result<OwnedFd> {
    let flags = libc::FAN_CLASS_NOTIF | libc::FAN_CLOEXEC | libc::FAN_NONBLOCK | libc::FAN_UNLIMITED_MARKS;
    let events = (libc::O_RDONLY | libc::O_CLOEXEC | libc::O_LARGEFILE) as libc::c_uint;
    // SAFETY: takes numbers only; what it returns is a new file descriptor that nobody else owns.
    unsafe {
        let group = check(libc::fanotify_init(flags, events) as libc::c_long)?;
        Ok(OwnedFd::from_raw_fd(group as RawFd))
    }
}

/// Marks the mount on which `path` below `root` lies.
pub fn fanotify_mark_mount(group: &File, mask: u64, root: BorrowedFd, path: &str) -> io::Result<()> {
    let path = CString::new(path)?;
    let flags = libc::FAN_MARK_ADD | libc::FAN_MARK_MOUNT;
    // SAFETY: `path` is a C string that is only read.
    let marked =
        unsafe { libc::fanotify_mark(group.as_raw_fd(), flags, mask, root.as_raw_fd(), path.as_ptr()) };
    check(marked as libc::c_long).map(drop)
}

/// The events in what was read from a group: mask, and the file that was opened (none when events were lost).
pub fn fanotify_events(batch: &[u8]) -> impl Iterator<Item = (u64, Option<OwnedFd>)> {
    const HEAD: usize = size_of::<libc::fanotify_event_metadata>();
    batch.chunks_exact(HEAD).map(|bytes| {
        // SAFETY: without information records (FAN_REPORT_*) an event is this struct and nothing more (fanotify(7)), of
        // plain numbers; the descriptor is new, and given to us.
        unsafe {
            let event: libc::fanotify_event_metadata =
                bytes.as_ptr().cast::<libc::fanotify_event_metadata>().read_unaligned();
            (event.mask, (event.fd >= 0).then(|| OwnedFd::from_raw_fd(event.fd)))
        }
    })
}
