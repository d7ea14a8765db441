//! The machine, once it is up: it waits for news, does what is due, and hears the word that ends it.

mod shells;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::time::Instant;

use host::{Error, Result};

use crate::change::{Change, Live};
use crate::chaos;
use crate::console::{self, since_boot_ms};
use crate::control::{Ask, Control, Follows};
use crate::cores::{self, Copy};
use crate::debug::Debug;
use crate::events::{self, tell};
use crate::network::Network;
use crate::service::{Supervisor, Verdict};
use crate::shell::Shell;
use crate::sys::child;
use crate::wait::{News, Waiter};
use crate::{figures, source};

/// All that there may be news from.
pub struct Ways {
    pub waiter: Waiter,
    pub signals: File,
    pub control: Control,
    /// The operator's folder.
    pub environment: Option<File>,
    pub debug: Debug,
}

/// A machine that has what it needs to serve.
struct Serving {
    live: Live,
    supervisor: Supervisor,
    change: Change,
    network: Network,
}

pub struct Machine {
    /// `None`: it runs nothing, and still hears the word that ends it.
    serving: Option<Serving>,
    verdict: Verdict,
    /// The verdict in words, as it was said.
    status: String,
    ways: Ways,
    /// By the way that each has.
    shells: BTreeMap<u32, Shell>,
}

impl Machine {
    pub fn new(serving: Result<(Live, Supervisor, Network)>, ways: Ways) -> Machine {
        let pending = "pending".to_string();
        match serving {
            Ok((live, supervisor, network)) => {
                if let Err(cause) = ways.waiter.watch_level(&network, News::Network) {
                    tell(format_args!("the network is not watched: {cause}"));
                }
                let serving = Some(Serving { live, supervisor, change: Change::default(), network });
                Machine { serving, verdict: Verdict::Pending, status: pending, ways, shells: BTreeMap::new() }
            }
            Err(fault) => {
                let status = format!("not ready: {fault}");
                tell(&status);
                let verdict = Verdict::NotReady(fault.to_string());
                Machine { serving: None, verdict, status, ways, shells: BTreeMap::new() }
            }
        }
    }

    /// Until a word ends it.
    pub fn wait(mut self) -> Result<Ask> {
        loop {
            self.step();
            self.judge();
            self.feed();
            // The console is one of the control's ways: that it has room is news.
            console::flush();
            let unheard = self.ways.control.unheard();
            let due = if unheard.is_empty() { self.due() } else { Some(Instant::now()) };
            let news = self.ways.waiter.wait(due).map_err(Error::world("wait"))?;
            for news in news.into_iter().chain(unheard) {
                if let Some(ask) = self.hear(news) {
                    self.end_shells();
                    self.serving.iter_mut().for_each(|serving| serving.supervisor.stop());
                    return Ok(ask);
                }
            }
        }
    }

    /// Does all that is due.
    fn step(&mut self) {
        if let Some(Serving { live, supervisor, change, .. }) = &mut self.serving {
            supervisor.step(&self.ways.waiter);
            if self.verdict != Verdict::Pending {
                change.step(live, supervisor);
            }
        }
    }

    /// Tells those who follow what came since.
    fn feed(&mut self) {
        let supervisor = self.serving.as_ref().map(|serving| &serving.supervisor);
        let ring = |name: &str| supervisor.and_then(|supervisor| supervisor.ring(name));
        self.ways.control.let_go();
        self.ways.control.feed(&|name, from| ring(name).map_or((Vec::new(), from), |ring| ring.since(from)));
    }

    fn due(&self) -> Option<Instant> {
        let busy = self.ways.control.is_busy().then(Instant::now);
        let Some(Serving { supervisor, change, .. }) = &self.serving else { return busy };
        let change = change.due().filter(|_| self.verdict != Verdict::Pending);
        supervisor.due().into_iter().chain(change).chain(busy).min()
    }

