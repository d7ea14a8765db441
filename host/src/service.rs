//! A service, as the role says it: what runs, when, and what it may.

use serde::{Deserialize, Deserializer};

use crate::calendar::Calendar;
use crate::listen::Listen;

/// One program of a machine: it runs on, once, or at its times.
#[derive(Debug, Clone, Deserialize)]
pub struct Service {
    pub run: Vec<String>,
    /// Must exit with 0 before the service is started.
    #[serde(default)]
    pub check: Vec<String>,
    #[serde(default)]
    pub ready: Ready,
    /// How it reads its configuration again; `None`: it is restarted.
    pub reload: Option<Reload>,
    #[serde(default)]
    pub restart: Restart,
    /// Ready when it has exited with 0; it does not stay.
    #[serde(default)]
    pub once: bool,
    /// Runs at these times, and not at the start.
    pub timer: Option<Calendar>,
    /// Sockets that the agent binds and hands on from descriptor 3 on.
    #[serde(default)]
    pub listen: Vec<Listen>,
    /// It must say `WATCHDOG=1` at least this often, in seconds.
    pub watchdog_s: Option<u64>,
    /// A name from `/etc/passwd`.
    pub user: String,
    /// Without `CAP_`, lower case: `net_bind_service`.
    #[serde(default)]
    pub caps: Vec<String>,
    /// Folders made before the start, owned by `user`.
    #[serde(default)]
    pub writes: Vec<String>,
    /// What it may read beside the image, `/run/etc`, `/proc`, `/tmp` and what it writes.
    #[serde(default)]
    pub reads: Vec<String>,
    #[serde(default)]
    pub seccomp: Seccomp,
    #[serde(default)]
    pub network: Network,
    /// Of what the machine has one, and each service its own: what this one has in common with the machine.
    #[serde(default)]
    pub shares: Vec<Share>,
    /// Bytes; `None`: as much as there is.
    #[serde(default, deserialize_with = "size")]
    pub memory: Option<u64>,
    /// Processes and threads, the agent's own beside it not counted.
    #[serde(default = "default_tasks")]
    pub tasks: u64,
    /// Percent of one processor; `None`: as much as is free.
    pub cpu: Option<u64>,
    /// Open descriptors of a process (RLIMIT_NOFILE).
    #[serde(default = "default_descriptors")]
    pub descriptors: u64,
    /// Bytes of a core file; `None`: [`CORE_BYTES`], or none at all where the role keeps none.
    #[serde(default, deserialize_with = "size")]
    pub core: Option<u64>,
    /// Whether its output goes to the console too.
    #[serde(default = "yes")]
    pub console: bool,
    /// Bytes of its output that are kept; `None`: [`LOG_MEMORY_BYTES`] in memory, [`LOG_DISK_BYTES`] on a disk.
    #[serde(default, deserialize_with = "size")]
    pub log: Option<u64>,
    /// Services that must be ready before this one starts.
    #[serde(default)]
    pub after: Vec<String>,
    /// The signal that asks it to end, without `SIG`.
    #[serde(default = "default_stop")]
    pub stop: String,
    /// How long it may take to end before it is killed.
    #[serde(default = "default_stop_s")]
    pub stop_s: u64,
    /// How long it may take to be ready, and to be ready again.
    #[serde(default = "default_ready_s")]
    pub ready_s: u64,
}

/// 300 lines or so: what one reads after a fault.
pub const LOG_MEMORY_BYTES: u64 = 32 << 10;
pub const LOG_DISK_BYTES: u64 = 1 << 20;
/// What a server of ours has in memory that is not its program; what is zero is not counted.
pub const CORE_BYTES: u64 = 64 << 20;

fn default_stop() -> String {
    "TERM".into()
}

/// Docker's default; long enough for open downloads to be told.
fn default_stop_s() -> u64 {
    10
}

/// An emulated guest on a busy machine takes seconds for what takes milliseconds elsewhere.
fn default_ready_s() -> u64 {
    60
}

/// A machine of ours has about a hundred; a fork bomb ends here, long before the machine's 32,768 numbers.
fn default_tasks() -> u64 {
    256
}

/// What select(2) can hold; the kernel's own hard limit is 4096.
fn default_descriptors() -> u64 {
    1024
}

fn yes() -> bool {
    true
}

/// How a service tells that it serves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ready {
    /// Ready when started.
    #[default]
    Start,
    /// `READY=1` on the socket in `NOTIFY_SOCKET` (sd_notify).
    Notify,
    /// A newline on descriptor 3 (s6), or on the first behind those of `listen`.
    Fd,
    /// Something accepts on this port of 127.0.0.1.
    Tcp(u16),
    /// Something accepts on this socket.
    Unix(String),
    /// This command exits with 0.
    Exec(Vec<String>),
}

