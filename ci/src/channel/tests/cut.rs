//! A network that is cut at seeded points: what was pulled is whole or not there, and the next try goes on.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use builder::fetch::Patience;

use super::*;

/// Serves a folder until `left` bytes were sent, and from then on hangs up.
fn site(root: PathBuf, left: Arc<AtomicI64>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who hung up has heard enough.
            answer(&stream, &root, &left).ok();
        }
    });
    url
}

fn answer(mut stream: &TcpStream, root: &Path, left: &AtomicI64) -> std::io::Result<()> {
    let (mut path, mut from, mut line) = (String::new(), 0, String::new());
    let mut reader = BufReader::new(stream);
    while reader.read_line(&mut line)? > 2 {
        if path.is_empty() {
            path = line.split(' ').nth(1).unwrap_or_default().trim_start_matches('/').to_string();
        }
        if let Some(range) = line.to_lowercase().strip_prefix("range: bytes=") {
            from = range.trim().trim_end_matches('-').parse().unwrap_or(0);
        }
        line.clear();
    }
    let Ok(bytes) = fs::read(root.join(path)) else {
        return stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    };
    let (status, rest) = if from > 0 { ("206 Partial", &bytes[from..]) } else { ("200 OK", &bytes[..]) };
    let range = format!("Content-Range: bytes {from}-{}/{}", bytes.len() - 1, bytes.len());
    let may = left.fetch_sub(rest.len() as i64, Ordering::Relaxed).clamp(0, rest.len() as i64) as usize;
    write!(
        stream,
        "HTTP/1.1 {status}\r\n{range}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        rest.len()
    )?;
    stream.write_all(&rest[..may])
}

#[test]
fn cut_at_two_hundred_points() {
    let toy = Toy::new();
    let left = Arc::new(AtomicI64::new(i64::MAX));
    let url = site(toy.channel().path(""), left.clone());
    let patience = Patience {
        stall: Duration::from_secs(2),
        tries: 1,
        pause: Duration::from_millis(1),
        pause_max: Duration::from_millis(1),
    };
    let places = Places { patience, ..Places::default() };
    let (to, trusted, cancel) = (toy.folder.path().join("out"), toy.host(), AtomicBool::new(false));
    let pulled = |now_s| {
        let place = Web::new(&url, &places);
        let pulling = Pulling {
            place: &place,
            trusted: &trusted,
            places: &places,
            events: &|_| (),
            cancel: &cancel,
            now_s,
        };
        pull(&pulling, "edge", "web", &to, &|_| true)
    };
    let text = |at: u64| format!("image {at} ").repeat(2000);
    let mut chance = Chance(0x5eed);
    let mut refused = 0;
    for at in 0..200 {
        let image = at / 10;
        if at % 10 == 0 {
            toy.publish("edge", "web", &text(image), NOW_S + at).unwrap();
        }
        left.store(chance.below(40_000) as i64, Ordering::Relaxed);
        // All has to come again, but for what an earlier cut left in the stage.
        ["root.erofs", "vmlinuz"].iter().for_each(|name| drop(fs::remove_file(to.join(name))));
        match pulled(NOW_S + at) {
            Ok(_) => assert_eq!(fs::read_to_string(to.join("root.erofs")).unwrap(), text(image)),
            Err(_) => refused += 1,
        }
        if let Ok(root) = fs::read_to_string(to.join("root.erofs")) {
            assert!((0..=image).any(|at| root == text(at)), "round {at}: a root that never was");
        }
        left.store(i64::MAX, Ordering::Relaxed);
        if at % 10 == 9 {
            pulled(NOW_S + at).unwrap();
            assert_eq!(fs::read_to_string(to.join("root.erofs")).unwrap(), text(image));
        }
    }
    assert!((20..200).contains(&refused), "{refused} of 200 were cut");
}
