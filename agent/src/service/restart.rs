//! When a service that died is started again. Pure.

use std::time::Duration;

/// A service that lived this long was well; its death is the first in a row.
pub const LONG_LIFE: Duration = Duration::from_secs(10);
const DEATHS_MAX: u32 = 6;
const FIRST_PAUSE_MS: u64 = 100;

/// `None`: it will not get better by itself. 100, 200, 400, 800, 1600 ms: about three seconds in all, which a peer that
/// starts later or an address that is still in use may need.
pub fn pause(deaths: u32) -> Option<Duration> {
    (deaths < DEATHS_MAX).then(|| Duration::from_millis(FIRST_PAUSE_MS << deaths.saturating_sub(1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let pauses: Vec<_> = (1..8).map(|deaths| pause(deaths).map(|pause| pause.as_millis())).collect();
        assert_eq!(pauses, [Some(100), Some(200), Some(400), Some(800), Some(1600), None, None]);
    }
}
