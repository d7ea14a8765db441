//! Bytes that come in pieces, to lines. Never holds more than one line of bounded length.

use std::io::{ErrorKind, Read};

/// Longer lines are cut into pieces of this size: a service that never ends its line must not eat the memory.
pub const LINE_MAX_BYTES: usize = 4096;

pub struct Lines<R> {
    reader: R,
    rest: Vec<u8>,
}

/// What [`Lines::drain`] found.
#[derive(Debug, PartialEq, Eq)]
pub enum Rest {
    /// More may come.
    Open,
    /// More is there.
    More,
    /// The other side is gone.
    Closed,
}

impl<R: Read> Lines<R> {
    /// `reader` must not block.
    pub fn new(reader: R) -> Lines<R> {
        Lines { reader, rest: Vec::new() }
    }

    pub fn reader(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Reads all that there is.
    #[cfg(test)]
    pub fn drain(&mut self, take: impl FnMut(&str)) -> Rest {
        self.drain_some(usize::MAX, take)
    }

    /// Reads about `bytes_max` at most; each whole line goes to `take`, without its end. Control characters are left out.
    pub fn drain_some(&mut self, bytes_max: usize, mut take: impl FnMut(&str)) -> Rest {
        let mut piece = [0; 1024];
        let mut bytes = 0;
        while bytes < bytes_max {
            match self.reader.read(&mut piece) {
                Ok(0) => {
                    self.flush(&mut take);
                    return Rest::Closed;
                }
                Ok(size) => {
                    bytes += size;
                    piece[..size].iter().for_each(|&byte| self.push(byte, &mut take));
                }
                Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
                Err(cause) if cause.kind() == ErrorKind::WouldBlock => return Rest::Open,
                Err(_) => return Rest::Closed,
            }
        }
        Rest::More
    }

    fn push(&mut self, byte: u8, take: &mut impl FnMut(&str)) {
        match byte {
            b'\n' | b'\r' => self.flush(take),
            b'\t' => self.rest.push(byte),
            // A service must not move the cursor of whoever reads the console.
            0..0x20 | 0x7f => {}
            _ => self.rest.push(byte),
        }
        if self.rest.len() >= LINE_MAX_BYTES {
            self.flush(take);
        }
    }

    fn flush(&mut self, take: &mut impl FnMut(&str)) {
        if !self.rest.is_empty() {
            take(&String::from_utf8_lossy(&self.rest));
            self.rest.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expected: &[&str]) {
        let mut found = Vec::new();
        assert_eq!(Lines::new(text).drain(|line| found.push(line.to_string())), Rest::Closed);
        assert_eq!(found, expected);
    }

    #[test]
    fn bytes_to_lines() {
        check(b"one\ntwo\r\n\nthree", &["one", "two", "three"]);
        check(b"\x1b[2Jcleared\tno\n\xff\n", &["[2Jcleared\tno", "\u{fffd}"]);
        check(&[b'a'; 5000], &["a".repeat(4096).as_str(), &"a".repeat(904)]);
    }
}
