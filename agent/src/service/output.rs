//! What a service writes to its standard output and error: read in parts, and no more of it than it may say.
//!
//! A flood must not starve PID 1, fill the console nor wear the disk: lines over the budget are counted, and told as a
//! number. While it lasts, a part is read every 10 ms, so the service waits on its full pipe.

use std::fs::File;
use std::time::{Duration, Instant};

use crate::lines::{Lines, Rest};

/// A pipe holds as much.
const TURN_BYTES: usize = 64 << 10;
const FLOOD_PAUSE: Duration = Duration::from_millis(10);
const TELL_PAUSE: Duration = Duration::from_secs(1);
/// A burst: what a service says at its start or its fault. Then 12,000 lines or 4 MB a minute.
const LINES_MAX: f64 = 1000.0;
const LINES_A_S: f64 = 200.0;
const BYTES_MAX: f64 = 256.0 * 1024.0;
const BYTES_A_S: f64 = 64.0 * 1024.0;

struct Budget {
    lines: f64,
    bytes: f64,
    filled: Instant,
}

impl Budget {
    fn fill(&mut self, now: Instant) {
        let s = now.saturating_duration_since(self.filled).as_secs_f64();
        self.lines = (self.lines + s * LINES_A_S).min(LINES_MAX);
        self.bytes = (self.bytes + s * BYTES_A_S).min(BYTES_MAX);
        self.filled = now;
    }

    fn take(&mut self, bytes: usize) -> bool {
        let has = self.lines >= 1.0 && self.bytes >= 0.0;
        if has {
            self.lines -= 1.0;
            self.bytes -= bytes as f64;
        }
        has
    }
}

pub struct Output {
    lines: Option<Lines<File>>,
    budget: Budget,
    dropped: u64,
    /// The flood is told then, and lines are taken again.
    tells: Option<Instant>,
    /// When there is something to do without news.
    due: Option<Instant>,
}

impl Output {
    pub fn new() -> Output {
        let budget = Budget { lines: LINES_MAX, bytes: BYTES_MAX, filled: Instant::now() };
        Output { lines: None, budget, dropped: 0, tells: None, due: None }
    }

    /// Another life of the service; its budget goes on.
    pub fn of(&mut self, reader: File) {
        self.lines = Some(Lines::new(reader));
    }

    pub fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Reads a part of what there is. What goes to `take` is within the budget.
    pub fn read(&mut self, now: Instant, mut take: impl FnMut(&str)) {
        self.budget.fill(now);
        let (budget, dropped) = (&mut self.budget, &mut self.dropped);
        if self.tells.is_some_and(|tells| tells <= now) {
            self.tells = None;
            take(&format!("{dropped} lines dropped: more than may be said"));
            *dropped = 0;
        }
        let mut one = |line: &str| match *dropped == 0 && budget.take(line.len()) {
            true => take(line),
            false => *dropped += 1,
        };
        let rest = self.lines.as_mut().map_or(Rest::Closed, |lines| lines.drain_some(TURN_BYTES, &mut one));
        self.due = match rest {
            Rest::More => Some(now + if *dropped > 0 { FLOOD_PAUSE } else { Duration::ZERO }),
            _ => None,
        };
        if self.dropped > 0 {
            let tells = *self.tells.get_or_insert(now + TELL_PAUSE);
            self.due = Some(self.due.map_or(tells, |due| due.min(tells)));
        }
        if rest == Rest::Closed {
            self.lines = None;
        }
    }

    /// The service has ended: what is left is read, a few parts of it, and what was dropped is told.
    pub fn finish(&mut self, now: Instant, mut take: impl FnMut(&str)) {
        for _ in 0..4 {
            self.read(now, &mut take);
        }
        if self.dropped > 0 {
            take(&format!("{} lines dropped: more than may be said", self.dropped));
        }
        (self.lines, self.dropped, self.tells, self.due) = (None, 0, None, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::OwnedFd;

    #[test]
    fn a_flood_is_cut_and_counted() {
        let (reader, mut writer) = std::io::pipe().unwrap();
        rustix::io::ioctl_fionbio(&reader, true).unwrap();
        let mut output = Output::new();
        output.of(File::from(OwnedFd::from(reader)));
        let (start, mut said) = (Instant::now(), Vec::new());
        for turn in 0..100 {
            writer.write_all(&b"a\n".repeat(10_000)).unwrap();
            output.read(start + Duration::from_millis(turn), |line| said.push(line.to_string()));
        }
        assert!((1000..1050).contains(&said.len()), "{}", said.len());
        assert!(output.due().is_some());
        said.clear();
        output.read(start + Duration::from_secs(9), |line| said.push(line.to_string()));
        let dropped: u64 = said[0].split(' ').next().unwrap().parse().unwrap();
        assert!(dropped > 998_000, "{said:?}");
        assert_eq!(output.due(), None);
        writer.write_all(b"well again\n").unwrap();
        output.read(start + Duration::from_secs(9), |line| said.push(line.to_string()));
        assert_eq!(said.last().unwrap(), "well again");
    }
}
