//! How a service tells that it serves: its own word, or a probe of it.
//!
//! Probes run at the start only and with growing pauses; a service's word costs nothing while it is awaited.

use std::fs::{self, File};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitStatus};

use super::spawn;
use crate::passwd::User;
use host::error::{Error, Result};
use host::role::{Ready, Service};

const PROBE_FIRST: Duration = Duration::from_millis(2);
const PROBE_MOST: Duration = Duration::from_millis(100);
/// Loopback answers or refuses at once; this guards against a full queue.
const CONNECT_MAX: Duration = Duration::from_millis(200);

/// The agent's end of a service's word.
pub enum Word {
    Notify(UnixDatagram),
    Fd(File),
}

impl Word {
    /// A socket that only the service's user (and root) may write to.
    pub fn notify(path: &str, user: User) -> Result<Word> {
        let tried = || Error::world(format!("make {path}"));
        fs::create_dir_all("/run/rootbrew").map_err(tried())?;
        if fs::exists(path).map_err(tried())? {
            fs::remove_file(path).map_err(tried())?;
        }
        let socket = UnixDatagram::bind(path).map_err(tried())?;
        socket.set_nonblocking(true).map_err(tried())?;
        std::os::unix::fs::chown(path, Some(user.uid), Some(user.gid)).map_err(tried())?;
        Ok(Word::Notify(socket))
    }

    /// Reads all that has come.
    pub fn is_ready(&mut self) -> bool {
        let mut message = [0; 4096];
        let mut ready = false;
        while let Some(size) = self.receive(&mut message) {
            ready |= self.says_ready(&message[..size]);
        }
        ready
    }

    fn receive(&mut self, message: &mut [u8]) -> Option<usize> {
        match self {
            Word::Notify(socket) => socket.recv(message).ok(),
            Word::Fd(pipe) => pipe.read(message).ok().filter(|size| *size > 0),
        }
    }

    /// sd_notify(3): lines, of which one is `READY=1`. s6: the first newline.
    fn says_ready(&self, message: &[u8]) -> bool {
        match self {
            Word::Notify(_) => message.split(|&byte| byte == b'\n').any(|line| line == b"READY=1"),
            Word::Fd(_) => message.contains(&b'\n'),
        }
    }
}

/// Asks again and again, until the first good answer.
pub struct Probe {
    next: Instant,
    pause: Duration,
    /// A command that has not ended.
    asking: Option<Pid>,
}

impl Probe {
    /// `None` where the service speaks for itself.
    pub fn new(ready: &Ready) -> Option<Probe> {
        let probed = matches!(ready, Ready::Tcp(_) | Ready::Unix(_) | Ready::Exec(_));
        probed.then(|| Probe { next: Instant::now() + PROBE_FIRST, pause: PROBE_FIRST, asking: None })
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

    /// Asks when it is time. True: it is ready.
    pub fn step(&mut self, service: &Service, user: User, now: Instant) -> bool {
        if self.asking.is_some() || now < self.next {
            return false;
        }
        self.pause = (self.pause * 2).min(PROBE_MOST);
        self.next = now + self.pause;
        match &service.ready {
            Ready::Tcp(port) => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, *port));
                TcpStream::connect_timeout(&address, CONNECT_MAX).is_ok()
            }
            Ready::Unix(path) => UnixStream::connect(path).is_ok(),
            Ready::Exec(argv) => {
                self.asking = spawn::quiet(argv, service, user).ok();
                false
            }
            _ => false,
        }
    }

    /// Whether `pid` was our command and it ended well.
    pub fn answered(&mut self, pid: Pid, status: WaitStatus) -> bool {
        let ours = self.asking == Some(pid);
        if ours {
            self.asking = None;
        }
        ours && status.exit_status() == Some(0)
    }
}
