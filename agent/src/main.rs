//! The agent: PID 1 of an image, configuration management and init in one.
//!
//! Mounts, connects, reads the environment, renders the role's templates, starts its services, says `ready` once, and
//! from then on waits: for a child, a word, a signal. It never polls, runs no shell, and writes nothing to the root.
#![deny(unsafe_code)]

#[cfg(test)]
mod chance;
mod clock;
mod console;
mod control;
mod data;
mod dhcp;
mod disk;
mod figures;
mod lines;
mod mount;
mod netlink;
mod network;
#[cfg(feature = "observe")]
mod observe;
mod passwd;
mod power;
mod render;
mod seed;
mod service;
mod source;
#[allow(unsafe_code)]
mod sys;
mod sysctl;
mod wait;

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use console::{say, since_boot_ms};
use control::{Ask, Control};
use host::environment::{self, Environment};
use host::{Error, Result, Role, role};
use network::Network;
use service::{Supervisor, Verdict};
use wait::{News, Waiter};

const ROLE: &str = "/etc/rootbrew/role.toml";
const TEMPLATES: &str = "/etc/rootbrew/templates";

fn main() {
    #[cfg(feature = "observe")]
    observe::trace_if_asked();
    if std::process::id() != 1 {
        say("rootbrew-agent is PID 1 of an image, and nothing else");
        std::process::exit(1);
    }
    power::on_panic();
    let how = run().unwrap_or_else(|fault| {
        say(format_args!("not ready: {fault}"));
        Ask::Reboot
    });
    power::end(how)
}

/// From the first instruction to the word that ends the machine. Errors are those that leave nothing to wait with.
fn run() -> Result<Ask> {
    mount::all()?;
    take_console();
    let signals = File::from(signals()?);
    let waiter = Waiter::new().map_err(Error::world("make an epoll"))?;
    waiter.watch(&signals, News::Signal).map_err(Error::world("watch signals"))?;
    let control = Control::open(&waiter);
    let (name, supervisor, network) = match prepare() {
        Ok((environment, supervisor, network)) => (environment.words.role, supervisor, network),
        Err(fault) => return Machine::failed(fault, waiter, signals, control).wait(),
    };
    let (verdict, status) = (Verdict::Pending, "pending".to_string());
    waiter.watch_level(&network, News::Network).map_err(Error::world("watch the network"))?;
    let (supervisor, network) = (Some(supervisor), Some(network));
    Machine { name, supervisor, network, verdict, status, waiter, signals, control }.wait()
}

/// The kernel may have opened a console before `/dev` was there, or none.
fn take_console() {
    let console = File::options().read(true).write(true).open("/dev/console");
    if let Ok(console) = console {
        let put = |result: rustix::io::Result<()>| result.unwrap_or_default();
        put(rustix::stdio::dup2_stdin(console.as_fd()));
        put(rustix::stdio::dup2_stdout(console.as_fd()));
        put(rustix::stdio::dup2_stderr(console.as_fd()));
    }
}

fn signals() -> Result<OwnedFd> {
    let ends = [libc::SIGCHLD, libc::SIGTERM, libc::SIGINT, libc::SIGPWR];
    sys::signal_descriptor(&ends).map_err(Error::world("make a signalfd"))
}

/// All that must hold before the first service starts.
fn prepare() -> Result<(Environment, Supervisor, Network)> {
    let read = |path: &str| fs::read_to_string(path).map_err(Error::world(format!("read {path}")));
    let role = role::parse(&read(ROLE)?)?;
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("host");
    sysctl::set(&role.sysctl)?;
    remember(&role)?;
    network::loopback()?;
    let (environment, network) = connect(&role, host)?;
    environment.lines().iter().for_each(say);
    rustix::system::sethostname(environment.words.host_name().as_bytes())
        .map_err(Error::world("set the host's name"))?;
    let users = read("/etc/passwd")?;
    let supervisor = Supervisor::new(&role.service, &users)?;
    render::write_all(&render::all(&role, &environment, Path::new(TEMPLATES))?, &users)?;
    supervisor.prepare()?;
    Ok((environment, supervisor, network))
}

