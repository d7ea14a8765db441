//! The passphrase of a channel's keys: from a descriptor, a file that the environment names, or the terminal. Never from an
//! argument, which every process may read; never printed.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{FromRawFd, RawFd};

use ci::channel::ChannelError;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

/// The name of a file that holds it.
pub const FILE: &str = "ROOTBREW_PASSPHRASE_FILE";
const MAX_BYTES: u64 = 4096;

pub fn ask(descriptor: Option<RawFd>) -> Result<Vec<u8>, ChannelError> {
    let asked = match (descriptor, std::env::var_os(FILE)) {
        // SAFETY: given on the command line for us to read and close; it is asked once.
        (Some(descriptor), _) => first_line(unsafe { File::from_raw_fd(descriptor) }),
        (None, Some(path)) => File::open(path).and_then(first_line),
        (None, None) => terminal(),
    };
    let wrong = |what: String| ChannelError::NoKey(format!("no passphrase for the keys: {what}"));
    let asked =
        asked.map_err(|error| wrong(format!("{error}; give --passphrase-fd N, or name a file by {FILE}")))?;
    if asked.is_empty() { Err(wrong("it is empty".into())) } else { Ok(asked) }
}

fn first_line(file: File) -> std::io::Result<Vec<u8>> {
    let mut line = Vec::new();
    BufReader::new(file.take(MAX_BYTES)).read_until(b'\n', &mut line)?;
    while line.last().is_some_and(|byte| matches!(byte, b'\n' | b'\r')) {
        line.pop();
    }
    Ok(line)
}

/// Without showing it; the terminal is as it was afterwards.
fn terminal() -> std::io::Result<Vec<u8>> {
    let mut terminal = File::options().read(true).write(true).open("/dev/tty")?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    silent.local_modes &= !LocalModes::ECHO;
    terminal.write_all(b"passphrase of the channel's keys: ")?;
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    let line = first_line(terminal.try_clone()?);
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    terminal.write_all(b"\n")?;
    line
}
