//! The helper: one process beside the caller for each sandbox, outside of it.
//!
//! Single-threaded, so that it may fork into namespaces. It maps the ids, holds the cgroup, waits, and reports when
//! nothing inside is alive. When the caller dies, by whatever, it ends the sandbox and itself; when it dies itself, the
//! kernel kills init (parent-death signal) and with it all that is inside.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use rustix::io::DupFlags;
use rustix::net::RecvFlags;

use super::cause;
use super::cgroup::Cgroup;
use super::inside;
use super::message::{self, Failure, Report, Spec, Terminal, Word};
use super::observe::{self, Observer, Opened};
use super::setup::{Abilities, Limiter, ProcKind, Setup, UserKind};
use super::sys;
use super::watch::{Init, Watch};

/// The first argument by which this program knows that it is to be a helper. No person types it.
pub const ASKED: &str = "rootbrew-sandbox-helper";

const NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Must be the first thing in `main`: becomes the helper, and never returns, when [`super::start`] executed us for it.
pub fn helper_main_if_asked() {
    if std::env::args_os().nth(1).is_some_and(|word| word == ASKED) {
        std::process::exit(helper_main());
    }
}

fn helper_main() -> i32 {
    let Some((mut control, spec)) = hear_order() else { return 2 };
    let (last, heard) = match run(&mut control, &spec) {
        Ok((report, heard)) => (Word::Ended(report), heard),
        Err(failure) => (Word::Failed(failure), None),
    };
    // What can't be told of it is not observed.
    let heard = heard.and_then(|(opened, group)| Some((observe::write(&opened).ok()?, group)));
    // The group goes along: to close its last descriptor takes the kernel 5 ms and more, and we would end that much later.
    let beside = heard.iter().flat_map(|(opened, group)| [opened.as_fd(), group.as_fd()]);
    let beside: Vec<_> = beside.collect();
    // Where nobody listens any more, nobody has to be told.
    message::send(&control, &last, &beside).is_err().into()
}

/// The caller's socket came as standard input; the command's input comes over it, and takes its place.
fn hear_order() -> Option<(OwnedFd, Spec)> {
    let control = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3).ok()?;
    let (Word::Begin, mut fds) = message::receive(&control, RecvFlags::empty()).ok()?? else { return None };
    rustix::stdio::dup2_stdin(fds.pop()?).ok()?;
    let spec = serde_json::from_reader(io::BufReader::new(File::from(fds.pop()?))).ok()?;
    Some((control, spec))
}

/// What it came to, and what was heard with what heard it.
type Ran = (Report, Option<(Opened, OwnedFd)>);

fn run(control: &mut OwnedFd, spec: &Spec) -> Result<Ran, Failure> {
    let started = Instant::now();
    leave_terminal(spec.terminal);
    let cgroup = Cgroup::make(&spec.setup.limits);
    let (ours, theirs) = message::pair().map_err(|error| cause::refused("make a socket pair", &error))?;
    let doors = cgroup.doors().map_err(|error| cause::refused("open the sandbox's cgroup", &error))?;
    let (init, user) = fork()?;
    if init == 0 {
        drop(ours);
        // The inside must not hold the caller's socket: its end is what says that the caller died.
        if rustix::io::dup3(&theirs, control, DupFlags::CLOEXEC).is_err() {
            std::process::exit(2);
        }
        inside::main(spec, theirs, doors, abilities(user, &cgroup));
    }
    drop((theirs, doors));
    let init = Init::new(init).map_err(|error| cause::refused("hold the sandbox's first process", &error))?;
    if user == UserKind::Namespace {
        map_ids(init.pid, &spec.setup).map_err(|error| cause::refused("map the sandbox's user", &error))?;
    }
    // A word to a process that died is not lost: its death is what the watch sees.
    message::send(&ours, &Word::Go, &[]).ok();
    // Moving a process between cgroups takes milliseconds: it goes on while init mounts.
    cgroup.hold(init.pid).map_err(|error| cause::refused("move the sandbox into its cgroup", &error))?;
    message::send(&ours, &Word::Go, &[]).ok();
    let observer = spec.observe.as_ref().and_then(Observer::new);
    let watch = Watch { control, init: &init, inner: &ours, cgroup: &cgroup, spec, started, observer };
    let seen = watch.until_end();
    take_foreground(spec.terminal);
    let seen = seen?;
    let memory_peak_bytes = cgroup.memory_peak_bytes().or(Some(seen.largest_bytes));
    let wall_s = started.elapsed().as_secs_f64();
    let heard = seen.opened.zip(watch.observer.map(Observer::into_group));
    Ok((Report { end: seen.end, wall_s, cpu_s: seen.cpu_s, memory_peak_bytes }, heard))
}

/// Without a terminal no key reaches us: the caller alone decides what Ctrl-C means. With one, the shell inside has
/// the keys, and we must not stop when it takes the foreground.
fn leave_terminal(terminal: Terminal) {
    match terminal {
        // Fails only for a leader of a group, which a spawned process is not.
        Terminal::None => drop(rustix::process::setsid()),
        Terminal::Callers => {
            [libc::SIGINT, libc::SIGQUIT, libc::SIGTSTP, libc::SIGTTOU]
                .into_iter()
                .for_each(sys::ignore_signal);
        }
    }
}

/// Gives the terminal back to the caller's group, which is ours: its own group is dead.
fn take_foreground(terminal: Terminal) {
    if terminal == Terminal::Callers {
        // Where standard input is not a terminal, there was no foreground to take.
        rustix::termios::tcsetpgrp(rustix::stdio::stdin(), rustix::process::getpgrp()).ok();
    }
}

/// Forks init into its namespaces: 0 in init. Root may do without a user namespace where there is none.
fn fork() -> Result<(i32, UserKind), Failure> {
    match sys::fork_into(NAMESPACES | libc::CLONE_NEWUSER) {
        Ok(pid) => Ok((pid, UserKind::Namespace)),
        Err(error) if !rustix::process::geteuid().is_root() => Err(cause::refused("make namespaces", &error)),
        Err(_) => match sys::fork_into(NAMESPACES) {
            Ok(pid) => Ok((pid, UserKind::Host)),
            Err(error) => Err(cause::refused("make namespaces as root", &error)),
        },
    }
}

/// One user and one group inside, whoever we are outside.
fn map_ids(pid: i32, setup: &Setup) -> io::Result<()> {
    let proc = format!("/proc/{pid}");
    // Asked for by user_namespaces(7) before an ordinary user may map a group.
    fs::write(format!("{proc}/setgroups"), "deny")?;
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    fs::write(format!("{proc}/uid_map"), format!("{} {uid} 1", setup.face.uid))?;
    fs::write(format!("{proc}/gid_map"), format!("{} {gid} 1", setup.face.gid))
}

fn abilities(user: UserKind, cgroup: &Cgroup) -> Abilities {
    let by_user = match user {
        // The kernel never counts root's own processes (INIT_USER), mapped or not.
        UserKind::Namespace if rustix::process::geteuid().is_root() => Limiter::Nothing,
        _ => Limiter::Rlimit,
    };
    let memory = cgroup.memory().unwrap_or(Limiter::Rlimit);
    let processes = cgroup.processes().unwrap_or(by_user);
    Abilities { user, proc: ProcKind::Fresh, memory, processes }
}
