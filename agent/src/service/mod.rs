//! Services: started in the order of readiness, watched, started again, stopped in reverse.
//!
//! [`Supervisor::step`] does what is due and [`Supervisor::due`] says when the next thing is; between them the agent
//! sleeps. Nothing here reads the role or the environment.

mod again;
mod checker;
pub mod confine;
mod ready;
mod restart;
mod spawn;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus, kill_process_group, wait};

use crate::console::say;
use crate::passwd;
use crate::wait::Waiter;
pub use checker::Checker;
use host::error::{Error, Result};
use host::role;
use ready::Word;
use spawn::Output;

/// What the machine as a whole is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Pending,
    Ready,
    NotReady(String),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// For those that it comes after.
    Waiting,
    /// Started; must be ready by then.
    Starting(Instant),
    Ready,
    /// Died; is started again then.
    Resting(Instant),
    Failed(String),
}

struct Running {
    name: String,
    service: role::Service,
    user: passwd::User,
    state: State,
    pid: Option<Pid>,
    output: Option<Output>,
    word: Option<Word>,
    probe: Option<ready::Probe>,
    /// Being reloaded or started anew.
    turn: Option<again::Turn>,
    started: Instant,
    deaths: u32,
}

pub struct Supervisor {
    services: Vec<Running>,
}

impl Supervisor {
    pub fn new(services: &BTreeMap<String, role::Service>, users: &str) -> Result<Supervisor> {
        let order = order(services)?;
        let services = order.into_iter().map(|name| Running::new(name, &services[name], users));
        Ok(Supervisor { services: services.collect::<Result<_>>()? })
    }

    /// Makes each service's folders and runs its checker, before any of them starts.
    pub fn prepare(&self) -> Result<()> {
        self.services.iter().try_for_each(|running| {
            spawn::make_writable(&running.service.writes, running.user)?;
            spawn::check(&running.name, &running.service, running.user)
        })
    }

    /// Does all that is due now.
    pub fn step(&mut self, waiter: &Waiter) {
        let now = Instant::now();
        for at in 0..self.services.len() {
            let free = self.is_free(at);
            let running = &mut self.services[at];
            running.turn(now);
            match running.state {
                State::Waiting if free => running.start(waiter, at as u32),
                State::Resting(until) if until <= now => running.start(waiter, at as u32),
                State::Starting(until) if until <= now => running.too_late(),
                State::Starting(_) => running.probe(now),
                _ => {}
            }
        }
    }

    /// When [`Supervisor::step`] must run next; `None`: only news can change anything.
    pub fn due(&self) -> Option<Instant> {
        self.services.iter().filter_map(Running::due).min()
    }

