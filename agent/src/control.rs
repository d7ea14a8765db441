//! Words from outside: the machine asked, changed and ended without a shell.
//!
//! Ways in: a virtio port named `org.rootbrew.control`, the console, and the socket `/run/rootbrew/control`, which is root's.
//! Nothing here comes from the network. One request a line; on the console the answer is plain lines, elsewhere:
//!
//! ```text
//! .reset 7            whoever begins; answered by `= 7`: what came before was another's
//! events              + 812 ready …        a line of the answer
//!                     ok                   or `error: why`: the last
//! env put             then the file in base64, over lines of at most 4,000 letters, and `.`
//! ```

mod keys;
mod turn;

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::chaos;
use crate::lines::{Lines, Rest};
use crate::wait::{News, Waiter};
use turn::TURN_BYTES;

const PORT: &str = "org.rootbrew.control";
pub const SOCKET: &str = "/run/rootbrew/control";
/// Of answers that are not read, so much is kept.
const ANSWER_MAX_BYTES: usize = 1 << 20;
/// Of a file in base64, a third more than an environment may have: what is longer is no base64 any more.
const TEXT_MAX_BYTES: usize = host::environment::SIZE_MAX_BYTES as usize / 3 * 4 + 8192;
/// Who asks side by side; the rest waits in the socket's queue.
const WAYS_MAX: usize = 16;

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    PowerOff,
    Reboot,
    Status,
    Figures,
    /// One line a service.
    Top,
    Events {
        follow: bool,
    },
    /// What a service wrote, or all of them.
    Log {
        service: Option<String>,
        lines: usize,
        follow: bool,
    },
    /// What the environment came to.
    Env,
    /// The operator's own environment, which goes before all others; empty: none.
    Put(Vec<u8>),
    Reload(String),
    Restart(String),
    /// A fault on purpose.
    Chaos(chaos::Fault),
}

#[derive(PartialEq, Eq)]
enum Kind {
    Console,
    /// A client behind it may go, and another come.
    Port,
    Socket,
}

struct Way {
    kind: Kind,
    lines: Lines<File>,
    /// What could not be written yet.
    out: Vec<u8>,
    /// The text of a `put`, in the making.
    text: Option<String>,
    follows: Option<Follows>,
}

/// What a way wants to hear from now on: the number of the next, of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Follows {
    Events(u64),
    Logs(Vec<(String, u64)>),
}

/// The ways in that this machine has. A place that is empty is taken by the next who comes.
#[derive(Default)]
pub struct Control {
    ways: Vec<Option<Way>>,
    listener: Option<UnixListener>,
    /// Those of which more has come than their turn took.
    unheard: Vec<u32>,
}

impl Control {
    /// A way that cannot be opened or watched is left out: the machine serves without.
    pub fn open(waiter: &Waiter) -> Control {
        let mut control = Control::default();
        let port = port().map(|path| (Kind::Port, path));
        for (kind, path) in port.into_iter().chain([(Kind::Console, "/dev/console".to_string())]) {
            if let Ok(file) = open(&path) {
                control.add(waiter, kind, file);
            }
        }
        control.listener = listen(waiter).ok();
        control
    }

    fn add(&mut self, waiter: &Waiter, kind: Kind, file: File) {
        let free = self.ways.iter().position(Option::is_none).unwrap_or(self.ways.len());
        if free < WAYS_MAX && waiter.watch_both(&file, News::Control(free as u32)).is_ok() {
            self.ways.resize_with(self.ways.len().max(free + 1), || None);
            let lines = Lines::new(file);
            self.ways[free] = Some(Way { kind, lines, out: Vec::new(), text: None, follows: None });
        }
    }

    /// Takes everybody who knocked.
    pub fn accept(&mut self, waiter: &Waiter) {
        while let Some(Ok((stream, _))) = self.listener.as_ref().map(UnixListener::accept) {
            if stream.set_nonblocking(true).is_ok() {
                self.add(waiter, Kind::Socket, File::from(OwnedFd::from(stream)));
            }
        }
    }

    /// The words that have come on way `index`. On the console, what is no word of ours is noise, and passed over.
    pub fn asked(&mut self, index: u32) -> Vec<Ask> {
        let Some(Some(way)) = self.ways.get_mut(index as usize) else { return Vec::new() };
        way.flush();
        if way.is_full() {
            // When it has read, that is news.
            return Vec::new();
        }
        let mut lines = Vec::new();
        let rest = way.lines.drain_some(TURN_BYTES, |line| lines.push(line.to_string()));
        let asked = lines.iter().filter_map(|line| way.take(line)).collect();
        match rest {
            Rest::More => self.unheard.push(index),
            Rest::Closed if way.kind == Kind::Socket => self.ways[index as usize] = None,
            _ => {}
        }
        asked
    }

    /// A line of an answer. A host that does not listen misses it; it may ask again.
    pub fn answer(&mut self, index: u32, text: &str) {
        if let Some(Some(way)) = self.ways.get_mut(index as usize) {
            let mark = if way.kind == Kind::Console { "" } else { "+ " };
            way.write(&format!("{mark}{text}\n"));
        }
    }

    /// The end of an answer. A console has none.
    pub fn done(&mut self, index: u32, result: Result<(), String>) {
        let Some(Some(way)) = self.ways.get_mut(index as usize) else { return };
        match (result, way.kind == Kind::Console) {
            (Ok(()), true) => {}
            (Ok(()), false) => way.write("ok\n"),
            (Err(why), _) => way.write(&format!("error: {}\n", why.replace('\n', "; "))),
        }
    }