/// How it reads its configuration again.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Reload {
    /// Without `SIG`.
    Signal(String),
    Command(Vec<String>),
}

/// Whether a service that ended is started again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Restart {
    #[default]
    Always,
    /// Unless it exited with 0.
    Failure,
    Never,
}

/// Which calls of the kernel it has: all but [`crate::seccomp::DENIED`], or more.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Seccomp {
    /// Allowed beside the usual ones.
    Names(Vec<String>),
    /// `"none"`: no filter.
    Word(NoFilter),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NoFilter {
    None,
}

impl Default for Seccomp {
    fn default() -> Seccomp {
        Seccomp::Names(Vec::new())
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Network {
    #[default]
    Machine,
    /// Its own loopback and nothing else.
    None,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Share {
    /// It sees every process, and nobody ends its children for it.
    Pids,
    /// System V's and POSIX' messages and memory.
    Ipc,
    /// The machine's `/tmp`.
    Tmp,
    /// All of `/dev`.
    Devices,
    /// `/sys`, read-only and without its firmware.
    Sys,
}

/// Bytes, as a number or as `"64 MB"`, `"512 KiB"`: the assembler's own reading of sizes (`kegs::reader::Size`).
fn size<'d, D: Deserializer<'d>>(from: D) -> Result<Option<u64>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        Bytes(u64),
        Text(String),
    }
    match Written::deserialize(from)? {
        Written::Bytes(bytes) => Ok(Some(bytes)),
        Written::Text(text) => parse_size(&text)
            .map(Some)
            .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no size"))),
    }
}

fn parse_size(text: &str) -> Option<u64> {
    let (number, unit) = text.split_at(text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?);
    let scale: u64 = match unit.trim_start() {
        "B" => 1,
        "kB" | "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        _ => return None,
    };
    let bytes = number.parse::<f64>().ok()? * scale as f64;
    (bytes < i64::MAX as f64).then_some(bytes.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(keys: &str) -> Service {
        let role = format!("[service.a]\nuser = \"u\"\nrun = [\"a\"]\n{keys}");
        crate::role::parse(&role).unwrap_or_else(|fault| panic!("{keys}: {fault}")).service["a"].clone()
    }

    #[test]
    fn readiness_has_six_forms() {
        assert_eq!(service("ready = \"notify\"").ready, Ready::Notify);
        assert_eq!(service("ready = \"fd\"").ready, Ready::Fd);
        assert_eq!(service("ready = { tcp = 443 }").ready, Ready::Tcp(443));
        assert_eq!(service("ready = { unix = \"/run/x\" }").ready, Ready::Unix("/run/x".into()));
        assert_eq!(service("ready = { exec = [\"true\"] }").ready, Ready::Exec(vec!["true".into()]));
        assert_eq!(service("").ready, Ready::Start);
    }

    #[test]
    fn strict_where_nothing_is_said() {
        let plain = service("");
        assert_eq!(
            (plain.seccomp, plain.network, plain.shares),
            (Seccomp::default(), Network::Machine, vec![])
        );
        assert_eq!((plain.memory, plain.tasks, plain.cpu, plain.core), (None, 256, None, Some(CORE_BYTES)));
        assert!(plain.console && !plain.once);
    }

    #[test]
    fn a_line_for_each_need() {
        let all = service(
            "reload = [\"ctl\", \"reload\"]\ntimer = \"daily 03:00\"\nlisten = [80, \"udp:53\", \"/run/x\"]\n\
             seccomp = \"none\"\nnetwork = \"none\"\nshares = [\"pids\", \"tmp\"]\nmemory = \"64 MB\"\ncpu = 50\n\
             core = 4096\nlog = \"1.5 KiB\"",
        );
        assert_eq!(all.reload, Some(Reload::Command(vec!["ctl".into(), "reload".into()])));
        assert_eq!(all.listen.len(), 3);
        assert_eq!(all.seccomp, Seccomp::Word(NoFilter::None));
        assert_eq!((all.memory, all.core, all.log), (Some(64_000_000), Some(4096), Some(1536)));
        assert_eq!(service("seccomp = [\"ptrace\"]").seccomp, Seccomp::Names(vec!["ptrace".into()]));
        assert_eq!(service("reload = \"HUP\"").reload, Some(Reload::Signal("HUP".into())));
    }
}
