//! The terminal: all that is printed, and how.
//!
//! Standard error is talk: one line an event, readable without colour; a live view only on a terminal. Standard output is
//! data.

mod faults;
pub mod findings;
mod live;
pub mod start;
mod timeline;
mod trace;
pub mod view;

use std::io::Write;
use std::path::Path;

pub use ci::report::{bytes, seconds};

use crate::trouble::{Result, Trouble};

/// Says what ended the command.
pub fn trouble(trouble: &Trouble, json: bool) {
    match trouble {
        Trouble::Faults(faults) => faults::print(faults, json),
        Trouble::Failed(message) => error(message, json),
        Trouble::Bug(message) => {
            error(&format!("{message}\nthis is rootbrew's own fault: please report it"), json)
        }
        Trouble::Cancelled => talk("stopped; the same command goes on from here"),
        Trouble::Said => {}
    }
}

fn error(message: &str, json: bool) {
    if json {
        data(&serde_json::json!({ "event": "error", "message": message }).to_string());
    } else {
        talk(&format!("error: {message}"));
    }
}

/// One line of talk. A reader that closed its end has heard enough.
pub fn talk(line: &str) {
    writeln!(std::io::stderr(), "{line}").ok();
}

/// One line of data.
pub fn data(line: &str) {
    writeln!(std::io::stdout(), "{line}").ok();
}

/// Text to a file, which may be a device or a pipe too; `-` is standard output.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if path == Path::new("-") {
        data(text.trim_end());
        return Ok(());
    }
    std::fs::write(path, text)
        .map_err(|error| Trouble::Failed(format!("cannot write {}: {error}", path.display())))
}

/// Data as it is, which may be no text.
pub fn pour(mut reader: impl std::io::Read) -> std::io::Result<()> {
    match std::io::copy(&mut reader, &mut std::io::stdout().lock()) {
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        copied => copied.map(drop),
    }
}

/// `built   zlib 1.3.2   4.1 s`: a verb, a subject, the rest.
pub fn event(verb: &str, subject: &str, rest: &str) {
    talk(format!("{verb:<8}{subject:<27} {rest}").trim_end());
}

/// More bytes or fewer, as people read them: `+4.1 kB`.
pub fn more_bytes(count: i64) -> String {
    let sign = if count < 0 { '-' } else { '+' };
    format!("{sign}{}", bytes(count.unsigned_abs()))
}
