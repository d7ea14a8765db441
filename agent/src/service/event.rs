//! What happened to services since the start: bounded, with the time since the machine's start.

use std::collections::VecDeque;
use std::fmt;

use crate::console::since_boot_ms;
use host::role::Service;

/// The oldest go first: 100 services' starts, and what came since.
const EVENTS_MAX: usize = 512;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// For these, which must be ready before it starts.
    Waits(Vec<String>),
    Started,
    Ready,
    /// One that runs once or at times came to a good end.
    Done,
    /// It ended, and how; it may be started again.
    Died(String),
    /// It stays down.
    Failed(String),
    /// Ready again after [`super::Supervisor::reload`] or [`super::Supervisor::restart`].
    Again,
    /// Not so, and why.
    NotAgain(String),
    Stopped,
    Status(String),
    /// It has so many tasks, which are all that it may.
    Full(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Milliseconds since the machine's start.
    pub at_ms: u64,
    pub service: String,
    pub what: What,
}

impl What {
    /// What is told of a service first.
    pub fn first_of(service: &Service) -> Vec<What> {
        let waits = (!service.after.is_empty()).then(|| What::Waits(service.after.clone()));
        waits.into_iter().collect()
    }
}

impl fmt::Display for What {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            What::Waits(others) => write!(to, "waits for {}", others.join(", ")),
            What::Started => write!(to, "started"),
            What::Ready => write!(to, "ready"),
            What::Done => write!(to, "done"),
            What::Died(how) => write!(to, "{how}"),
            What::Failed(why) => write!(to, "stays down: {why}"),
            What::Again => write!(to, "ready again"),
            What::NotAgain(why) => write!(to, "not ready again: {why}"),
            What::Stopped => write!(to, "stopped"),
            What::Full(tasks) => write!(to, "has all of its {tasks} tasks"),
            What::Status(text) => write!(to, "says: {text}"),
        }
    }
}

/// All that are held, each with its number; the first was 0.
#[derive(Default)]
pub struct Events {
    held: VecDeque<Event>,
    next: u64,
}

impl Events {
    pub fn push(&mut self, service: &str, what: What) {
        let at_ms = since_boot_ms() as u64;
        self.held.push_back(Event { at_ms, service: service.into(), what });
        self.next += 1;
        if self.held.len() > EVENTS_MAX {
            self.held.pop_front();
        }
    }

    /// Those from number `from` on that are still held, and the number to ask with next.
    pub fn since(&self, from: u64) -> (impl Iterator<Item = &Event>, u64) {
        let first = self.next - self.held.len() as u64;
        (self.held.iter().skip(from.saturating_sub(first) as usize), self.next)
    }
}
