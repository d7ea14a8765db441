//! Whose turn it is: a little of one way, then all others; and what becomes of answers that nobody reads.

use super::{Control, Kind, Way};
use crate::wait::News;

/// So much is read of one way in a turn.
pub const TURN_BYTES: usize = 1 << 10;
/// Who has not read that much of its answers is not heard until it has.
const UNREAD_MAX_BYTES: usize = 64 << 10;

impl Control {
    /// The ways of which more has come than their last turn took.
    pub fn unheard(&mut self) -> Vec<News> {
        self.unheard.drain(..).map(News::Control).collect()
    }

    /// Who does not read is let go. A port and the console are there for whoever comes next: they lose what was not read.
    pub fn let_go(&mut self) {
        for place in &mut self.ways {
            match place {
                Some(way) if way.is_slow() && way.kind == Kind::Socket => *place = None,
                Some(way) if way.is_slow() => way.forget(),
                _ => {}
            }
        }
    }
}

impl Way {
    pub(super) fn is_full(&self) -> bool {
        self.out.len() > UNREAD_MAX_BYTES
    }

    fn forget(&mut self) {
        self.out.clear();
        (self.text, self.follows) = (None, None);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::{Read, Write};
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::time::Duration;

    use super::super::Ask;
    use super::*;
    use crate::wait::Waiter;

    fn pair(kind: Kind) -> (UnixStream, Control, Waiter) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        ours.set_nonblocking(true).unwrap();
        theirs.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
        let (mut control, waiter) = (Control::default(), Waiter::new().unwrap());
        control.add(&waiter, kind, File::from(OwnedFd::from(ours)));
        (theirs, control, waiter)
    }

    fn said(client: &mut UnixStream) -> String {
        let mut bytes = [0; 8192];
        let count = client.read(&mut bytes).unwrap_or(0);
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    }

    #[test]
    fn a_port_outlives_a_reader_that_sleeps() {
        let (mut client, mut control, _waiter) = pair(Kind::Port);
        for _ in 0..3000 {
            control.answer(0, &"x".repeat(1000));
        }
        control.let_go();
        client.write_all(b"\n.reset 8\nstatus\n").unwrap();
        assert_eq!(control.asked(0), [Ask::Status]);
        let mut heard = String::new();
        while !heard.ends_with("= 8\n") {
            let more = said(&mut client);
            assert!(!more.is_empty(), "{}", heard.len());
            heard += &more;
            control.asked(0);
        }
    }

    #[test]
    fn who_asks_without_end_has_its_turn_and_who_does_not_read_is_not_heard() {
        let (mut client, mut control, _waiter) = pair(Kind::Socket);
        client.write_all(&b"status\n".repeat(1000)).unwrap();
        assert!((100..200).contains(&control.asked(0).len()));
        assert_eq!(control.unheard(), [News::Control(0)]);
        for _ in 0..1000 {
            control.answer(0, &"x".repeat(1000));
        }
        assert!(control.asked(0).is_empty() && control.unheard().is_empty());
        while !said(&mut client).is_empty() {
            control.ways[0].as_mut().unwrap().flush();
        }
        assert!(control.asked(0).len() > 100);
    }
}
