//! The system calls that a service has not, unless its role says so. The numbers are the agent's affair.
//!
//! A list of what is denied, and every call that is newer than the list: so what is not understood is not there. What
//! container runtimes deny is the model (moby's and systemd's `@system-service`); a capability opens the calls that are of
//! no use without it.

/// Name, and the capability that opens it (`""`: only its own name in the role does).
pub const DENIED: [(&str, &str); 78] = [
    // Another machine within this one, another root, other mounts.
    ("mount", "sys_admin"),
    ("umount2", "sys_admin"),
    ("pivot_root", "sys_admin"),
    ("mount_setattr", "sys_admin"),
    ("move_mount", "sys_admin"),
    ("open_tree", "sys_admin"),
    ("fsopen", "sys_admin"),
    ("fsconfig", "sys_admin"),
    ("fsmount", "sys_admin"),
    ("fspick", "sys_admin"),
    ("unshare", "sys_admin"),
    ("setns", "sys_admin"),
    ("sethostname", "sys_admin"),
    ("setdomainname", "sys_admin"),
    ("quotactl", "sys_admin"),
    ("quotactl_fd", "sys_admin"),
    ("swapon", "sys_admin"),
    ("swapoff", "sys_admin"),
    ("fanotify_init", "sys_admin"),
    ("lookup_dcookie", "sys_admin"),
    ("chroot", "sys_chroot"),
    // The kernel itself.
    ("reboot", "sys_boot"),
    ("kexec_load", "sys_boot"),
    ("kexec_file_load", "sys_boot"),
    ("init_module", "sys_module"),
    ("finit_module", "sys_module"),
    ("delete_module", "sys_module"),
    ("create_module", "sys_module"),
    ("query_module", "sys_module"),
    ("get_kernel_syms", "sys_module"),
    ("syslog", "syslog"),
    ("bpf", "bpf"),
    ("perf_event_open", "perfmon"),
    ("iopl", "sys_rawio"),
    ("ioperm", "sys_rawio"),
    ("acct", "sys_pacct"),
    ("vhangup", "sys_tty_config"),
    // Clocks.
    ("settimeofday", "sys_time"),
    ("clock_settime", "sys_time"),
    ("clock_adjtime", "sys_time"),
    ("adjtimex", "sys_time"),
    // Other processes' memory and descriptors.
    ("ptrace", "sys_ptrace"),
    ("process_vm_readv", "sys_ptrace"),
    ("process_vm_writev", "sys_ptrace"),
    ("process_madvise", "sys_ptrace"),
    ("kcmp", "sys_ptrace"),
    ("pidfd_getfd", "sys_ptrace"),
    // Ways around the checks of paths.
    ("open_by_handle_at", "dac_read_search"),
    ("name_to_handle_at", "dac_read_search"),
    ("mknod", "mknod"),
    ("mknodat", "mknod"),
    // Placement of memory.
    ("mbind", "sys_nice"),
    ("set_mempolicy", "sys_nice"),
    ("get_mempolicy", "sys_nice"),
    ("set_mempolicy_home_node", "sys_nice"),
    ("migrate_pages", "sys_nice"),
    ("move_pages", "sys_nice"),
    // Often the first step of an attack on the kernel, and seldom needed.
    ("add_key", ""),
    ("request_key", ""),
    ("keyctl", ""),
    ("userfaultfd", ""),
    ("io_uring_setup", ""),
    ("io_uring_enter", ""),
    ("io_uring_register", ""),
    ("personality", ""),
    ("modify_ldt", ""),
    ("memfd_secret", ""),
    ("vmsplice", ""),
    // What no program of today calls.
    ("_sysctl", ""),
    ("sysfs", ""),
    ("ustat", ""),
    ("uselib", ""),
    ("nfsservctl", ""),
    ("afs_syscall", ""),
    ("getpmsg", ""),
    ("putpmsg", ""),
    ("tuxcall", ""),
    ("security", ""),
];

/// Calls that are denied by what they are asked for: families of sockets other than Unix, IPv4, IPv6 and netlink; new
/// namespaces by `clone`; text put into a terminal's input by `ioctl`.
pub const BY_ARGUMENT: [&str; 3] = ["socket", "clone", "ioctl"];

/// What `seccomp = [...]` may name.
pub fn names() -> impl Iterator<Item = &'static str> {
    DENIED.iter().map(|(name, _)| *name).chain(BY_ARGUMENT)
}