    /// From now on it hears more; the next line that it sends ends that.
    pub fn follow(&mut self, index: u32, what: Follows) {
        if let Some(Some(way)) = self.ways.get_mut(index as usize) {
            way.follows = Some(what);
        }
    }

    /// Tells those who follow what came since; `log` gives a service's lines from a number on, and the next.
    pub fn feed(&mut self, log: &dyn Fn(&str, u64) -> (Vec<String>, u64)) {
        for way in self.ways.iter_mut().flatten() {
            way.feed(log);
        }
    }
}

impl Way {
    fn take(&mut self, line: &str) -> Option<Ask> {
        if let Some(tag) = line.strip_prefix(".reset") {
            (self.text, self.follows) = (None, None);
            self.write(&format!("={tag}\n"));
            return None;
        }
        if let Some(text) = &mut self.text {
            if line != "." {
                if text.len() < TEXT_MAX_BYTES {
                    text.push_str(line);
                }
                return None;
            }
            let decoded = BASE64.decode(self.text.take().unwrap_or_default());
            if decoded.is_err() {
                self.write("error: no base64, or too long\n");
            }
            return decoded.ok().map(Ask::Put);
        }
        self.follows = None;
        if line.trim() == "env put" && self.kind != Kind::Console {
            self.text = Some(String::new());
            return None;
        }
        let asked = parse(line);
        if asked.is_none() && self.kind != Kind::Console && !line.trim().is_empty() {
            self.write(&format!("error: no such word; there are {WORDS}\n"));
        }
        asked
    }

    fn feed(&mut self, log: &dyn Fn(&str, u64) -> (Vec<String>, u64)) {
        let Some(mut follows) = self.follows.take() else { return };
        let mut take = |(lines, next): (Vec<String>, u64), mark: &str| {
            lines.iter().for_each(|line| self.write(&format!("+ {mark}{line}\n")));
            next
        };
        match &mut follows {
            Follows::Events(from) => *from = take(crate::events::since(*from), ""),
            Follows::Logs(logs) => {
                for (name, from) in logs {
                    *from = take(log(name, *from), &format!("{name}: "));
                }
            }
        }
        self.follows = Some(follows);
    }

    fn write(&mut self, text: &str) {
        if !self.is_slow() {
            self.out.extend_from_slice(text.as_bytes());
        }
        self.flush();
    }

    /// As much as there is room for: the rest goes when the other side has read.
    fn flush(&mut self) {
        while !self.out.is_empty() {
            match self.lines.reader().write(&self.out) {
                Ok(0) => break,
                Ok(count) => drop(self.out.drain(..count)),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) if cause.kind() == ErrorKind::WouldBlock && self.kind != Kind::Console => break,
                // Nobody is behind it.
                Err(_) => self.out.clear(),
            }
        }
    }

    fn is_slow(&self) -> bool {
        self.out.len() > ANSWER_MAX_BYTES
    }
}

pub const WORDS: &str =
    "status, top, log, events, env, env put, env drop, reload, restart, figures, reboot, poweroff";
/// Of a log that is asked for without a number.
const LOG_LINES: usize = 100;

fn parse(line: &str) -> Option<Ask> {
    let words: Vec<&str> = line.split_whitespace().collect();
    Some(match words.as_slice() {
        ["poweroff"] => Ask::PowerOff,
        ["reboot"] => Ask::Reboot,
        ["status"] => Ask::Status,
        ["figures"] => Ask::Figures,
        ["top"] => Ask::Top,
        ["events"] => Ask::Events { follow: false },
        ["events", "-f"] => Ask::Events { follow: true },
        ["log", rest @ ..] => log(rest)?,
        ["env"] => Ask::Env,
        ["env", "drop"] => Ask::Put(Vec::new()),
        ["reload", service] => Ask::Reload(service.to_string()),
        ["restart", service] => Ask::Restart(service.to_string()),
        words => Ask::Chaos(chaos::parse(words)?),
    })
}

/// `[-f] [-n N] [SERVICE]`
fn log(words: &[&str]) -> Option<Ask> {
    let (mut service, mut lines, mut follow) = (None, LOG_LINES, false);
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match *word {
            "-f" => follow = true,
            "-n" => lines = words.next()?.parse().ok()?,
            name if !name.starts_with('-') && service.is_none() => service = Some(name.to_string()),
            _ => return None,
        }
    }
    Some(Ask::Log { service, lines, follow })
}

/// `/dev/vport…` of the port with our name.
fn port() -> Option<String> {
    let ports = fs::read_dir("/sys/class/virtio-ports").ok()?;
    ports.flatten().find_map(|port| {
        let name = fs::read_to_string(port.path().join("name")).ok()?;
        (name.trim() == PORT).then(|| format!("/dev/{}", port.file_name().display()))
    })
}

fn listen(waiter: &Waiter) -> std::io::Result<UnixListener> {
    fs::create_dir_all(Path::new(SOCKET).parent().unwrap_or(Path::new("/")))?;
    let listener = UnixListener::bind(SOCKET)?;
    fs::set_permissions(SOCKET, fs::Permissions::from_mode(0o600))?;
    listener.set_nonblocking(true)?;
    waiter.watch(&listener, News::Knock)?;
    Ok(listener)
}

fn open(path: &str) -> std::io::Result<File> {
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)?;
    silence(&file);
    Ok(file)
}

/// No echo: the console's text is what the machine says, not what it is told. Not every way is a terminal.
fn silence(file: &File) {
    if let Ok(mut modes) = tcgetattr(file) {
        modes.local_modes -= LocalModes::ECHO;
        keys::stop_nothing(&mut modes);
        tcsetattr(file, OptionalActions::Now, &modes).unwrap_or_default();
    }
}

#[cfg(test)]
#[path = "control_test.rs"]
mod tests;
