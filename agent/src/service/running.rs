//! One service's life: what it is now, and what news and time make of it.
//!
//! ```text
//! Waiting ─▶ Starting ─▶ Ready ─▶ Reloading ─▶ Ready
//!               │           │ asked to restart: Stopping ─▶ Starting
//!               └──dies─────┴─▶ Resting ─▶ Starting, or Failed; once and done: Done
//! Armed ─▶ Ready ─▶ Armed                                    with a timer
//! ```

mod again;
mod ends;
mod hears;
mod tasks;

use std::fs::File;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process, kill_process_group};

use super::cgroup::Cgroup;
use super::end::{self, End};
use super::event::What;
use super::log::Log;
use super::notify::Notify;
use super::ready::Probe;
use super::room::Room;
use super::spawn::{self, Handed, Started};
use super::{listen, signal, timer::Timer};
use crate::wait::{News, Waiter};
use host::error::{Error, Result};
use host::role::{Ready, Reload, Service};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// For those that it comes after.
    Waiting,
    /// Started; must be ready by then.
    Starting(Instant),
    Ready,
    /// Must be ready again by the first, and is looked at from the second on.
    Reloading(Instant, Instant),
    /// Asked to end, to be started again; killed then.
    Stopping(Instant),
    /// Died; is started again then.
    Resting(Instant),
    /// Its time has not come.
    Armed,
    /// It has done what it was for.
    Done,
    Failed(String),
}

pub struct Running {
    pub name: String,
    pub service: Service,
    pub state: State,
    pub log: Log,
    pub cgroup: Option<Cgroup>,
    /// Of its own, since the last look.
    pub events: Vec<What>,
    /// What it said last of itself.
    pub status: String,
    pub room: Room,
    pub process: Option<Started>,
    pub probe: Option<Probe>,
    /// The command of a reload, with what it may take.
    pub command: Option<Started>,
    pub started: Instant,
    pub deaths: u32,
    timer: Option<Timer>,
    sockets: Vec<OwnedFd>,
    notify: Option<Notify>,
    pipe: Option<File>,
    /// News when it was refused one.
    tasks: Option<File>,
    /// It has said that it reads its configuration, and not yet that it is ready.
    reads: bool,
    /// CLOCK_MONOTONIC in microseconds when it was asked to.
    asked_us: u64,
    /// It must be heard by then.
    watchdog: Option<Instant>,
    /// More of its words are there than one turn takes.
    more_words: bool,
    foreign_told: bool,
    /// How its main process ended, as the one that stands for it told.
    told: Option<i32>,
    /// The main process that it named.
    main: Option<i32>,
    /// A restart was asked for, and has not come to its end.
    again: bool,
}

impl Running {
    pub fn new(name: &str, service: &Service, room: Room) -> Result<Running> {
        let fault = |what: &str, word: &str| {
            Error::input(format!("role.toml: service.{name}.{what}: no such word `{word}`"))
        };
        signal(&service.stop).ok_or_else(|| fault("stop", &service.stop))?;
        if let Some(Reload::Signal(word)) = &service.reload {
            signal(word).ok_or_else(|| fault("reload", word))?;
        }
        Ok(Running {
            name: name.into(),
            log: Log::new(name, service),
            cgroup: Cgroup::make(name, service),
            service: service.clone(),
            state: State::Waiting,
            events: What::first_of(service),
            status: String::new(),
            room,
            process: None,
            probe: None,
            command: None,
            started: Instant::now(),
            deaths: 0,
            timer: None,
            sockets: Vec::new(),
            notify: None,
            pipe: None,
            tasks: None,
            reads: false,
            asked_us: 0,
            watchdog: None,
            more_words: false,
            foreign_told: false,
            told: None,
            main: None,
            again: false,
        })
    }

    /// Folders, sockets.
    pub fn prepare(&mut self) -> Result<()> {
        spawn::make_writable(&self.service.writes, self.room.user)?;
        self.sockets = listen::all(&self.service.listen, self.room.user)?;
        Ok(())
    }

    /// Does what is due.
    pub fn step(&mut self, free: bool, waiter: &Waiter, at: u32) {
        let now = Instant::now();
        self.log.step(now);
        if self.more_words {
            self.hear();
        }
        if self.watchdog.is_some_and(|until| until <= now) {
            self.watchdog = None;
            self.log.tell(&format!("did not say WATCHDOG=1 within {} s, killed", self.watchdog_s()));
            self.kill();
        }
        match self.state {
            State::Waiting if free && self.service.timer.is_some() => self.arm(waiter, at),
            State::Waiting if free => self.start(waiter, at),
            State::Resting(until) if until <= now => self.start(waiter, at),
            State::Starting(until) if until <= now => self.too_late(),
            State::Starting(_) => self.probe(now),
            State::Reloading(until, look) => self.look(now, until, look),
            State::Stopping(until) if until <= now => {
                self.log.tell(&format!("did not end within {} s, killed", self.service.stop_s));
                self.state = State::Stopping(now + Duration::from_secs(self.service.stop_s.max(1)));
                self.kill();
            }
            _ => {}
        }
    }

    pub fn due(&self) -> Option<Instant> {
        let probe = || self.probe.as_ref().and_then(Probe::due);
        let state = match self.state {
            State::Resting(until) | State::Stopping(until) => Some(until),
            State::Starting(until) => Some(probe().map_or(until, |next| next.min(until))),
            State::Reloading(until, _) if self.command.is_some() || self.reads => Some(until),
            State::Reloading(until, look) => Some(probe().unwrap_or(look).max(look).min(until)),
            _ => None,
        };
        let words = self.more_words.then(Instant::now);
        [state, self.watchdog, self.log.due(), words].into_iter().flatten().min()
    }

