//! The agent: PID 1 of an image, configuration management and init in one.
//!
//! Mounts, connects, reads the environment, renders the role's templates, starts its services, says `ready` once, and
//! from then on waits: for a child, a word, a signal. It never polls, runs no shell, and writes nothing to the root.
#![deny(unsafe_code)]

#[cfg(test)]
mod chance;
mod change;
mod chaos;
mod clock;
mod console;
mod control;
mod cores;
mod ctl;
mod data;
mod debug;
mod dhcp;
mod disk;
mod events;
mod figures;
mod lines;
mod machine;
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
mod shell;
mod source;
mod stamp;
#[allow(unsafe_code)]
mod sys;
mod sysctl;
mod syslog;
mod wait;

use std::fs::{self, File};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use change::Live;
use console::say;
use control::{Ask, Control};
use debug::Debug;
use events::{done, tell};
use host::environment::{self, Source};
use host::{Environment, Error, Result, Role, role};
use machine::{Machine, Ways};
use network::Network;
use service::Supervisor;
use wait::{News, Waiter};

const ROLE: &str = "/etc/rootbrew/role.toml";
const TEMPLATES: &str = "/etc/rootbrew/templates";

fn main() {
    if std::env::args_os().next().is_some_and(|name| ctl::is_asked(&name)) {
        std::process::exit(ctl::run());
    }
    if cores::is_asked() {
        std::process::exit(cores::keep());
    }
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
    done("kernel");
    mount::all()?;
    done("mounts");
    take_console();
    let signals = File::from(signals()?);
    let waiter = Waiter::new().map_err(Error::world("make an epoll"))?;
    waiter.watch(&signals, News::Signal).map_err(Error::world("watch signals"))?;
    let control = Control::open(&waiter);
    let watch = source::watch(&waiter).map_err(|fault| tell(&fault)).ok();
    let mut debug = Debug::of_this_machine();
    let serving = prepare(&mut debug);
    debug.bring();
    Machine::new(serving, Ways { waiter, signals, control, environment: watch.map(File::from), debug }).wait()
}

/// The kernel may have opened a console before `/dev` was there, or none; and never one that does not block.
fn take_console() {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let console = File::options().read(true).write(true).custom_flags(flags).open("/dev/console");
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
fn prepare(debug: &mut Debug) -> Result<(Live, Supervisor, Network)> {
    let read = |path: &str| fs::read_to_string(path).map_err(Error::world(format!("read {path}")));
    let role = role::parse(&read(ROLE)?)?;
    debug.of_role(&role);
    let host = fs::read_to_string("/etc/hostname").unwrap_or_default();
    let host = Some(host.trim()).filter(|host| !host.is_empty()).unwrap_or("host");
    sysctl::set(&role.sysctl)?;
    cores::expect(&role);
    remember(&role)?;
    done("data");
    network::loopback()?;
    let (environment, network, far) = connect(&role, host)?;
    done("environment");
    environment.lines().iter().for_each(tell);
    rustix::system::sethostname(environment.words.host_name().as_bytes())
        .map_err(Error::world("set the host's name"))?;
    let users = read("/etc/passwd")?;
    let mut supervisor = Supervisor::new(&role, &users)?;
    supervisor.log_to(&environment.log, &environment.words.host_name());
    let files = render::all(&role, &environment, Path::new(TEMPLATES))?;
    render::write_all(&files, &users)?;
    done("rendering");
    supervisor.prepare()?;
    done("checks");
    let (host, templates) = (host.to_string(), PathBuf::from(TEMPLATES));
    Ok((Live { role, users, host, templates, environment, files, far }, supervisor, network))
}

/// What lasts from the last time: data, the random pool's seed, the time.
fn remember(role: &Role) -> Result<()> {
    role.data.as_ref().map_or(Ok(()), data::bring)?;
    seed::at_start();
    clock::at_start();
    Ok(())
}

/// The environment, the network that it describes, and what of it came from far: that is asked for by the network which the
/// near describes.
fn connect(role: &Role, host: &str) -> Result<(Environment, Network, Option<Source>)> {
    let near = source::near(role)?;
    if near.is_all() {
        let environment = environment::check(&role.env, host, &near.sources(None))?;
        let network = settled(&environment.network)?;
        return Ok((environment, network, None));
    }
    let wanted = environment::network(&near.sources(None))?;
    let network = settled(&wanted)?;
    let far = near.far(role)?;
    let environment = environment::check(&role.env, host, &near.sources(far.as_ref()))?;
    if environment.network == wanted {
        return Ok((environment, network, far));
    }
    network.leave();
    let network = settled(&environment.network)?;
    Ok((environment, network, far))
}

fn settled(wanted: &host::network::Network) -> Result<Network> {
    // What was read until here.
    done("environment");
    let mut network = Network::start(wanted)?;
    network.settle(network::SETTLE_MAX);
    done("network");
    Ok(network)
}
