//! Words on a socket, whole, cut and wrong.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use super::way::TEXT_MAX_BYTES;
use super::*;

/// A client, and the control that hears it.
fn pair() -> (UnixStream, Control, Waiter) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    theirs.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let (mut control, waiter) = (Control::default(), Waiter::new().unwrap());
    control.add(&waiter, Kind::Socket, File::from(OwnedFd::from(ours)));
    (theirs, control, waiter)
}

fn said(client: &mut UnixStream) -> String {
    let mut bytes = [0; 8192];
    let count = client.read(&mut bytes).unwrap_or(0);
    String::from_utf8_lossy(&bytes[..count]).into_owned()
}

#[test]
fn a_text_is_put_line_by_line() {
    let (mut client, mut control, _waiter) = pair();
    client.write_all(b"half a wo\n.reset 7\nenv put\nYSA9\nIDEK\n.\nstatus\n").unwrap();
    assert_eq!(control.asked(0), [Ask::Put(b"a = 1\n".to_vec()), Ask::Status]);
    control.answer(0, "ready");
    control.done(0, Ok(()));
    let said = said(&mut client);
    assert!(said.contains("error: no such word"), "{said}");
    assert!(said.ends_with("= 7\n+ ready\nok\n"), "{said}");
}

#[test]
fn no_bytes_make_it_panic() {
    let (mut client, mut control, waiter) = pair();
    let whole = b".reset 7\nstatus\nenv put\nYSA9\nIDEK\n.\nlog -f -n 7 nginx\nevents -f\nrestart nginx\n";
    crate::chance::rounds(23, 5_000, |chance| {
        client.write_all(&chance.change(whole, 0)).unwrap();
        for ask in control.asked(0) {
            assert!(!matches!(ask, Ask::Put(bytes) if bytes.len() > TEXT_MAX_BYTES));
            control.done(0, Err("no".into()));
        }
        said(&mut client);
    });
    // It listens still.
    client.write_all(b"\n.reset 9\nstatus\n").unwrap();
    assert_eq!(control.asked(0).last(), Some(&Ask::Status));
    drop(waiter);
}

#[test]
fn a_text_without_end_is_bounded_and_a_reader_that_sleeps_is_let_go() {
    let (mut client, mut control, waiter) = pair();
    client.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    client.write_all(b"env put\n").unwrap();
    let begun = Instant::now();
    for _ in 0..4000 {
        client.write_all(&[[b'a'; 1000].as_slice(), b"\n"].concat()).unwrap();
        assert!(control.asked(0).is_empty());
    }
    assert!(begun.elapsed() < Duration::from_secs(20));
    let text = control.ways[0].as_ref().unwrap().text.as_ref().unwrap();
    assert!(text.len() <= TEXT_MAX_BYTES + 4096);
    client.write_all(b".reset 1\n").unwrap();
    control.asked(0);
    for _ in 0..3000 {
        control.answer(0, &"x".repeat(1000));
    }
    control.let_go();
    assert!(control.ways[0].is_none());
    drop(waiter);
}
