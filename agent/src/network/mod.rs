//! The machine's place in the network: loopback, its interfaces, `/run/etc/resolv.conf`.
//!
//! ```text
//! [network] ─▶ choose ─▶ Link ─┬─ static
//!                              ├─ as the kernel was told (`ip=`)       all of them wait in one epoll of their own,
//!                              └─ DHCP, its leases kept                which is one descriptor for whoever else waits
//! ```
//! Nothing here blocks but [`Network::settle`], which has its limit. What others say on the network is never believed
//! more than its form; what they do not say is asked again, ever more seldom.

mod choose;
mod link;
mod resolv;

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use rustix::buffer::spare_capacity;
use rustix::event::{PollFd, PollFlags, Timespec, epoll, poll};
use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, clock_gettime, timerfd_create,
    timerfd_settime,
};

use crate::dhcp::Moment;
use crate::events::tell;
use crate::netlink::{Ear, Netlink, News};
use host::error::{Error, Result};
use host::network as wanted;
use link::Link;

const RESOLV: &str = "/run/etc/resolv.conf";
/// How long a start waits for an address. What comes later is taken all the same.
pub const SETTLE_MAX: Duration = Duration::from_secs(16);
/// A machine that has its place by IPv6 waits no longer than that for DHCP.
const IPV4_MAX: Duration = Duration::from_secs(3);
/// Of one turn: a flood must not hold the loop. What is left is news again.
const ROUNDS_MAX: usize = 16;
const EAR: u64 = 0;
const TIMER: u64 = 1;

pub struct Network {
    epoll: OwnedFd,
    timer: OwnedFd,
    ear: Ear,
    netlink: Netlink,
    wanted: wanted::Network,
    links: Vec<Link>,
    /// As it stands in the file.
    resolv: String,
    started: Moment,
}

/// Since the machine started, pauses of a guest counted.
fn now() -> Moment {
    let now = clock_gettime(ClockId::Boottime);
    Duration::new(now.tv_sec as u64, now.tv_nsec as u32)
}

/// Brings loopback up. Needs `/sys`.
pub fn loopback() -> Result<()> {
    let up = || Netlink::open()?.up(1); // lo is the first interface of every network namespace
    up().map_err(Error::world("bring up lo"))
}

impl Network {
    /// Brings every interface up that is asked for. Who gets an address from others gets it later.
    ///
    /// # Errors
    /// An interface is described that is not there.
    pub fn start(wanted: &wanted::Network) -> Result<Network> {
        let mut network = Network::open(wanted).map_err(Error::world("open netlink"))?;
        for (name, wish) in wanted.wishes() {
            if !network.look_for(name, wish)? {
                choose::absent(name, wish)?;
                tell("no interface");
            }
        }
        network.step();
        Ok(network)
    }

