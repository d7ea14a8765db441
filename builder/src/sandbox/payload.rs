//! The command's own last steps before it is executed: everything that it must not have is taken away here.
//!
//! The order matters: limits and ids while there is still power to set them, the filter last.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::process::{Gid, Resource, Rlimit, Uid};
use rustix::thread::{CapabilitySet, CapabilitySets, CpuSet};

use super::cause;
use super::filter;
use super::message::{self, Failure, Spec, Terminal, Word};
use super::setup::{Abilities, Limiter, Setup, UserKind};
use super::sys;

pub fn run(spec: &Spec, helper: &OwnedFd, build: OwnedFd, abilities: Abilities) -> ! {
    if let Err(failure) = become_command(spec, helper, build, abilities) {
        message::send(helper, &Word::Failed(failure), &[]).ok();
    }
    // An empty command is a probe: it ends well.
    std::process::exit(if spec.setup.argv.is_empty() { 0 } else { 127 })
}

fn become_command(
    spec: &Spec,
    helper: &OwnedFd,
    build: OwnedFd,
    abilities: Abilities,
) -> Result<(), Failure> {
    let refuse = |what: &'static str| move |error: io::Error| cause::refused(what, &error);
    let setup = &spec.setup;
    own_group(spec.terminal);
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(0o022));
    bind_processors(setup).map_err(|error| Failure::Setup(format!("processors: {error}")))?;
    limit(setup, abilities).map_err(refuse("set limits"))?;
    become_user(setup, abilities.user).map_err(refuse("become the sandbox's user"))?;
    drop_power().map_err(refuse("give up capabilities"))?;
    sys::fix_addresses().map_err(refuse("fix addresses"))?;
    std::env::set_current_dir(&setup.cwd)
        .map_err(|error| Failure::Setup(format!("cwd {}: {error}", setup.cwd)))?;
    sys::close_on_exec_from(3).map_err(refuse("close files"))?;
    let door = door().map_err(refuse("make a socket"))?;
    let beside = [build.as_fd(), door.as_fd()];
    message::send(helper, &Word::Started(abilities), &beside).map_err(refuse("report"))?;
    sys::reset_signals();
    sys::install_filter(&filter::program()).map_err(refuse("install the filter of system calls"))?;
    execute(setup)
}

/// A socket belongs to the network in which it was made, whoever holds it: by this one the caller talks to what listens
/// here. The command never has it.
fn door() -> io::Result<OwnedFd> {
    Ok(rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)?)
}

/// Without a terminal, a session where none can be had; with one, the foreground of the caller's.
fn own_group(terminal: Terminal) {
    match terminal {
        Terminal::None => drop(rustix::process::setsid()),
        Terminal::Callers => {
            // Where standard input is not a terminal, there is no foreground to take.
            rustix::process::setpgid(None, None).ok();
            sys::ignore_signal(libc::SIGTTOU);
            rustix::termios::tcsetpgrp(rustix::stdio::stdin(), rustix::process::getpid()).ok();
        }
    }
}

fn bind_processors(setup: &Setup) -> io::Result<()> {
    let Some(cpus) = &setup.face.cpus else { return Ok(()) };
    let mut set = CpuSet::new();
    cpus.iter().filter(|&&cpu| cpu < CpuSet::MAX_CPU).for_each(|&cpu| set.set(cpu));
    Ok(rustix::thread::sched_setaffinity(None, &set)?)
}

/// The same on every machine, as far as the machine's own hard limits allow.
fn limit(setup: &Setup, abilities: Abilities) -> io::Result<()> {
    let limits = &setup.limits;
    let mut fixed = vec![
        (Resource::Core, 0),
        (Resource::Nofile, 4096),
        (Resource::Stack, 8 << 20),
        (Resource::Memlock, 64 << 10),
        (Resource::Fsize, limits.output_bytes),
        (Resource::Rtprio, 0),
        (Resource::Nice, 0),
        (Resource::Msgqueue, 819_200),
        (Resource::Sigpending, 4096),
    ];
    if abilities.memory == Limiter::Rlimit {
        fixed.push((Resource::As, limits.memory_bytes));
    }
    fixed.into_iter().try_for_each(|(resource, value)| fix(resource, value))
}

/// For init and the command: init asks whether it could still fork under the same limit. Each sandbox counts alone, in
/// its user namespace (Linux 5.14).
pub fn limit_processes(setup: &Setup, abilities: Abilities) -> io::Result<()> {
    match abilities.processes {
        Limiter::Rlimit => fix(Resource::Nproc, setup.limits.processes),
        _ => Ok(()),
    }
}

fn fix(resource: Resource, value: u64) -> io::Result<()> {
    let ceiling = rustix::process::getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let value = Some(value.min(ceiling));
    Ok(rustix::process::setrlimit(resource, Rlimit { current: value, maximum: value })?)
}

/// In a user namespace we are that user already.
fn become_user(setup: &Setup, user: UserKind) -> io::Result<()> {
    if user == UserKind::Namespace {
        return Ok(());
    }
    let (uid, gid) = (Uid::from_raw(setup.face.uid), Gid::from_raw(setup.face.gid));
    // The bounding set can only be emptied while we have power; `drop_power` does it again for nothing.
    sys::drop_bounding_set()?;
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    Ok(())
}

/// No capability now, and none by any program that is executed later.
pub fn drop_power() -> io::Result<()> {
    match sys::drop_bounding_set() {
        // Without CAP_SETPCAP we are the user already, and the set is empty.
        Err(error) if error.raw_os_error() == Some(libc::EPERM) => {}
        other => other?,
    }
    let none = CapabilitySet::empty();
    let sets = CapabilitySets { effective: none, permitted: none, inheritable: none };
    rustix::thread::clear_ambient_capability_set()?;
    rustix::thread::set_capabilities(None, sets)?;
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

fn execute(setup: &Setup) -> Result<(), Failure> {
    let Some((program, arguments)) = setup.argv.split_first() else { return Ok(()) };
    let env = setup.env.iter().map(|(key, value)| (key, value));
    let error = Command::new(program).args(arguments).env_clear().envs(env).exec();
    Err(Failure::Setup(format!("cannot execute `{program}`: {error}")))
}
