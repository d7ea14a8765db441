//! A guest that runs, asked over its control port: `agent/src/control.rs` is the other side.
//!
//! The port is one line for all who come, one after the other: each begins with a mark, and passes over what was before it.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

/// A line of the control's.
const LINE_BYTES: usize = 3000;
/// A guest is hostile: a line that never ends is an end.
const LINE_MAX_BYTES: u64 = 64 << 10;
/// PID 1 answers at once, or never.
const PATIENCE: Duration = Duration::from_secs(10);

/// Asks, and gives each line of the answer to `take`; `file` is what `env put` puts.
///
/// # Errors
/// Nobody is there, or it said no.
pub fn ask(socket: &Path, words: &str, file: Option<&[u8]>, take: &mut dyn FnMut(&str)) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mark = format!("{}-{}", std::process::id(), rand());
    write!(stream, "\n.reset {mark}\n")?;
    let mut lines = Lines(BufReader::new(stream.try_clone()?));
    while lines.next()? != format!("= {mark}") {}
    writeln!(stream, "{words}")?;
    if let Some(file) = file {
        for line in BASE64.encode(file).as_bytes().chunks(LINE_BYTES) {
            stream.write_all(&[line, b"\n"].concat())?;
        }
        stream.write_all(b".\n")?;
    }
    let follows = words.split(' ').any(|word| word == "-f");
    loop {
        let line = lines.next()?;
        match line.strip_prefix("+ ") {
            Some(text) => take(text),
            None if line.starts_with("error: ") => return Err(io::Error::other(line)),
            None if line == "ok" && follows => stream.set_read_timeout(None)?,
            None if line == "ok" => return Ok(()),
            None => {}
        }
    }
}

/// Brings a core file out: its parts come with their places, what is between is zero.
///
/// # Errors
/// As [`ask`]; no such core; `to` takes no more.
pub fn core(socket: &Path, name: &str, to: &File) -> io::Result<()> {
    let mut wrong = None;
    let mut take = |line: &str| {
        let put = match line.split_once(' ') {
            Some((at, part)) => part_at(to, at, part),
            None => line.parse().map_err(io::Error::other).and_then(|length| to.set_len(length)),
        };
        wrong = wrong.take().or(put.err());
    };
    ask(socket, &format!("cores get {name}"), None, &mut take)?;
    wrong.map_or(Ok(()), Err)
}

fn part_at(to: &File, at: &str, part: &str) -> io::Result<()> {
    let at = at.parse().map_err(io::Error::other)?;
    to.write_all_at(&BASE64.decode(part).map_err(io::Error::other)?, at)
}

struct Lines(BufReader<UnixStream>);

impl Lines {
    fn next(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        (&mut self.0).take(LINE_MAX_BYTES).read_until(b'\n', &mut line).map_err(|error| {
            match error.kind() {
                io::ErrorKind::WouldBlock => io::Error::other("the guest does not answer"),
                _ => error,
            }
        })?;
        if line.pop() != Some(b'\n') {
            return Err(io::Error::other("the guest is gone"));
        }
        while line.last() == Some(&b'\r') {
            line.pop();
        }
        // Whatever a guest says, a terminal is not moved by it.
        Ok(String::from_utf8_lossy(&line).replace(|c: char| c.is_control() && c != '\t', "?"))
    }
}

/// Two who ask within one process are told apart.
fn rand() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
