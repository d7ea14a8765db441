//! Processes: a service with its pipes, its checker, its probe. All of them confined alike.

use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::chown;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid};

use super::cgroup::Cgroup;
use super::end::End;
use super::enter::{self, STARTED};
use super::room::{Job, OWN, Room};
use crate::console::say;
use crate::lines::{Lines, Rest};
use crate::passwd::User;
use crate::sys::child;
use host::error::{Error, Result};
use host::role::{Ready, Service};

/// A process that has become its program.
pub struct Started {
    pub pid: Pid,
    /// What the one that stands for it says at the end ([`enter`]).
    pub end: File,
}

/// What a service is started with besides its room: what it writes to, and what it is handed.
pub struct Handed<'s> {
    pub output: OwnedFd,
    pub sockets: &'s [OwnedFd],
    pub ready: Option<OwnedFd>,
}

/// A checker reads files; one that hangs must not hang the machine.
pub const CHECK_MAX: Duration = Duration::from_secs(30);
/// To be the program: a few hundred system calls.
const START_MAX: Duration = Duration::from_secs(10);
/// Above all that a service is handed.
const HIGH: i32 = 512;

/// Starts the service's own program.
pub fn service(service: &Service, room: &Room, cgroup: Option<&Cgroup>, handed: Handed) -> Result<Started> {
    let tried = || Error::world(format!("start `{}`", service.run.join(" ")));
    let mut job = Job::new(&service.run)?;
    let mut fds = stdio(&handed.output).map_err(tried())?;
    for fd in handed.sockets.iter().chain(&handed.ready) {
        fds.push(high(fd).map_err(tried())?);
    }
    if !handed.sockets.is_empty() {
        job.set("LISTEN_FDS", &handed.sockets.len().to_string());
        job.set("LISTEN_FDNAMES", &service.listen.iter().map(|one| one.name()).collect::<Vec<_>>().join(":"));
        job.set_pid("LISTEN_PID");
    }
    if speaks(service) {
        job.set("NOTIFY_SOCKET", &format!("{OWN}/notify"));
        job.asks = true;
    }
    if let Some(s) = service.watchdog_s {
        job.set("WATCHDOG_USEC", &(s * 1_000_000).to_string());
        job.set_pid("WATCHDOG_PID");
    }
    start(room, job, &fds, cgroup, &service.run.join(" "))
}

/// Whether it has a socket to say things of itself.
pub fn speaks(service: &Service) -> bool {
    service.ready == Ready::Notify || service.watchdog_s.is_some()
}

/// Runs the service's `check` to its end.
pub fn check(name: &str, service: &Service, room: &Room, cgroup: Option<&Cgroup>) -> Result<()> {
    if service.check.is_empty() {
        return Ok(());
    }
    let words = service.check.join(" ");
    let tried = || Error::world(format!("start `{words}`"));
    let (reader, writer) = pipe().map_err(tried())?;
    let fds = stdio(&writer).map_err(tried())?;
    let started = start(room, Job::new(&service.check)?, &fds, cgroup, &words)?;
    drop((fds, writer));
    let (mut said, mut lines) = (Vec::new(), Lines::new(reader));
    let ended = ended_within(started.pid, CHECK_MAX, &mut lines, |line| said.push(line.to_string()));
    if !ended {
        kill_process(started.pid, Signal::KILL).unwrap_or_default();
    }
    let status =
        waitpid(Some(started.pid), WaitOptions::empty()).map_err(Error::world("wait for the checker"))?;
    let status = status.map_or(0, |(_, status)| status.as_raw());
    let end = End::of(&started.end, status);
    if ended && end.is_good() {
        return Ok(());
    }
    said.iter().take(100).for_each(|line| say(format_args!("{name}: {line}")));
    let did = if ended { end.to_string() } else { format!("did not end within {} s", CHECK_MAX.as_secs()) };
    Err(Error::Service { service: name.into(), did: format!("`{words}` {did}") })
}

/// Starts a probe or a command of the service's; what it writes goes to `output`, or nowhere.
pub fn command(
    argv: &[String],
    room: &Room,
    cgroup: Option<&Cgroup>,
    output: Option<OwnedFd>,
) -> Result<Started> {
    let words = argv.join(" ");
    let tried = || Error::world(format!("start `{words}`"));
    let output = match output {
        Some(output) => output,
        None => null(true).map_err(tried())?,
    };
    start(room, Job::new(argv)?, &stdio(&output).map_err(tried())?, cgroup, &words)
}

/// Folders made where they are not, owned by the service's user.
pub fn make_writable(folders: &[String], user: User) -> Result<()> {
    folders.iter().try_for_each(|folder| {
        fs::create_dir_all(folder).map_err(Error::world(format!("make {folder}")))?;
        chown(folder, Some(user.uid), Some(user.gid))
            .map_err(Error::world(format!("give {folder} its owner")))
    })
}

