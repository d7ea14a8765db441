//! Ties a child to us: it is killed when we die, however we die.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Signal, getpid, getppid, set_parent_process_death_signal};

/// Starts `command` so that it dies with the *thread* that called this: the kernel ties the signal to threads.
/// It gets a process group of its own, so that a terminal's Ctrl-C reaches only us.
pub(super) fn spawn(mut command: Command) -> io::Result<Child> {
    let us = getpid();
    command.process_group(0);
    // SAFETY: between fork and exec only system calls are made: nothing is allocated, no lock is taken.
    unsafe {
        command.pre_exec(move || {
            set_parent_process_death_signal(Some(Signal::KILL))?;
            // We may have died before the line above.
            if getppid() == Some(us) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
        });
    }
    command.spawn()
}
