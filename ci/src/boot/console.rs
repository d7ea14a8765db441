//! What a guest says on its serial console: its last lines, and the one line that decides.
//!
//! A guest is hostile: it may talk without end or never end a line. So both the lines kept and their length are bounded.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::figures;

/// Enough for a panic with its registers and call trace.
const LINES_MAX: usize = 40;
/// No line of the kernel or the agent is longer; the rest of a longer one is dropped.
const LINE_MAX_BYTES: usize = 1024;
/// A machine with more sockets that wait has other troubles.
const FIGURES_MAX: usize = 4096;

/// The line that decides what became of a boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The agent's word, with its own clock: milliseconds since the kernel's start.
    Ready {
        ms: u64,
    },
    NotReady {
        reason: String,
    },
    Panic {
        line: String,
    },
}

#[derive(Debug, Default)]
struct Heard {
    lines: VecDeque<String>,
    verdict: Option<Verdict>,
    /// The lines of an answer to `figures`, in the making.
    figures: Vec<String>,
    /// QEMU is gone.
    closed: bool,
    /// Somebody here wants the guest to stop.
    stop: bool,
}

/// Shared by the thread that listens and whoever waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Ear {
    heard: Arc<(Mutex<Heard>, Condvar)>,
}

impl Ear {
    /// Reads until the guest is gone; `copy` gets every byte as it comes.
    pub fn listen(&self, mut from: impl Read, mut copy: Option<impl Write>) {
        let mut chunk = [0; 4096];
        let mut line = Line::default();
        while let Ok(size @ 1..) = from.read(&mut chunk) {
            // A terminal that went away is no reason to lose the guest.
            copy = copy.filter_map_write(&chunk[..size]);
            chunk[..size].iter().filter_map(|&byte| line.take(byte)).for_each(|line| self.line(&line));
        }
        self.change(|heard| heard.closed = true);
    }

    fn line(&self, line: &str) {
        self.change(|heard| {
            heard.verdict = heard.verdict.take().or_else(|| verdict(line));
            if figures::is_part(line) && heard.figures.len() < FIGURES_MAX {
                return heard.figures.push(line.into());
            }
            if !line.is_empty() {
                heard.lines.push_back(line.into());
            }
            if heard.lines.len() > LINES_MAX {
                heard.lines.pop_front();
            }
        });
    }

    /// The next answer to `figures` begins; what came before is dropped.
    pub fn expect_figures(&self) {
        self.change(|heard| heard.figures.clear());
    }

    /// The lines of the answer; `None` when it has no end within the limit.
    pub fn figures(&self, limit: Duration) -> Option<Vec<String>> {
        let whole = |heard: &Heard| heard.figures.last().is_some_and(|line| line == figures::END);
        let heard = self.wait(Some(limit), |heard| whole(heard) || heard.closed);
        whole(&heard).then(|| heard.figures.clone())
    }

    pub fn stop(&self) {
        self.change(|heard| heard.stop = true);
    }

    pub fn last_lines(&self) -> Vec<String> {
        self.lock().lines.iter().cloned().collect()
    }

    /// `None` when the guest ended or the limit passed without a verdict.
    pub fn verdict(&self, limit: Duration) -> Option<Verdict> {
        self.wait(Some(limit), |heard| heard.verdict.is_some() || heard.closed).verdict.clone()
    }

    /// Whether the guest is gone, at the latest after `limit`.
    pub fn gone(&self, limit: Duration) -> bool {
        self.wait(Some(limit), |heard| heard.closed).closed
    }

    /// Until the guest is gone or somebody wants it to be; says whether it is gone.
    pub fn gone_or_stop(&self) -> bool {
        self.wait(None, |heard| heard.closed || heard.stop).closed
    }

