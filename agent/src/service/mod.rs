//! Services: started in the order of readiness, watched, started again, stopped in reverse.
//!
//! [`Supervisor::step`] does what is due and [`Supervisor::due`] says when the next thing is; between them the agent
//! sleeps. Nothing here reads the role or the environment. What came of it is in [`Supervisor::events`].

mod cgroup;
mod checker;
pub mod confine;
mod end;
mod enter;
pub mod event;
mod landlock;
mod listen;
mod log;
mod notify;
mod output;
mod ready;
mod restart;
mod ring;
mod room;
mod running;
mod seccomp;
mod spawn;
mod timer;

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, kill_process, wait};

use crate::console::say;
use crate::events::note;
use crate::passwd;
use crate::syslog::Syslog;
use crate::wait::Waiter;
pub use checker::Checker;
use event::{Events, What};
use host::Role;
use host::environment::Log;
use host::error::{Error, Result};
use host::role::Service;
pub use ring::Ring;
use room::Room;
use running::{Running, State};

/// How often what a service still writes is read while it ends: at the machine's end only.
const STOP_TURN: Duration = Duration::from_millis(20);

/// What the machine as a whole is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Pending,
    Ready,
    NotReady(String),
}

pub struct Supervisor {
    services: Vec<Running>,
    events: Events,
    syslog: Option<Syslog>,
}

impl Supervisor {
    pub fn new(role: &Role, users: &str) -> Result<Supervisor> {
        let order = order(&role.service)?;
        let files: Vec<String> = role.config.keys().cloned().collect();
        let one = |name: &str| {
            let service = &role.service[name];
            let room = Room::new(name, service, passwd::find(users, &service.user)?, &files)?;
            Running::new(name, service, room)
        };
        let services: Vec<Running> = order.into_iter().map(one).collect::<Result<_>>()?;
        if services.iter().any(|running| running.room.landlock == 0) {
            say("this kernel has no landlock: services reach every path that their users may");
        }
        Ok(Supervisor { services, events: Events::default(), syslog: None })
    }

    /// Where output goes besides, as the environment says; `host` is this machine's name.
    pub fn log_to(&mut self, log: &Log, host: &str) {
        self.syslog = log.syslog.map(|wanted| Syslog::new(wanted, host));
        if self.syslog.is_some() {
            self.services.iter_mut().for_each(|running| running.log.collect());
        }
    }

    /// Makes each service's folders and sockets, before any of them starts.
    pub fn prepare(&mut self) -> Result<()> {
        self.services.iter_mut().try_for_each(|running| {
            running.log.keep(&running.service);
            running.prepare()
        })
    }

    /// Does all that is due now.
    pub fn step(&mut self, waiter: &Waiter) {
        self.tell_events();
        for at in 0..self.services.len() {
            let free = self.is_free(at);
            self.services[at].step(free, waiter, at as u32);
            // At once: an event's time is when it is told, and a start takes its own.
            self.tell_events();
        }
        self.collect(waiter);
    }

    /// When [`Supervisor::step`] must run next; `None`: only news can change anything.
    pub fn due(&self) -> Option<Instant> {
        let syslog = self.syslog.as_ref().and_then(Syslog::due);
        self.services.iter().filter_map(Running::due).chain(syslog).min()
    }

