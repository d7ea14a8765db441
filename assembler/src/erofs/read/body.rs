//! A body: where an inode's bytes are, and a reader of them.

use std::io::{self, Read};

use super::Source;

/// Bytes in whole blocks (the last perhaps partial), then those behind the inode. Checked to be within the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Body {
    pub offset: u64,
    pub in_blocks: u64,
    pub tail_offset: u64,
    pub tail: u64,
}

impl Body {
    pub fn len_bytes(&self) -> u64 {
        self.in_blocks + self.tail
    }

    /// What two bodies have in common that share their blocks; without blocks, each is its own.
    pub fn read_once(&self) -> (u64, u64) {
        if self.in_blocks > 0 { (self.offset, self.in_blocks) } else { (self.tail_offset, 0) }
    }
}

/// Reads a body from its first byte to its last.
pub struct Contents<'a, S> {
    source: &'a S,
    body: Body,
    at: u64,
}

impl<'a, S: Source> Contents<'a, S> {
    pub(super) fn new(source: &'a S, body: Body) -> Contents<'a, S> {
        Contents { source, body, at: 0 }
    }

    pub fn len_bytes(&self) -> u64 {
        self.body.len_bytes()
    }
}

impl<S: Source> Read for Contents<'_, S> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let Body { offset, in_blocks, tail_offset, tail } = self.body;
        let (place, left) = match self.at.checked_sub(in_blocks) {
            None => (offset + self.at, in_blocks - self.at),
            Some(past) => (tail_offset + past, tail - past),
        };
        let count = left.min(bytes.len() as u64) as usize;
        self.source.read_at(&mut bytes[..count], place)?;
        self.at += count as u64;
        Ok(count)
    }
}
