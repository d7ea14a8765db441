//! A shell of a guest: bytes between somebody's terminal and its control port, until the shell ends.
//!
//! Lines as `agent/src/control.rs` draws them; what the guest writes goes to the terminal as it is, for it is a shell that
//! was asked for. It sets no terminal's modes: who has one does.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// A guest that answers at all answers the first words within this.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often the terminal's size is looked at, and the end said again where nobody types any more.
const TURN: Timespec = Timespec { tv_sec: 1, tv_nsec: 0 };
/// A guest is hostile: a line that never ends is an end.
const LINE_MAX_BYTES: usize = 64 << 10;
/// Ctrl-], so often in a row: the way out where the shell does not hear.
const ESCAPE: u8 = 0x1d;
const ESCAPES: usize = 3;
/// Ctrl-D: no more is typed.
const END: &[u8] = b"\x04";

/// Who types, and who looks.
pub struct Terminal<'t> {
    pub input: BorrowedFd<'t>,
    pub output: &'t mut dyn Write,
    /// Columns and rows.
    pub size: &'t dyn Fn() -> (u16, u16),
    /// `$TERM`
    pub kind: String,
}

/// Until the shell has ended.
///
/// # Errors
/// Nobody is there, it said no, or the guest went.
pub fn shell(socket: &Path, terminal: Terminal) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    let mut size = (terminal.size)();
    begin(&mut stream, size, &terminal.kind)?;
    stream.set_nonblocking(true)?;
    let (mut reader, mut line) = (BufReader::new(stream.try_clone()?), Vec::new());
    let (mut types, mut escapes) = (true, 0);
    loop {
        if heard(&mut reader, &mut line, terminal.output)? {
            return Ok(());
        }
        let (told, typed) = wait(&stream, types.then_some(terminal.input))?;
        if typed {
            let bytes = read(terminal.input)?;
            types = !bytes.is_empty();
            escapes = escaped(escapes, &bytes);
            type_(&mut stream, if types { &bytes } else { END })?;
            if escapes >= ESCAPES {
                send(&mut stream, b".end\n")?;
            }
        } else if !told && !types {
            type_(&mut stream, END)?;
        }
        let now = (terminal.size)();
        if now != size {
            size = now;
            send(&mut stream, format!(".size {}x{}\n", size.0, size.1).as_bytes())?;
        }
    }
}

/// Passes over what was said to others, asks, and waits for the shell.
fn begin(stream: &mut UnixStream, size: (u16, u16), kind: &str) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    let mark = format!("shell-{}", std::process::id());
    write!(stream, "\n.reset {mark}\n")?;
    while answer(stream)? != format!("= {mark}") {}
    writeln!(stream, "shell {}x{} {kind}", size.0, size.1)?;
    match answer(stream)? {
        line if line == "= shell" => Ok(()),
        line => Err(io::Error::other(line)),
    }
}

/// A line, byte by byte: what follows it is the shell's.
fn answer(stream: &mut UnixStream) -> io::Result<String> {
    let mut line = Vec::new();
    let mut byte = [0];
    while line.len() < LINE_MAX_BYTES {
        let got = stream.read(&mut byte).map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::Error::other("the guest does not answer"),
            _ => error,
        })?;
        match (got, byte[0]) {
            (0, _) => break,
            (_, b'\n') => return Ok(plain(&line)),
            (_, byte) => line.push(byte),
        }
    }
    Err(io::Error::other("the guest is gone"))
}

