//! The machine that is done harm: its guest, what it is asked by, and how long it may take to answer again.

use std::fmt;
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::fault::Fault;
use super::{LIMIT_LEAST, STARTS};
use crate::boot::{self, Boot, BootError, Check, Desk, Guest, READY_LIMIT, ctl};

/// Between two questions to a machine that does not answer yet.
const TURN: Duration = Duration::from_millis(50);

pub struct Ground<'a> {
    boot: Boot,
    checks: &'a [Check],
    desk: &'a Desk<'a>,
    pub services: &'a [String],
    /// Whether somebody wants it to end.
    pub stop: &'a dyn Fn() -> bool,
    /// `None` while its power is cut.
    guest: Option<Guest>,
    pub start_took: Duration,
    limit: Duration,
    pub scratch: TempDir,
    pub notes: Vec<String>,
}

/// What became of a machine's start.
pub enum Came {
    Ready,
    /// It runs, and says why it does not serve.
    NotReady(String),
}

impl fmt::Display for Came {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Came::Ready => write!(to, "ready"),
            Came::NotReady(reason) => write!(to, "{}", reason.trim_start_matches("the guest is ")),
        }
    }
}

impl<'a> Ground<'a> {
    /// `boot` has a control's and a monitor's socket, and the word that allows faults on its command line.
    ///
    /// # Errors
    /// There is no room for a few files.
    pub fn new(
        boot: Boot,
        (checks, desk): (&'a [Check], &'a Desk<'a>),
        services: &'a [String],
        stop: &'a dyn Fn() -> bool,
    ) -> std::io::Result<Ground<'a>> {
        let scratch = TempDir::with_prefix("rootbrew-chaos-")?;
        let (start_took, limit, notes) = (Duration::ZERO, LIMIT_LEAST, Vec::new());
        Ok(Ground { boot, checks, desk, services, stop, guest: None, start_took, limit, scratch, notes })
    }

    pub fn begin(&mut self) -> Result<(), BootError> {
        let begun = Instant::now();
        let guest = boot::start(&self.boot, &mut |_| ())?;
        boot::check(&guest, self.checks, self.desk)?;
        self.guest = Some(guest);
        self.start_took = begun.elapsed();
        self.limit = (self.start_took * STARTS).max(LIMIT_LEAST);
        Ok(())
    }

    pub fn end(&mut self) -> Result<(), BootError> {
        self.guest.take().map_or(Ok(()), |guest| guest.power_off().map(drop))
    }

    pub fn round(&mut self, fault: &Fault) -> Result<(Duration, Vec<String>), String> {
        self.notes.clear();
        let since = self.cause(fault)?;
        let again = self.answered(since)?;
        Ok((again, std::mem::take(&mut self.notes)))
    }

    /// Nothing is done, unless somebody wants it to end.
    pub fn rest(&self, pause: Duration) -> Result<(), String> {
        let end = Instant::now() + pause;
        while !(self.stop)() {
            match end.saturating_duration_since(Instant::now()) {
                Duration::ZERO => return Ok(()),
                left => thread::sleep(left.min(TURN)),
            }
        }
        Err("stopped".into())
    }

    pub fn boot(&mut self) -> &mut Boot {
        &mut self.boot
    }

    pub fn guest(&mut self) -> Result<&mut Guest, String> {
        self.guest.as_mut().ok_or_else(|| "its power is cut".into())
    }

    pub fn cut_the_power(&mut self) {
        self.guest = None;
    }

    /// Started, and its power cut after so long.
    pub fn start_and_cut(&mut self, after: Duration) -> Result<(), String> {
        let _guest = boot::launch(&self.boot).map_err(|error| error.to_string())?;
        self.rest(after)
    }

    /// Started, and it must be ready.
    pub fn start(&mut self) -> Result<(), String> {
        self.guest = Some(boot::start(&self.boot, &mut |_| ()).map_err(|error| error.to_string())?);
        Ok(())
    }

    /// Started, done something to at once, and it must come to a word.
    pub fn start_somehow(&mut self, then: &dyn Fn() -> Result<(), String>) -> Result<Came, String> {
        let mut guest = boot::launch(&self.boot).map_err(|error| error.to_string())?;
        while self.boot.monitor.as_ref().is_some_and(|at| UnixStream::connect(at).is_err())
            && !guest.is_gone()
        {
            self.rest(TURN)?;
        }
        then()?;
        let came = match guest.until_ready(READY_LIMIT) {
            Ok(_) => Came::Ready,
            Err(BootError::Guest { reason, .. }) if !guest.is_gone() && reason.contains("is not ready: ") => {
                Came::NotReady(reason)
            }
            Err(error) => return Err(error.to_string()),
        };
        self.guest = Some(guest);
        Ok(came)
    }

    /// The lines of an answer of the control's.
    pub fn ask(&self, words: &str, file: Option<&[u8]>) -> Result<Vec<String>, String> {
        let mut lines = Vec::new();
        let socket = self.boot.control.as_ref().ok_or("it has no control port")?;
        let asked = ctl::ask(socket, words, file, &mut |line| lines.push(line.to_string()));
        asked.map_err(|error| format!("`{words}`: {error}")).map(|()| lines)
    }

    /// Until it answers all that proves it: how long after `since` that was.
    fn answered(&mut self, since: Instant) -> Result<Duration, String> {
        loop {
            self.rest(Duration::ZERO)?;
            if self.guest()?.is_gone() {
                return Err("the guest ended by itself".into());
            }
            match self.proves() {
                Ok(()) => return Ok(since.elapsed()),
                Err(why) if since.elapsed() > self.limit => {
                    return Err(format!("no good answer within {} s: {why}", self.limit.as_secs()));
                }
                Err(_) => self.rest(TURN)?,
            }
        }
    }

    fn proves(&mut self) -> Result<(), String> {
        let status = self.ask("status", None)?;
        self.raise(&status)?;
        // Not before: a client that waits for one lost question would be measured, and not the machine.
        let serves = status.first().is_some_and(|line| line.starts_with("ready "));
        if !serves || status.iter().any(|line| line.starts_with("now")) {
            return Err(format!("its status is {status:?}"));
        }
        let left = self.limit / 3;
        let guest = self.guest.as_ref().ok_or("its power is cut")?;
        boot::check_within(guest, self.checks, self.desk, left).map(drop).map_err(|error| error.to_string())
    }

    /// One that died too often stays down, as `docs/hosts.md` has it, and says so: then a person would start it again.
    fn raise(&mut self, status: &[String]) -> Result<(), String> {
        let down = status.iter().filter_map(|line| line.strip_prefix("now down: "));
        let mut down = down.filter(|line| line.ends_with(" times in a row"));
        let Some((service, _)) = down.next().and_then(|line| line.split_once(": ")) else { return Ok(()) };
        let service = service.to_string();
        self.ask(&format!("restart {service}"), None)?;
        self.notes.push(format!("{service} stayed down, was restarted"));
        Ok(())
    }

    /// What the guest can still tell, for who reads of a failure.
    pub fn told(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for words in ["status", "top", "events"] {
            lines.push(format!("-- {words}"));
            let answer = self.ask(words, None);
            lines.extend(answer.unwrap_or_else(|error| vec![error]).into_iter().rev().take(100).rev());
        }
        lines.push("-- console".into());
        lines.extend(self.guest.iter().flat_map(Guest::console));
        lines
    }
}
