//! Calls of a child between clone and exec, and of what it becomes. Unsafe, like its parent; it decides nothing.
//!
//! None of them allocates or locks: a child may be the copy of a process with threads (in tests), whose locks are held
//! for ever by threads that it does not have.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

use libc::{c_char, c_int, c_long};

fn ok(result: c_long) -> io::Result<c_long> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// `struct clone_args` of linux/sched.h, as of Linux 5.7.
#[repr(C)]
#[derive(Default)]
struct CloneArguments {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// A copy of this process, as fork(2) makes it, in new namespaces (`CLONE_NEW…`). 0 in the child.
pub fn clone(flags: c_int) -> io::Result<i32> {
    let arguments = CloneArguments {
        flags: flags as u32 as u64,
        exit_signal: libc::SIGCHLD as u64,
        ..CloneArguments::default()
    };
    let size = std::mem::size_of::<CloneArguments>();
    // SAFETY: without CLONE_VM the child has memory of its own and runs on its copy of this very stack, as after fork.
    ok(unsafe { libc::syscall(libc::SYS_clone3, &raw const arguments, size) }).map(|pid| pid as i32)
}

/// As [`clone`], but by the older call, which a seccomp filter can look into; the parent sleeps until the child has
/// become another program or ended.
pub fn clone_and_wait() -> io::Result<i32> {
    let flags = libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: no CLONE_VM, so a zero stack is this one, copied.
    ok(unsafe { libc::syscall(libc::SYS_clone, flags as c_long, 0, 0, 0, 0) }).map(|pid| pid as i32)
}

/// Another program in this process. Returns only a fault. Both lists end with a null.
pub fn exec(program: &CStr, arguments: &[*const c_char], environment: &[*const c_char]) -> io::Error {
    debug_assert!(arguments.last().is_some_and(|end| end.is_null()));
    // SAFETY: the caller's lists hold live C strings and end with null.
    unsafe { libc::execve(program.as_ptr(), arguments.as_ptr(), environment.as_ptr()) };
    io::Error::last_os_error()
}

/// Ends this process at once; nothing is flushed.
pub fn end(status: c_int) -> ! {
    // SAFETY: no memory is involved.
    unsafe { libc::_exit(status) }
}

/// The last number; KILL and STOP among them cannot be set, and refuse.
const SIGNAL_MAX: c_int = 64;

/// Every signal does what it did at the start of the first program: Rust ignores SIGPIPE, who started us may have ignored
/// others (nohup does), and exec hands that on.
pub fn default_signals() {
    for signal in 1..=SIGNAL_MAX {
        // SAFETY: SIG_DFL is no function of ours.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
}

/// From here on signals wait until [`next_signal`] takes them.
pub fn block_all_signals() -> io::Result<()> {
    // SAFETY: sigfillset fills the set before it is read.
    let status = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&mut set);
        libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut())
    };
    ok(status.into()).map(drop)
}

/// Sleeps until a signal comes: its number, and the word that sigqueue(3) sent with it.
pub fn next_signal() -> (c_int, c_int) {
    // SAFETY: the set and the place for the answer live through the call; `si_value` is there for queued signals, and is
    // but numbers for others.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigfillset(&mut set);
        let mut info: libc::siginfo_t = std::mem::zeroed();
        let number = libc::sigwaitinfo(&set, &mut info);
        let word = if number >= libc::SIGRTMIN() { info.si_value().sival_ptr as usize as c_int } else { 0 };
        (number, word)
    }
}

/// Sends a word with the first signal for programs' own use.
pub fn queue_word(pid: i32, word: c_int) -> io::Result<()> {
    let value = libc::sigval { sival_ptr: word as usize as *mut _ };
    // SAFETY: the pointer is a number that nobody follows.
    ok(unsafe { libc::sigqueue(pid, libc::SIGRTMIN(), value) }.into()).map(drop)
}

pub fn kill(pid: i32, signal: c_int) {
    // SAFETY: no memory is involved. Who is gone cannot be told.
    unsafe { libc::kill(pid, signal) };
}

/// A child that has ended, and its status; `None`: there is none now. An error: no child is left.
pub fn ended_child() -> io::Result<Option<(i32, c_int)>> {
    let mut status = 0;
    // SAFETY: the kernel writes one number.
    let pid = ok(unsafe { libc::waitpid(-1, &mut status, libc::WNOHANG) }.into())?;
    Ok((pid > 0).then_some((pid as i32, status)))
}

