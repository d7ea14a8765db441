//! Downloads that go wrong: an error with what was expected and what came, and nothing kept as a blob.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

use crate::support::{Ran, Toy, seed};

/// A server on this machine that gives every asker the same bytes.
fn serve(answer: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("its address");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut line = String::new();
            let mut reader = BufReader::new(&stream);
            while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                line.clear();
            }
            // An asker that hung up has its answer.
            (&stream).write_all(&answer).ok();
        }
    });
    format!("http://{address}/file-1.0.tar")
}

const GOOD: &[u8] = b"the bytes that were meant";

fn http(kind: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn toy(answer: Vec<u8>) -> Toy {
    let toy = Toy::new();
    let source = format!(
        "source = {{ url = \"{}\", sha256 = \"{}\", unpack = false }}",
        serve(answer),
        kegs::Digest::of(GOOD).hex()
    );
    toy.recipe("file", &[], &source, "cp file-1.0.tar \"$OUT/\"");
    toy
}

fn build(toy: &Toy) -> Ran {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.args(["build", "file"]).arg("--tap").arg(toy.tap()).arg("--store").arg(toy.store());
    command.arg("--sources").arg(seed::sources()).env("XDG_CACHE_HOME", toy.path().join("cache"));
    for proxy in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    Ran::of(&mut command)
}

fn check(answer: Vec<u8>, said: &[&str]) {
    let toy = toy(answer);
    let blobs = || walk(&toy.store().join("blobs"));
    let before = blobs();
    let ran = build(&toy).expect(1);
    ran.says(said);
    ran.says(&["127.0.0.1"]);
    assert_eq!(blobs(), before, "{ran}");
    toy.is_whole();
}

fn walk(folder: &std::path::Path) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).expect("blobs").flatten() {
        for blob in std::fs::read_dir(entry.path()).expect("blobs").flatten() {
            names.push(blob.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    names
}

#[test]
fn the_right_bytes_are_built() {
    let toy = toy(http("application/x-tar", GOOD.len(), GOOD));
    build(&toy).expect(0);
    assert_eq!(toy.read("file", "file-1.0.tar").as_bytes(), GOOD);
}

#[test]
fn other_bytes() {
    let other = b"the bytes that were not me";
    let (expected, found) = (kegs::Digest::of(GOOD).hex(), kegs::Digest::of(other).hex());
    check(http("application/x-tar", other.len(), other), &[&expected, &found, "26 bytes"]);
}

#[test]
fn html_and_not_the_archive() {
    let page = b"<!DOCTYPE html><html><body>Please log in</body></html>";
    check(
        http("text/html", page.len(), page),
        &["an HTML page and not the file", &kegs::Digest::of(GOOD).hex()],
    );
}

#[test]
fn cut_short() {
    check(http("application/x-tar", GOOD.len(), &GOOD[..9]), &["after 9"]);
}

#[test]
fn gone() {
    check(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_vec(), &["404"]);
}
