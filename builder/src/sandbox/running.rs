//! The caller's side: start a helper, hear from it, cancel it.
//!
//! Safe to call from many threads at once: the only thing done here is to spawn this program again and to talk to it.

use std::fs::File;
use std::io::{Seek, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use rustix::fs::{MemfdFlags, OFlags};
use rustix::net::{RecvFlags, Shutdown};

use super::helper::ASKED;
use super::message::{self, Report, Spec, Terminal, Word};
use super::observe::{self, Observe};
use super::setup::{Abilities, Ended, SandboxError, Setup};

/// A command in its sandbox. Dropped without [`Running::wait`], it is killed.
pub struct Running {
    helper: Child,
    control: Arc<OwnedFd>,
    build: OwnedFd,
    door: Option<OwnedFd>,
    abilities: Abilities,
}

/// Where a command's three streams lead.
pub struct Streams<'a> {
    pub input: BorrowedFd<'a>,
    pub output: BorrowedFd<'a>,
    pub errors: BorrowedFd<'a>,
}

/// Ends a [`Running`] from any thread.
#[derive(Clone)]
pub struct Canceller(Arc<OwnedFd>);

/// Starts a command; its output, both streams, goes to `log`, its input is empty.
///
/// Returns when the sandbox stands (some milliseconds).
/// Errors: [`SandboxError::Refused`] when this machine does not allow it, [`SandboxError::Setup`] when `setup` names
/// what is not there.
pub fn start(setup: &Setup, log: BorrowedFd) -> Result<Running, SandboxError> {
    start_any(setup, None, log)
}

/// As [`start`], and hears what the command opens of its binds, where this machine lets us ([`Ended::opened`]).
pub fn start_observed(setup: &Setup, observe: Observe, log: BorrowedFd) -> Result<Running, SandboxError> {
    start_any(setup, Some(observe), log)
}

fn start_any(setup: &Setup, observe: Option<Observe>, log: BorrowedFd) -> Result<Running, SandboxError> {
    let empty = rustix::fs::open("/dev/null", OFlags::RDONLY | OFlags::CLOEXEC, 0.into());
    let empty = empty.map_err(|error| io("open /dev/null", error))?;
    let output = || log.try_clone_to_owned().map(Stdio::from).map_err(|error| io("share the log", error));
    let spec = Spec { setup: setup.clone(), terminal: Terminal::None, observe };
    begin(&spec, empty.as_fd(), output()?, output()?)
}

/// As [`start`], each stream by itself.
pub fn start_on(setup: &Setup, streams: &Streams) -> Result<Running, SandboxError> {
    let own = |stream: BorrowedFd| {
        stream.try_clone_to_owned().map(Stdio::from).map_err(|error| io("share a stream", error))
    };
    let spec = Spec { setup: setup.clone(), terminal: Terminal::None, observe: None };
    begin(&spec, streams.input, own(streams.output)?, own(streams.errors)?)
}

/// Runs a command in the sandbox on the caller's terminal, until it ends. Its exit code, as a shell says it.
///
/// The time limit does not hold here.
/// Errors: as [`start`], and [`SandboxError::Setup`] when a limit ended the command.
pub fn enter(setup: &Setup) -> Result<i32, SandboxError> {
    let input = std::io::stdin();
    let spec = Spec { setup: setup.clone(), terminal: Terminal::Callers, observe: None };
    let running = begin(&spec, input.as_fd(), Stdio::inherit(), Stdio::inherit())?;
    let end = running.wait()?.end;
    end.code().ok_or_else(|| SandboxError::Setup(format!("the shell {end}")))
}

/// What this machine allows, by making an empty sandbox.
///
/// Errors: [`SandboxError::Refused`] with what refuses it and what to enable.
pub fn probe() -> Result<Abilities, SandboxError> {
    let limits = super::Limits { wall_s: 10.0, ..Default::default() };
    let setup = Setup {
        binds: vec![],
        links: vec![],
        build: super::Build::Memory,
        stage: vec![],
        argv: vec![],
        env: vec![],
        cwd: "/build".to_string(),
        limits,
        jobserver: None,
        face: Default::default(),
    };
    let empty = File::open("/dev/null").map_err(|error| io("open /dev/null", error))?;
    Ok(start(&setup, empty.as_fd())?.wait()?.abilities)
}

fn begin(spec: &Spec, input: BorrowedFd, output: Stdio, errors: Stdio) -> Result<Running, SandboxError> {
    let spec = write_spec(spec)?;
    let (control, theirs) = message::pair().map_err(|error| io("make a socket pair", error))?;
    let mut helper = spawn_helper(theirs, output, errors)?;
    let told = message::send(&control, &Word::Begin, &[spec.as_fd(), input]);
    let heard = told.map_err(|error| io("speak to the helper", error)).and_then(|()| hear_start(&control));
    let control = Arc::new(control);
    match heard {
        Ok((abilities, build, door)) => Ok(Running { helper, control, build, door, abilities }),
        Err(error) => {
            // It ends by itself when it hears no more from us; it only must not stay a zombie.
            Canceller(control).cancel();
            helper.wait().ok();
            Err(error)
        }
    }
}

