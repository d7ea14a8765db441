//! Lines to a collector, by syslog: RFC 5424, over UDP (RFC 5426) or TCP with counted octets (RFC 6587, 3.4.1).
//!
//! ```text
//! <30>1 2026-11-21T22:35:37.123Z web-1 nginx - - - text              30: daemon, informational
//! 68 <30>1 2026-…                                                    the same over TCP, its length before it
//! ```
//! It never waits: what the network does not take is dropped and counted; over TCP up to 64 KiB are held until the
//! collector is there again, which is tried only while there is something to say.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use host::environment::Syslog as Wanted;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with};

use crate::stamp;
use crate::wait::{News, Waiter};

const HELD_MAX_BYTES: usize = 64 << 10;
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_MOST: Duration = Duration::from_secs(60);
/// RFC 5426 says that 2048 should be taken, and a datagram must not be cut.
const DATAGRAM_MAX_BYTES: usize = 2048;

pub struct Syslog {
    to: SocketAddr,
    host: String,
    way: Way,
    dropped: u64,
}

enum Way {
    Udp(Option<UdpSocket>),
    Tcp(Tcp),
}

#[derive(Default)]
struct Tcp {
    stream: Option<TcpStream>,
    held: VecDeque<Vec<u8>>,
    held_bytes: usize,
    /// Of the first of them.
    written: usize,
    again: Option<Instant>,
    pause: Duration,
}

impl Syslog {
    pub fn new(wanted: Wanted, host: &str) -> Syslog {
        let way = if wanted.tcp { Way::Tcp(Tcp::default()) } else { Way::Udp(None) };
        Syslog { to: wanted.to, host: host.into(), way, dropped: 0 }
    }

    /// One line of a service. Sent by [`Syslog::step`] where the way is TCP.
    pub fn say(&mut self, name: &str, at_ms: u64, text: &str) {
        if self.dropped > 0 {
            let lost = format!("{} lines did not reach the collector", self.dropped);
            let message = self.message("rootbrew", at_ms, &lost);
            if self.take(message) {
                self.dropped = 0;
            }
        }
        let message = self.message(name, at_ms, text);
        if !self.take(message) {
            self.dropped += 1;
        }
    }

    fn message(&self, name: &str, at_ms: u64, text: &str) -> String {
        // APP-NAME: 48 printable characters.
        let name = &name[..name.len().min(48)];
        format!("<30>1 {} {} {name} - - - {text}", stamp::rfc3339(at_ms), self.host)
    }

    fn take(&mut self, message: String) -> bool {
        match &mut self.way {
            Way::Udp(socket) => {
                if socket.is_none() {
                    *socket = datagrams(self.to).ok();
                }
                let end = (0..=message.len().min(DATAGRAM_MAX_BYTES))
                    .rev()
                    .find(|at| message.is_char_boundary(*at));
                let cut = &message.as_bytes()[..end.unwrap_or(0)];
                socket.as_ref().is_some_and(|socket| socket.send_to(cut, self.to).is_ok())
            }
            Way::Tcp(tcp) => tcp.hold(format!("{} {message}", message.len()).into_bytes()),
        }
    }

    /// When [`Syslog::step`] has something to try.
    pub fn due(&self) -> Option<Instant> {
        match &self.way {
            Way::Tcp(tcp) if tcp.stream.is_none() && !tcp.held.is_empty() => {
                tcp.again.or(Some(Instant::now()))
            }
            _ => None,
        }
    }

    /// Connects where there is something to say, and sends what is taken.
    pub fn step(&mut self, waiter: &Waiter, now: Instant) {
        if let Way::Tcp(tcp) = &mut self.way {
            tcp.step(self.to, waiter, now);
        }
    }
}

fn datagrams(to: SocketAddr) -> io::Result<UdpSocket> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

impl Tcp {
    fn hold(&mut self, frame: Vec<u8>) -> bool {
        let fits = self.held_bytes + frame.len() <= HELD_MAX_BYTES;
        if fits {
            self.held_bytes += frame.len();
            self.held.push_back(frame);
        }
        fits
    }

