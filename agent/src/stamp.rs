//! Times in words: RFC 3339, UTC, milliseconds.

use host::calendar::date_of;

/// Milliseconds since 1970 by the machine's clock.
pub fn now_ms() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
    now.tv_sec.max(0) as u64 * 1000 + now.tv_nsec as u64 / 1_000_000
}

/// `2026-11-21T22:35:37.123Z`
pub fn rfc3339(ms: u64) -> String {
    let (s, ms) = (ms / 1000, ms % 1000);
    let (year, month, day) = date_of((s / 86_400) as i64);
    let (hour, minute, second) = (s / 3600 % 24, s / 60 % 60, s % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_time_in_words() {
        assert_eq!(super::rfc3339(1_795_300_537_123), "2026-11-21T22:35:37.123Z");
        assert_eq!(super::rfc3339(0), "1970-01-01T00:00:00.000Z");
    }
}
