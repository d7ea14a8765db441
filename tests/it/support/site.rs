//! A site on this machine: what stands at each path, for as many as ask.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

pub struct Site {
    pub url: String,
}

/// What stands at a path: `text/html` where it begins with `<`.
pub type Page = Vec<u8>;

impl Site {
    /// A path that is not there answers 404.
    pub fn start(pages: impl IntoIterator<Item = (&'static str, Page)>) -> Site {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let pages: BTreeMap<&str, Page> = pages.into_iter().collect();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut reader = BufReader::new(&stream);
                let (mut asked, mut line) = (String::new(), String::new());
                while reader.read_line(&mut line).is_ok_and(|count| count > 2) {
                    if asked.is_empty() {
                        asked = line.split(' ').nth(1).unwrap_or_default().to_string();
                    }
                    line.clear();
                }
                // An asker that hung up has its answer.
                (&stream).write_all(&answer(pages.get(asked.as_str()))).ok();
            }
        });
        Site { url }
    }
}

fn answer(page: Option<&Page>) -> Vec<u8> {
    let head = |status: &str, kind: &str, length: usize| {
        format!(
            "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
        )
    };
    let (head, page) = match page {
        None => (head("404 Not Found", "text/plain", 0), &[][..]),
        Some(page) if page.starts_with(b"<") => (head("200 OK", "text/html", page.len()), page.as_slice()),
        Some(page) if page.starts_with(b"001e# service=") => {
            (head("200 OK", "application/x-git-upload-pack-advertisement", page.len()), page.as_slice())
        }
        Some(page) => (head("200 OK", "application/octet-stream", page.len()), page.as_slice()),
    };
    [head.as_bytes(), page].concat()
}

/// A tar of small files.
pub fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (path, text) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().expect("a path in it")).expect("its folder");
        std::fs::write(path, text).expect("a file");
    }
    let mut tar = std::process::Command::new("tar");
    let tar = tar.args(["-c", "-C"]).arg(folder.path()).arg(".").output().expect("tar runs");
    assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
    tar.stdout
}
