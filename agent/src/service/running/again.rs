//! Being told to read its configuration again, or to start again, and whether it is ready then.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use super::{Probe, Reload, Running, State, What, signal, spawn};
use host::error::{Error, Result};

/// A process that got its signal needs a moment to fail; one that says RELOADING=1 says it within this.
const SETTLE: Duration = Duration::from_millis(250);

impl Running {
    /// Asks it to read its configuration again.
    ///
    /// # Errors
    /// It does not run, or has no way to.
    pub fn reload(&mut self) -> Result<()> {
        let fault = |did: &str| Error::Service { service: self.name.clone(), did: did.into() };
        let (Some(process), Some(reload)) = (&self.process, &self.service.reload) else {
            return Err(fault("does not run, or its role says no way to reload"));
        };
        if !matches!(self.state, State::Ready | State::Reloading(..)) {
            return Err(fault("is not ready"));
        }
        match reload {
            Reload::Signal(word) => {
                let signal = signal(word).unwrap_or(Signal::HUP);
                kill_process(process.pid, signal).map_err(Error::world("signal it"))?;
            }
            Reload::Command(argv) => {
                self.command = Some(spawn::command(argv, &self.room, self.cgroup.as_ref(), None)?);
            }
        }
        let now = Instant::now();
        self.asked_us = monotonic_us();
        self.reads = false;
        self.probe = None;
        self.state = State::Reloading(now + Duration::from_secs(self.service.ready_s), now + SETTLE);
        Ok(())
    }

    /// Whether it is ready again: by its own word where it speaks, else by its probe once it had time to fail.
    pub(super) fn look(&mut self, now: Instant, until: Instant, look: Instant) {
        if now >= until {
            self.not_again(format!("not ready again within {} s", self.service.ready_s));
        } else if now < look || self.command.is_some() || self.reads {
        } else if self.probe.is_some() {
            self.probe(now);
        } else {
            self.probe = Probe::new(&self.service.ready);
            if self.probe.is_none() {
                self.is_ready();
            }
        }
    }

    /// It runs on, as it was before.
    pub(super) fn not_again(&mut self, why: String) {
        self.log.tell(&why);
        self.events.push(What::NotAgain(why));
        self.state = State::Ready;
        (self.probe, self.command, self.reads) = (None, None, false);
    }

    /// Ends it in order, and starts it again, whatever it was.
    pub fn restart(&mut self) {
        (self.again, self.deaths) = (true, 0);
        self.state = match &self.process {
            Some(process) => {
                self.watchdog = None;
                kill_process(process.pid, signal(&self.service.stop).unwrap_or(Signal::TERM))
                    .unwrap_or_default();
                State::Stopping(Instant::now() + Duration::from_secs(self.service.stop_s))
            }
            None => State::Resting(Instant::now()),
        };
    }
}

fn monotonic_us() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1000
}
