//! A running guest: one QEMU process, its console, its ports. It is gone when the `Guest` is.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::console::{Ear, Verdict};
use super::figures::Figures;
use super::{Accelerator, Boot, BootError, Console, POWER_OFF_LIMIT, error, machine, port, tether};

/// It reads a few files of /proc: an emulated guest on a busy machine takes tens of milliseconds.
const FIGURES_LIMIT: Duration = Duration::from_secs(10);

/// When the guest said that it is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// Milliseconds since the start of QEMU, by our clock.
    pub since_start_ms: u64,
    /// Milliseconds since the start of the kernel, by the agent's word.
    pub since_kernel_ms: u64,
}

/// A QEMU process and its console.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    stdin: ChildStdin,
    pub ear: Ear,
    started: Instant,
    keeper: Option<JoinHandle<()>>,
}

#[derive(Debug)]
pub struct Guest {
    process: Process,
    ports: BTreeMap<u16, u16>,
    ready: Option<Ready>,
    /// Holds the environment for as long as QEMU may read it.
    _scratch: TempDir,
}

/// Asks a guest from another thread to stop: for a Ctrl-C.
#[derive(Debug, Clone)]
pub struct Stopper(Ear);

impl Stopper {
    /// [`Guest::wait`] returns.
    pub fn stop(&self) {
        self.0.stop();
    }
}

pub(super) fn launch(boot: &Boot, accelerator: &Accelerator) -> Result<Guest, BootError> {
    let scratch = TempDir::with_prefix("rootbrew-boot-")
        .map_err(BootError::world("make a folder in", std::env::temp_dir()))?;
    let environment = scratch.path().join("environment.toml");
    fs::write(&environment, &boot.environment).map_err(BootError::world("write", &environment))?;
    let ports = port::free(&boot.ports).map_err(BootError::world("find a free port of", "127.0.0.1"))?;
    let copy = match &boot.console {
        Console::Quiet => None,
        Console::To(file) => Some(file.try_clone().map_err(BootError::world("share", "the console's file"))?),
    };
    let process = Process::start(machine::arguments(boot, accelerator, &ports, &environment), copy)?;
    Ok(Guest { process, ports, ready: None, _scratch: scratch })
}

impl Guest {
    /// # Errors
    /// It said `not ready` (and still runs), panicked, ended or said nothing within the limit.
    pub fn until_ready(&mut self, limit: Duration) -> Result<Ready, BootError> {
        let reason = match self.process.ear.verdict(limit) {
            Some(Verdict::Ready { ms }) => {
                let since_start_ms = self.process.started.elapsed().as_millis() as u64;
                return Ok(*self.ready.insert(Ready { since_start_ms, since_kernel_ms: ms }));
            }
            Some(Verdict::NotReady { reason }) => format!("the guest is not ready: {reason}"),
            Some(Verdict::Panic { line }) => {
                // The call trace comes after the line.
                self.process.ear.gone(Duration::from_secs(3));
                format!("the guest's kernel gave up: {line}")
            }
            None => self.silent(limit),
        };
        Err(BootError::Guest { reason, console: self.console() })
    }

    fn silent(&mut self, limit: Duration) -> String {
        match self.process.ear.gone(Duration::ZERO) {
            true => format!("the guest ended before it was ready ({})", self.process.end()),
            false => format!("the guest was not ready after {} s", limit.as_secs()),
        }
    }

    /// The port of 127.0.0.1 that reaches this port of the guest, if the boot asked for it.
    pub fn port(&self, guest: u16) -> Option<u16> {
        self.ports.get(&guest).copied()
    }

    /// Guest port and host port, each pair.
    pub fn ports(&self) -> impl Iterator<Item = (u16, u16)> {
        self.ports.iter().map(|(&guest, &host)| (guest, host))
    }

    /// `None` only before [`super::start`] has returned.
    pub fn ready_ms(&self) -> Option<Ready> {
        self.ready
    }

    pub fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// The console's last lines, at most 40.
    pub fn console(&self) -> Vec<String> {
        self.process.ear.last_lines()
    }

    /// Whether it has ended by itself.
    pub fn is_gone(&self) -> bool {
        self.process.ear.gone(Duration::ZERO)
    }

    /// Bytes as if typed at its console.
    ///
    /// # Errors
    /// It is gone.
    pub fn type_in(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.process.stdin.write_all(bytes)?;
        self.process.stdin.flush()
    }

