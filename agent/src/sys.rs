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

/// EXT4_IOC_RESIZE_FS: the mounted file system that `folder` is of gets this many blocks.
pub fn resize_ext4(folder: BorrowedFd, blocks: u64) -> io::Result<()> {
    const EXT4_IOC_RESIZE_FS: libc::c_ulong = 0x4008_6610;
    // SAFETY: the kernel reads one u64, which lives as long as the call.
    let status = unsafe { libc::ioctl(folder.as_raw_fd(), EXT4_IOC_RESIZE_FS as _, &blocks) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// linux/blkpg.h
#[repr(C)]
struct Partition {
    start: i64,
    length: i64,
    number: i32,
    names: [u8; 128],
}

#[repr(C)]
struct PartitionCall {
    what: i32,
    flags: i32,
    size: i32,
    data: *mut Partition,
}

/// BLKPG_RESIZE_PARTITION: tells the kernel where a partition ends now, while others of the disk are in use.
pub fn resize_partition(disk: BorrowedFd, number: u32, start: u64, bytes: u64) -> io::Result<()> {
    const BLKPG: libc::c_ulong = 0x1269;
    const RESIZE: i32 = 3;
    let (start, length, number) = (start as i64, bytes as i64, number as i32);
    let mut partition = Partition { start, length, number, names: [0; 128] };
    let size = std::mem::size_of::<Partition>() as i32;
    let call = PartitionCall { what: RESIZE, flags: 0, size, data: &mut partition };
    // SAFETY: both structures are the kernel's, and live as long as the call.
    let status = unsafe { libc::ioctl(disk.as_raw_fd(), BLKPG as _, &call) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// random(4): rand_pool_info
#[repr(C)]
struct Entropy {
    bits: i32,
    size: i32,
    bytes: [u8; 32],
}

/// RNDADDENTROPY: these bytes count.
pub fn add_entropy(random: BorrowedFd, bytes: &[u8; 32]) -> io::Result<()> {
    const RNDADDENTROPY: libc::c_ulong = 0x4008_5203;
    let entropy = Entropy { bits: 256, size: 32, bytes: *bytes };
    // SAFETY: the structure is the kernel's, with as many bytes as it says, and lives as long as the call.
    let status = unsafe { libc::ioctl(random.as_raw_fd(), RNDADDENTROPY as _, &entropy) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Every process but the caller, which is PID 1 (kill(2): -1).
pub fn kill_others() {
    // SAFETY: no memory is involved.
    unsafe {
        libc::kill(-1, libc::SIGKILL);
    }
}

pub mod child;
