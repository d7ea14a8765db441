//! The agent: PID 1 of an image, configuration management and init in one.
//!
//! Mounts, connects, reads the environment, renders the role's templates, starts its services, says `ready` once, and
//! from then on waits: for a child, a word, a signal. It never polls, runs no shell, and writes nothing to the root.
#![deny(unsafe_code)]

mod console;
mod control;
mod dhcp;
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
// Some of it is asked for by control words only.
#[allow(dead_code)]
mod service;
mod source;
mod stamp;
#[allow(unsafe_code)]
mod sys;
mod syslog;
mod wait;

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;

use console::{say, since_boot_ms};
use control::{Ask, Control};
use host::environment::{self, Environment};
use host::{Error, Result, role};
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
    let (name, supervisor) = match prepare() {
        Ok((environment, supervisor)) => (environment.words.role, supervisor),
        Err(fault) => return Machine::failed(fault, waiter, signals, control).wait(),
    };
    let (verdict, status) = (Verdict::Pending, "pending".to_string());
    Machine { name, supervisor: Some(supervisor), verdict, status, waiter, signals, control }.wait()
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
fn prepare() -> Result<(Environment, Supervisor)> {
    let read = |path: &str| fs::read_to_string(path).map_err(Error::world(format!("read {path}")));
    let role = role::parse(&read(ROLE)?)?;
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("host");
    let environment = environment::check(&role.env, host, &source::all(&role.env)?)?;
    environment.lines().iter().for_each(say);
    rustix::system::sethostname(environment.words.host_name().as_bytes())
        .map_err(Error::world("set the host's name"))?;
    network::loopback()?;
    say(network::up(&environment.network)?);
    let users = read("/etc/passwd")?;
    let mut supervisor = Supervisor::new(&role, &users)?;
    supervisor.log_to(&environment.log, &environment.words.host_name());
    render::write_all(&render::all(&role, &environment, Path::new(TEMPLATES))?, &users)?;
    supervisor.prepare()?;
    Ok((environment, supervisor))
}

struct Machine {
    name: String,
    supervisor: Option<Supervisor>,
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
        Machine { name: String::new(), supervisor: None, verdict, status, waiter, signals, control }
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
            (News::Output(at), Some(supervisor)) => supervisor.read_output(at),
            (News::Word(at), Some(supervisor)) => supervisor.read_word(at),
            (News::Ended(at), Some(supervisor)) => supervisor.ended(at),
            (News::Timer(at), Some(supervisor)) => supervisor.fired(at, &self.waiter),
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
        self.supervisor.iter_mut().for_each(|supervisor| supervisor.reap(&self.waiter));
        end
    }
}