    /// Whether those that come after it may start, and the machine is ready for its part.
    pub fn is_good(&self) -> bool {
        matches!(self.state, State::Ready | State::Reloading(..) | State::Armed | State::Done)
    }

    fn watchdog_s(&self) -> u64 {
        self.service.watchdog_s.unwrap_or_default()
    }

    fn arm(&mut self, waiter: &Waiter, at: u32) {
        let made = match self.timer.take() {
            Some(timer) => Ok(timer),
            None => Timer::new().and_then(|timer| waiter.watch(&timer, News::Timer(at)).map(|()| timer)),
        };
        let armed = made.and_then(|timer| {
            let timer = self.timer.insert(timer);
            self.service.timer.as_ref().map_or(Ok(None), |calendar| timer.arm(calendar))
        });
        match armed {
            Ok(_) => self.state = State::Armed,
            Err(cause) => self.fail(format!("set its timer: {cause}")),
        }
    }

    /// Its time has come, or the clock was set.
    pub fn fired(&mut self, waiter: &Waiter, at: u32) {
        let fired = self.timer.as_ref().is_some_and(Timer::fired);
        let free = self.state == State::Armed;
        if let (Some(timer), Some(calendar)) = (&self.timer, &self.service.timer)
            && let Err(cause) = timer.arm(calendar)
        {
            self.log.tell(&format!("set its timer: {cause}"));
        }
        match (fired, free) {
            (true, true) => self.start(waiter, at),
            (true, false) => self.log.tell("its time has come, and it still runs: passed over"),
            _ => {}
        }
    }

    pub fn start(&mut self, waiter: &Waiter, at: u32) {
        self.kill();
        match self.spawn(waiter, at) {
            Ok(process) => {
                self.process = Some(process);
                self.started = Instant::now();
                self.events.push(What::Started);
                self.state = State::Starting(self.started + Duration::from_secs(self.service.ready_s));
                self.probe = Probe::new(&self.service.ready);
                let waits = self.service.once && self.service.timer.is_none();
                if self.service.ready == Ready::Start && !waits || self.service.timer.is_some() {
                    self.is_ready();
                }
            }
            Err(fault) => self.fail(fault.to_string()),
        }
    }

    fn spawn(&mut self, waiter: &Waiter, at: u32) -> Result<Started> {
        let tried = || Error::world(format!("start `{}`", self.service.run.join(" ")));
        let (reader, output) = spawn::pipe().map_err(tried())?;
        waiter.watch(&reader, News::Output(at)).map_err(tried())?;
        (self.notify, self.pipe) = (None, None);
        if spawn::speaks(&self.service) {
            let notify = Notify::bind(&Room::place(&self.name, "notify"), self.room.user)?;
            waiter.watch(&notify, News::Word(at)).map_err(tried())?;
            self.notify = Some(notify);
        }
        let mut ready = None;
        if self.service.ready == Ready::Fd {
            let (reader, writer) = spawn::pipe().map_err(tried())?;
            waiter.watch(&reader, News::Word(at)).map_err(tried())?;
            (self.pipe, ready) = (Some(reader), Some(writer));
        }
        let handed = Handed { output, sockets: &self.sockets, ready };
        let process = spawn::service(&self.service, &self.room, self.cgroup.as_ref(), handed)?;
        waiter.watch(&process.end, News::Ended(at)).map_err(tried())?;
        self.watch_tasks(waiter, at);
        self.log.of(reader);
        Ok(process)
    }

    fn is_ready(&mut self) {
        let again = matches!(self.state, State::Reloading(..)) || std::mem::take(&mut self.again);
        self.events.push(if again { What::Again } else { What::Ready });
        self.state = State::Ready;
        (self.probe, self.reads) = (None, false);
        self.alive();
    }

    /// From its readiness on it must be heard.
    fn alive(&mut self) {
        self.watchdog = self.service.watchdog_s.map(|s| Instant::now() + Duration::from_secs(s));
    }

    pub fn fail(&mut self, why: String) {
        self.log.tell(&format!("{why}; stays down"));
        if std::mem::take(&mut self.again) {
            self.events.push(What::NotAgain(why.clone()));
        }
        self.events.push(What::Failed(why.clone()));
        self.state = State::Failed(why);
    }

    fn too_late(&mut self) {
        self.kill();
        self.forget();
        self.fail(format!("not ready within {} s", self.service.ready_s));
    }

    fn probe(&mut self, now: Instant) {
        let Some(probe) = &mut self.probe else { return };
        let (room, cgroup) = (&self.room, self.cgroup.as_ref());
        let run = |argv: &[String]| Some(spawn::command(argv, room, cgroup, None).ok()?.pid);
        if probe.step(&self.service.ready, now, run) {
            self.is_ready();
        }
    }

    fn rest_until_its_time(&mut self, end: End, end_text: String) {
        self.state = State::Armed;
        self.again = false;
        if end.is_good() {
            self.events.push(What::Done);
        } else {
            self.log.tell(&end_text);
            self.events.push(What::Died(end_text));
        }
    }

    fn forget(&mut self) {
        (self.process, self.notify, self.pipe, self.probe, self.watchdog) = (None, None, None, None, None);
        (self.command, self.more_words, self.reads) = (None, false, false);
        (self.told, self.main, self.tasks) = (None, None, None);
    }

    /// All that came of it, at once.
    pub fn kill(&self) {
        if let Some(process) = &self.process {
            kill_process(process.pid, Signal::KILL).unwrap_or_default();
            kill_process_group(process.pid, Signal::KILL).unwrap_or_default();
        }
        if let Some(cgroup) = &self.cgroup {
            cgroup.kill();
        }
    }
}
