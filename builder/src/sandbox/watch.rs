//! The watch over one sandbox, by the helper: until nothing inside is alive, and why.
//!
//! It sleeps in one `poll` over the caller's socket, init's socket, init's pidfd and the cgroup's event files. The only
//! thing that is looked at by time are the bytes in `/build`, because no file system tells: one `statfs` each time that the
//! disk could, at [`DISK_BYTES_PER_S`], have filled what is left; a folder is walked only when its file system lost that
//! much.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::net::RecvFlags;
use rustix::process::{Pid, PidfdFlags, Signal};

use super::cause;
use super::cgroup::Cgroup;
use super::message::{self, Failure, Spec, Terminal, Word};
use super::observe::{self, Observer, Opened};
use super::outputs;
use super::setup::{Build, End, Limiter};
use super::sys;

/// Faster than the disks of builders write; memory is bounded by its tmpfs anyway.
const DISK_BYTES_PER_S: u64 = 2 << 30;

/// A compiler opens hundreds of files a second: to be woken for each costs the build more than to hear them together.
/// The queue holds 16,384 events, which no build of a few cores makes in this time.
const REST: Duration = Duration::from_millis(5);

/// The sandbox's first process, killed when this is dropped before its end.
pub struct Init {
    pub pid: i32,
    pidfd: OwnedFd,
}

pub struct Watch<'a> {
    pub control: &'a OwnedFd,
    pub init: &'a Init,
    pub inner: &'a OwnedFd,
    pub cgroup: &'a Cgroup,
    pub spec: &'a Spec,
    pub started: Instant,
    /// Where this machine lets us hear what is opened.
    pub observer: Option<Observer>,
}

/// What was seen of a sandbox that is over.
pub struct Seen {
    pub end: End,
    pub cpu_s: f64,
    pub largest_bytes: u64,
    pub opened: Option<Opened>,
}

/// What is known while it runs.
#[derive(Default)]
struct Known {
    /// Why we ended it, if we did.
    reason: Option<End>,
    status: Option<i32>,
    failure: Option<Failure>,
    bytes: Option<Bytes>,
    inner_closed: Option<()>,
    memory: Option<Limiter>,
    /// Since the mounts are marked.
    opened: Option<Opened>,
    /// When to hear again.
    deaf_until: Option<Instant>,
    /// Held to the end, so that the last events still have paths.
    mounts: Option<OwnedFd>,
}

impl Known {
    /// How long the observer still rests.
    fn rest_left(&self) -> Duration {
        self.deaf_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(Instant::now()))
    }
}

impl Init {
    pub fn new(pid: i32) -> io::Result<Init> {
        let raw = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Init { pid, pidfd: rustix::process::pidfd_open(raw, PidfdFlags::empty())? })
    }

    fn kill(&self) {
        // Fails only when it is dead already.
        rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL).ok();
    }
}

impl Drop for Init {
    fn drop(&mut self) {
        self.kill();
        sys::wait_for(self.pid, 0);
    }
}