    /// Says the verdict once it is there.
    fn judge(&mut self) {
        let Some(Serving { live, supervisor, .. }) = &self.serving else { return };
        if self.verdict != Verdict::Pending {
            return;
        }
        self.verdict = supervisor.verdict();
        self.status = match &self.verdict {
            Verdict::Pending => return,
            Verdict::NotReady(reason) => format!("not ready: {reason}"),
            Verdict::Ready => {
                let role = &live.environment.words.role;
                format!("ready {} ms {role} {}", since_boot_ms(), supervisor.names())
            }
        };
        tell(&self.status);
    }

    /// Some word that ends the machine, or `None`.
    fn hear(&mut self, news: News) -> Option<Ask> {
        match (news, &mut self.serving) {
            (News::Signal, _) => return self.hear_signals(),
            (News::Control(way), _) if self.shells.contains_key(&way) => self.relay(way),
            (News::Control(way), _) => return self.hear_control(way),
            (News::Shell(way), _) => self.relay(way),
            (News::Knock, _) => self.ways.control.accept(&self.ways.waiter),
            (News::Environment, Some(serving)) => {
                drain(self.ways.environment.as_mut());
                serving.change.asked();
            }
            (News::Network, Some(serving)) => serving.network.hear(),
            (News::Output(at), Some(serving)) => serving.supervisor.read_output(at),
            (News::Word(at), Some(serving)) => serving.supervisor.read_word(at),
            (News::Ended(at), Some(serving)) => serving.supervisor.ended(at),
            (News::Tasks(at), Some(serving)) => serving.supervisor.lacks_tasks(at),
            (News::Timer(at), Some(serving)) => serving.supervisor.fired(at, &self.ways.waiter),
            _ => {}
        }
        None
    }

    fn hear_control(&mut self, way: u32) -> Option<Ask> {
        let mut end = None;
        for ask in self.ways.control.asked(way) {
            match ask {
                Ask::PowerOff | Ask::Reboot => {
                    self.ways.control.done(way, Ok(()));
                    end = Some(ask);
                }
                Ask::Shell { size, term } => {
                    if let Err(why) = self.open_shell(way, size, &term) {
                        self.ways.control.done(way, Err(why));
                    }
                }
                Ask::Core(name) => match Copy::of(&name) {
                    _ if self.ways.control.is_console(way) => {
                        self.ways.control.done(way, Err("a core is no text: by a socket or a port".into()));
                    }
                    Ok(copy) => self.ways.control.follow(way, Follows::Core(copy)),
                    Err(cause) => self.ways.control.done(way, Err(format!("{name}: {cause}"))),
                },
                ask => {
                    let done = self.answer(way, ask);
                    self.ways.control.done(way, done);
                }
            }
        }
        end
    }

    fn answer(&mut self, way: u32, ask: Ask) -> std::result::Result<(), String> {
        match ask {
            Ask::Status => self.tell_status(way),
            Ask::Figures => self.say(way, figures::lines()),
            Ask::Events { follow } => {
                let (events, next) = events::since(0);
                self.say(way, events);
                if follow {
                    self.ways.control.follow(way, Follows::Events(next));
                }
            }
            Ask::Cores => self.say(way, cores::lines()),
            Ask::DropCores => cores::drop_all(),
            Ask::Kept(words) => cores::told(&words),
            Ask::Put(bytes) => {
                let role = self.serving.as_ref().map(|serving| &serving.live.role);
                return source::put(role, &bytes).map_err(|fault| fault.to_string());
            }
            ask => return self.answer_serving(way, ask),
        }
        Ok(())
    }

    /// Of a machine that serves.
    fn answer_serving(&mut self, way: u32, ask: Ask) -> std::result::Result<(), String> {
        let Some(Serving { live, supervisor, .. }) = &mut self.serving else {
            return Err(self.status.clone());
        };
        let lines = match ask {
            Ask::Log { service: Some(name), .. } if !supervisor.has(&name) => {
                return Err(format!("no such service; there are {}", supervisor.names()));
            }
            Ask::Log { service, lines, follow } => {
                let (said, next) = logs(supervisor, service.as_deref(), lines);
                if follow {
                    self.ways.control.follow(way, Follows::Logs(next));
                }
                said
            }
            Ask::Top => top(supervisor),
            Ask::Env => live.environment.lines().to_vec(),
            Ask::Reload(name) if supervisor.has(&name) => {
                supervisor.reload(&name).map_err(|fault| fault.to_string())?;
                Vec::new()
            }
            Ask::Restart(name) if supervisor.has(&name) => {
                supervisor.restart(&name).map_err(|fault| fault.to_string())?;
                Vec::new()
            }
            Ask::Reload(name) | Ask::Restart(name) => {
                return Err(format!("no service `{name}`; there are {}", supervisor.names()));
            }
            Ask::Chaos(fault) => vec![chaos::cause(&fault, supervisor)?],
            _ => return Err("not on this machine".into()),
        };
        self.say(way, lines);
        Ok(())
    }

