//! One way in: its lines, what could not be written yet, what it wants to hear; and while a shell has it, its bytes.

use std::fs::File;
use std::io::{ErrorKind, Read, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};

use super::word::{self, Ask, WORDS};
use super::{Size, keys};
use crate::cores::Copy;
use crate::lines::{Lines, Rest};

/// Of answers that are not read, so much is kept.
const ANSWER_MAX_BYTES: usize = 1 << 20;
/// Of a file in base64, a third more than an environment may have: what is longer is no base64 any more.
pub const TEXT_MAX_BYTES: usize = host::environment::SIZE_MAX_BYTES as usize / 3 * 4 + 8192;
/// Of what a shell writes, and of a core, before more of it is asked for.
const AHEAD_MAX_BYTES: usize = 64 << 10;
/// Parts of a core in one turn of the agent's.
const PARTS_MAX: usize = 32;
/// Ctrl-], so often in a row that no program wants it.
const ESCAPE: u8 = 0x1d;
const ESCAPES: usize = 3;

#[derive(PartialEq, Eq)]
pub enum Kind {
    Console,
    /// A client behind it may go, and another come.
    Port,
    Socket,
}

pub struct Way {
    pub kind: Kind,
    pub lines: Lines<File>,
    /// What could not be written yet.
    pub(super) out: Vec<u8>,
    /// The text of a `put`, in the making.
    pub text: Option<String>,
    pub follows: Option<Follows>,
    shell: Option<Held>,
}

/// A way that a shell has.
#[derive(Default)]
struct Held {
    /// As the terminal was before.
    modes: Option<Termios>,
    escapes: usize,
}

/// What came for a shell.
pub enum Typed {
    Bytes(Vec<u8>),
    Size(Size),
    /// Nobody types any more.
    End,
}

/// What a way wants to hear from now on: the number of the next, of each.
pub enum Follows {
    Events(u64),
    Logs(Vec<(String, u64)>),
    /// To its end.
    Core(Copy),
}

impl Way {
    pub fn new(kind: Kind, file: File) -> Way {
        Way { kind, lines: Lines::new(file), out: Vec::new(), text: None, follows: None, shell: None }
    }

    pub fn take(&mut self, line: &str) -> Option<Ask> {
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
        // Of who keeps cores: only root of this machine has the socket.
        let asked = word::parse(line).filter(|ask| self.kind == Kind::Socket || !matches!(ask, Ask::Kept(_)));
        if asked.is_none() && self.kind != Kind::Console && !line.trim().is_empty() {
            self.write(&format!("error: no such word; there are {WORDS}\n"));
        }
        asked
    }

