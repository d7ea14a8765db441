//! The system calls that are closed to a command, as a seccomp filter.
//!
//! Namespaces hide things; this closes what they leave open (measured: docs of the engines, "To close beyond
//! namespaces"). ENOSYS where programs then take another way, EPERM where nobody inside has business. The filter is not
//! what keeps the host safe alone: capabilities are gone and mounts are read-only besides.

use libc::{EAFNOSUPPORT, ENOSYS, ENOTSUP, EPERM, c_long, sock_filter};

/// Calls that are refused whatever their arguments say.
const CLOSED: &[(i32, &[c_long])] = &[
    (
        ENOSYS,
        &[
            libc::SYS_clone3, // its flags lie behind a pointer: libc falls back to clone, whose flags we see
            libc::SYS_openat2, // as clone3: a setuid mode could hide there
            libc::SYS_io_uring_setup,
            libc::SYS_io_uring_enter,
            libc::SYS_io_uring_register,
            libc::SYS_userfaultfd,
            libc::SYS_perf_event_open,
            libc::SYS_bpf,
            libc::SYS_keyctl,
            libc::SYS_add_key,
            libc::SYS_request_key,
        ],
    ),
    (
        EPERM,
        &[
            libc::SYS_unshare,
            libc::SYS_setns,
            libc::SYS_mount,
            libc::SYS_umount2,
            libc::SYS_pivot_root,
            libc::SYS_chroot,
            libc::SYS_fsopen,
            libc::SYS_fsconfig,
            libc::SYS_fsmount,
            libc::SYS_fspick,
            libc::SYS_open_tree,
            libc::SYS_move_mount,
            libc::SYS_mount_setattr,
            OPEN_TREE_ATTR,
            libc::SYS_name_to_handle_at,
            libc::SYS_open_by_handle_at,
            libc::SYS_swapon,
            libc::SYS_swapoff,
            libc::SYS_reboot,
            libc::SYS_kexec_load,
            libc::SYS_kexec_file_load,
            libc::SYS_init_module,
            libc::SYS_finit_module,
            libc::SYS_delete_module,
            libc::SYS_acct,
            libc::SYS_settimeofday,
            libc::SYS_clock_settime,
            libc::SYS_quotactl,
            libc::SYS_syslog,
            libc::SYS_fanotify_init,
            libc::SYS_vhangup,
        ],
    ),
    // As Nix: `cp -a` and tar go on without attributes when they hear that there are none.
    (ENOTSUP, &[libc::SYS_setxattr, libc::SYS_lsetxattr, libc::SYS_fsetxattr, SETXATTRAT]),
];

// Newer than libc's tables; one number on every architecture.
const OPEN_TREE_ATTR: c_long = 467;
const SETXATTRAT: c_long = 463;
const FCHMODAT2: c_long = 452;

#[cfg(target_arch = "x86_64")]
const ARCH: u32 = 0xc000_003e; // AUDIT_ARCH_X86_64
#[cfg(target_arch = "aarch64")]
const ARCH: u32 = 0xc000_00b7; // AUDIT_ARCH_AARCH64

const SETID: u32 = (libc::S_ISUID | libc::S_ISGID) as u32;
const CREATES: u32 = (libc::O_CREAT | (libc::O_TMPFILE & !libc::O_DIRECTORY)) as u32;
const NAMESPACES: u32 = (libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET) as u32;

// Offsets in `struct seccomp_data`; arguments are 64 bits wide, their low halves first (both architectures are
// little-endian), and everything tested here is a 32-bit number for the kernel too.
const NUMBER: u32 = 0;
const ARCHITECTURE: u32 = 4;
const fn argument(at: u32) -> u32 {
    16 + 8 * at
}

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const KILL: u32 = libc::SECCOMP_RET_KILL_PROCESS;
const fn refuse(errno: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | errno as u32
}

const LOAD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
const EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
const ANY_BIT: u16 = (libc::BPF_JMP | libc::BPF_JSET | libc::BPF_K) as u16;
const AND: u16 = (libc::BPF_ALU | libc::BPF_AND | libc::BPF_K) as u16;
const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;

/// The filter, ready to be installed.
pub fn program() -> Vec<sock_filter> {
    let mut program = check_architecture();
    for (errno, calls) in CLOSED {
        for &call in *calls {
            program.extend(when(call, vec![say(refuse(*errno))]));
        }
    }
    program.extend(by_arguments());
    program.push(say(ALLOW));
    program
}

