//! What the agent says: lines on its standard output, which is the console. An unwritable console changes nothing, and one
//! that stands still (a serial line whose other end does not read) holds nobody up: what it does not take waits, and of what
//! is said meanwhile the most is lost, and said to be. It is in the events and rings all the same.
//!
//! While a shell has the console, lines wait for its end: a debugger's screen is not drawn over.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::stdio::stdout;

/// Lines that wait for a shell's end; the oldest are forgotten.
const WAITING_MAX: usize = 256;
/// Of what the console does not take.
const LEFT_MAX_BYTES: usize = 64 << 10;
/// What the last words have before the machine ends.
const LAST_MAX: Duration = Duration::from_millis(500);

#[derive(Default)]
struct Console {
    /// A shell has it.
    waiting: Option<VecDeque<String>>,
    /// Not written yet.
    left: Vec<u8>,
    /// Lines for which there was no room.
    lost: usize,
}

static CONSOLE: Mutex<Console> = Mutex::new(Console { waiting: None, left: Vec::new(), lost: 0 });

fn with<T>(what: impl FnOnce(&mut Console) -> T) -> T {
    what(&mut CONSOLE.lock().unwrap_or_else(PoisonError::into_inner))
}

/// One line. A console that cannot be written is no reason to stop a machine that serves.
pub fn say(line: impl std::fmt::Display) {
    let line = line.to_string();
    with(|console| match &mut console.waiting {
        None => {
            console.put(&line);
            console.flush();
        }
        Some(lines) => {
            lines.truncate(WAITING_MAX - 1);
            lines.push_front(line);
        }
    });
}

/// As much of what is left as there is room for: called at each turn, and its room is news.
pub fn flush() {
    with(Console::flush);
}

/// What is left, within half a second: the machine ends.
pub fn last_words() {
    let end = Instant::now() + LAST_MAX;
    while with(|console| console.flush() > 0) && Instant::now() < end {
        let part = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
        poll(&mut [PollFd::new(&stdout(), PollFlags::OUT)], Some(&part)).unwrap_or_default();
    }
}

/// From now on lines wait.
pub fn hush() {
    with(|console| _ = console.waiting.get_or_insert_default());
}

/// Says what waited, and all that comes.
pub fn speak() {
    let waiting = with(|console| console.waiting.take());
    waiting.into_iter().flatten().rev().for_each(say);
}

impl Console {
    fn put(&mut self, line: &str) {
        if self.left.len() + line.len() > LEFT_MAX_BYTES {
            self.lost += 1;
            return;
        }
        if self.lost > 0 {
            let lost = std::mem::take(&mut self.lost);
            self.left.extend(format!("the console stood still: {lost} lines are not here\n").bytes());
        }
        self.left.extend(line.bytes().chain(*b"\n"));
    }

    /// What is left after it, in bytes.
    fn flush(&mut self) -> usize {
        while !self.left.is_empty() {
            match rustix::io::write(stdout(), &self.left) {
                Ok(count) if count > 0 => drop(self.left.drain(..count)),
                Err(Errno::INTR) => {}
                Ok(_) | Err(Errno::AGAIN) => break,
                // Nobody is behind it.
                Err(_) => self.left.clear(),
            }
        }
        self.left.len()
    }
}

/// Milliseconds since the machine was started (CLOCK_BOOTTIME).
pub fn since_boot_ms() -> u128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec as u128 * 1000 + now.tv_nsec as u128 / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_room_is_lost_and_said_to_be() {
        let mut console = Console::default();
        let line = "x".repeat(999);
        (0..100).for_each(|_| console.put(&line));
        assert!(console.left.len() <= LEFT_MAX_BYTES + 1 && console.lost == 100 - 65, "{}", console.lost);
        console.left.clear();
        console.put("back");
        assert_eq!(console.left, b"the console stood still: 35 lines are not here\nback\n");
    }
}