    pub fn feed(&mut self, log: &dyn Fn(&str, u64) -> (Vec<String>, u64)) {
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
            Follows::Core(copy) => {
                if self.bring(copy) {
                    return;
                }
            }
        }
        self.follows = Some(follows);
    }

    /// Whether that was all of it.
    fn bring(&mut self, copy: &mut Copy) -> bool {
        for _ in 0..PARTS_MAX {
            if self.out.len() > AHEAD_MAX_BYTES {
                break;
            }
            match copy.next(|bytes| BASE64.encode(bytes)) {
                Ok(Some(part)) => self.write(&format!("+ {part}\n")),
                Ok(None) => {
                    self.write(&format!("+ {}\nok\n", copy.length()));
                    return true;
                }
                Err(cause) => {
                    self.write(&format!("error: {cause}\n"));
                    return true;
                }
            }
        }
        false
    }

    /// Whether there is more to tell, and room for it.
    pub fn is_busy(&self) -> bool {
        matches!(self.follows, Some(Follows::Core(_))) && self.out.is_empty()
    }

    /// From now on it is a shell's: the console byte by byte, others by lines of base64.
    pub fn lend(&mut self) {
        let modes = (self.kind == Kind::Console).then(|| raw(self.lines.reader())).flatten();
        self.shell = Some(Held { modes, escapes: 0 });
        if self.kind != Kind::Console {
            self.write("= shell\n");
        }
    }

    /// The shell has ended.
    pub fn give_back(&mut self) {
        if let Some(Held { modes: Some(modes), .. }) = self.shell.take() {
            tcsetattr(self.lines.reader(), OptionalActions::Now, &modes).unwrap_or_default();
        }
    }

    /// Some of what was typed; whether there may be more.
    pub fn typed(&mut self, take: &mut dyn FnMut(Typed)) -> bool {
        self.flush();
        match self.kind {
            Kind::Console => self.typed_bytes(take),
            _ => self.typed_lines(take),
        }
    }

    fn typed_bytes(&mut self, take: &mut dyn FnMut(Typed)) -> bool {
        let mut bytes = [0; 1024];
        let Ok(size @ 1..) = self.lines.reader().read(&mut bytes) else { return false };
        let held = self.shell.get_or_insert_default();
        for &byte in &bytes[..size] {
            held.escapes = if byte == ESCAPE { held.escapes + 1 } else { 0 };
        }
        let left = held.escapes >= ESCAPES;
        take(Typed::Bytes(bytes[..size].to_vec()));
        if left {
            take(Typed::End);
        }
        true
    }

    fn typed_lines(&mut self, take: &mut dyn FnMut(Typed)) -> bool {
        let mut lines = Vec::new();
        let rest = self.lines.drain_some(AHEAD_MAX_BYTES, |line| lines.push(line.to_string()));
        for line in lines {
            match line.split_once(' ') {
                Some((".size", size)) => word::size(size).map(Typed::Size).into_iter().for_each(&mut *take),
                Some((".reset", _)) => {
                    take(Typed::End);
                    _ = self.take(&line);
                }
                _ if line == ".end" => take(Typed::End),
                _ => BASE64.decode(line).map(Typed::Bytes).into_iter().for_each(&mut *take),
            }
        }
        if rest == Rest::Closed && self.kind == Kind::Socket {
            take(Typed::End);
        }
        rest == Rest::More
    }

    /// What a shell wrote.
    pub fn show(&mut self, bytes: &[u8]) {
        match self.kind {
            Kind::Console => self.out.extend_from_slice(bytes),
            _ => self.out.extend_from_slice(format!("+ {}\n", BASE64.encode(bytes)).as_bytes()),
        }
        self.flush();
    }

    pub fn has_room(&self) -> bool {
        self.out.len() < AHEAD_MAX_BYTES
    }

    pub fn write(&mut self, text: &str) {
        if !self.is_slow() {
            self.out.extend_from_slice(text.as_bytes());
        }
        self.flush();
    }

    /// As much as there is room for: the rest goes when the other side has read.
    pub fn flush(&mut self) {
        while !self.out.is_empty() {
            match self.lines.reader().write(&self.out) {
                Ok(0) => break,
                Ok(count) => drop(self.out.drain(..count)),
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) if cause.kind() == ErrorKind::WouldBlock && self.waits() => break,
                // Nobody is behind it.
                Err(_) => self.out.clear(),
            }
        }
    }

    /// A console that nobody reads loses what it is told, but for a shell's.
    fn waits(&self) -> bool {
        self.kind != Kind::Console || self.shell.is_some()
    }

    pub fn is_slow(&self) -> bool {
        self.out.len() > ANSWER_MAX_BYTES
    }
}

/// No echo: the console's text is what the machine says, not what it is told. Not every way is a terminal.
pub fn silence(file: &File) {
    if let Ok(mut modes) = tcgetattr(file) {
        modes.local_modes -= LocalModes::ECHO;
        keys::stop_nothing(&mut modes);
        tcsetattr(file, OptionalActions::Now, &modes).unwrap_or_default();
    }
}

/// Each byte as it is: the shell's own terminal makes lines and signals of them. Comes back with what was before.
fn raw(file: &File) -> Option<Termios> {
    let before = tcgetattr(file).ok()?;
    let mut modes = before.clone();
    modes.make_raw();
    tcsetattr(file, OptionalActions::Now, &modes).ok()?;
    Some(before)
}