    /// The verdict as it was said; what became of the last change, and of services since.
    fn tell_status(&mut self, way: u32) {
        let refused = self.serving.as_ref().and_then(|serving| serving.change.refused.clone());
        let mut lines = vec![self.status.clone()];
        if let Some(serving) = self.serving.as_ref().filter(|_| self.verdict == Verdict::Ready) {
            lines.extend(serving.supervisor.down().iter().map(|why| format!("now down: {why}")));
            let pending = serving.supervisor.verdict() == Verdict::Pending;
            lines.extend(pending.then(|| "now: a service is not ready".to_string()));
        }
        lines.extend(refused.map(|why| format!("last change refused: {why}")));
        self.say(way, lines);
    }

    fn say(&mut self, way: u32, lines: Vec<String>) {
        lines.iter().for_each(|line| self.ways.control.answer(way, line));
    }

    fn hear_signals(&mut self) -> Option<Ask> {
        let mut end = None;
        // signalfd_siginfo is 128 bytes, and begins with the signal's number.
        let mut info = [0; 128];
        while self.ways.signals.read_exact(&mut info).is_ok() {
            let number = i32::from_ne_bytes([info[0], info[1], info[2], info[3]]);
            if number != libc::SIGCHLD {
                end = Some(Ask::PowerOff);
            }
        }
        // Always: one SIGCHLD may stand for many children.
        let mut ended = Vec::new();
        match &mut self.serving {
            Some(Serving { supervisor, change, .. }) => supervisor.reap(&self.ways.waiter, |pid, status| {
                change.reaped(pid, status);
                ended.push((pid.as_raw_nonzero().get(), status));
            }),
            None => ended.extend(std::iter::from_fn(|| child::ended_child().ok().flatten())),
        }
        self.shells_ended(&ended);
        end
    }
}

/// The last lines of a service, or of each; and where a reader that follows goes on.
fn logs(supervisor: &Supervisor, service: Option<&str>, count: usize) -> (Vec<String>, Vec<(String, u64)>) {
    let (mut said, mut next) = (Vec::new(), Vec::new());
    let names = supervisor.names();
    for name in names.split(' ').filter(|name| service.is_none_or(|wanted| wanted == *name)) {
        let Some(ring) = supervisor.ring(name) else { continue };
        said.extend(ring.tail(count).iter().map(|line| format!("{name}: {line}")));
        next.push((name.to_string(), ring.next()));
    }
    (said, next)
}

/// One line a service: its state, and what the kernel counts of it.
fn top(supervisor: &Supervisor) -> Vec<String> {
    let counted = supervisor.figures().into_iter().map(|(_, [memory, tasks, cpu_us])| {
        let words = [
            memory.map(|bytes| format!("{} kB", bytes / 1000)),
            tasks.map(|count| format!("{count} tasks")),
            cpu_us.map(|us| format!("{} ms", us / 1000)),
        ];
        words.into_iter().flatten().collect::<Vec<_>>().join(", ")
    });
    let lines = supervisor.states().into_iter().zip(counted);
    lines
        .map(|(state, counted)| if counted.is_empty() { state } else { format!("{state}, {counted}") })
        .collect()
}

/// Edge-triggered: read until there is nothing more. What it says is not asked: all sources are read again.
fn drain(from: Option<&mut File>) {
    let mut bytes = [0; 4096];
    if let Some(file) = from {
        while file.read(&mut bytes).is_ok_and(|count| count > 0) {}
    }
}
