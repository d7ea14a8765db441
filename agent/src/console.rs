//! What the agent says: lines on its standard output, which is the console. An unwritable console changes nothing.

use std::io::Write;

/// One line. A console that cannot be written is no reason to stop a machine that serves.
pub fn say(line: impl std::fmt::Display) {
    writeln!(std::io::stdout(), "{line}").unwrap_or_default();
}

/// Milliseconds since the machine was started (CLOCK_BOOTTIME).
pub fn since_boot_ms() -> u128 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    now.tv_sec as u128 * 1000 + now.tv_nsec as u128 / 1_000_000
}