    fn step(&mut self, to: SocketAddr, waiter: &Waiter, now: Instant) {
        if self.stream.is_none() && !self.held.is_empty() && self.again.is_none_or(|again| again <= now) {
            self.stream = open(to, waiter).ok();
            // Until something was written, the next try waits longer.
            self.pause = (self.pause * 2).clamp(PAUSE_FIRST, PAUSE_MOST);
            self.again = Some(now + self.pause);
        }
        if self.stream.is_some() && self.send().is_err() {
            // What was cut is sent whole to whoever comes next.
            (self.stream, self.written) = (None, 0);
        }
    }

    /// # Errors
    /// The collector is gone.
    fn send(&mut self) -> io::Result<()> {
        let Some(stream) = &mut self.stream else { return Ok(()) };
        match stream.read(&mut [0; 256]) {
            Ok(0) => return Err(io::ErrorKind::ConnectionReset.into()),
            Err(cause) if !later(&cause) => return Err(cause),
            _ => {}
        }
        while let Some(frame) = self.held.front() {
            match stream.write(&frame[self.written..]) {
                Ok(size) => self.written += size,
                Err(cause) if later(&cause) => return Ok(()),
                Err(cause) => return Err(cause),
            }
            (self.pause, self.again) = (Duration::ZERO, None);
            if self.written == frame.len() {
                self.held_bytes -= frame.len();
                self.held.pop_front();
                self.written = 0;
            }
        }
        Ok(())
    }
}

/// Not now: also while a connection is being made.
fn later(cause: &io::Error) -> bool {
    matches!(
        cause.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted | io::ErrorKind::NotConnected
    )
}

fn open(to: SocketAddr, waiter: &Waiter) -> io::Result<TcpStream> {
    let family = if to.is_ipv6() { AddressFamily::INET6 } else { AddressFamily::INET };
    let socket: OwnedFd =
        socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK, None)?;
    match connect(&socket, &to) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => {}
        Err(cause) => return Err(cause.into()),
    }
    waiter.watch_both(&socket, News::Syslog)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    fn syslog(tcp: bool, to: SocketAddr) -> Syslog {
        Syslog::new(Wanted { tcp, to }, "web-1")
    }

    const LINE: &str = "<30>1 1970-01-01T00:00:00.000Z web-1 nginx - - - ";

    #[test]
    fn datagrams_go_and_are_cut() {
        let server = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut syslog = syslog(false, server.local_addr().unwrap());
        syslog.say("nginx", 0, "hello");
        let mut bytes = [0; 4096];
        let size = server.recv(&mut bytes).unwrap();
        assert_eq!(&bytes[..size], format!("{LINE}hello").as_bytes());
        syslog.say("nginx", 0, &"\u{e9}".repeat(2000));
        assert!((2040..=2048).contains(&server.recv(&mut bytes).unwrap()));
    }

    fn turn(syslog: &mut Syslog, waiter: &Waiter) {
        syslog.step(waiter, Instant::now() + Duration::from_secs(100));
        waiter.wait(Some(Instant::now() + Duration::from_millis(20))).unwrap();
        syslog.step(waiter, Instant::now());
    }

    #[test]
    fn a_stream_is_counted_and_comes_back() {
        let waiter = Waiter::new().unwrap();
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut syslog = syslog(true, server.local_addr().unwrap());
        assert_eq!(syslog.due(), None);
        for life in 0..2 {
            syslog.say("nginx", 0, "hello");
            assert!(syslog.due().is_some());
            turn(&mut syslog, &waiter);
            let (mut client, _) = server.accept().unwrap();
            let expected = format!("{} {LINE}hello", LINE.len() + 5);
            let mut bytes = vec![0; expected.len()];
            client.read_exact(&mut bytes).unwrap();
            assert_eq!(String::from_utf8(bytes).unwrap(), expected, "life {life}");
            drop(client);
            turn(&mut syslog, &waiter);
        }
    }

    #[test]
    fn nobody_listens_and_nothing_grows() {
        let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (waiter, mut syslog) = (Waiter::new().unwrap(), syslog(true, closed));
        for _ in 0..10_000 {
            syslog.say("nginx", 0, "hello");
        }
        turn(&mut syslog, &waiter);
        assert!(syslog.dropped > 8000 && syslog.due().is_some_and(|due| due > Instant::now()));
    }
}