/// Another architecture's call numbers mean other calls: killed. x32 shares ours: no such call.
fn check_architecture() -> Vec<sock_filter> {
    let mut program = vec![load(ARCHITECTURE), jump(EQUAL, ARCH, 1, 0), say(KILL), load(NUMBER)];
    if cfg!(target_arch = "x86_64") {
        program.extend([jump(ANY_BIT, 0x4000_0000, 0, 1), say(refuse(ENOSYS))]);
    }
    program
}

fn by_arguments() -> Vec<sock_filter> {
    let mut program = Vec::new();
    program.extend(when(libc::SYS_clone, refuse_bits(0, NAMESPACES, EPERM)));
    for (call, mode) in [(libc::SYS_fchmod, 1), (libc::SYS_fchmodat, 2), (FCHMODAT2, 2)] {
        program.extend(when(call, refuse_bits(mode, SETID, EPERM)));
    }
    program.extend(when(libc::SYS_openat, refuse_creation(2, 3)));
    program.extend(when(libc::SYS_mknodat, refuse_node(2)));
    program.extend(when(
        libc::SYS_ioctl,
        refuse_values(1, &[libc::TIOCSTI as u32, libc::TIOCLINUX as u32], EPERM),
    ));
    // vsock and the like know no network namespace; AF_ALG and old protocols are attack surface only.
    let families = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];
    program.extend(when(libc::SYS_socket, allow_values(0, &families, EAFNOSUPPORT)));
    program.extend(old_calls());
    program
}

#[cfg(target_arch = "x86_64")]
fn old_calls() -> Vec<sock_filter> {
    let mut program = Vec::new();
    program.extend(when(libc::SYS_chmod, refuse_bits(1, SETID, EPERM)));
    program.extend(when(libc::SYS_creat, refuse_bits(1, SETID, EPERM)));
    program.extend(when(libc::SYS_open, refuse_creation(1, 2)));
    program.extend(when(libc::SYS_mknod, refuse_node(1)));
    for call in [libc::SYS_iopl, libc::SYS_ioperm] {
        program.extend(when(call, vec![say(refuse(EPERM))]));
    }
    program
}

#[cfg(not(target_arch = "x86_64"))]
fn old_calls() -> Vec<sock_filter> {
    Vec::new()
}

/// `body` for one call. It must end in a return on every way through it.
fn when(call: c_long, body: Vec<sock_filter>) -> Vec<sock_filter> {
    let mut program = vec![jump(EQUAL, call as u32, 0, body.len() as u8)];
    program.extend(body);
    program
}

fn refuse_bits(at: u32, bits: u32, errno: i32) -> Vec<sock_filter> {
    vec![load(argument(at)), jump(ANY_BIT, bits, 0, 1), say(refuse(errno)), say(ALLOW)]
}

/// The mode counts only when the flags create something; else it is whatever lay in the register.
fn refuse_creation(flags: u32, mode: u32) -> Vec<sock_filter> {
    let mut program = vec![load(argument(flags)), jump(ANY_BIT, CREATES, 1, 0), say(ALLOW)];
    program.extend(refuse_bits(mode, SETID, EPERM));
    program
}

/// Devices, a whiteout (character device 0:0) too, and setuid files.
fn refuse_node(mode: u32) -> Vec<sock_filter> {
    let mut program = vec![load(argument(mode)), jump(ANY_BIT, SETID, 0, 1), say(refuse(EPERM))];
    program.push(sock_filter { code: AND, jt: 0, jf: 0, k: libc::S_IFMT });
    for kind in [libc::S_IFCHR, libc::S_IFBLK] {
        program.extend([jump(EQUAL, kind, 0, 1), say(refuse(EPERM))]);
    }
    program.push(say(ALLOW));
    program
}

fn refuse_values(at: u32, values: &[u32], errno: i32) -> Vec<sock_filter> {
    let mut program = vec![load(argument(at))];
    for &value in values {
        program.extend([jump(EQUAL, value, 0, 1), say(refuse(errno))]);
    }
    program.push(say(ALLOW));
    program
}

fn allow_values(at: u32, values: &[i32], errno: i32) -> Vec<sock_filter> {
    let mut program = vec![load(argument(at))];
    for &value in values {
        program.extend([jump(EQUAL, value as u32, 0, 1), say(ALLOW)]);
    }
    program.push(say(refuse(errno)));
    program
}

fn load(offset: u32) -> sock_filter {
    sock_filter { code: LOAD, jt: 0, jf: 0, k: offset }
}

fn jump(code: u16, k: u32, then: u8, or_else: u8) -> sock_filter {
    sock_filter { code, jt: then, jf: or_else, k }
}

fn say(what: u32) -> sock_filter {
    sock_filter { code: RETURN, jt: 0, jf: 0, k: what }
}
