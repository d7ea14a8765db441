//! A real HTTP server for tests: it answers each connection as the script says, and keeps what was asked.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// How one request is answered. The last of a script answers all that come after.
#[derive(Clone, Copy)]
pub enum Answer {
    /// As a good server does, ranges included.
    Good,
    /// All of it, whatever range was asked.
    IgnoresRange,
    /// The whole is promised, this many bytes come, the connection ends.
    CutAfter(usize),
    /// The whole is promised, this many bytes come, then nothing, and the connection stays.
    StallsAfter(usize),
    /// No length is said, this many bytes come.
    NoLength(usize),
    /// One byte every 2 ms.
    Slow,
    Status(&'static str),
    Html,
    OtherBytes,
    /// 206, but beginning at another byte.
    OtherRange,
    /// Closes without a word.
    Silent,
}

pub struct Server {
    pub url: String,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(body: &'static [u8], script: &[Answer]) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/file.tar.gz", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, script) = (asked.clone(), script.to_vec());
        std::thread::spawn(move || {
            for (at, stream) in listener.incoming().enumerate() {
                let answer = script[at.min(script.len() - 1)];
                let (stream, log) = (stream.unwrap(), log.clone());
                std::thread::spawn(move || serve(stream, answer, body, &log));
            }
        });
        Server { url, asked }
    }

    /// `GET` or `GET from 10` or `GET from 10 if "v1"`, one a line.
    pub fn asked(&self) -> String {
        self.asked.lock().unwrap().concat()
    }
}

fn serve(mut stream: TcpStream, answer: Answer, body: &[u8], log: &Mutex<Vec<String>>) {
    let (from, if_range) = request(&stream);
    let condition = if_range.map(|etag| format!(" if {etag}")).unwrap_or_default();
    let range = if from > 0 { format!(" from {from}") } else { String::new() };
    log.lock().unwrap().push(format!("GET{range}{condition}\n"));
    let whole = body.len();
    let head = |status: &str, extra: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n{extra}\r\n")
    };
    let good = if from > 0 && from < whole {
        let range = format!("Content-Range: bytes {from}-{}/{whole}\r\nETag: \"v1\"\r\n", whole - 1);
        head("206 Partial Content", &range, whole - from)
    } else {
        head("200 OK", "ETag: \"v1\"\r\n", whole)
    };
    let page = b"<!DOCTYPE html><html><body>Please sign in</body></html>";
    let (head, content) = match answer {
        Answer::Good | Answer::Slow => (good, &body[from..]),
        Answer::IgnoresRange => (head("200 OK", "", whole), body),
        Answer::CutAfter(count) | Answer::StallsAfter(count) => (good, &body[from..][..count]),
        Answer::NoLength(count) => {
            ("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_string(), &body[..count])
        }
        Answer::Status(status) => (head(status, "", 0), &body[..0]),
        Answer::Html => (head("200 OK", "Content-Type: text/html\r\n", page.len()), page.as_slice()),
        Answer::OtherBytes => (head("200 OK", "", whole), &[b'x'; 4096][..whole]),
        Answer::OtherRange => {
            (head("206 Partial Content", &format!("Content-Range: bytes 1-9/{whole}\r\n"), 9), &body[1..10])
        }
        Answer::Silent => (String::new(), &body[..0]),
    };
    // The client may have hung up: that is what some of these tests are about.
    if stream.write_all(head.as_bytes()).is_err() {
        return;
    }
    match answer {
        Answer::Slow => content.iter().for_each(|byte| {
            std::thread::sleep(Duration::from_millis(2));
            stream.write_all(&[*byte]).unwrap_or(());
        }),
        _ => stream.write_all(content).unwrap_or(()),
    }
    if let Answer::StallsAfter(_) = answer {
        std::thread::sleep(Duration::from_secs(20));
    }
}

/// Reads one request's head: first byte wanted, `If-Range`.
fn request(stream: &TcpStream) -> (usize, Option<String>) {
    let (mut from, mut if_range) = (0, None);
    for line in BufReader::new(stream).lines() {
        let line = line.unwrap_or_default();
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("range") => {
                from = value.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
            }
            Some((name, value)) if name.eq_ignore_ascii_case("if-range") => {
                if_range = Some(value.to_string())
            }
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    (from, if_range)
}