/// Closes every descriptor from `first` on.
pub fn close_from(first: u32) {
    // SAFETY: the child owns none of them any more than its parent did; it uses none of them from here on.
    unsafe { libc::syscall(libc::SYS_close_range, first, u32::MAX, 0) };
}

/// `struct mount_attr` of linux/mount.h.
#[repr(C)]
#[derive(Default)]
struct MountAttributes {
    set: u64,
    clear: u64,
    propagation: u64,
    user_namespace: u64,
}

pub const READ_ONLY: u64 = 1;
pub const NO_SETUID: u64 = 2;

/// Sets and takes attributes of the mount at `path`, and of all below where `deep` (mount_setattr(2)).
pub fn mount_attributes(path: &CStr, deep: bool, set: u64, clear: u64) -> io::Result<()> {
    let attributes = MountAttributes { set, clear, ..MountAttributes::default() };
    let flags = if deep { libc::AT_RECURSIVE } else { 0 };
    let size = std::mem::size_of::<MountAttributes>();
    // SAFETY: a live C string and a live struct of the size that is told.
    let status = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &raw const attributes,
            size,
        )
    };
    ok(status).map(drop)
}

/// Sends frames to itself by `lo`, in a network namespace of its own.
pub fn loopback_up() -> io::Result<()> {
    // SAFETY: `ifreq` is plain numbers; the kernel reads the name and the flags.
    unsafe {
        let socket = ok(libc::socket(libc::AF_INET, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC, 0).into())?;
        let _closes = OwnedFd::from_raw_fd(socket as c_int);
        let mut request: libc::ifreq = std::mem::zeroed();
        request.ifr_name[0] = b'l' as c_char;
        request.ifr_name[1] = b'o' as c_char;
        request.ifr_ifru.ifru_flags = (libc::IFF_UP | libc::IFF_RUNNING) as i16;
        ok(libc::ioctl(socket as c_int, libc::SIOCSIFFLAGS as _, &raw const request).into()).map(drop)
    }
}

/// The filter holds for this process and all that come of it (seccomp(2)). No new privileges must be set.
pub fn filter_calls(program: &[libc::sock_filter]) -> io::Result<()> {
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_ptr().cast_mut() };
    // SAFETY: the kernel copies the program, which lives until then, and writes nothing to it.
    ok(unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) }.into())
        .map(drop)
}

/// The landlock of this kernel, by its number; an error where there is none.
pub fn landlock_version() -> io::Result<i32> {
    // SAFETY: no memory is involved.
    let version =
        unsafe { libc::syscall(libc::SYS_landlock_create_ruleset, std::ptr::null::<u8>(), 0_usize, 1_u32) };
    ok(version).map(|version| version as i32)
}

/// `struct landlock_ruleset_attr`, of version 6. Older kernels take less of it.
#[repr(C)]
pub struct Ruleset {
    pub files: u64,
    pub network: u64,
    pub scoped: u64,
}

pub fn landlock_ruleset(rules: &Ruleset, size: usize) -> io::Result<OwnedFd> {
    debug_assert!(size <= std::mem::size_of::<Ruleset>());
    // SAFETY: a live struct of at least the size that is told; the descriptor is new, and nobody else's.
    unsafe {
        let fd = ok(libc::syscall(libc::SYS_landlock_create_ruleset, rules as *const Ruleset, size, 0_u32))?;
        Ok(OwnedFd::from_raw_fd(fd as c_int))
    }
}

/// `struct landlock_path_beneath_attr`, packed as the kernel has it.
#[repr(C, packed)]
struct PathBeneath {
    allowed: u64,
    parent: c_int,
}

pub fn landlock_allow(ruleset: BorrowedFd, path: BorrowedFd, allowed: u64) -> io::Result<()> {
    let rule = PathBeneath { allowed, parent: path.as_raw_fd() };
    // SAFETY: 1 is LANDLOCK_RULE_PATH_BENEATH, whose struct lives through the call.
    let status =
        unsafe { libc::syscall(libc::SYS_landlock_add_rule, ruleset.as_raw_fd(), 1, &raw const rule, 0_u32) };
    ok(status).map(drop)
}

pub fn landlock_restrict(ruleset: BorrowedFd) -> io::Result<()> {
    // SAFETY: no memory is involved.
    ok(unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0_u32) }).map(drop)
}

/// Whether there is a process `pid` that we may signal.
pub fn is_there(pid: i32) -> bool {
    // SAFETY: signal 0 asks only.
    unsafe { libc::kill(pid, 0) == 0 }
}
