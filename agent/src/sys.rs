//! The only unsafe module: the calls that no safe crate offers. It decides nothing.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};

/// Blocks `signals` in this thread and gives the descriptor on which they arrive instead (signalfd(2)).
pub fn signal_descriptor(signals: &[i32]) -> io::Result<OwnedFd> {
    // SAFETY: `set` is a plain C struct that sigemptyset fills before anyone reads it; the calls keep no pointer to it.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        signals.iter().for_each(|&signal| {
            libc::sigaddset(&mut set, signal);
        });
        if libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()) != 0 {
            return Err(io::Error::last_os_error());
        }
        let fd = libc::signalfd(-1, &set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel has just made this descriptor, and nobody else holds it.
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Blocks nothing. For a child between fork and exec only: exec would hand on what [`signal_descriptor`] blocked, and a
/// service that waits for SIGCHLD would wait for ever (dropbear: no session ended).
pub fn unblock_signals() -> io::Result<()> {
    // SAFETY: as above; sigemptyset and sigprocmask may be called between fork and exec.
    let status = unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        libc::sigprocmask(libc::SIG_SETMASK, &set, std::ptr::null_mut())
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// A socket that speaks through one interface only (SO_BINDTODEVICE), even before that has an address.
pub fn bind_to_interface(socket: BorrowedFd, interface: &str) -> io::Result<()> {
    // SAFETY: pointer and length are those of a live `str`; the kernel copies it.
    let status = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_BINDTODEVICE,
            interface.as_ptr().cast(),
            interface.len() as libc::socklen_t,
        )
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Puts `fd` at a fixed number, open over exec. For a child between fork and exec only, where nobody owns that number.
pub fn duplicate_onto(fd: BorrowedFd, number: i32) -> io::Result<()> {
    // SAFETY: no memory is involved; whatever had the number in this child is closed, and exec comes next.
    if unsafe { libc::dup2(fd.as_raw_fd(), number) } < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

pub mod child;
