//! How a service tells that it serves: its own word, or a probe of it.
//!
//! Probes run at the start only and with growing pauses; a service's word costs nothing while it is awaited.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use rustix::process::Pid;

use super::end::End;
use host::role::Ready;

const PROBE_FIRST: Duration = Duration::from_millis(2);
const PROBE_MOST: Duration = Duration::from_millis(100);
/// Of the time since the start, the part after which it is asked again: readiness is noticed an eighth too late at most, and
/// some forty questions are asked of what takes a second.
const PROBE_PART: u32 = 8;
/// Loopback answers or refuses at once; this guards against a full queue.
const CONNECT_MAX: Duration = Duration::from_millis(200);

/// Asks again and again, until the first good answer.
pub struct Probe {
    begun: Instant,
    next: Instant,
    /// A command that has not ended.
    asking: Option<Pid>,
}

impl Probe {
    /// `None` where the service speaks for itself.
    pub fn new(ready: &Ready) -> Option<Probe> {
        let probed = matches!(ready, Ready::Tcp(_) | Ready::Unix(_) | Ready::Exec(_));
        let begun = Instant::now();
        probed.then(|| Probe { begun, next: begun + PROBE_FIRST, asking: None })
    }

    /// The command that runs.
    #[cfg(test)]
    pub fn asking(&self) -> Option<Pid> {
        self.asking
    }

    /// `None` while a command runs: its end is news.
    pub fn due(&self) -> Option<Instant> {
        self.asking.is_none().then_some(self.next)
    }

    /// Asks when it is time; `run` starts a command. True: it is ready.
    pub fn step(&mut self, ready: &Ready, now: Instant, run: impl FnOnce(&[String]) -> Option<Pid>) -> bool {
        if self.asking.is_some() || now < self.next {
            return false;
        }
        let pause = now.saturating_duration_since(self.begun) / PROBE_PART;
        self.next = now + pause.clamp(PROBE_FIRST, PROBE_MOST);
        match ready {
            Ready::Tcp(port) => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
                TcpStream::connect_timeout(&address, CONNECT_MAX).is_ok()
            }
            Ready::Unix(path) => accepts(path).is_ok(),
            Ready::Exec(argv) => {
                self.asking = run(argv);
                false
            }
            _ => false,
        }
    }

    /// Whether `pid` was our command and it ended well.
    pub fn answered(&mut self, pid: Pid, end: End) -> bool {
        let ours = self.asking == Some(pid);
        if ours {
            self.asking = None;
        }
        ours && end.is_good()
    }
}

/// Whether something listens at a socket's path; one whose queue is full is asked again.
fn accepts(path: &str) -> io::Result<()> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    Ok(connect(&socket, &SocketAddrUnix::new(path)?)?)
}