impl Watch<'_> {
    pub fn until_end(&self) -> Result<Seen, Failure> {
        let mut known = Known::default();
        let events = self.cgroup.events();
        events.iter().for_each(rearm);
        while !self.is_over(&events, &mut known) {
            known.reason = known.reason.or_else(|| self.exceeded(&mut known));
            if known.reason.is_some() {
                self.init.kill();
            }
        }
        // The kernel ends every process of the namespace before init can be reaped.
        let reaped = sys::wait_for(self.init.pid, 0);
        while self.hear_inner(&mut known, RecvFlags::DONTWAIT) {}
        self.hear_opened(&mut known);
        let opened = known.opened.take();
        let (cpu_s, largest_bytes) = reaped.map_or((0.0, 0), |reaped| (reaped.cpu_s, reaped.largest_bytes));
        match known.failure.take() {
            Some(failure) if known.reason.is_none() => Err(failure),
            _ => self.judge(&known, largest_bytes).map(|end| Seen { end, cpu_s, largest_bytes, opened }),
        }
    }

    /// Sleeps until something happens; hears what was said; true when init is dead.
    fn is_over(&self, events: &[File], known: &mut Known) -> bool {
        // A closed socket would wake us for ever: then init's death is asked for twice.
        let said = if known.inner_closed.is_some() { &self.init.pidfd } else { self.inner };
        // Without an observer, or while it rests, the pidfd stands for it too.
        let ears = self.observer.as_ref().filter(|_| known.rest_left() == Duration::ZERO);
        let heard = ears.map_or(self.init.pidfd.as_fd(), Observer::fd);
        let mut polled = vec![
            PollFd::new(&self.init.pidfd, PollFlags::IN),
            PollFd::new(said, PollFlags::IN),
            PollFd::from_borrowed_fd(heard, PollFlags::IN),
        ];
        if known.reason.is_none() {
            polled.push(PollFd::new(self.control, PollFlags::IN | PollFlags::RDHUP));
            polled.extend(events.iter().map(|file| PollFd::new(file, PollFlags::PRI)));
        }
        let sleep = self.sleep(known);
        if rustix::event::poll(&mut polled, sleep.as_ref()).is_err() {
            return false;
        }
        let woken: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
        if woken[1] && !woken[0] {
            self.hear_inner(known, RecvFlags::DONTWAIT);
        }
        if woken[2] {
            self.hear_opened(known);
            known.deaf_until = Some(Instant::now() + REST);
        }
        // All that the caller says after the beginning is that it says no more: it cancels, or is dead.
        if woken.get(3) == Some(&true) {
            known.reason = known.reason.or(Some(End::Cancelled));
        }
        events.iter().for_each(rearm);
        woken[0]
    }

    fn sleep(&self, known: &Known) -> Option<Timespec> {
        if known.reason.is_some() {
            return None;
        }
        let time = self.deadline().map(|deadline| deadline.saturating_duration_since(Instant::now()));
        let bytes = known.bytes.as_ref().map(|bytes| bytes.next.saturating_duration_since(Instant::now()));
        let rest = Some(known.rest_left()).filter(|rest| !rest.is_zero());
        let sleep = [time, bytes, rest].into_iter().flatten().min()?;
        // A millisecond more, so that what is due is due when we wake.
        let sleep = sleep + Duration::from_millis(1);
        Some(Timespec { tv_sec: sleep.as_secs() as i64, tv_nsec: sleep.subsec_nanos().into() })
    }

    fn deadline(&self) -> Option<Instant> {
        let wall = Duration::try_from_secs_f64(self.spec.setup.limits.wall_s).ok()?;
        (self.spec.terminal == Terminal::None).then_some(())?;
        self.started.checked_add(wall)
    }

    fn exceeded(&self, known: &mut Known) -> Option<End> {
        if self.deadline().is_some_and(|deadline| Instant::now() >= deadline) {
            return Some(End::OutOfTime);
        }
        if self.cgroup.ran_out_of_processes() {
            return Some(End::TooManyProcesses);
        }
        let too_many = known.bytes.as_mut().is_some_and(Bytes::are_too_many_now);
        too_many.then_some(End::TooManyBytes)
    }

    /// False when there is nothing (more) to hear.
    fn hear_inner(&self, known: &mut Known, flags: RecvFlags) -> bool {
        let Ok(Some((word, fds))) = message::receive(self.inner, flags) else {
            known.inner_closed = Some(());
            return false;
        };
        match word {
            Word::Started(abilities) => {
                known.memory = Some(abilities.memory);
                let beside: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
                // A caller that is gone is seen by its socket.
                message::send(self.control, &Word::Started(abilities), &beside).ok();
                let setup = &self.spec.setup;
                known.bytes =
                    fds.into_iter().next().map(|fd| Bytes::new(fd, &setup.build, setup.limits.output_bytes));
            }
            Word::Status(status) => known.status = Some(status),
            Word::Exhausted => known.reason = Some(End::TooManyProcesses),
            Word::Failed(failure) => known.failure = Some(failure),
            Word::Mounted => self.observe(known, &fds),
            Word::Begin | Word::Go | Word::Ended(_) => {}
        }
        true
    }

    /// Marks what is mounted and lets init go on; what can't be marked is not observed.
    fn observe(&self, known: &mut Known, fds: &[OwnedFd]) {
        if let (Some(observer), [root, ..]) = (&self.observer, fds) {
            known.mounts = observe::keep_mounts(self.init.pid).ok();
            let marked = observer.mark(root.as_fd(), &self.spec.setup);
            known.opened = (marked.is_ok() && known.mounts.is_some()).then(Opened::default);
        }
        // Init's death is seen by its pidfd.
        message::send(self.inner, &Word::Go, &[]).ok();
    }

    fn hear_opened(&self, known: &mut Known) {
        if let Some(observer) = &self.observer {
            // Events of marks that were set before one failed are taken out of the way, and forgotten.
            observer.hear(known.opened.as_mut().unwrap_or(&mut Opened::default()));
        }
    }

    /// The end, with the limit as its reason where one was met and the command did not succeed all the same.
    fn judge(&self, known: &Known, largest_bytes: u64) -> Result<End, Failure> {
        if let Some(reason) = known.reason {
            return Ok(reason);
        }
        let limits = &self.spec.setup.limits;
        let end = known.status.map(decode);
        // An allocation that is refused leaves no other trace than a large process that failed.
        let refused_memory =
            known.memory == Some(Limiter::Rlimit) && largest_bytes >= limits.memory_bytes / 8 * 7;
        match end {
            Some(End::Exited(0)) => Ok(End::Exited(0)),
            _ if self.cgroup.ran_out_of_memory() => Ok(End::OutOfMemory),
            _ if self.cgroup.ran_out_of_processes() => Ok(End::TooManyProcesses),
            Some(end) if end.code() == Some(128 + libc::SIGXFSZ) => Ok(End::TooManyBytes),
            _ if known.bytes.as_ref().is_some_and(Bytes::are_too_many) => Ok(End::TooManyBytes),
            Some(_) if refused_memory => Ok(End::OutOfMemory),
            Some(end) => Ok(end),
            None => Err(cause::refused(
                "keep the sandbox's first process alive",
                &io::ErrorKind::BrokenPipe.into(),
            )),
        }
    }
}

