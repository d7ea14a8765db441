//! When a service that died is started again. Pure.

use std::time::Duration;

use host::role::{Restart, Service};

/// A service that lived this long was well; its death is the first in a row.
pub const LONG_LIFE: Duration = Duration::from_secs(10);
const DEATHS_MAX: u32 = 6;
const FIRST_PAUSE_MS: u64 = 100;

/// `None`: it will not get better by itself. 100, 200, 400, 800, 1600 ms: about three seconds in all, which a peer that
/// starts later or an address that is still in use may need.
pub fn pause(deaths: u32) -> Option<Duration> {
    (deaths < DEATHS_MAX).then(|| Duration::from_millis(FIRST_PAUSE_MS << deaths.saturating_sub(1)))
}

/// What becomes of a service that ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Started again after this.
    Again(Duration),
    /// It has done what it was for.
    Done,
    /// It stays down: too many deaths in a row.
    Enough,
    /// It stays down: the role says so.
    Never,
}

/// `deaths` in a row, this one counted.
pub fn then(service: &Service, good: bool, deaths: u32) -> Then {
    let done = good && (service.once || service.restart != Restart::Always);
    match (service.restart, pause(deaths)) {
        _ if done => Then::Done,
        (Restart::Never, _) => Then::Never,
        (_, Some(pause)) => Then::Again(pause),
        (_, None) => Then::Enough,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_end() {
        let pauses: Vec<_> = (1..8).map(|deaths| pause(deaths).map(|pause| pause.as_millis())).collect();
        assert_eq!(pauses, [Some(100), Some(200), Some(400), Some(800), Some(1600), None, None]);
    }

    #[test]
    fn who_is_started_again() {
        let check = |keys: &str, good: bool, expected: Then| {
            let role =
                host::role::parse(&format!("[service.a]\nuser = \"u\"\nrun = [\"a\"]\n{keys}")).unwrap();
            assert_eq!(then(&role.service["a"], good, 1), expected, "{keys} {good}");
        };
        let again = Then::Again(Duration::from_millis(100));
        check("", true, again);
        check("", false, again);
        check("restart = \"failure\"", true, Then::Done);
        check("restart = \"failure\"", false, again);
        check("restart = \"never\"", true, Then::Done);
        check("restart = \"never\"", false, Then::Never);
        check("once = true", true, Then::Done);
        check("once = true", false, again);
        let role = host::role::parse("[service.a]\nuser = \"u\"\nrun = [\"a\"]").unwrap();
        assert_eq!(then(&role.service["a"], false, 6), Then::Enough);
    }
}