    pub fn stopper(&self) -> Stopper {
        Stopper(self.process.ear.clone())
    }

    /// Until the guest is gone by itself (an error, with its last lines) or a [`Stopper`] says so.
    pub fn wait(&mut self) -> Result<(), BootError> {
        match self.process.ear.gone_or_stop() {
            false => Ok(()),
            true => Err(BootError::Guest {
                reason: format!("the guest ended ({})", self.process.end()),
                console: self.console(),
            }),
        }
    }

    /// What the guest comes to at this moment, by its agent's word.
    ///
    /// # Errors
    /// It did not tell within [`FIGURES_LIMIT`].
    pub fn figures(&mut self) -> Result<Figures, BootError> {
        self.process.ear.expect_figures();
        let said = self.process.stdin.write_all(b"figures\n").and_then(|()| self.process.stdin.flush());
        let lines = said.ok().and_then(|()| self.process.ear.figures(FIGURES_LIMIT));
        let reason = "the guest did not tell its figures: its agent does not know the word, or is gone";
        let untold = || BootError::Guest { reason: reason.into(), console: self.console() };
        lines.map(|lines| Figures::parse(&lines)).ok_or_else(untold)
    }

    /// Asks the agent to power off, and returns how long that took.
    ///
    /// # Errors
    /// The guest did not within [`POWER_OFF_LIMIT`], or QEMU failed: it is dead all the same.
    pub fn power_off(mut self) -> Result<Duration, BootError> {
        let asked = Instant::now();
        // A guest that is gone already cannot be asked; what `end` says then decides.
        let said = self.process.stdin.write_all(b"poweroff\n").and_then(|()| self.process.stdin.flush());
        if said.is_ok() && !self.process.ear.gone(POWER_OFF_LIMIT) {
            let reason =
                format!("the guest did not power off within {} s and was killed", POWER_OFF_LIMIT.as_secs());
            return Err(BootError::Guest { reason, console: self.console() });
        }
        match self.process.status() {
            Ok(status) if status.success() => Ok(asked.elapsed()),
            _ => Err(BootError::Guest {
                reason: format!("QEMU failed ({})", self.process.end()),
                console: self.console(),
            }),
        }
    }
}

impl Process {
    /// Starts QEMU; its console and its own messages go to the ear, and to `copy`.
    pub fn start(words: Vec<OsString>, copy: Option<File>) -> Result<Process, BootError> {
        let (send, receive) = mpsc::sync_channel(1);
        let started = Instant::now();
        let ear = Ear::default();
        let listener = ear.clone();
        // The child dies with the thread that starts it, so this thread lives as long as the child does.
        let keeper = thread::spawn(move || match spawn(&words) {
            Ok((child, console)) => {
                // Nobody receives only if the starting thread is gone, and then the guest is not wanted.
                if send.send(Ok(child)).is_ok() {
                    listener.listen(console, copy);
                }
            }
            Err(error) => drop(send.send(Err(error))),
        });
        let spawned = receive.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()));
        let mut child = spawned.map_err(|source| BootError::start(machine::PROGRAM, source))?;
        let stdin = child
            .stdin
            .take()
            .ok_or_else(|| BootError::start(machine::PROGRAM, io::ErrorKind::BrokenPipe.into()))?;
        Ok(Process { child, stdin, ear, started, keeper: Some(keeper) })
    }

    fn status(&mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// How it ended, in words. Only once it is gone: else it waits.
    fn end(&mut self) -> String {
        self.status().map_or_else(|error| error.to_string(), |status| status.to_string())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Both fail only when it is dead and reaped, which is what we want.
        drop(self.child.kill());
        drop(self.child.wait());
        if let Some(keeper) = self.keeper.take() {
            drop(keeper.join());
        }
    }
}

fn spawn(words: &[OsString]) -> io::Result<(Child, io::PipeReader)> {
    let (console, write) = io::pipe()?;
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::piped()).stdout(write.try_clone()?).stderr(write);
    Ok((tether::spawn(command)?, console))
}

/// Whether QEMU lost the race for a free port.
pub(super) fn lost_a_port(error: &BootError) -> bool {
    matches!(error, error::BootError::Guest { console, .. } if console.iter().any(|line| line.contains("host forwarding rule")))
}