/// What lasts from the last time: data, the random pool's seed, the time.
fn remember(role: &Role) -> Result<()> {
    role.data.as_ref().map_or(Ok(()), data::bring)?;
    seed::at_start();
    clock::at_start();
    Ok(())
}

/// The environment, and the network that it describes; what is far is asked for by the network that the near describes.
fn connect(role: &Role, host: &str) -> Result<(Environment, Network)> {
    let near = source::near(role)?;
    let checked = near.is_all().then(|| environment::check(&role.env, host, &near.sources())).transpose()?;
    let wanted = match &checked {
        Some(environment) => environment.network.clone(),
        None => environment::network(&near.sources())?,
    };
    let mut network = Network::start(&wanted)?;
    network.settle(network::SETTLE_MAX);
    if let Some(environment) = checked {
        return Ok((environment, network));
    }
    let environment = environment::check(&role.env, host, &near.all(role)?)?;
    if environment.network != wanted {
        network = Network::start(&environment.network)?;
        network.settle(network::SETTLE_MAX);
    }
    Ok((environment, network))
}

struct Machine {
    name: String,
    supervisor: Option<Supervisor>,
    network: Option<Network>,
    verdict: Verdict,
    /// The verdict in words, as it was said.
    status: String,
    waiter: Waiter,
    signals: File,
    control: Control,
}

impl Machine {
    /// Runs nothing, and still hears the word that ends it.
    fn failed(fault: Error, waiter: Waiter, signals: File, control: Control) -> Machine {
        let status = format!("not ready: {fault}");
        say(&status);
        let verdict = Verdict::NotReady(fault.to_string());
        Machine {
            name: String::new(),
            supervisor: None,
            network: None,
            verdict,
            status,
            waiter,
            signals,
            control,
        }
    }

    fn wait(mut self) -> Result<Ask> {
        loop {
            if let Some(supervisor) = &mut self.supervisor {
                supervisor.step(&self.waiter);
            }
            self.judge();
            let due = self.supervisor.as_ref().and_then(Supervisor::due);
            for news in self.waiter.wait(due).map_err(Error::world("wait"))? {
                if let Some(ask) = self.hear(news) {
                    self.supervisor.iter_mut().for_each(Supervisor::stop);
                    return Ok(ask);
                }
            }
        }
    }

    /// Says the verdict once it is there.
    fn judge(&mut self) {
        let Some(supervisor) = &self.supervisor else { return };
        if self.verdict != Verdict::Pending {
            return;
        }
        self.verdict = supervisor.verdict();
        self.status = match &self.verdict {
            Verdict::Pending => return,
            Verdict::NotReady(reason) => format!("not ready: {reason}"),
            Verdict::Ready => format!("ready {} ms {} {}", since_boot_ms(), self.name, supervisor.names()),
        };
        say(&self.status);
    }

    /// Some word that ends the machine, or `None`.
    fn hear(&mut self, news: News) -> Option<Ask> {
        match (news, &mut self.supervisor) {
            (News::Signal, _) => return self.hear_signals(),
            (News::Control(way), _) => return self.hear_control(way),
            (News::Network, _) => self.network.iter_mut().for_each(Network::hear),
            (News::Output(at), Some(supervisor)) => supervisor.read_output(at),
            (News::Word(at), Some(supervisor)) => supervisor.read_word(at),
            _ => {}
        }
        None
    }

    fn hear_control(&mut self, way: u32) -> Option<Ask> {
        let mut end = None;
        for ask in self.control.asked(way) {
            match ask {
                Ask::Status => self.control.answer(way, &self.status),
                Ask::Figures => figures::lines().iter().for_each(|line| self.control.answer(way, line)),
                other => end = Some(other),
            }
        }
        end
    }

    fn hear_signals(&mut self) -> Option<Ask> {
        let mut end = None;
        // signalfd_siginfo is 128 bytes, and begins with the signal's number.
        let mut info = [0; 128];
        while self.signals.read_exact(&mut info).is_ok() {
            let number = i32::from_ne_bytes([info[0], info[1], info[2], info[3]]);
            if number != libc::SIGCHLD {
                end = Some(Ask::PowerOff);
            }
        }
        // Always: one SIGCHLD may stand for many children.
        self.supervisor.iter_mut().for_each(Supervisor::reap);
        end
    }
}
