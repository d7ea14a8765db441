//! What a sandbox is told, and what it tells: plain data.
//!
//! Nothing here touches the system. Paths `to`, `path`, `cwd` are absolute and inside; `from` are outside.

use std::os::fd::OwnedFd;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::observe::Opened;

/// One sandboxed command and everything that it may observe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Setup {
    /// Trees and files, read-only, in this order: a later one may lie inside an earlier one where that has the place.
    pub binds: Vec<Bind>,
    /// Symbolic links in the root, made before the binds.
    pub links: Vec<Link>,
    pub build: Build,
    /// Files put under `/build` before the start.
    pub stage: Vec<Stage>,
    /// The program is looked up in `PATH` of `env` unless it holds a slash.
    pub argv: Vec<String>,
    pub env: Vec<(String, String)>,
    pub cwd: String,
    pub limits: Limits,
    /// A fifo outside; inside it is `/run/jobserver`.
    pub jobserver: Option<PathBuf>,
    pub face: Face,
}

/// A tree or a file of the host, seen at `to`, read-only, without devices and setuid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    pub from: PathBuf,
    pub to: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub path: String,
    pub target: String,
}

/// What `/build` is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Build {
    /// A tmpfs of `limits.output_bytes`. Its pages count as memory of the action where a cgroup counts.
    Memory,
    /// A folder on disk, kept after the end; the caller made it, and owns it.
    Folder(PathBuf),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stage {
    pub from: StageFrom,
    /// Relative to `/build`.
    pub to: String,
    /// Permission bits, `0o644` or `0o755`.
    pub mode: u32,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum StageFrom {
    File(PathBuf),
    Bytes(Vec<u8>),
}

/// What one action may use. Which means holds each limit is in [`Abilities`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    pub memory_bytes: u64,
    pub processes: u64,
    /// All of `/build`; also the largest single file.
    pub output_bytes: u64,
    pub wall_s: f64,
}

/// What the machine looks like from within: what `rootbrew check` varies, and nothing else may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Face {
    pub hostname: String,
    pub user: String,
    pub uid: u32,
    pub gid: u32,
    /// Processors that may be used (`nproc`), by number; `None` for those that the caller has.
    pub cpus: Option<Vec<usize>>,
    /// In which order staged files and binds are made: it can be heard in the order of a folder's entries.
    pub order: Order,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    Sorted,
    Reversed,
}

impl Default for Face {
    /// uid 1000 and gid 100 as others have them (Nix), so that paths of ids in outputs look the same everywhere.
    fn default() -> Face {
        let (hostname, user) = ("rootbrew".to_string(), "builder".to_string());
        Face { hostname, user, uid: 1000, gid: 100, cpus: None, order: Order::Sorted }
    }
}

impl Default for Limits {
    /// 8 GiB of memory, 4096 processes, 16 GiB of files, two hours: the Linux kernel's build stays far below each.
    fn default() -> Limits {
        Limits { memory_bytes: 8 << 30, processes: 4096, output_bytes: 16 << 30, wall_s: 7200.0 }
    }
}

/// How an action ended. `build` outlives every process of it: its files are read through the fd (`/proc/self/fd/N`).
#[derive(Debug)]
pub struct Ended {
    pub end: End,
    pub build: OwnedFd,
    pub wall_s: f64,
    pub cpu_s: f64,
    /// Of the cgroup; without one, of the largest process.
    pub memory_peak_bytes: Option<u64>,
    pub abilities: Abilities,
    /// `None` when nobody asked, or this machine does not let us hear.
    pub opened: Option<Opened>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    Exited(i32),
    Signalled(i32),
    OutOfTime,
    OutOfMemory,
    TooManyBytes,
    TooManyProcesses,
    Cancelled,
}

/// What this machine allows, as the sandbox found it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Abilities {
    pub user: UserKind,
    pub proc: ProcKind,
    pub memory: Limiter,
    pub processes: Limiter,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum UserKind {
    /// A user namespace with one user in it.
    Namespace,
    /// Root without user namespaces: the command runs as the face's uid of the host.
    Host,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProcKind {
    Fresh,
    /// A fresh one was refused (a container masks parts of its own): the outer one is shown, read-only.
    Outer,
}

/// What holds a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Limiter {
    CgroupV2,
    CgroupV1,
    /// A limit of each process (memory) or of the user in the sandbox (processes).
    Rlimit,
    Nothing,
}

/// Why there is no sandbox, or none any more.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// This machine refuses what a sandbox is made of; `help` says what to enable.
    #[error("no sandbox can be made here: {cause}\nhelp: {help}")]
    Refused { cause: String, help: String },
    /// The set-up asks for what is not there or cannot be (a bind's source, a working folder, a program).
    #[error("the sandbox cannot be set up: {0}")]
    Setup(String),
    #[error("{doing}: {source}")]
    Io { doing: String, source: std::io::Error },
    /// The helper died without a word, most likely killed from outside.
    #[error("the sandbox's helper process died without a report (killed from outside?)")]
    HelperDied,
}

/// Exits as a shell would say them; `None` when a limit or a cancel ended the action.
impl End {
    pub fn code(self) -> Option<i32> {
        match self {
            End::Exited(code) => Some(code),
            End::Signalled(signal) => Some(128 + signal),
            _ => None,
        }
    }

    pub fn is_success(self) -> bool {
        self == End::Exited(0)
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        match self {
            End::Exited(code) => write!(f, "exited {code}"),
            End::Signalled(signal) => write!(f, "killed by signal {signal}"),
            End::OutOfTime => write!(f, "ran longer than its time limit"),
            End::OutOfMemory => write!(f, "used more than its memory limit"),
            End::TooManyBytes => write!(f, "wrote more than its limit of bytes"),
            End::TooManyProcesses => write!(f, "started more processes than its limit"),
            End::Cancelled => write!(f, "cancelled"),
        }
    }
}
