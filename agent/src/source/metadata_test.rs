//! A real server that stalls, lies and redirects, on loopback; and changed answers.

use std::net::TcpListener;
use std::thread;

use super::*;

/// What `get` makes of a server that sends these pieces, with a pause after each.
fn check(pieces: &[&[u8]], pause_ms: u64, limit_s: u64) -> (Refused<Vec<u8>>, Duration) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/latest/user-data", listener.local_addr().unwrap());
    let pieces: Vec<Vec<u8>> = pieces.iter().map(|piece| piece.to_vec()).collect();
    let server = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = [0; 4096];
        let size = stream.read(&mut request).unwrap();
        assert!(request[..size].starts_with(b"GET /latest/user-data HTTP/1.1\r\nHost: 127.0.0.1:"));
        for piece in pieces {
            // Who was refused has gone.
            if stream.write_all(&piece).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(pause_ms));
        }
    });
    let begun = Instant::now();
    let answer = get(&url, Duration::from_secs(limit_s));
    let took = begun.elapsed();
    server.join().unwrap();
    (answer, took)
}

fn says(answer: &str) -> String {
    match check(&[answer.as_bytes()], 0, 5).0 {
        Ok(body) => String::from_utf8(body).unwrap(),
        Err(why) => format!("! {why}"),
    }
}

#[test]
fn three_ways_to_end() {
    assert_eq!(says("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\na=1 and more"), "a=1");
    assert_eq!(says("HTTP/1.0 200\r\n\r\na=1"), "a=1");
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: Chunked\r\n\r\n1\r\na\r\n2;x=y\r\n=1\r\n0\r\n\r\n";
    assert_eq!(says(chunked), "a=1");
}

#[test]
fn who_lies_or_sends_us_elsewhere_is_refused() {
    let ok = "HTTP/1.1 200 OK\r\n";
    assert_eq!(
        says("HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n"),
        "! it answers 302: a redirect is not followed"
    );
    assert_eq!(says("HTTP/1.1 404 Not Found\r\n\r\n"), "! it answers 404");
    assert_eq!(says("SSH-2.0-x\r\n\r\n"), "! its answer is no HTTP");
    assert_eq!(says(""), "! its answer is cut");
    assert_eq!(says(&format!("{ok}Content-Length: 30\r\n\r\na=1")), "! its answer is cut");
    assert_eq!(says(&format!("{ok}Content-Length: -3\r\n\r\na=1")), "! its answer's length is no number");
    let large = "! its answer is larger than 1048576 bytes";
    assert_eq!(says(&format!("{ok}Content-Length: 99999999999999999999\r\n\r\n")), large);
    assert_eq!(says(&format!("{ok}\r\n{}", "a".repeat(3 << 20))), large);
    let twice = format!("{ok}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\na=1");
    assert_eq!(says(&twice), "! its answer says twice how long it is");
    let chunks = format!("{ok}Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(says(&format!("{chunks}fffffffffffffff\r\n")), large);
    assert_eq!(says(&format!("{chunks}1\r\nab\r\n\r\n")), "! its answer's chunks are none");
    assert_eq!(says(&format!("{chunks}{}", "1\r\na\r\n".repeat(1 << 20))), large, "a bomb of small chunks");
    assert!(says(&format!("{ok}x: {}", "y".repeat(20_000))).contains("a head of more than"));
    assert_eq!(says(&format!("{ok}Content-Encoding: gzip\r\n\r\n")), "! its answer is compressed");
}

#[test]
fn who_stalls_is_left() {
    let (answer, took) = check(&[b"HTTP/1.1 200 OK\r\n"], 3000, 1);
    assert_eq!(answer, Err("no whole answer within 1 s".into()));
    assert!(took < Duration::from_millis(2500), "{took:?}");
    let drops: Vec<&[u8]> = vec![b"x"; 30];
    let (answer, took) = check(&drops, 100, 1);
    assert!(answer.is_err() && took < Duration::from_millis(2500), "byte for byte: {took:?}");
}

#[test]
fn an_address_stands_in_the_url() {
    assert!(parse_url("http://169.254.169.254/latest?a=b").is_ok());
    assert_eq!(parse_url("http://[fd00:ec2::254]:8080/x").unwrap().0.port(), 8080);
    assert_eq!(parse_url("http://[fd00:ec2::254]/x").unwrap().0.port(), 80);
    for url in ["https://1.2.3.4/", "http://1.2.3.4", "http://metadata/x", "http://1.2.3.4/a b", "http:///x"]
    {
        assert!(parse_url(url).is_err(), "{url}");
    }
    assert!(get("http://127.0.0.1:1/x", Duration::from_secs(1)).is_err(), "nobody listens");
}

#[test]
fn no_bytes_make_it_panic() {
    let whole = b"HTTP/1.1 200 OK\r\nA: b\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=1\r\n0\r\n\r\n";
    crate::chance::rounds(13, 200_000, |chance| {
        let bytes = chance.change(whole, 0);
        assert!(reply(&bytes, true).map_or(true, |body| body.is_some()));
    });
}
