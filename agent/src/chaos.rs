//! Faults on purpose, for `rootbrew boot --chaos`: a process killed, `/data` filled. Refused unless the kernel command line
//! has the word `rootbrew.chaos`: who writes that chooses PID 1 anyway.
//!
//! In the agent and not in a variant of it, so that what is tried is the image that is published, byte for byte. Whatever
//! reaches a guest from outside (link, power, disks, words) is none of ours.

use std::fs::{self, File};
use std::io;
use std::path::Path;

use rustix::fs::{FallocateFlags, fallocate, fstatvfs};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};

use crate::service::Supervisor;

const WORD: &str = "rootbrew.chaos";
const FILL: &str = "/data/.fill";

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// One of a service's processes, by its place among them, counted around.
    Kill { service: String, signal: String, at: usize },
    /// All of `/data` that a service could take.
    Fill,
    /// And all of it given back.
    Free,
}

/// `kill SERVICE SIGNAL [PLACE]`, `fill`, `free`.
pub fn parse(words: &[&str]) -> Option<Fault> {
    let kill =
        |service: &str, signal: &str, at| Fault::Kill { service: service.into(), signal: signal.into(), at };
    match words {
        ["kill", service, signal] => Some(kill(service, signal, 0)),
        ["kill", service, signal, at] => Some(kill(service, signal, at.parse().ok()?)),
        ["fill"] => Some(Fault::Fill),
        ["free"] => Some(Fault::Free),
        _ => None,
    }
}

/// # Errors
/// Not on this machine, or not possible: in words for who asked.
pub fn cause(fault: &Fault, supervisor: &Supervisor) -> Result<String, String> {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    if !is_allowed(&line) {
        return Err(format!("not on this machine: its kernel's command line has no `{WORD}`"));
    }
    let done = match fault {
        Fault::Kill { service, signal, at } => return kill(&supervisor.processes(service), signal, *at),
        Fault::Fill => fill(Path::new(FILL)).map(|bytes| format!("{bytes} bytes")),
        Fault::Free => fs::remove_file(FILL).map(|()| "given back".to_string()),
    };
    done.map_err(|cause| format!("{FILL}: {cause}"))
}

fn is_allowed(line: &str) -> bool {
    line.split_whitespace().any(|word| word == WORD)
}

fn kill(processes: &[Pid], signal: &str, at: usize) -> Result<String, String> {
    let known = [
        ("KILL", Signal::KILL),
        ("SEGV", Signal::SEGV),
        ("ABORT", Signal::ABORT),
        ("TERM", Signal::TERM),
        ("HUP", Signal::HUP),
    ];
    let signal = known.into_iter().find(|(word, _)| *word == signal).ok_or("no such signal")?.1;
    let Some(pid) = processes.get(at % processes.len().max(1)) else { return Err("it does not run".into()) };
    kill_process(*pid, signal).map_err(|cause| cause.to_string())?;
    Ok(format!("{} of {}", at % processes.len() + 1, processes.len()))
}

/// What root has in reserve stays: a service could not take it either. Blocks are taken and not written.
fn fill(path: &Path) -> io::Result<u64> {
    let file = File::create(path)?;
    let found = fstatvfs(&file)?;
    let (mut left, mut at) = (found.f_bavail * found.f_bsize, 0);
    while left >= found.f_bsize {
        match fallocate(&file, FallocateFlags::empty(), at, left) {
            Ok(()) => (at, left) = (at + left, 0),
            // Its own tables want room too.
            Err(Errno::NOSPC) => left /= 2,
            Err(cause) => return Err(cause.into()),
        }
    }
    Ok(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_where_the_command_line_says_so() {
        assert!(is_allowed("console=ttyS0 rootbrew.chaos quiet\n"));
        for line in ["", "quiet", "rootbrew.chaos=1", "rootbrew.env.site=rootbrew.chaos", "xrootbrew.chaos"] {
            assert!(!is_allowed(line), "{line}");
        }
    }

    #[test]
    fn words() {
        let kill = |at| Some(Fault::Kill { service: "nginx".into(), signal: "KILL".into(), at });
        assert_eq!(parse(&["kill", "nginx", "KILL"]), kill(0));
        assert_eq!(parse(&["kill", "nginx", "KILL", "3"]), kill(3));
        assert_eq!(parse(&["kill", "nginx"]), None);
        assert_eq!(parse(&["fill"]), Some(Fault::Fill));
        assert_eq!(super::kill(&[], "KILL", 1), Err("it does not run".into()));
        assert_eq!(super::kill(&[], "NONE", 1), Err("no such signal".into()));
    }
}