    /// Takes every dead child, ours and orphans; `other` hears of each too.
    pub fn reap(&mut self, mut other: impl FnMut(Pid, WaitStatus)) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            for running in &mut self.services {
                running.died(pid, status);
            }
            other(pid, status);
        }
    }

    pub fn read_output(&mut self, at: u32) {
        if let Some(running) = self.services.get_mut(at as usize) {
            running.read_output();
        }
    }

    pub fn read_word(&mut self, at: u32) {
        let Some(running) = self.services.get_mut(at as usize) else { return };
        if matches!(running.state, State::Starting(_)) && running.word.as_mut().is_some_and(Word::is_ready) {
            running.is_ready();
        }
    }

    pub fn verdict(&self) -> Verdict {
        for running in &self.services {
            if let State::Failed(reason) = &running.state {
                return Verdict::NotReady(format!("{}: {reason}", running.name));
            }
        }
        let ready = self.services.iter().all(|running| running.state == State::Ready);
        if ready { Verdict::Ready } else { Verdict::Pending }
    }

    /// The names, in the order of their start.
    pub fn names(&self) -> String {
        self.services.iter().map(|running| running.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Asks each to end, the last started first, and kills those that do not within their time.
    pub fn stop(&mut self) {
        for running in self.services.iter_mut().rev() {
            let Some(pid) = running.pid else { continue };
            let signal = signal(&running.service.stop).unwrap_or(Signal::TERM);
            kill_process_group(pid, signal).unwrap_or_default();
            if !spawn::ended_within(pid, Duration::from_secs(running.service.stop_s)) {
                say(format_args!(
                    "{}: did not end within {} s, killed",
                    running.name, running.service.stop_s
                ));
                kill_process_group(pid, Signal::KILL).unwrap_or_default();
            }
            running.read_output();
            running.pid = None;
        }
    }

    /// One line a service: its name, what it is, its number, how long it lives, how often it died, its memory.
    pub fn top(&self) -> Vec<String> {
        self.services.iter().map(Running::line).collect()
    }

    pub fn has(&self, name: &str) -> bool {
        self.services.iter().any(|running| running.name == name)
    }

    /// Whether all that service `at` comes after are ready.
    fn is_free(&self, at: usize) -> bool {
        let after = &self.services[at].service.after;
        let ready = |running: &&Running| running.state == State::Ready;
        after.iter().all(|name| self.services.iter().filter(ready).any(|running| running.name == *name))
    }
}

impl Running {
    fn new(name: &str, service: &role::Service, users: &str) -> Result<Running> {
        let fault = |what: &str, word: &str| {
            Error::input(format!("role.toml: service.{name}.{what}: no such word `{word}`"))
        };
        signal(&service.stop).ok_or_else(|| fault("stop", &service.stop))?;
        confine::capabilities(&service.caps).map_err(|word| fault("caps", &word))?;
        Ok(Running {
            name: name.into(),
            service: service.clone(),
            user: passwd::find(users, &service.user)?,
            state: State::Waiting,
            pid: None,
            output: None,
            word: None,
            probe: None,
            turn: None,
            started: Instant::now(),
            deaths: 0,
        })
    }

    fn start(&mut self, waiter: &Waiter, at: u32) {
        match spawn::service(&self.name, &self.service, self.user, waiter, at) {
            Ok(spawn::Spawned { pid, output, word }) => {
                (self.pid, self.output, self.word) = (Some(pid), Some(output), word);
                self.started = Instant::now();
                self.state = State::Starting(self.started + Duration::from_secs(self.service.ready_s));
                self.probe = ready::Probe::new(&self.service.ready);
                if self.service.ready == role::Ready::Start {
                    self.is_ready();
                }
            }
            Err(fault) => self.state = State::Failed(fault.to_string()),
        }
    }

    fn is_ready(&mut self) {
        self.state = State::Ready;
        self.probe = None;
    }

    fn too_late(&mut self) {
        if let Some(pid) = self.pid.take() {
            kill_process_group(pid, Signal::KILL).unwrap_or_default();
        }
        self.state = State::Failed(format!("not ready within {} s", self.service.ready_s));
    }

    fn probe(&mut self, now: Instant) {
        if self.probe.as_mut().is_some_and(|probe| probe.step(&self.service, self.user, now)) {
            self.is_ready();
        }
    }

    fn due(&self) -> Option<Instant> {
        self.turn_due().into_iter().chain(self.state_due()).min()
    }

    fn state_due(&self) -> Option<Instant> {
        match self.state {
            State::Resting(until) => Some(until),
            State::Starting(until) => {
                Some(self.probe.as_ref().and_then(ready::Probe::due).map_or(until, |next| next.min(until)))
            }
            _ => None,
        }
    }

    fn line(&self) -> String {
        let state = match &self.state {
            State::Waiting => "waiting".to_string(),
            State::Starting(_) => "starting".to_string(),
            State::Ready if self.turn.is_some() => "reloading".to_string(),
            State::Ready => "ready".to_string(),
            State::Resting(_) => "resting".to_string(),
            State::Failed(why) => format!("failed ({why})"),
        };
        let Some(pid) = self.pid else { return format!("{} {state}, died {} times", self.name, self.deaths) };
        let rss_kb = resident_kb(pid).map_or(String::new(), |kb| format!(", {kb} kB"));
        let lives_s = self.started.elapsed().as_secs();
        format!(
            "{} {state}, pid {}, {lives_s} s, died {} times{rss_kb}",
            self.name,
            pid.as_raw_nonzero(),
            self.deaths
        )
    }

    fn read_output(&mut self) {
        let name = &self.name;
        if let Some(output) = &mut self.output {
            output.drain(|line| say(format_args!("{name}: {line}")));
        }
    }

    fn died(&mut self, pid: Pid, status: WaitStatus) {
        if self.probe.as_mut().is_some_and(|probe| probe.answered(pid, status)) {
            self.is_ready();
        }
        if self.pid != Some(pid) {
            return;
        }
        self.read_output();
        // Nothing that it started outlives it; otherwise a second one would find its port taken.
        kill_process_group(pid, Signal::KILL).unwrap_or_default();
        (self.pid, self.word, self.probe) = (None, None, None);
        if self.is_ended_for_a_start() {
            return;
        }
        self.deaths = if self.started.elapsed() >= restart::LONG_LIFE { 1 } else { self.deaths + 1 };
        let end = spawn::describe(status);
        self.state = match restart::pause(self.deaths) {
            Some(pause) => {
                say(format_args!("{}: {end}; starts again in {} ms", self.name, pause.as_millis()));
                State::Resting(Instant::now() + pause)
            }
            None => State::Failed(format!("{end}, {} times in a row", self.deaths)),
        };
    }
}

/// Of the process alone, proc_pid_status(5).
fn resident_kb(pid: Pid) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", pid.as_raw_nonzero())).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// Each after those it comes after; by name where that leaves a choice.
fn order(services: &BTreeMap<String, role::Service>) -> Result<Vec<&str>> {
    let mut order: Vec<&str> = Vec::new();
    while order.len() < services.len() {
        let free = services.iter().find(|(name, service)| {
            !order.contains(&name.as_str())
                && service.after.iter().all(|other| order.contains(&other.as_str()))
        });
        let Some((name, _)) = free else {
            return Err(Error::input("role.toml: `after` goes in a circle"));
        };
        order.push(name);
    }
    Ok(order)
}

/// The signals that daemons end or reload by.
fn signal(name: &str) -> Option<Signal> {
    let known = [
        ("TERM", Signal::TERM),
        ("QUIT", Signal::QUIT),
        ("INT", Signal::INT),
        ("HUP", Signal::HUP),
        ("USR1", Signal::USR1),
        ("USR2", Signal::USR2),
        ("KILL", Signal::KILL),
    ];
    known.into_iter().find_map(|(word, signal)| (word == name).then_some(signal))
}

#[cfg(test)]
#[path = "service_test.rs"]
mod tests;
