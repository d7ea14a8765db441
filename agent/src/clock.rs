//! The time of day never goes back before the image was made, nor before it was last known: a machine without a clock of
//! its own would take every certificate for one of the future.

use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

use rustix::time::{ClockId, Timespec, clock_settime};

use crate::data;
use crate::events::tell;

/// A file of the image: all have the image's time.
const IMAGE: &str = "/etc/rootbrew/role.toml";
/// Its time is the last known one.
const KEPT: &str = "clock";
/// What is later than that after the image was made is a clock that lied, and would hold us in the future for ever.
const LATEST: Duration = Duration::from_secs(15 * 365 * 86_400);

/// Sets the clock on where it is behind. Before and after `/data` is there.
pub fn at_start() {
    let kept = data::is_lasting().then(|| time(&Path::new(data::OWN).join(KEPT))).flatten();
    let Some(to) = later(time(Path::new(IMAGE)), kept, SystemTime::now()) else { return };
    let since = to.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let at = Timespec { tv_sec: since.as_secs() as i64, tv_nsec: 0 };
    match clock_settime(ClockId::Realtime, at) {
        Ok(()) => tell(format_args!("clock: it was behind, and is set to {} s since 1970", since.as_secs())),
        Err(cause) => tell(format_args!("clock: it is behind, and cannot be set: {cause}")),
    }
}

/// Remembers the time.
pub fn keep() {
    let kept = File::create(Path::new(data::OWN).join(KEPT));
    if let Err(cause) = kept.and_then(|file| file.set_modified(SystemTime::now())) {
        tell(format_args!("clock: not kept: {cause}"));
    }
}

fn time(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

/// What the clock must be set to; `None`: it may stay.
fn later(image: Option<SystemTime>, kept: Option<SystemTime>, now: SystemTime) -> Option<SystemTime> {
    let latest = image.unwrap_or(SystemTime::UNIX_EPOCH) + LATEST;
    image.into_iter().chain(kept.filter(|kept| *kept <= latest)).max().filter(|least| *least > now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_only_goes_on() {
        let at = |s: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(s);
        assert_eq!(later(Some(at(100)), None, at(7)), Some(at(100)));
        assert_eq!(later(Some(at(100)), Some(at(200)), at(7)), Some(at(200)));
        assert_eq!(later(Some(at(100)), Some(at(200)), at(201)), None);
        assert_eq!(later(Some(at(100)), Some(at(10_000_000_000)), at(7)), Some(at(100)), "a clock that lied");
        assert_eq!(later(None, None, at(7)), None);
    }
}
