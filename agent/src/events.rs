//! Events: what this machine did since it started, in bounded memory, for whoever asks later.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use crate::console::{say, since_boot_ms};

/// Enough for the start, and for a bad day.
const EVENTS_MAX: usize = 512;
const LINE_MAX_BYTES: usize = 512;

#[derive(Default)]
struct Events {
    /// How many there were before the first that is kept.
    forgotten: u64,
    kept: VecDeque<String>,
}

static EVENTS: Mutex<Events> = Mutex::new(Events { forgotten: 0, kept: VecDeque::new() });

/// Says it, and remembers it.
pub fn tell(line: impl std::fmt::Display) {
    let line = line.to_string();
    say(&line);
    note(line);
}

/// Remembers it with its time: milliseconds since the machine started.
pub fn note(line: impl std::fmt::Display) {
    let mut line = line.to_string();
    line.truncate(line.floor_char_boundary(LINE_MAX_BYTES));
    let mut events = EVENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if events.kept.len() == EVENTS_MAX {
        events.kept.pop_front();
        events.forgotten += 1;
    }
    events.kept.push_back(format!("{} {line}", since_boot_ms()));
}

/// A part of the start has come to its end: the next begins here. `rootbrew boot --plot` draws them.
pub fn done(part: &str) {
    note(format_args!("start: {part} done"));
}

/// Those from number `from` on, and the number that follows them. The first event is number 0.
pub fn since(from: u64) -> (Vec<String>, u64) {
    let events = EVENTS.lock().unwrap_or_else(PoisonError::into_inner);
    let skip = from.saturating_sub(events.forgotten) as usize;
    (events.kept.iter().skip(skip).cloned().collect(), events.forgotten + events.kept.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten_and_numbers_stay() {
        let (_, before) = since(0);
        for at in 0..EVENTS_MAX + 3 {
            tell(format_args!("event {at}"));
        }
        let (events, next) = since(before);
        assert_eq!(next, before + EVENTS_MAX as u64 + 3);
        assert_eq!(events.len(), EVENTS_MAX);
        assert!(events[0].ends_with(" event 3"), "{}", events[0]);
        assert_eq!(since(next).0.len(), 0);
    }
}
