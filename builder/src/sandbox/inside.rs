//! Init: the first process inside. It makes the inside, starts the command, reaps, and ends with it.
//!
//! Its death is the death of all that is inside. It holds nothing of the caller but one socket to the helper, and
//! cannot be traced or killed by what it started.

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{Mode, OFlags};
use rustix::mount::MountPropagationFlags;
use rustix::net::RecvFlags;
use rustix::process::{DumpableBehavior, Signal};

use super::cause;
use super::cgroup;
use super::message::{self, Failure, Spec, Word};
use super::payload;
use super::root;
use super::setup::{Abilities, Limiter};
use super::sys;

/// How often init asks whether it could still fork, where no cgroup tells.
const FORK_PROBE_S: i64 = 2;

pub fn main(spec: &Spec, helper: OwnedFd, doors: Vec<File>, abilities: Abilities) -> ! {
    let code = match run(spec, &helper, doors, abilities) {
        Ok(()) => 0,
        Err(failure) => {
            // A helper that is gone needs no word.
            message::send(&helper, &Word::Failed(failure), &[]).ok();
            2
        }
    };
    std::process::exit(code)
}

fn run(spec: &Spec, helper: &OwnedFd, doors: Vec<File>, mut abilities: Abilities) -> Result<(), Failure> {
    die_with_helper().map_err(|error| cause::refused("tie the sandbox to its helper", &error))?;
    cgroup::enter(doors).map_err(|error| cause::refused("enter the sandbox's cgroup", &error))?;
    await_go(helper)?;
    // Now nothing inside may trace us or read our memory; before, it would keep the helper from mapping our ids.
    let hidden = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
    hidden.map_err(|error| cause::refused("hide the sandbox's first process", &error.into()))?;
    name_machine(spec).map_err(|error| cause::refused("name the sandbox's machine", &error))?;
    network().map_err(|error| cause::refused("bring up the sandbox's loopback network", &error))?;
    let build = root::make(&spec.setup, &mut abilities)?;
    if spec.observe.is_some() {
        be_marked(helper).map_err(|error| cause::refused("show the sandbox's root to its helper", &error))?;
    }
    await_go(helper)?;
    payload::limit_processes(&spec.setup, abilities)
        .map_err(|error| cause::refused("limit processes", &error))?;
    sys::block_sigchld();
    match sys::fork_into(0).map_err(|error| cause::refused("start the command", &error))? {
        0 => payload::run(spec, helper, build, abilities),
        command => {
            drop(build);
            payload::drop_power().map_err(|error| cause::refused("give up capabilities", &error))?;
            reap(command, helper, abilities.processes);
            Ok(())
        }
    }
}

fn die_with_helper() -> io::Result<()> {
    Ok(rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?)
}

/// Waits for the helper's word; a helper that died before our death signal was set is seen here.
fn await_go(helper: &OwnedFd) -> Result<(), Failure> {
    match message::receive(helper, RecvFlags::empty()) {
        Ok(Some((Word::Go, _))) => Ok(()),
        _ => Err(Failure::Setup("the sandbox's helper is gone".to_string())),
    }
}

/// The helper marks our mounts from outside, where there is power for it, and lets us go on.
fn be_marked(helper: &OwnedFd) -> io::Result<()> {
    let root = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    message::send(helper, &Word::Mounted, &[root.as_fd()])?;
    await_go(helper).map_err(|_| io::ErrorKind::BrokenPipe.into())
}

fn name_machine(spec: &Spec) -> io::Result<()> {
    rustix::system::sethostname(spec.setup.face.hostname.as_bytes())?;
    rustix::system::setdomainname(b"(none)")?;
    // What we mount stays with us, and what the host mounts from now on does not reach us.
    rustix::mount::mount_change("/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    Ok(())
}

/// An own network with only a loopback: tests of what is built talk to themselves.
fn network() -> io::Result<()> {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0))?;
    sys::loopback_up(socket.as_fd())
}

/// Reaps whatever ends until the command does, and says how it ended.
fn reap(command: i32, helper: &OwnedFd, processes: Limiter) {
    loop {
        while let Some(reaped) = sys::wait_any(libc::WNOHANG) {
            if reaped.pid == command {
                message::send(helper, &Word::Status(reaped.status), &[]).ok();
                return;
            }
        }
        sys::await_child(FORK_PROBE_S);
        if processes == Limiter::Rlimit && !can_fork() {
            message::send(helper, &Word::Exhausted, &[]).ok();
        }
    }
}

fn can_fork() -> bool {
    match sys::fork_into(0) {
        Ok(0) => std::process::exit(0),
        Ok(pid) => sys::wait_for(pid, 0).is_some(),
        Err(error) => error.raw_os_error() != Some(libc::EAGAIN),
    }
}
