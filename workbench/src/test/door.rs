//! The door into a sandbox: one TCP socket of its network, held outside; waits until a port accepts, and asks by HTTP.
//!
//! The kernel tells nobody that a port began to listen, so it is asked again, with growing pauses; each pause ends at once
//! when the program ended. HTTP/1.0, so that an answer is whole when the connection ends.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::lock;

const PAUSE_FIRST: Duration = Duration::from_millis(1);
const PAUSE_MOST: Duration = Duration::from_millis(50);
/// A server that keeps the connection after its answer is heard so long.
const SILENCE_MAX: Duration = Duration::from_secs(5);
pub const ANSWER_MAX_BYTES: u64 = 4 << 20;

/// Says that the program has ended.
#[derive(Default)]
pub struct Over {
    said: Mutex<Said>,
    bell: Condvar,
}

#[derive(Default, PartialEq)]
enum Said {
    #[default]
    Nothing,
    Over,
}

impl Over {
    pub fn say(&self) {
        *lock(&self.said) = Said::Over;
        self.bell.notify_all();
    }

    /// Whether it ended within the pause.
    fn within(&self, pause: Duration) -> bool {
        let waited = self.bell.wait_timeout_while(lock(&self.said), pause, |said| *said == Said::Nothing);
        *waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0 == Said::Over
    }
}

/// A connection to the port as soon as it accepts; `None` when the program ended before.
pub fn connect(door: OwnedFd, port: u16, over: &Over) -> Option<TcpStream> {
    let at = SocketAddrV4::new(Ipv4Addr::LOCALHOST, port);
    let mut pause = PAUSE_FIRST;
    loop {
        if rustix::net::connect(&door, &at).is_ok() {
            return Some(TcpStream::from(door));
        }
        if over.within(pause) {
            return None;
        }
        pause = (pause * 2).min(PAUSE_MOST);
    }
}

/// All that the server answers, head and body; what came until it fell silent.
pub fn get(mut stream: TcpStream, port: u16, path: &str) -> Vec<u8> {
    let mut answer = Vec::new();
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: localhost:{port}\r\nUser-Agent: rootbrew\r\nAccept: */*\r\n\r\n"
    );
    if stream.set_read_timeout(Some(SILENCE_MAX)).is_ok() && stream.write_all(request.as_bytes()).is_ok() {
        // A connection that breaks has said what it has said: the answer is judged, not the way.
        stream.take(ANSWER_MAX_BYTES).read_to_end(&mut answer).ok();
    }
    answer
}

/// Status and body of an answer; `None` for what is no HTTP.
pub fn parse(answer: &[u8]) -> Option<(u16, &[u8])> {
    let line = answer.split(|byte| *byte == b'\n').next()?;
    let line = std::str::from_utf8(line).ok()?.strip_prefix("HTTP/")?;
    let status = line.split_whitespace().nth(1)?.parse().ok()?;
    let body = answer.windows(4).position(|four| four == b"\r\n\r\n").map_or(answer.len(), |at| at + 4);
    Some((status, &answer[body..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_and_a_body_or_none() {
        assert_eq!(
            parse(b"HTTP/1.1 404 Not Found\r\nA: b\r\n\r\nno\r\n\r\n"),
            Some((404, &b"no\r\n\r\n"[..]))
        );
        assert_eq!(parse(b"HTTP/1.0 200 OK\r\n\r\n"), Some((200, &b""[..])));
        assert_eq!(parse(b"HTTP/1.0 200 OK"), Some((200, &b""[..])));
        for other in [&b""[..], b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 many\r\n\r\n", b"\xff\xfe"] {
            assert_eq!(parse(other), None);
        }
    }
}
