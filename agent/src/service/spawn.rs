//! Processes: a service with its pipes, its checker, its probe. All of them confined alike.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::mount::{MountPropagationFlags, mount_bind, mount_change};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process_group, pidfd_open, waitpid,
};
use rustix::thread::CapabilitySet;

use super::confine;
use super::ready::Word;
use crate::console::say;
use crate::lines::Lines;
use crate::passwd::User;
use crate::sys;
use crate::wait::{News, Waiter};
use host::error::{Error, Result};
use host::role::{Ready, Service};

pub type Output = Lines<File>;

pub struct Spawned {
    pub pid: Pid,
    pub output: Output,
    pub word: Option<Word>,
}

/// Where the assembler links the programs of all kegs.
const PATH: &str = "/bin";
/// s6's convention leaves the number to the service; three is what nearly all take.
const READY_FD: i32 = 3;
/// A checker reads files; one that hangs must not hang the machine.
pub const CHECK_MAX: Duration = Duration::from_secs(30);

/// Starts it, and has its output and its word watched as number `at`.
pub fn service(name: &str, service: &Service, user: User, waiter: &Waiter, at: u32) -> Result<Spawned> {
    let tried = || Error::world(format!("start `{}`", service.run.join(" ")));
    let (reader, writer) = output_pipe().map_err(tried())?;
    let mut command = command(&service.run, service, user)?;
    command.stdout(writer.try_clone().map_err(tried())?).stderr(writer);
    let (word, fd) = word(name, service, user, &mut command)?;
    waiter.watch(&reader, News::Output(at)).map_err(tried())?;
    match &word {
        Some(Word::Notify(socket)) => waiter.watch(socket, News::Word(at)).map_err(tried())?,
        Some(Word::Fd(pipe)) => waiter.watch(pipe, News::Word(at)).map_err(tried())?,
        None => {}
    }
    let pid = start(command).map_err(tried())?;
    drop(fd);
    Ok(Spawned { pid, output: Lines::new(reader), word })
}

/// The agent's end, and the service's, which must live until the service has been started.
fn word(
    name: &str,
    service: &Service,
    user: User,
    command: &mut Command,
) -> Result<(Option<Word>, Option<OwnedFd>)> {
    match service.ready {
        Ready::Notify => {
            let path = format!("/run/rootbrew/{name}.notify");
            command.env("NOTIFY_SOCKET", &path);
            Ok((Some(Word::notify(&path, user)?), None))
        }
        Ready::Fd => {
            let (reader, writer) = output_pipe().map_err(Error::world("make a pipe"))?;
            // Above the number that it gets in the child, so that the two are never one.
            let writer = rustix::io::fcntl_dupfd_cloexec(&writer, 10).map_err(Error::world("make a pipe"))?;
            let fd = writer.try_clone().map_err(Error::world("make a pipe"))?;
            sys::before_exec(command, move || sys::duplicate_onto(writer.as_fd(), READY_FD));
            Ok((Some(Word::Fd(reader)), Some(fd)))
        }
        _ => Ok((None, None)),
    }
}

/// Runs the service's `check` to its end.
pub fn check(name: &str, service: &Service, user: User) -> Result<()> {
    if service.check.is_empty() {
        return Ok(());
    }
    let tried = || Error::world(format!("start `{}`", service.check.join(" ")));
    let (reader, writer) = output_pipe().map_err(tried())?;
    let mut command = command(&service.check, service, user)?;
    command.stdout(writer.try_clone().map_err(tried())?).stderr(writer);
    let pid = start(command).map_err(tried())?;
    let ended = poll_end(pid, CHECK_MAX);
    if !ended {
        kill_process_group(pid, Signal::KILL).unwrap_or_default();
    }
    let status = waitpid(Some(pid), WaitOptions::empty()).map_err(Error::world("wait for the checker"))?;
    let mut said = Vec::new();
    Lines::new(reader).drain(|line| said.push(line.to_string()));
    match status {
        Some((_, status)) if ended && status.exit_status() == Some(0) => Ok(()),
        Some((_, status)) => {
            said.iter().for_each(|line| say(format_args!("{name}: {line}")));
            let did = format!("`{}` {}", service.check.join(" "), describe(status));
            Err(Error::Service { service: name.into(), did })
        }
        None => Ok(()),
    }
}