    fn wait(&self, limit: Option<Duration>, done: impl Fn(&Heard) -> bool) -> MutexGuard<'_, Heard> {
        let end = limit.map(|limit| Instant::now() + limit);
        let mut heard = self.lock();
        while !done(&heard) {
            let left =
                end.map_or(Duration::from_secs(3600), |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            heard = self.heard.1.wait_timeout(heard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        heard
    }

    fn change(&self, how: impl FnOnce(&mut Heard)) {
        how(&mut self.lock());
        self.heard.1.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line in the making. A terminal's escape sequence ends it: firmware clears the screen where it means a new line, and
/// without the sequences nothing here can harm the terminal that shows an error.
#[derive(Debug, Default)]
struct Line {
    bytes: Vec<u8>,
    escape: Escape,
}

#[derive(Debug, Default, PartialEq)]
enum Escape {
    #[default]
    None,
    /// After ESC.
    Begun,
    /// After `ESC [`, until a letter.
    Sequence,
}

impl Line {
    /// The line that this byte ends, if any.
    fn take(&mut self, byte: u8) -> Option<String> {
        let escape = std::mem::take(&mut self.escape);
        match (escape, byte) {
            (_, 0x1b) => self.escape = Escape::Begun,
            (Escape::Begun, b'[') => self.escape = Escape::Sequence,
            (Escape::Begun, _) => {}
            (Escape::Sequence, b'@'..=b'~') => {}
            (Escape::Sequence, b' '..=b'?') => self.escape = Escape::Sequence,
            (_, b'\r' | b'\n') => {}
            (_, _) => {
                if self.bytes.len() < LINE_MAX_BYTES {
                    self.bytes.push(byte);
                }
                return None;
            }
        }
        (!self.bytes.is_empty()).then(|| plain(&std::mem::take(&mut self.bytes)))
    }
}

/// Writes and keeps the place, or gives it up when it takes no more.
trait CopyOn: Sized {
    fn filter_map_write(self, bytes: &[u8]) -> Self;
}

impl<W: Write> CopyOn for Option<W> {
    fn filter_map_write(self, bytes: &[u8]) -> Self {
        self.and_then(|mut place| place.write_all(bytes).ok().map(|()| place))
    }
}

/// Text without control characters.
fn plain(line: &[u8]) -> String {
    String::from_utf8_lossy(line).chars().filter(|each| !each.is_control()).collect::<String>().trim().into()
}

/// The whole protocol of the console, seen from outside.
fn verdict(line: &str) -> Option<Verdict> {
    if let Some(reason) = line.strip_prefix("not ready: ") {
        return Some(Verdict::NotReady { reason: reason.into() });
    }
    if line.contains("Kernel panic - not syncing") {
        return Some(Verdict::Panic { line: line.into() });
    }
    let (ms, _) = line.strip_prefix("ready ")?.split_once(" ms")?;
    Some(Verdict::Ready { ms: ms.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(said: &[u8], expected: Expect) {
        let ear = Ear::default();
        ear.listen(said, None::<Vec<u8>>);
        expected.assert_eq(&format!("{:?}\n{:?}\n", ear.verdict(Duration::ZERO), ear.last_lines()));
    }

    #[test]
    fn the_agent_is_ready() {
        check(
            b"\x1bc\x1b[?7l\x1b[2JBooting from ROM..\x1bc\x1b[?7l\x1b[2Jready 1312 ms web\r\n",
            expect![[r#"
                Some(Ready { ms: 1312 })
                ["Booting from ROM..", "ready 1312 ms web"]
            "#]],
        );
    }

    #[test]
    fn the_first_word_holds() {
        check(
            b"not ready: nginx: exited with 1\nready 1 ms\n",
            expect![[r#"
                Some(NotReady { reason: "nginx: exited with 1" })
                ["not ready: nginx: exited with 1", "ready 1 ms"]
            "#]],
        );
    }

    #[test]
    fn a_panic_is_a_verdict() {
        check(
            b"[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs\n",
            expect![[r#"
                Some(Panic { line: "[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs" })
                ["[    1.0] Kernel panic - not syncing: VFS: Unable to mount root fs"]
            "#]],
        );
    }

    #[test]
    fn talk_about_being_ready_is_not_the_word() {
        check(
            b"nginx: ready 5 ms\nready soon\nready x ms\nready 12 ms",
            expect![[r#"
                None
                ["nginx: ready 5 ms", "ready soon", "ready x ms"]
            "#]],
        );
    }

    #[test]
    fn a_guest_that_talks_without_end_is_cut() {
        let ear = Ear::default();
        ear.listen(&b"a".repeat(1 << 20)[..], None::<Vec<u8>>);
        ear.listen(&b"\xffb\n".repeat(1000)[..], None::<Vec<u8>>);
        assert_eq!(ear.last_lines().len(), LINES_MAX);
        assert!(ear.last_lines().iter().all(|line| line.len() <= 3 * LINE_MAX_BYTES));
    }
}