fn write_spec(spec: &Spec) -> Result<File, SandboxError> {
    let text = serde_json::to_vec(spec).map_err(|error| SandboxError::Setup(error.to_string()))?;
    let file = rustix::fs::memfd_create("rootbrew-sandbox", MemfdFlags::CLOEXEC);
    let mut file = File::from(file.map_err(|error| io("make a file in memory", error))?);
    let written = file.write_all(&text).and_then(|()| file.rewind());
    written.map_err(|error| io("write the order", error))?;
    Ok(file)
}

fn spawn_helper(control: OwnedFd, output: Stdio, errors: Stdio) -> Result<Child, SandboxError> {
    Command::new("/proc/self/exe")
        .arg0(ASKED)
        .arg(ASKED)
        .env_clear()
        .stdin(Stdio::from(control))
        .stdout(output)
        .stderr(errors)
        .spawn()
        .map_err(|error| io("start the sandbox's helper (/proc/self/exe)", error))
}

/// Nobody waits for it: the kernel takes its time to close what heard a sandbox.
fn close_aside(group: Option<OwnedFd>) {
    if let Some(group) = group {
        // Without a thread it is closed here.
        std::thread::Builder::new().spawn(move || drop(group)).ok();
    }
}

fn hear_start(control: &OwnedFd) -> Result<(Abilities, OwnedFd, Option<OwnedFd>), SandboxError> {
    match hear(control)? {
        (Word::Started(abilities), fds) => match two(fds) {
            (Some(build), door) => Ok((abilities, build, door)),
            (None, _) => {
                Err(SandboxError::Setup("no file descriptor left for /build (raise `ulimit -n`)".into()))
            }
        },
        (Word::Failed(failure), _) => Err(failure.into()),
        (word, _) => Err(SandboxError::Setup(format!("the helper spoke out of turn: {word:?}"))),
    }
}

fn two(fds: Vec<OwnedFd>) -> (Option<OwnedFd>, Option<OwnedFd>) {
    let mut fds = fds.into_iter();
    (fds.next(), fds.next())
}

fn hear(control: &OwnedFd) -> Result<(Word, Vec<OwnedFd>), SandboxError> {
    let heard =
        message::receive(control, RecvFlags::empty()).map_err(|error| io("hear the helper", error))?;
    heard.ok_or(SandboxError::HelperDied)
}

impl Running {
    /// Waits until nothing of it is alive.
    ///
    /// Errors: [`SandboxError::Setup`] when the program could not be executed, [`SandboxError::HelperDied`].
    pub fn wait(mut self) -> Result<Ended, SandboxError> {
        let report = hear(&self.control);
        self.helper.wait().map_err(|error| io("wait for the helper", error))?;
        let (word, beside) = report?;
        let Report { end, wall_s, cpu_s, memory_peak_bytes } = match word {
            Word::Ended(report) => report,
            Word::Failed(failure) => return Err(failure.into()),
            word => return Err(SandboxError::Setup(format!("the helper spoke out of turn: {word:?}"))),
        };
        let build = self.build.try_clone().map_err(|error| io("keep /build", error))?;
        let mut beside = beside.into_iter();
        let opened = beside.next().and_then(observe::read);
        close_aside(beside.next());
        Ok(Ended { end, build, wall_s, cpu_s, memory_peak_bytes, abilities: self.abilities, opened })
    }

    /// Ends it with [`super::End::Cancelled`]; [`Running::wait`] then returns soon.
    pub fn kill(&self) {
        self.canceller().cancel();
    }

    pub fn canceller(&self) -> Canceller {
        Canceller(self.control.clone())
    }

    /// A TCP socket (IPv4, not connected) that was made inside: it reaches what listens on the sandbox's own network,
    /// and nothing else does. There is one.
    pub fn take_door(&mut self) -> Option<OwnedFd> {
        self.door.take()
    }

    pub fn abilities(&self) -> Abilities {
        self.abilities
    }

    /// `/build` as it is now, while the command writes it.
    pub fn build(&self) -> BorrowedFd<'_> {
        self.build.as_fd()
    }

    /// The helper's pid, for who wants to show or to watch it.
    pub fn pid(&self) -> u32 {
        self.helper.id()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.kill();
        // Returns at once when `wait` has been here before.
        self.helper.wait().ok();
    }
}

impl Canceller {
    /// Without effect on what has ended.
    pub fn cancel(&self) {
        // The helper ends the action at the end of what we say. It may be gone already: then there is nothing to end.
        rustix::net::shutdown(&self.0, Shutdown::Write).ok();
    }
}

fn io(doing: &str, source: impl Into<std::io::Error>) -> SandboxError {
    SandboxError::Io { doing: doing.to_string(), source: source.into() }
}
