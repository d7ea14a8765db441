//! A service's checker, run beside the machine: it sees other files in the places of its own, and nothing else changes.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use host::role::Service;
use host::{Error, Result};
use rustix::process::{Pid, Signal, WaitStatus, kill_process_group};

use super::spawn;
use crate::lines::Lines;
use crate::passwd;

pub struct Checker {
    name: String,
    pid: Pid,
    output: Lines<File>,
    /// It is killed then.
    pub until: Instant,
    verdict: Option<std::result::Result<(), String>>,
}

impl Checker {
    /// `views`: what stands at a path, and what the checker shall see there.
    pub fn start(
        name: &str,
        service: &Service,
        users: &str,
        views: &BTreeMap<PathBuf, PathBuf>,
    ) -> Result<Checker> {
        let user = passwd::find(users, &service.user)?;
        let (pid, reader) = spawn::checker(&service.check, service, user, views)
            .map_err(Error::world(format!("start `{}`", service.check.join(" "))))?;
        let until = Instant::now() + spawn::CHECK_MAX;
        Ok(Checker { name: name.into(), pid, output: Lines::new(reader), until, verdict: None })
    }

    pub fn is_good(&self) -> bool {
        self.verdict == Some(Ok(()))
    }

    pub fn verdict_if_bad(&self) -> Option<String> {
        self.verdict.clone()?.err()
    }

    /// Killed when its time is over: its end is news as any.
    pub fn end_at(&mut self, now: Instant) {
        if self.verdict.is_none() && self.until <= now {
            kill_process_group(self.pid, Signal::KILL).unwrap_or_default();
            self.verdict = Some(Err(format!("{}: its check did not end", self.name)));
        }
    }

    pub fn reaped(&mut self, pid: Pid, status: WaitStatus) {
        if pid != self.pid || self.verdict.is_some() {
            return;
        }
        let mut said = Vec::new();
        self.output.drain(|line| said.push(line.to_string()));
        let why = || format!("{}: check {}: {}", self.name, spawn::describe(status), said.join("; "));
        self.verdict = Some(if status.exit_status() == Some(0) { Ok(()) } else { Err(why()) });
    }
}
