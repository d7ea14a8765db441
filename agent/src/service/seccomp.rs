//! The filter of a service's system calls: BPF, made from the role's words. Pure.
//!
//! ```text
//! another architecture's call (32-bit, x32) ─▶ the process is killed: nothing in an image has such
//! socket, clone, ioctl: by their argument   ─▶ EAFNOSUPPORT, EPERM
//! clone3                                    ─▶ ENOSYS: what it asks for cannot be seen; C libraries then use clone
//! denied by name                            ─▶ EPERM: a program that only tried goes on, as it does without rights
//! newer than this list                      ─▶ ENOSYS, as on a kernel that has it not
//! all else                                  ─▶ allowed
//! ```
//! The kernel works out once which calls are always allowed (Linux 5.11), and runs no filter for those.

use host::role::{Seccomp, Service};
use host::seccomp::DENIED;
use libc::{
    BPF_ABS, BPF_JEQ, BPF_JGT, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_RET, BPF_W, c_long, sock_filter,
};

/// AUDIT_ARCH_X86_64 of linux/audit.h.
const ARCHITECTURE: u32 = 0xC000_003E;
/// The last call that [`host::seccomp::DENIED`] was held against: Linux 6.12.
const LAST: u32 = 462;
/// In `struct seccomp_data`: the call's number, its architecture, the low half of its arguments.
const NUMBER: u32 = 0;
const ARCH: u32 = 4;
const FIRST: u32 = 16;
const SECOND: u32 = 24;
/// Every CLONE_NEW flag that clone takes.
const NEW_NAMESPACES: u32 = 0x7E02_0000;
const FAMILIES: [i32; 4] = [libc::AF_UNIX, libc::AF_INET, libc::AF_INET6, libc::AF_NETLINK];

/// `None` where the role wants no filter.
pub fn program(service: &Service) -> Option<Vec<sock_filter>> {
    let Seccomp::Names(allowed) = &service.seccomp else { return None };
    let allows = |name: &str| allowed.iter().any(|one| one == name);
    let caps = &service.caps;
    let mut lines = vec![
        load(ARCH),
        jump(BPF_JEQ, ARCHITECTURE, 1, 0),
        ret(libc::SECCOMP_RET_KILL_PROCESS),
        load(NUMBER),
        // x32's numbers are above all others.
        jump(BPF_JGT, 0x3FFF_FFFF, 0, 1),
        ret(libc::SECCOMP_RET_KILL_PROCESS),
        jump(BPF_JGT, LAST, 0, 1),
        ret(errno(libc::ENOSYS)),
    ];
    let by_cap = |cap: &str| !cap.is_empty() && caps.iter().any(|have| have == cap);
    let denied = DENIED.iter().filter(|(name, cap)| !allows(name) && !by_cap(cap));
    for number in denied.filter_map(|(name, _)| number(name)) {
        lines.extend([jump(BPF_JEQ, number, 0, 1), ret(errno(libc::EPERM))]);
    }
    if !allows("clone") && !by_cap("sys_admin") {
        lines.extend([jump(BPF_JEQ, libc::SYS_clone3 as u32, 0, 1), ret(errno(libc::ENOSYS))]);
        let flags = [load(FIRST), jump(BPF_JSET, NEW_NAMESPACES, 0, 1), ret(errno(libc::EPERM))];
        lines.extend(of_call(libc::SYS_clone, &flags));
    }
    if !allows("socket") {
        lines.extend(of_call(libc::SYS_socket, &families()));
    }
    if !allows("ioctl") {
        let push = [load(SECOND), jump(BPF_JEQ, libc::TIOCSTI as u32, 0, 1), ret(errno(libc::EPERM))];
        lines.extend(of_call(libc::SYS_ioctl, &push));
    }
    lines.push(ret(libc::SECCOMP_RET_ALLOW));
    Some(lines)
}

/// Runs `body` for one call, which ends there; others pass with their number loaded.
fn of_call(number: c_long, body: &[sock_filter]) -> Vec<sock_filter> {
    let past = body.len() as u8 + 1;
    let mut lines = vec![jump(BPF_JEQ, number as u32, 0, past)];
    lines.extend_from_slice(body);
    lines.push(ret(libc::SECCOMP_RET_ALLOW));
    lines
}

