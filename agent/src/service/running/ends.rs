//! A service that has ended by itself, and what becomes of it.

use std::time::Instant;

use rustix::process::Pid;

use super::super::cgroup::Cgroup;
use super::super::end::End;
use super::super::event::What;
use super::super::restart::{self, Then};
use super::super::spawn;
use super::{Running, State};
use crate::wait::Waiter;
use host::error::Error;

impl Running {
    /// A child has ended: it, its probe, its command, or none of them.
    pub fn died(&mut self, pid: Pid, status: i32, waiter: &Waiter, at: u32) {
        if self.probe.as_mut().is_some_and(|probe| probe.answered(pid, End::raw(status))) {
            self.is_ready();
        }
        if self.command.as_ref().is_some_and(|command| command.pid == pid)
            && let Some(command) = self.command.take()
        {
            let end = End::of(&command.end, status);
            if !end.is_good() && matches!(self.state, State::Reloading(..)) {
                self.not_again(format!("its command to reload {end}"));
            }
        }
        // Its last word may name another main process.
        if self.process.as_ref().is_some_and(|process| process.pid == pid) {
            self.hear();
        }
        if self.process.as_ref().is_some_and(|process| process.pid == pid)
            && let Some(process) = self.process.take()
        {
            let end = self.told.take().map_or_else(|| End::of(&process.end, status), End::raw);
            self.gone(end, waiter, at);
        }
    }

    fn gone(&mut self, end: End, waiter: &Waiter, at: u32) {
        self.log.finish();
        // Nothing that it started outlives it; otherwise a second one would find its port taken.
        self.kill();
        self.forget();
        let full = self.cgroup.as_mut().is_some_and(Cgroup::ran_out_of_memory);
        let end_text = if full { format!("ran out of its memory, {end}") } else { end.to_string() };
        if matches!(self.state, State::Stopping(_)) {
            self.events.push(What::Stopped);
            self.start(waiter, at);
            return;
        }
        if matches!(self.state, State::Reloading(..)) {
            self.events.push(What::NotAgain(end_text.clone()));
        }
        if self.service.timer.is_some() {
            return self.rest_until_its_time(end, end_text);
        }
        self.deaths = if self.started.elapsed() >= restart::LONG_LIFE { 1 } else { self.deaths + 1 };
        if let Some(why) = (self.deaths == 1 && end.gave_up()).then(|| self.blame()).flatten() {
            return self.fail(why);
        }
        match restart::then(&self.service, end.is_good(), self.deaths) {
            Then::Done => {
                let starting = matches!(self.state, State::Starting(_));
                self.events.push(if starting { What::Ready } else { What::Done });
                self.state = State::Done;
                self.again = false;
            }
            Then::Again(pause) => {
                self.log.tell(&format!("{end_text}; starts again in {} ms", pause.as_millis()));
                self.events.push(What::Died(end_text));
                self.state = State::Resting(Instant::now() + pause);
            }
            Then::Never => self.fail(end_text),
            Then::Enough => self.fail(format!("{end_text}, {} times in a row", self.deaths)),
        }
    }

    /// Why it gave up, as its checker says it: then no other start helps. `None`: the checker is content.
    fn blame(&self) -> Option<String> {
        match spawn::check(&self.name, &self.service, &self.room, self.cgroup.as_ref()) {
            Ok(()) => None,
            Err(Error::Service { did, .. }) => Some(did),
            Err(other) => Some(other.to_string()),
        }
    }
}