/// A cgroup's event file wakes until it was read.
fn rearm(event: &File) {
    // A group that is gone tells nothing more.
    event.read_at(&mut [0; 256], 0).ok();
}

fn decode(status: i32) -> End {
    if libc::WIFEXITED(status) {
        End::Exited(libc::WEXITSTATUS(status))
    } else {
        End::Signalled(libc::WTERMSIG(status))
    }
}

/// The bytes in `/build`.
struct Bytes {
    build: OwnedFd,
    on_disk: Option<u64>,
    limit: u64,
    next: Instant,
}

impl Bytes {
    fn new(fd: OwnedFd, build: &Build, limit: u64) -> Bytes {
        let on_disk = matches!(build, Build::Folder(_)).then(|| free_bytes(&fd).unwrap_or(0));
        let mut bytes = Bytes { build: fd, on_disk, limit, next: Instant::now() };
        bytes.plan(limit);
        bytes
    }

    fn plan(&mut self, left_bytes: u64) {
        let wait_s = (left_bytes / DISK_BYTES_PER_S).clamp(1, 30);
        self.next = Instant::now() + Duration::from_secs(wait_s);
    }

    fn are_too_many_now(&mut self) -> bool {
        if Instant::now() < self.next {
            return false;
        }
        let used = self.used_at_most();
        self.plan(self.limit.saturating_sub(used));
        used >= self.limit && self.are_too_many()
    }

    /// Bytes that `/build` can have taken, from `statfs` alone. Other writers of the same disk count too.
    fn used_at_most(&self) -> u64 {
        match self.on_disk {
            Some(before) => before.saturating_sub(free_bytes(&self.build).unwrap_or(before)),
            // A page that a failed write could not have: full.
            None => rustix::fs::fstatfs(&self.build)
                .map_or(0, |stat| (stat.f_blocks - stat.f_bfree + 1).saturating_mul(stat.f_bsize as u64)),
        }
    }

    fn are_too_many(&self) -> bool {
        let used = self.used_at_most();
        used >= self.limit
            && (self.on_disk.is_none() || outputs::disk_bytes(&self.build, self.limit) >= self.limit)
    }
}

fn free_bytes(fd: &OwnedFd) -> Option<u64> {
    let stat = rustix::fs::fstatfs(fd).ok()?;
    Some(stat.f_bfree.saturating_mul(stat.f_bsize as u64))
}
