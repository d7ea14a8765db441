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
//! cores get NAME      + OFFSET BASE64      and last `+ LENGTH`: the rest is zero
//! shell 80x24 xterm   = shell              and then, both ways, bytes in base64, a line each
//! .size 100x40        .end                 from who types; `ok` when the shell has ended
//! ```

use std::fs::{self, File, OpenOptions};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::Path;

pub use way::{Follows, Typed};
pub use word::{Ask, WORDS};

use crate::console;
use crate::lines::Rest;
use crate::wait::{News, Waiter};
use turn::TURN_BYTES;
use way::{Kind, Way, silence};

mod keys;
mod turn;
mod way;
mod word;

/// Columns and rows of a terminal.
pub type Size = (u16, u16);

const PORT: &str = "org.rootbrew.control";
pub const SOCKET: &str = "/run/rootbrew/control";
/// Who asks side by side; the rest waits in the socket's queue.
const WAYS_MAX: usize = 16;

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
            self.ways[free] = Some(Way::new(kind, file));
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

    pub fn is_console(&self, index: u32) -> bool {
        matches!(self.ways.get(index as usize), Some(Some(way)) if way.kind == Kind::Console)
    }

    /// Whether somebody follows who could be told more at once.
    pub fn is_busy(&self) -> bool {
        self.ways.iter().flatten().any(Way::is_busy)
    }

    /// From now on the way is a shell's.
    pub fn lend(&mut self, index: u32) {
        self.at(index).into_iter().for_each(Way::lend);
        if self.is_console(index) {
            console::hush();
        }
    }

    /// The shell has ended, well or not.
    pub fn give_back(&mut self, index: u32, how: &str) {
        self.at(index).into_iter().for_each(Way::give_back);
        if self.is_console(index) {
            console::speak();
        }
        match self.is_console(index) {
            true => self.answer(index, &format!("shell: {how}")),
            false => self.done(index, Ok(())),
        }
    }

    /// Some of what was typed for the shell that has this way; whether there may be more.
    pub fn typed(&mut self, index: u32, take: &mut dyn FnMut(Typed)) -> bool {
        match self.at(index) {
            Some(way) => way.typed(take),
            None => {
                take(Typed::End);
                false
            }
        }
    }

    /// What a shell wrote.
    pub fn show(&mut self, index: u32, bytes: &[u8]) {
        self.at(index).into_iter().for_each(|way| way.show(bytes));
    }

    pub fn has_room(&mut self, index: u32) -> bool {
        self.at(index).is_none_or(|way| way.has_room())
    }

    fn at(&mut self, index: u32) -> Option<&mut Way> {
        self.ways.get_mut(index as usize)?.as_mut()
    }

    /// Tells those who follow what came since; `log` gives a service's lines from a number on, and the next.
    pub fn feed(&mut self, log: &dyn Fn(&str, u64) -> (Vec<String>, u64)) {
        for way in self.ways.iter_mut().flatten() {
            way.feed(log);
        }
    }
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

#[cfg(test)]
#[path = "control_test.rs"]
mod tests;