    fn open(wanted: &wanted::Network) -> io::Result<Network> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let timer =
            timerfd_create(TimerfdClockId::Boottime, TimerfdFlags::CLOEXEC.union(TimerfdFlags::NONBLOCK))?;
        let ear = Ear::open()?;
        epoll::add(&epoll, &ear, epoll::EventData::new_u64(EAR), epoll::EventFlags::IN)?;
        epoll::add(&epoll, &timer, epoll::EventData::new_u64(TIMER), epoll::EventFlags::IN)?;
        let (netlink, wanted) = (Netlink::open()?, wanted.clone());
        let (links, resolv, started) = (vec![], String::new(), now());
        Ok(Network { epoll, timer, ear, netlink, wanted, links, resolv, started })
    }

    /// Gives up what was leased: another network is described.
    pub fn leave(mut self) {
        for link in &mut self.links {
            link.leave(&self.netlink);
        }
    }

    /// Whether an interface is there that fits, and that nobody has yet; it is brought up.
    fn look_for(&mut self, name: &str, wish: &wanted::Interface) -> Result<bool> {
        let taken: Vec<&str> = self.links.iter().map(|link| link.name.as_str()).collect();
        let Some(interface) = choose::interface(wish, &taken) else { return Ok(false) };
        let link = Link::up(name, wish, interface, &self.netlink, now())?;
        self.links.push(link);
        Ok(true)
    }

    /// Whether every interface has its place.
    fn is_settled(&self) -> bool {
        let waited = now().saturating_sub(self.started);
        self.links.iter().all(|link| link.has_place() || link.has_ipv6 && waited >= IPV4_MAX)
    }

    /// Waits until every interface has its place, or the time is over: then it is said, and asked on.
    pub fn settle(&mut self, limit: Duration) {
        let until = self.started + limit;
        while !self.is_settled() {
            let left = until.saturating_sub(now());
            if left.is_zero() {
                break;
            }
            let left = left.min(Duration::from_millis(500));
            let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: i64::from(left.subsec_nanos()) };
            poll(&mut [PollFd::new(&self.epoll, PollFlags::IN)], Some(&left)).unwrap_or_default();
            self.hear();
        }
        for link in self.links.iter().filter(|link| !link.has_place()) {
            tell(format_args!("{}: no address yet: {}", link.name, link.why_not()));
        }
    }

    /// Takes all news. What is more than a turn's share wakes the loop again.
    pub fn hear(&mut self) {
        for _ in 0..ROUNDS_MAX {
            let mut events = Vec::with_capacity(16);
            let none = Timespec { tv_sec: 0, tv_nsec: 0 };
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&none)) {
                Ok(count) if count > 0 => {}
                _ => break,
            }
            for event in &events {
                match event.data.u64() {
                    EAR => self.ear.hear().into_iter().flatten().for_each(|news| self.take(news)),
                    TIMER => drop(rustix::io::read(&self.timer, &mut [0; 8])),
                    id => self.hear_link(id),
                }
            }
        }
        self.step();
    }

    fn hear_link(&mut self, id: u64) {
        if let Some(link) = self.links.iter_mut().find(|link| link.id() == id) {
            link.hear(&self.netlink, now());
        }
    }

    fn take(&mut self, news: News) {
        let link = |links: &mut Vec<Link>, index: u32| links.iter().position(|link| link.index == index);
        match news {
            // By our own eyes: at a start, what it says is old by the time it is heard.
            News::Link { index, .. } => match link(&mut self.links, index) {
                Some(at) => self.links[at].look(now()),
                None => self.look_again(),
            },
            News::Gone { index } => {
                if let Some(at) = link(&mut self.links, index) {
                    tell(format_args!("{}: gone", self.links[at].name));
                    self.links.remove(at);
                }
            }
            News::Address6 { index } => {
                link(&mut self.links, index).into_iter().for_each(|at| self.links[at].has_ipv6 = true);
            }
            News::Servers { index, servers, life } => {
                link(&mut self.links, index)
                    .into_iter()
                    .for_each(|at| self.links[at].take_servers(&servers, now(), life));
            }
            News::Lost => self.links.iter_mut().for_each(|link| link.look(now())),
        }
    }

    /// An interface has come: perhaps one that was missing.
    fn look_again(&mut self) {
        let wanted = self.wanted.clone();
        let missing: Vec<_> = wanted
            .wishes()
            .into_iter()
            .filter(|(name, _)| !self.links.iter().any(|link| link.wish_name == *name))
            .collect();
        for (name, wish) in missing {
            if let Err(fault) = self.look_for(name, wish) {
                tell(fault);
            }
        }
    }

    /// Does what is due, writes what changed, and sets the timer for what is next.
    fn step(&mut self) {
        let now = now();
        for link in &mut self.links {
            link.step(&self.netlink, &self.epoll, now);
        }
        let text = resolv::text(&self.links);
        if text != self.resolv {
            match resolv::write(Path::new(RESOLV), &text) {
                Ok(()) => self.resolv = text,
                Err(fault) => tell(fault),
            }
        }
        self.set_timer(self.links.iter().filter_map(Link::due).min());
    }

    /// A time of zero stops a timer; so what is due at once is due in a nanosecond.
    fn set_timer(&self, due: Option<Moment>) {
        let due = due.map_or(Duration::ZERO, |due| due.max(Duration::from_nanos(1)));
        let at = Timespec { tv_sec: due.as_secs() as i64, tv_nsec: i64::from(due.subsec_nanos()) };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: at };
        if let Err(cause) = timerfd_settime(&self.timer, TimerfdTimerFlags::ABSTIME, &once) {
            tell(format_args!("set the network's timer: {cause}"));
        }
    }
}

impl AsFd for Network {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

#[cfg(test)]
#[path = "network_test.rs"]
mod tests;