/// Starts a checker that sees `views` in their places; the reader of what it says does not block.
pub fn checker(
    argv: &[String],
    service: &Service,
    user: User,
    views: &BTreeMap<PathBuf, PathBuf>,
) -> io::Result<(Pid, File)> {
    let other = |fault: Error| io::Error::other(fault.to_string());
    let views = views.iter().map(|(at, what)| Ok((c_path(at)?, c_path(what)?))).collect::<io::Result<_>>()?;
    let (reader, writer) = output_pipe()?;
    let mut command = command_with(argv, service, user, views).map_err(other)?;
    command.stdout(writer.try_clone()?).stderr(writer);
    Ok((start(command)?, reader))
}

fn c_path(path: &Path) -> io::Result<CString> {
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// In the child, before anything is given up: a view of the machine's files of its own.
fn show(views: &[(CString, CString)]) -> io::Result<()> {
    sys::own_mounts()?;
    let propagation = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change(c"/", propagation)?;
    views.iter().try_for_each(|(at, what)| Ok(mount_bind(what.as_c_str(), at.as_c_str())?))
}

/// Starts a probe; its output goes nowhere.
pub fn quiet(argv: &[String], service: &Service, user: User) -> io::Result<Pid> {
    let mut command = command(argv, service, user).map_err(|fault| io::Error::other(fault.to_string()))?;
    command.stdout(Stdio::null()).stderr(Stdio::null());
    start(command)
}

/// Folders made where they are not, owned by the service's user.
pub fn make_writable(folders: &[String], user: User) -> Result<()> {
    folders.iter().try_for_each(|folder| {
        fs::create_dir_all(folder).map_err(Error::world(format!("make {folder}")))?;
        chown(folder, Some(user.uid), Some(user.gid))
            .map_err(Error::world(format!("give {folder} its owner")))
    })
}

fn command(argv: &[String], service: &Service, user: User) -> Result<Command> {
    command_with(argv, service, user, Vec::new())
}

fn command_with(
    argv: &[String],
    service: &Service,
    user: User,
    views: Vec<(CString, CString)>,
) -> Result<Command> {
    let keep = confine::capabilities(&service.caps)
        .map_err(|word| Error::input(format!("no capability `{word}`")))?;
    let (program, arguments) = argv.split_first().ok_or_else(|| Error::input("an empty command"))?;
    let mut command = confined(program, arguments, user, keep, views);
    command.env_clear().env("PATH", PATH).env("HOME", "/").current_dir("/").stdin(Stdio::null());
    Ok(command)
}

fn confined(
    program: &str,
    arguments: &[String],
    user: User,
    keep: CapabilitySet,
    views: Vec<(CString, CString)>,
) -> Command {
    #[cfg(feature = "observe")]
    if let Some(watched) = crate::observe::watched(program, arguments, user, keep) {
        return watched;
    }
    let mut command = Command::new(program);
    command.args(arguments);
    if !views.is_empty() {
        sys::before_exec(&mut command, move || show(&views));
    }
    sys::before_exec(&mut command, move || confine::apply(user, keep));
    command
}

fn start(mut command: Command) -> io::Result<Pid> {
    let child = command.spawn()?;
    // Not the child's own `wait`: the agent reaps all children in one place.
    Pid::from_raw(child.id() as i32).ok_or_else(|| io::Error::other("a process without a number"))
}

/// The reader does not block.
fn output_pipe() -> io::Result<(File, OwnedFd)> {
    let (reader, writer) = io::pipe()?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((File::from(OwnedFd::from(reader)), writer.into()))
}

/// Reaps `pid` if it ends in time.
pub fn ended_within(pid: Pid, limit: Duration) -> bool {
    let ended = poll_end(pid, limit);
    if ended {
        // Gone already when the reaper was first: as good.
        waitpid(Some(pid), WaitOptions::NOHANG).unwrap_or_default();
    }
    ended
}

fn poll_end(pid: Pid, limit: Duration) -> bool {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return true };
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
    poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)).is_ok_and(|count| count > 0)
}

pub fn describe(status: WaitStatus) -> String {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => format!("exited with {code}"),
        (_, Some(signal)) => format!("was ended by signal {signal}"),
        _ => "ended".into(),
    }
}
