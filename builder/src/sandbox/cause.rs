//! Why a machine refuses a sandbox, and what to enable: read from the few places where kernels and containers say so.
//!
//! Only called after a refusal; changes nothing.

use std::fs;
use std::io;

use super::message::Failure;

/// A refusal of `step`, with the most likely cause on this machine.
pub fn refused(step: &str, error: &io::Error) -> Failure {
    let (cause, help) = known_cause(error).unwrap_or((
        "the kernel or what it runs in refuses it",
        "run on a Linux of 5.12 or newer outside of containers, or in one that allows namespaces",
    ));
    Failure::Refused { cause: format!("{step}: {error}; {cause}"), help: help.to_string() }
}

fn known_cause(error: &io::Error) -> Option<(&'static str, &'static str)> {
    if error.raw_os_error() == Some(libc::ENOSYS) {
        return Some(("this kernel lacks the system call", "Linux 5.12 or newer is needed"));
    }
    CAUSES.iter().find(|cause| cause.holds()).map(|cause| (cause.what, cause.help))
}

struct Cause {
    path: &'static str,
    /// What a line of the file starts with when this is the cause.
    line: &'static str,
    what: &'static str,
    help: &'static str,
}

const CAUSES: &[Cause] = &[
    Cause {
        path: "/proc/sys/user/max_user_namespaces",
        line: "0",
        what: "user namespaces are switched off",
        help: "sysctl user.max_user_namespaces=10000 (as root), or run rootbrew as root",
    },
    Cause {
        path: "/proc/sys/kernel/unprivileged_userns_clone",
        line: "0",
        what: "user namespaces are switched off for ordinary users",
        help: "sysctl kernel.unprivileged_userns_clone=1 (as root), or run rootbrew as root",
    },
    Cause {
        path: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        line: "1",
        what: "AppArmor restricts user namespaces of ordinary users (Ubuntu 24.04 does)",
        help: "sysctl kernel.apparmor_restrict_unprivileged_userns=0 (as root), or an AppArmor profile with `userns,` for rootbrew, or run rootbrew as root",
    },
    Cause {
        path: "/proc/self/status",
        line: "Seccomp:\t2",
        what: "a seccomp filter is in force, as containers have it",
        help: "start the container with `--security-opt seccomp=unconfined --security-opt apparmor=unconfined --security-opt systempaths=unconfined`, or with `--privileged`",
    },
];

impl Cause {
    fn holds(&self) -> bool {
        let text = fs::read_to_string(self.path).unwrap_or_default();
        text.lines().any(|line| line.trim_end() == self.line)
    }
}