fn families() -> Vec<sock_filter> {
    let mut lines = vec![load(FIRST)];
    for family in FAMILIES {
        lines.extend([jump(BPF_JEQ, family as u32, 0, 1), ret(libc::SECCOMP_RET_ALLOW)]);
    }
    lines.push(ret(errno(libc::EAFNOSUPPORT)));
    lines
}

fn load(offset: u32) -> sock_filter {
    sock_filter { code: (BPF_LD | BPF_W | BPF_ABS) as u16, jt: 0, jf: 0, k: offset }
}

/// Passes over `yes` or `no` lines.
fn jump(test: u32, value: u32, yes: u8, no: u8) -> sock_filter {
    sock_filter { code: (BPF_JMP | test | BPF_K) as u16, jt: yes, jf: no, k: value }
}

fn ret(action: u32) -> sock_filter {
    sock_filter { code: (BPF_RET | BPF_K) as u16, jt: 0, jf: 0, k: action }
}

fn errno(number: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | number as u32
}

/// x86-64's number of a call that [`DENIED`] names; plain ones are of the kernel's own table, and not in the crate.
fn number(name: &str) -> Option<u32> {
    let number = match name {
        "mount" => libc::SYS_mount,
        "umount2" => libc::SYS_umount2,
        "pivot_root" => libc::SYS_pivot_root,
        "mount_setattr" => libc::SYS_mount_setattr,
        "move_mount" => libc::SYS_move_mount,
        "open_tree" => libc::SYS_open_tree,
        "fsopen" => libc::SYS_fsopen,
        "fsconfig" => libc::SYS_fsconfig,
        "fsmount" => libc::SYS_fsmount,
        "fspick" => libc::SYS_fspick,
        "unshare" => libc::SYS_unshare,
        "setns" => libc::SYS_setns,
        "sethostname" => libc::SYS_sethostname,
        "setdomainname" => libc::SYS_setdomainname,
        "quotactl" => libc::SYS_quotactl,
        "quotactl_fd" => libc::SYS_quotactl_fd,
        "swapon" => libc::SYS_swapon,
        "swapoff" => libc::SYS_swapoff,
        "fanotify_init" => libc::SYS_fanotify_init,
        "lookup_dcookie" => libc::SYS_lookup_dcookie,
        "chroot" => libc::SYS_chroot,
        "reboot" => libc::SYS_reboot,
        "kexec_load" => libc::SYS_kexec_load,
        "kexec_file_load" => libc::SYS_kexec_file_load,
        "init_module" => libc::SYS_init_module,
        "finit_module" => libc::SYS_finit_module,
        "delete_module" => libc::SYS_delete_module,
        "create_module" => 174,
        "query_module" => 178,
        "get_kernel_syms" => 177,
        "syslog" => libc::SYS_syslog,
        "bpf" => libc::SYS_bpf,
        "perf_event_open" => libc::SYS_perf_event_open,
        "iopl" => libc::SYS_iopl,
        "ioperm" => libc::SYS_ioperm,
        "acct" => libc::SYS_acct,
        "vhangup" => libc::SYS_vhangup,
        "settimeofday" => libc::SYS_settimeofday,
        "clock_settime" => libc::SYS_clock_settime,
        "clock_adjtime" => libc::SYS_clock_adjtime,
        "adjtimex" => libc::SYS_adjtimex,
        "ptrace" => libc::SYS_ptrace,
        "process_vm_readv" => libc::SYS_process_vm_readv,
        "process_vm_writev" => libc::SYS_process_vm_writev,
        "process_madvise" => libc::SYS_process_madvise,
        "kcmp" => libc::SYS_kcmp,
        "pidfd_getfd" => libc::SYS_pidfd_getfd,
        "open_by_handle_at" => libc::SYS_open_by_handle_at,
        "name_to_handle_at" => libc::SYS_name_to_handle_at,
        "mknod" => libc::SYS_mknod,
        "mknodat" => libc::SYS_mknodat,
        "mbind" => libc::SYS_mbind,
        "set_mempolicy" => libc::SYS_set_mempolicy,
        "get_mempolicy" => libc::SYS_get_mempolicy,
        "set_mempolicy_home_node" => 450,
        "migrate_pages" => libc::SYS_migrate_pages,
        "move_pages" => libc::SYS_move_pages,
        "add_key" => libc::SYS_add_key,
        "request_key" => libc::SYS_request_key,
        "keyctl" => libc::SYS_keyctl,
        "userfaultfd" => libc::SYS_userfaultfd,
        "io_uring_setup" => libc::SYS_io_uring_setup,
        "io_uring_enter" => libc::SYS_io_uring_enter,
        "io_uring_register" => libc::SYS_io_uring_register,
        "personality" => libc::SYS_personality,
        "modify_ldt" => libc::SYS_modify_ldt,
        "memfd_secret" => libc::SYS_memfd_secret,
        "vmsplice" => libc::SYS_vmsplice,
        "_sysctl" => libc::SYS__sysctl,
        "sysfs" => libc::SYS_sysfs,
        "ustat" => libc::SYS_ustat,
        "uselib" => libc::SYS_uselib,
        "nfsservctl" => libc::SYS_nfsservctl,
        "afs_syscall" => libc::SYS_afs_syscall,
        "getpmsg" => libc::SYS_getpmsg,
        "putpmsg" => libc::SYS_putpmsg,
        "tuxcall" => libc::SYS_tuxcall,
        "security" => libc::SYS_security,
        _ => return None,
    };
    Some(number as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(keys: &str) -> Service {
        let text = format!("[service.a]\nuser = \"u\"\nrun = [\"a\"]\n{keys}");
        host::role::parse(&text).unwrap().service["a"].clone()
    }

    /// What the kernel would answer: the filter, line by line.
    fn answer(program: &[sock_filter], arch: u32, number: c_long, first: u32, second: u32) -> u32 {
        let (mut at, mut held) = (0, 0);
        loop {
            let line = program[at];
            at += 1;
            let code = u32::from(line.code);
            let yes = match code & 0xf0 {
                _ if code & 7 == BPF_RET => return line.k,
                _ if code & 7 == BPF_LD => {
                    held = match line.k {
                        NUMBER => number as u32,
                        ARCH => arch,
                        FIRST => first,
                        _ => second,
                    };
                    continue;
                }
                BPF_JEQ => held == line.k,
                BPF_JGT => held > line.k,
                _ => held & line.k != 0,
            };
            at += usize::from(if yes { line.jt } else { line.jf });
        }
    }

    fn check(keys: &str, number: c_long, first: u32, expected: u32) {
        let program = program(&service(keys)).unwrap();
        assert_eq!(answer(&program, ARCHITECTURE, number, first, 0), expected, "{keys} {number} {first}");
    }

    #[test]
    fn every_denied_call_has_a_number() {
        for (name, _) in DENIED {
            assert!(number(name).is_some_and(|number| number <= LAST), "{name}");
        }
    }

    #[test]
    fn what_is_allowed_and_what_is_not() {
        let (yes, no) = (libc::SECCOMP_RET_ALLOW, errno(libc::EPERM));
        check("", libc::SYS_read, 0, yes);
        check("", libc::SYS_ptrace, 0, no);
        check("", libc::SYS_landlock_restrict_self, 0, yes);
        check("seccomp = [\"ptrace\"]", libc::SYS_ptrace, 0, yes);
        check("caps = [\"sys_time\"]", libc::SYS_clock_settime, 0, yes);
        check("caps = [\"sys_time\"]", libc::SYS_mount, 0, no);
        check("", libc::SYS_clone, libc::CLONE_VM as u32, yes);
        check("", libc::SYS_clone, libc::CLONE_NEWUSER as u32, no);
        check("", libc::SYS_clone3, 0, errno(libc::ENOSYS));
        check("", libc::SYS_socket, libc::AF_INET6 as u32, yes);
        check("", libc::SYS_socket, libc::AF_PACKET as u32, errno(libc::EAFNOSUPPORT));
        check("seccomp = [\"socket\"]", libc::SYS_socket, libc::AF_PACKET as u32, yes);
        check("", libc::SYS_ioctl, 0, yes);
        check("", 500, 0, errno(libc::ENOSYS));
        let filter = program(&service("")).unwrap();
        let push = answer(&filter, ARCHITECTURE, libc::SYS_ioctl, 0, libc::TIOCSTI as u32);
        assert_eq!(push, no);
        assert_eq!(answer(&filter, 0x4000_0003, libc::SYS_read, 0, 0), libc::SECCOMP_RET_KILL_PROCESS);
        assert_eq!(answer(&filter, ARCHITECTURE, 0x4000_0000, 0, 0), libc::SECCOMP_RET_KILL_PROCESS);
        assert!(program(&service("seccomp = \"none\"")).is_none());
        assert!(filter.len() < 256);
    }
}
