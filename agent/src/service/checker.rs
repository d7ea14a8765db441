//! A service's checker, run beside the machine: it sees other files in the places of its own, and nothing waits for it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::time::Instant;

use host::Result;
use host::error::Error;
use rustix::process::{Pid, Signal, kill_process};

use super::end::End;
use super::running::Running;
use super::{Supervisor, spawn};
use crate::lines::Lines;

/// Of what it says, so many lines make the reason.
const LINES_MAX: usize = 20;

pub struct Checker {
    name: String,
    pid: Pid,
    end: File,
    output: Lines<File>,
    /// It is killed then.
    pub until: Instant,
    verdict: Option<std::result::Result<(), String>>,
}

impl Supervisor {
    /// `views`: what stands at a path, and what the checker shall see there. `None`: this service has no checker.
    ///
    /// # Errors
    /// No such service; the checker can't be started.
    pub fn checker(&mut self, name: &str, views: &BTreeMap<PathBuf, PathBuf>) -> Result<Option<Checker>> {
        let running = self.named(name)?;
        match running.service.check.is_empty() {
            true => Ok(None),
            false => Checker::start(running, views).map(Some),
        }
    }
}

impl Checker {
    fn start(running: &Running, views: &BTreeMap<PathBuf, PathBuf>) -> Result<Checker> {
        let room = running.room.seeing(views)?;
        let (reader, writer) = spawn::pipe().map_err(Error::world("make a pipe"))?;
        let started = spawn::command(&running.service.check, &room, running.cgroup.as_ref(), Some(writer))?;
        let until = Instant::now() + spawn::CHECK_MAX;
        let name = running.name.clone();
        Ok(Checker {
            name,
            pid: started.pid,
            end: started.end,
            output: Lines::new(reader),
            until,
            verdict: None,
        })
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
            kill_process(self.pid, Signal::KILL).unwrap_or_default();
            self.verdict = Some(Err(format!("{}: its check did not end", self.name)));
        }
    }

    /// A child has ended.
    pub fn reaped(&mut self, pid: Pid, status: i32) {
        if pid != self.pid || self.verdict.is_some() {
            return;
        }
        let mut said = Vec::new();
        self.output.drain_some(64 << 10, |line| said.push(line.to_string()));
        said.truncate(LINES_MAX);
        let end = End::of(&self.end, status);
        let why = || format!("{}: check {end}: {}", self.name, said.join("; "));
        self.verdict = Some(if end.is_good() { Ok(()) } else { Err(why()) });
    }
}