fn stdio(output: &OwnedFd) -> io::Result<Vec<OwnedFd>> {
    Ok(vec![high(&null(false)?)?, high(output)?, high(output)?])
}

fn null(write: bool) -> io::Result<OwnedFd> {
    Ok(File::options().read(!write).write(write).open("/dev/null")?.into())
}

/// A copy whose number no other takes in the child.
fn high(fd: &OwnedFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, HIGH)?)
}

#[cfg(not(feature = "observe"))]
fn start(room: &Room, job: Job, fds: &[OwnedFd], cgroup: Option<&Cgroup>, words: &str) -> Result<Started> {
    begin(room, job, fds, cgroup, words)
}

/// The tracer confines what it starts, and is not confined itself.
#[cfg(feature = "observe")]
fn start(
    room: &Room,
    mut job: Job,
    fds: &[OwnedFd],
    cgroup: Option<&Cgroup>,
    words: &str,
) -> Result<Started> {
    let Some((traced, port)) = crate::observe::watched(&job.words, room.user, room.keep) else {
        return begin(room, job, fds, cgroup, words);
    };
    let tried = Error::world("copy a port");
    let port = port.try_clone_to_owned().and_then(|port| high(&port)).map_err(tried)?;
    job.run(&traced)?;
    (job.also, job.asks) = (Some((port, crate::observe::PORT_FD)), false);
    begin(&Room { bare: true, ..room.clone() }, job, fds, None, words)
}

fn begin(
    room: &Room,
    mut job: Job,
    fds: &[OwnedFd],
    cgroup: Option<&Cgroup>,
    words: &str,
) -> Result<Started> {
    let tried = || Error::world(format!("start `{words}`"));
    job.seal();
    let (reader, writer) = io::pipe().map_err(tried())?;
    let (reader, writer) = (File::from(OwnedFd::from(reader)), high(&writer.into()).map_err(tried())?);
    let namespaces = if room.bare { 0 } else { room.namespaces };
    let pid = child::clone(namespaces).map_err(tried())?;
    if pid == 0 {
        enter::enter(room, &mut job, cgroup.map(|group| group.door().as_fd()), fds, writer.as_fd());
    }
    drop(writer);
    let pid = Pid::from_raw(pid).ok_or_else(|| Error::input("a process without a number"))?;
    let fault = match poll_in(reader.as_fd(), START_MAX) {
        false => Some(("is no program yet after 10 s", io::ErrorKind::TimedOut.into())),
        // Closed by exec, or told by the one that stands for it.
        true => match enter::read_record(&reader) {
            None | Some((STARTED, _)) => None,
            Some((step, errno)) => Some((enter::step_name(step), io::Error::from_raw_os_error(errno as i32))),
        },
    };
    if let Some((step, cause)) = fault {
        kill_process(pid, Signal::KILL).unwrap_or_default();
        waitpid(Some(pid), WaitOptions::empty()).unwrap_or_default();
        return Err(Error::world(format!("start `{words}`: {step}"))(cause));
    }
    rustix::io::ioctl_fionbio(&reader, true).map_err(|cause| tried()(cause.into()))?;
    Ok(Started { pid, end: reader })
}

/// The agent's end does not block.
pub fn pipe() -> io::Result<(File, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((File::from(OwnedFd::from(reader)), writer.into()))
}

/// Waits for the end of a process, and reads meanwhile what it writes, so that it never waits for us. It is not reaped.
fn ended_within(pid: Pid, limit: Duration, lines: &mut Lines<File>, mut take: impl FnMut(&str)) -> bool {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
    let end = Instant::now() + limit;
    loop {
        let left = end.saturating_duration_since(Instant::now());
        let reader = lines.reader();
        let mut fds = [PollFd::new(&process, PollFlags::IN), PollFd::new(reader, PollFlags::IN)];
        poll(&mut fds, Some(&timespec(left))).unwrap_or_default();
        let ended = fds[0].revents().contains(PollFlags::IN);
        let closed = lines.drain_some(64 << 10, &mut take) == Rest::Closed;
        if ended || left.is_zero() {
            return ended;
        }
        if closed {
            return poll_in(process.as_fd(), end.saturating_duration_since(Instant::now()));
        }
    }
}

/// What is readable when the service's main process has ended: the word of the one that stands for it (which may wait for
/// ours), else the process itself.
pub fn end_watch(started: &Started, room: &Room) -> io::Result<OwnedFd> {
    if room.namespaces & libc::CLONE_NEWPID != 0 && !room.bare {
        return Ok(started.end.try_clone()?.into());
    }
    Ok(pidfd_open(started.pid, PidfdFlags::empty())?)
}

fn timespec(limit: Duration) -> Timespec {
    Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) }
}

pub fn poll_in(fd: std::os::fd::BorrowedFd, limit: Duration) -> bool {
    poll(&mut [PollFd::from_borrowed_fd(fd, PollFlags::IN)], Some(&timespec(limit)))
        .is_ok_and(|count| count > 0)
}
