//! QEMU's own monitor (QMP): what is done to a guest's hardware from outside. One line of JSON a word, each answered by one.
//!
//! ```text
//! {"QMP": …}                                        QEMU, to whoever comes
//! {"execute": "qmp_capabilities"}                   we; {"return": {}}
//! {"execute": "set_link", "arguments": {…}}         {"return": {}} or {"error": {"desc": …}}
//! ```
//! Between answers QEMU tells events, which are passed over.

use std::io::{self, BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

/// It does these at once; on a machine that is busy, soon.
const PATIENCE: Duration = Duration::from_secs(30);

/// Plugs the network's cable in, or pulls it out.
///
/// # Errors
/// Nobody is at the socket, or QEMU says no.
pub fn plug(socket: &Path) -> io::Result<()> {
    tell(socket, "set_link", json!({ "name": "net", "up": true }))
}

/// # Errors
/// As [`plug`].
pub fn unplug(socket: &Path) -> io::Result<()> {
    tell(socket, "set_link", json!({ "name": "net", "up": false }))
}

fn tell(socket: &Path, word: &str, arguments: Value) -> io::Result<()> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    writeln!(stream, "{}", json!({ "execute": "qmp_capabilities" }))?;
    answer(&mut lines)?;
    writeln!(stream, "{}", json!({ "execute": word, "arguments": arguments }))?;
    answer(&mut lines)
}

fn answer(lines: &mut impl Iterator<Item = io::Result<String>>) -> io::Result<()> {
    loop {
        let line = lines.next().unwrap_or_else(|| Err(io::ErrorKind::UnexpectedEof.into()))?;
        let told: Value = serde_json::from_str(&line).map_err(io::Error::other)?;
        if told.get("return").is_some() {
            return Ok(());
        }
        if let Some(error) = told.get("error") {
            return Err(io::Error::other(format!("QEMU: {}", error["desc"].as_str().unwrap_or_default())));
        }
    }
}
