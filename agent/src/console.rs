//! What the agent says: lines on its standard output, which is the console. An unwritable console changes nothing.
//!
//! While a shell has the console, they wait for its end: a debugger's screen is not drawn over.

use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Mutex, PoisonError};

/// Those that wait; the oldest are forgotten, and are in the events and rings.
const WAITING_MAX: usize = 256;

static WAITING: Mutex<Option<VecDeque<String>>> = Mutex::new(None);

/// One line. A console that cannot be written is no reason to stop a machine that serves.
pub fn say(line: impl std::fmt::Display) {
    let mut waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner);
    match &mut *waiting {
        None => writeln!(std::io::stdout(), "{line}").unwrap_or_default(),
        Some(lines) => {
            lines.truncate(WAITING_MAX - 1);
            lines.push_front(line.to_string());
        }
    }
}

/// From now on lines wait.
pub fn hush() {
    WAITING.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Says what waited, and all that comes.
pub fn speak() {
    let waiting = WAITING.lock().unwrap_or_else(PoisonError::into_inner).take();
    waiting.into_iter().flatten().rev().for_each(say);
}

/// Milliseconds since the machine was started (CLOCK_BOOTTIME).
pub fn since_boot_ms() -> u128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec as u128 * 1000 + now.tv_nsec as u128 / 1_000_000
}
