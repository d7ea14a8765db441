//! The system calls that name a path, and where it stands among their arguments.

/// What is asked of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    Open,
    Run,
    /// Loaded by the kernel with a program.
    Map,
    /// Whether it is there, and what it is.
    Look,
    /// Where a link points.
    Link,
}

impl Call {
    pub fn word(self) -> &'static str {
        match self {
            Call::Open => "open",
            Call::Run => "run",
            Call::Map => "map",
            Call::Look => "look",
            Call::Link => "link",
        }
    }
}

/// A system call by its number; its path is argument 0, or 1 where argument 0 is a folder's descriptor.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    pub number: i64,
    pub call: Call,
    pub at_folder: bool,
}

const fn at(number: i64, call: Call) -> Known {
    Known { number, call, at_folder: true }
}

#[cfg(target_arch = "x86_64")]
const fn plain(number: i64, call: Call) -> Known {
    Known { number, call, at_folder: false }
}

/// Those that every architecture has. `io_uring` opens files by none of them.
const COMMON: [Known; 9] = [
    at(libc::SYS_openat, Call::Open),
    at(libc::SYS_openat2, Call::Open),
    Known { number: libc::SYS_execve, call: Call::Run, at_folder: false },
    at(libc::SYS_execveat, Call::Run),
    at(libc::SYS_newfstatat, Call::Look),
    at(libc::SYS_statx, Call::Look),
    at(libc::SYS_faccessat, Call::Look),
    at(libc::SYS_faccessat2, Call::Look),
    at(libc::SYS_readlinkat, Call::Link),
];

#[cfg(target_arch = "x86_64")]
const OLD: [Known; 6] = [
    plain(libc::SYS_open, Call::Open),
    plain(libc::SYS_creat, Call::Open),
    plain(libc::SYS_stat, Call::Look),
    plain(libc::SYS_lstat, Call::Look),
    plain(libc::SYS_access, Call::Look),
    plain(libc::SYS_readlink, Call::Link),
];
#[cfg(not(target_arch = "x86_64"))]
const OLD: [Known; 0] = [];

pub fn all() -> impl Iterator<Item = Known> {
    COMMON.into_iter().chain(OLD)
}

pub fn known(number: u64) -> Option<Known> {
    all().find(|known| known.number as u64 == number)
}
