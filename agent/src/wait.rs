//! The one place where the agent sleeps: epoll over everything that may have news.
//!
//! Edge-triggered, so that a control port without a host behind it (which hangs up for ever) wakes nobody. Whoever is
//! told must therefore read until there is nothing more. A time limit is only given while something is due.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

/// Who has news; the number is the caller's own index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum News {
    Signal,
    Control(u32),
    /// A service wrote to its standard output or error.
    Output(u32),
    /// A service said something of itself.
    Word(u32),
    /// The network's own epoll has some.
    Network,
    /// Somebody wants to ask over the socket.
    Knock,
    /// The environment's folder was written to.
    Environment,
    /// A service's main process has ended, or the time of one that runs at times has come, or the clock was set.
    Ended(u32),
    Timer(u32),
    Syslog,
    /// A service was refused a task.
    Tasks(u32),
    /// The shell of a way wrote, or can be typed to.
    Shell(u32),
}

pub struct Waiter(OwnedFd);

impl Waiter {
    pub fn new() -> io::Result<Waiter> {
        Ok(Waiter(epoll::create(epoll::CreateFlags::CLOEXEC)?))
    }

    /// Closing the descriptor ends the watch.
    pub fn watch(&self, source: impl AsFd, news: News) -> io::Result<()> {
        self.add(source, news, epoll::EventFlags::IN)
    }

    /// There is news too when what could not be written can be.
    pub fn watch_both(&self, source: impl AsFd, news: News) -> io::Result<()> {
        self.add(source, news, epoll::EventFlags::IN | epoll::EventFlags::OUT)
    }

    fn add(&self, source: impl AsFd, news: News, flags: epoll::EventFlags) -> io::Result<()> {
        let data = epoll::EventData::new_u64(pack(news));
        Ok(epoll::add(&self.0, source, data, flags | epoll::EventFlags::ET)?)
    }

    /// The kernel's own files tell so that they have changed.
    pub fn watch_urgent(&self, source: impl AsFd, news: News) -> io::Result<()> {
        self.add(source, news, epoll::EventFlags::PRI)
    }

    /// The same for one who may leave news for the next turn: it wakes until there is none.
    pub fn watch_level(&self, source: impl AsFd, news: News) -> io::Result<()> {
        Ok(epoll::add(&self.0, source, epoll::EventData::new_u64(pack(news)), epoll::EventFlags::IN)?)
    }

    /// Sleeps until there is news or `due` has come.
    pub fn wait(&self, due: Option<Instant>) -> io::Result<Vec<News>> {
        let left = due.map(|due| due.saturating_duration_since(Instant::now()));
        let mut events = Vec::with_capacity(16);
        match epoll::wait(&self.0, spare_capacity(&mut events), left.map(timespec).as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(cause) => return Err(cause.into()),
        }
        Ok(events.iter().map(|event| unpack(event.data.u64())).collect())
    }
}

/// Rounded up to a millisecond, so that a wait does not end just before its time and spin.
fn timespec(left: Duration) -> Timespec {
    let left = Duration::from_millis(left.as_micros().div_ceil(1000) as u64);
    Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) }
}

fn pack(news: News) -> u64 {
    let (kind, index) = match news {
        News::Signal => (0, 0),
        News::Control(index) => (1, index),
        News::Output(index) => (2, index),
        News::Word(index) => (3, index),
        News::Network => (6, 0),
        News::Knock => (4, 0),
        News::Environment => (5, 0),
        News::Ended(index) => (7, index),
        News::Timer(index) => (8, index),
        News::Syslog => (9, 0),
        News::Tasks(index) => (11, index),
        News::Shell(index) => (10, index),
    };
    kind << 32 | u64::from(index)
}

fn unpack(data: u64) -> News {
    let index = data as u32;
    match data >> 32 {
        0 => News::Signal,
        1 => News::Control(index),
        2 => News::Output(index),
        3 => News::Word(index),
        4 => News::Knock,
        6 => News::Network,
        5 => News::Environment,
        7 => News::Ended(index),
        8 => News::Timer(index),
        11 => News::Tasks(index),
        10 => News::Shell(index),
        _ => News::Syslog,
    }
}
