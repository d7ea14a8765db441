//! A service again: told to read its files anew, or started anew, and watched until it serves.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process, kill_process_group};

use super::{Running, State, Supervisor, ready, signal};

/// A service that says nothing, and that nobody can probe, is well when it lives that long after its signal.
const ALIVE: Duration = Duration::from_millis(200);

/// What was asked of a running service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Its signal was sent; serves again when it was asked after that, or lives at that time.
    Reloading(Instant),
    /// Asked to end; killed then, and started at its end.
    Ending(Instant),
}

impl Supervisor {
    /// By its signal; one without is started anew.
    pub fn reload(&mut self, name: &str) {
        let Some(running) = self.find(name) else { return };
        let wanted = running.service.reload.as_deref().and_then(signal);
        match (wanted, running.pid, &running.state) {
            (Some(wanted), Some(pid), State::Ready) => {
                // Not the whole group: who reloads tells its own children.
                kill_process(pid, wanted).unwrap_or_default();
                running.turn = Some(Turn::Reloading(Instant::now() + ALIVE));
                running.probe = ready::Probe::new(&running.service.ready);
            }
            _ => self.restart(name),
        }
    }

    /// Ended by its signal, killed if it does not, and started. One that had failed gets another chance.
    pub fn restart(&mut self, name: &str) {
        let Some(running) = self.find(name) else { return };
        running.deaths = 0;
        match running.pid {
            Some(pid) => {
                let stop = signal(&running.service.stop).unwrap_or(Signal::TERM);
                kill_process_group(pid, stop).unwrap_or_default();
                let until = Instant::now() + Duration::from_secs(running.service.stop_s);
                running.turn = Some(Turn::Ending(until));
            }
            None => running.state = State::Waiting,
        }
    }

    /// Whether a service serves after [`Supervisor::reload`] or [`Supervisor::restart`]; `None`: not yet known.
    pub fn again(&self, name: &str) -> Option<Result<(), String>> {
        let running = self.services.iter().find(|running| running.name == name)?;
        match (&running.state, running.turn) {
            (State::Failed(why), _) => Some(Err(why.clone())),
            (State::Ready, None) => Some(Ok(())),
            (State::Resting(_), None) if running.deaths > 0 => Some(Err("died".to_string())),
            _ => None,
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Running> {
        self.services.iter_mut().find(|running| running.name == name)
    }
}

impl Running {
    /// What a turn needs now.
    pub(super) fn turn(&mut self, now: Instant) {
        match self.turn {
            Some(Turn::Ending(until)) if until <= now => {
                self.turn = Some(Turn::Ending(now + Duration::from_secs(3600)));
                if let Some(pid) = self.pid {
                    kill_process_group(pid, Signal::KILL).unwrap_or_default();
                }
            }
            Some(Turn::Reloading(until)) => {
                let serves = match &mut self.probe {
                    Some(probe) => probe.step(&self.service, self.user, now),
                    None => until <= now,
                };
                if serves {
                    (self.turn, self.probe) = (None, None);
                }
            }
            _ => {}
        }
    }

    /// When [`Running::turn`] must look again.
    pub(super) fn turn_due(&self) -> Option<Instant> {
        match self.turn? {
            Turn::Ending(until) => Some(until),
            Turn::Reloading(until) => match &self.probe {
                Some(probe) => probe.due(),
                None => Some(until),
            },
        }
    }

    /// Its end was asked for: it starts at once, and that is no death. What it started is gone too.
    pub(super) fn is_ended_for_a_start(&mut self) -> bool {
        let asked = matches!(self.turn, Some(Turn::Ending(_)));
        self.turn = None;
        if asked {
            self.state = State::Waiting;
        }
        asked
    }
}