/// What came, to the terminal. Whether that was the end.
fn heard(reader: &mut BufReader<UnixStream>, line: &mut Vec<u8>, output: &mut dyn Write) -> io::Result<bool> {
    loop {
        match reader.by_ref().take((LINE_MAX_BYTES - line.len()) as u64).read_until(b'\n', line) {
            Ok(0) => return Err(io::Error::other("the guest is gone")),
            Ok(_) if line.last() == Some(&b'\n') => {
                let text = plain(line);
                line.clear();
                match text.strip_prefix("+ ") {
                    Some(bytes) => show(bytes, output)?,
                    None if text == "ok" => return Ok(true),
                    None if text.starts_with("error: ") => return Err(io::Error::other(text)),
                    None => {}
                }
            }
            Ok(_) if line.len() >= LINE_MAX_BYTES => line.clear(),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

fn show(bytes: &str, output: &mut dyn Write) -> io::Result<()> {
    let bytes = BASE64.decode(bytes).unwrap_or_default();
    output.write_all(&bytes)?;
    output.flush()
}

/// Whether the guest said something, and whether somebody typed.
fn wait(stream: &UnixStream, input: Option<BorrowedFd>) -> io::Result<(bool, bool)> {
    let mut fds = vec![PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN)];
    fds.extend(input.map(|input| PollFd::from_borrowed_fd(input, PollFlags::IN)));
    match poll(&mut fds, Some(&TURN)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => {}
        Err(error) => return Err(error.into()),
    }
    let ready = |at: usize| fds.get(at).is_some_and(|fd| !fd.revents().is_empty());
    Ok((ready(0), ready(1)))
}

fn read(input: BorrowedFd) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; 1024];
    let size = rustix::io::retry_on_intr(|| rustix::io::read(input, &mut bytes))?;
    bytes.truncate(size);
    Ok(bytes)
}

/// How many stand in a row at the end; enough of them anywhere count.
fn escaped(before: usize, bytes: &[u8]) -> usize {
    let mut row = before;
    for byte in bytes {
        if row >= ESCAPES {
            break;
        }
        row = if *byte == ESCAPE { row + 1 } else { 0 };
    }
    row
}

fn type_(stream: &mut UnixStream, bytes: &[u8]) -> io::Result<()> {
    send(stream, format!("{}\n", BASE64.encode(bytes)).as_bytes())
}

/// All of it: a guest that does not read is waited for.
fn send(stream: &mut UnixStream, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match stream.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                poll(&mut [PollFd::new(stream, PollFlags::OUT)], Some(&TURN)).map(drop)?;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn plain(line: &[u8]) -> String {
    String::from_utf8_lossy(line).trim_end().replace(char::is_control, "?")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn bytes_go_both_ways_until_the_shell_ends() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("control");
        let listener = UnixListener::bind(&socket).expect("a socket");
        // The agent's part, by hand.
        let guest = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("somebody");
            let mut lines =
                BufReader::new(stream.try_clone().expect("a copy")).lines().map(|line| line.expect("text"));
            let mut next = || lines.find(|line| !line.is_empty()).expect("a line");
            let mark = next().replace(".reset", "=");
            write!(stream, "+ another's\n{mark}\n").expect("heard");
            let asked = next();
            write!(stream, "= shell\n+ {}\n", BASE64.encode(b"$ ")).expect("heard");
            let typed = next();
            assert_eq!(next(), BASE64.encode(END));
            write!(stream, "+ {}\nok\n", BASE64.encode(b"\x1b[1mbye")).expect("heard");
            (asked, BASE64.decode(typed).expect("base64"))
        });
        let (reader, mut writer) = io::pipe().expect("a pipe");
        writer.write_all(b"id\n").expect("room");
        drop(writer);
        let mut seen = Vec::new();
        let terminal =
            Terminal { input: reader.as_fd(), output: &mut seen, size: &|| (80, 24), kind: "xterm".into() };
        shell(&socket, terminal).expect("a shell");
        assert_eq!(guest.join().expect("no fault"), ("shell 80x24 xterm".to_string(), b"id\n".to_vec()));
        assert_eq!(seen, b"$ \x1b[1mbye");
    }

    #[test]
    fn the_way_out() {
        assert_eq!(escaped(0, b"\x1d\x1d"), 2);
        assert_eq!(escaped(2, b"\x1d"), 3);
        assert_eq!(escaped(2, b"a\x1d"), 1);
        assert_eq!(escaped(0, b"\x1d\x1d\x1dabc"), 3);
    }
}