    /// Takes every dead child, ours and orphans; `other` hears of each, with its status as wait(2) has it.
    pub fn reap(&mut self, waiter: &Waiter, mut other: impl FnMut(Pid, i32)) {
        while let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) {
            for (at, running) in self.services.iter_mut().enumerate() {
                running.died(pid, status.as_raw(), waiter, at as u32);
            }
            other(pid, status.as_raw());
        }
    }

    pub fn read_output(&mut self, at: u32) {
        if let Some(running) = self.services.get_mut(at as usize) {
            running.log.read();
        }
    }

    pub fn read_word(&mut self, at: u32) {
        if let Some(running) = self.services.get_mut(at as usize) {
            running.hear();
        }
    }

    pub fn lacks_tasks(&mut self, at: u32) {
        if let Some(running) = self.services.get_mut(at as usize) {
            running.lacks_tasks();
        }
    }

    pub fn ended(&mut self, at: u32) {
        if let Some(running) = self.services.get_mut(at as usize) {
            running.ended();
        }
    }

    pub fn fired(&mut self, at: u32, waiter: &Waiter) {
        if let Some(running) = self.services.get_mut(at as usize) {
            running.fired(waiter, at);
        }
    }

    /// Asks a service to read its configuration again. [`event::What::Again`] or `NotAgain` tells what came of it, within
    /// the service's `ready_s`; after `NotAgain` it runs as it was, or is started again as after any death.
    ///
    /// # Errors
    /// No such service; it does not run; it has no way to reload.
    pub fn reload(&mut self, name: &str) -> Result<()> {
        self.named(name)?.reload()
    }

    /// Ends a service in order and starts it again, whatever it was. Told as by [`Supervisor::reload`].
    ///
    /// # Errors
    /// No such service.
    pub fn restart(&mut self, name: &str) -> Result<()> {
        self.named(name)?.restart();
        Ok(())
    }

    /// The last lines of a service.
    pub fn ring(&self, name: &str) -> Option<&Ring> {
        self.services.iter().find(|running| running.name == name).map(|running| running.log.ring())
    }

    pub fn events(&self) -> &Events {
        &self.events
    }

    /// One line a service, in the order of their start: name, state, and what it said last of itself.
    pub fn states(&self) -> Vec<String> {
        let line =
            |running: &Running| format!("{} {} {}", running.name, word(&running.state), running.status);
        self.services.iter().map(|running| line(running).trim_end().to_string()).collect()
    }

    /// Of each service: memory in bytes, tasks, processor time in microseconds, where the kernel counts them.
    pub fn figures(&self) -> Vec<(&str, [Option<u64>; 3])> {
        let figures =
            |running: &Running| running.cgroup.as_ref().map_or([None; 3], |cgroup| cgroup.figures());
        self.services.iter().map(|running| (running.name.as_str(), figures(running))).collect()
    }

    /// Those of a service that runs, its own number 1 first.
    pub fn processes(&self, name: &str) -> Vec<Pid> {
        let Some(running) = self.services.iter().find(|running| running.name == name) else {
            return Vec::new();
        };
        let all = running.cgroup.as_ref().map(|cgroup| cgroup.processes()).unwrap_or_default();
        if all.is_empty() { running.process.iter().map(|process| process.pid).collect() } else { all }
    }

    /// Those that stay down, each with why.
    pub fn down(&self) -> Vec<String> {
        let why = |running: &Running| match &running.state {
            State::Failed(reason) => Some(format!("{}: {reason}", running.name)),
            _ => None,
        };
        self.services.iter().filter_map(why).collect()
    }

    pub fn verdict(&self) -> Verdict {
        if let Some(why) = self.down().into_iter().next() {
            return Verdict::NotReady(why);
        }
        if self.services.iter().all(Running::is_good) { Verdict::Ready } else { Verdict::Pending }
    }

    /// The names, in the order of their start.
    pub fn has(&self, name: &str) -> bool {
        self.services.iter().any(|running| running.name == name)
    }

    /// What became of a service since event `from`, if anything that decides: ready again, or why not.
    pub fn again(&self, name: &str, from: u64) -> Option<std::result::Result<(), String>> {
        let (events, _) = self.events.since(from);
        events.filter(|event| event.service == name).find_map(|event| match &event.what {
            What::Again => Some(Ok(())),
            What::NotAgain(why) | What::Failed(why) => Some(Err(why.clone())),
            _ => None,
        })
    }

    pub fn names(&self) -> String {
        self.services.iter().map(|running| running.name.as_str()).collect::<Vec<_>>().join(" ")
    }

    /// Asks each to end, the last started first, and kills those that do not within their time.
    pub fn stop(&mut self) {
        self.services.iter_mut().rev().for_each(Running::stop);
    }

    fn named(&mut self, name: &str) -> Result<&mut Running> {
        let found = self.services.iter_mut().find(|running| running.name == name);
        found.ok_or_else(|| Error::input(format!("no service `{name}`")))
    }

    /// Whether all that service `at` comes after are ready.
    fn is_free(&self, at: usize) -> bool {
        let after = &self.services[at].service.after;
        let good = |running: &&Running| running.is_good();
        after.iter().all(|name| self.services.iter().filter(good).any(|running| running.name == *name))
    }

    fn tell_events(&mut self) {
        for running in &mut self.services {
            for what in running.events.drain(..) {
                // What one says of itself may be a flood: asked for by `top`.
                if !matches!(what, What::Status(_)) {
                    note(format_args!("{}: {what}", running.name));
                }
                self.events.push(&running.name, what);
            }
        }
    }

    /// Lines for the collector.
    fn collect(&mut self, waiter: &Waiter) {
        for running in &mut self.services {
            let Some(syslog) = &mut self.syslog else { continue };
            let lines = running.log.take_collected();
            lines.iter().for_each(|(at_ms, text)| syslog.say(&running.name, *at_ms, text));
        }
        if let Some(syslog) = &mut self.syslog {
            syslog.step(waiter, Instant::now());
        }
    }
}

impl Running {
    fn stop(&mut self) {
        let Some(process) = &self.process else { return };
        let end = spawn::end_watch(process, &self.room);
        kill_process(process.pid, signal(&self.service.stop).unwrap_or(Signal::TERM)).unwrap_or_default();
        let until = Instant::now() + Duration::from_secs(self.service.stop_s);
        let ended = |end: &OwnedFd| spawn::poll_in(end.as_fd(), STOP_TURN);
        while end.as_ref().is_ok_and(|end| !ended(end)) && Instant::now() < until {
            self.log.read();
        }
        self.log.finish();
        if Instant::now() >= until {
            self.log.tell(&format!("did not end within {} s, killed", self.service.stop_s));
        }
        self.kill();
        self.process = None;
    }
}

/// How a process ended, in words, by its status of wait(2).
pub fn end_text(status: i32) -> String {
    end::End::raw(status).to_string()
}

fn word(state: &State) -> &'static str {
    match state {
        State::Waiting => "waits",
        State::Starting(_) => "starts",
        State::Ready => "ready",
        State::Reloading(..) => "reloads",
        State::Stopping(_) => "stops",
        State::Resting(_) => "rests",
        State::Armed => "armed",
        State::Done => "done",
        State::Failed(_) => "failed",
    }
}

/// Each after those it comes after; by name where that leaves a choice.
fn order(services: &BTreeMap<String, Service>) -> Result<Vec<&str>> {
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
        ("WINCH", Signal::WINCH),
        ("KILL", Signal::KILL),
    ];
    known.into_iter().find_map(|(word, signal)| (word == name).then_some(signal))
}

#[cfg(test)]
#[path = "service_test.rs"]
mod tests;

#[cfg(test)]
#[path = "confine_test.rs"]
mod confine_tests;

#[cfg(test)]
#[path = "word_test.rs"]
mod word_tests;
