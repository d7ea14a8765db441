//! The image on its way out: contents are read and checked by several threads, put in order, written, and hashed aside.
//!
//! ```text
//! bodies ─▶ batches ─▶ reader  ┐
//!                      reader  ├▶ chunks, in order ─▶ writer ─▶ hasher: the image's digest
//!                      reader  ┘
//! ```
//! A reader takes the next batch: neighbours that fill one chunk, or one body that needs many. It reads each body and
//! hashes it, so that nothing goes by unchecked. The sha256 of the whole can't be cut into parts: it has a thread to
//! itself, which is the limit of all this (1.7 GB/s by the processor's own instructions), and everything else is beside it.
//! Memory is what the chunks take that are under way, whatever the image's size.

use std::io::{self, Read, Write};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use kegs::{Digest, digest::Hasher};

use super::BLOCK;
use super::layout::Body;
use crate::content::{Content, open_whole};
use crate::tree::Bytes;

/// Bytes of a chunk. Measured on ext4: a file is written by 1 MiB in half the processor time that 64 KiB take.
const CHUNK_BYTES: usize = 1 << 20;

/// Chunks of one body that wait for the writer, batches that do, chunks that wait for the hasher.
const AHEAD: usize = 3;

/// More would wait for the hasher: one reads and checks nearly as fast as that hashes.
const READERS_MAX: usize = 4;

/// Writes `first`, then the bodies, each filled up with zeros to whole blocks; the digest of it all.
///
/// # Errors
/// The writer's, the content's, and content that is not what its digest says.
pub fn write(
    first: Vec<u8>,
    bodies: &[Body],
    content: &dyn Content,
    out: &mut impl Write,
) -> io::Result<Digest> {
    let spare = Spare::default();
    std::thread::scope(|scope| {
        let (to_hash, coming) = mpsc::sync_channel(AHEAD);
        let hashing = scope.spawn(|| hash(coming, &spare));
        let (to_order, in_order) = mpsc::sync_channel(AHEAD);
        let queue = Arc::new(Mutex::new((batches(bodies).into_iter(), to_order)));
        for _ in 0..readers() {
            let (queue, spare) = (queue.clone(), &spare);
            scope.spawn(move || read_batches(&queue, content, spare));
        }
        // The readers hold the queue: when they end, so does the order.
        drop(queue);
        let written = write_in_order(first, in_order, to_hash, out);
        let digest = hashing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        written.map(|()| digest)
    })
}

fn readers() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get().min(READERS_MAX))
}

type Chunk = io::Result<Vec<u8>>;

fn write_in_order(
    first: Vec<u8>,
    in_order: Receiver<Receiver<Chunk>>,
    to_hash: SyncSender<Vec<u8>>,
    out: &mut impl Write,
) -> io::Result<()> {
    for chunk in std::iter::once(Ok(first)).chain(in_order.into_iter().flatten()) {
        let chunk = chunk?;
        out.write_all(&chunk)?;
        to_hash.send(chunk).map_err(io::Error::other)?;
    }
    out.flush()
}

fn hash(coming: Receiver<Vec<u8>>, spare: &Spare) -> Digest {
    let mut hasher = Hasher::default();
    for bytes in coming {
        hasher.update(&bytes);
        spare.give(bytes);
    }
    hasher.finish()
}

/// Buffers that were hashed, to be filled again: a new one costs the kernel a page for each 4 KB of it.
#[derive(Default)]
struct Spare(Mutex<Vec<Vec<u8>>>);

impl Spare {
    fn take(&self) -> Vec<u8> {
        let spare = self.0.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut bytes = spare.unwrap_or_default();
        bytes.resize(CHUNK_BYTES, 0);
        bytes
    }

    fn give(&self, bytes: Vec<u8>) {
        if bytes.capacity() == CHUNK_BYTES {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).push(bytes);
        }
    }
}

/// Neighbours that fill one chunk at most, and each larger body by itself.
fn batches(bodies: &[Body]) -> Vec<&[Body]> {
    let (mut batches, mut rest) = (Vec::new(), bodies);
    while !rest.is_empty() {
        let mut bytes = 0;
        let fits = |body: &&Body| {
            bytes += body.blocks * BLOCK as u64;
            bytes <= CHUNK_BYTES as u64
        };
        let (batch, next) = rest.split_at(rest.iter().take_while(fits).count().max(1));
        batches.push(batch);
        rest = next;
    }
    batches
}

/// The batches nobody took yet, and where the receiver of each one's chunks goes, in the order of the image.
type Queue<'a> = Mutex<(std::vec::IntoIter<&'a [Body]>, SyncSender<Receiver<Chunk>>)>;

fn read_batches(queue: &Queue, content: &dyn Content, spare: &Spare) {
    while let Some((batch, chunks)) = next(queue) {
        let mut filling = Filling { chunk: spare.take(), used: 0, chunks, spare };
        let read = batch.iter().try_for_each(|body| filling.read(body, content));
        // A writer that failed takes no more, and says itself why.
        match read.and_then(|()| filling.send()) {
            Err(error) => drop(filling.chunks.send(Err(error))),
            Ok(()) => spare.give(filling.chunk),
        }
    }
}

/// Takes a batch and its place in the order, in one step. It waits where the writer is behind.
fn next<'a>(queue: &Queue<'a>) -> Option<(&'a [Body], SyncSender<Chunk>)> {
    let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
    let batch = queue.0.next()?;
    let (chunks, receiver) = mpsc::sync_channel(AHEAD);
    queue.1.send(receiver).ok()?;
    Some((batch, chunks))
}

/// The chunk that a reader fills, of which `used` bytes are.
struct Filling<'a> {
    chunk: Vec<u8>,
    used: usize,
    chunks: SyncSender<Chunk>,
    spare: &'a Spare,
}

impl Filling<'_> {
    /// The part of a body that stands in whole blocks. A stored file is hashed on the way, its tail too.
    fn read(&mut self, body: &Body, content: &dyn Content) -> io::Result<()> {
        let length = body.block_bytes();
        match &body.bytes {
            Bytes::Inline(bytes) => self.copy(&bytes[..length as usize], length).map(drop)?,
            Bytes::Stored(digest) => {
                let file = open_whole(digest, content)?;
                let mut hasher = self.copy(&file, length)?;
                let mut tail = Vec::new();
                (&file).read_to_end(&mut tail)?;
                hasher.update(&tail);
                super::whole(digest, hasher.finish())?;
            }
        }
        self.fill_block();
        Ok(())
    }

    /// Exactly `length` bytes of a reader, and their hash so far.
    fn copy(&mut self, mut from: impl Read, length: u64) -> io::Result<Hasher> {
        let mut hasher = Hasher::default();
        let mut left = length;
        while left > 0 {
            if self.used == CHUNK_BYTES {
                self.send()?;
            }
            let count = left.min((CHUNK_BYTES - self.used) as u64) as usize;
            let part = &mut self.chunk[self.used..][..count];
            from.read_exact(part)?;
            hasher.update(part);
            self.used += count;
            left -= count as u64;
        }
        Ok(hasher)
    }

    /// A chunk is whole blocks, so there is room.
    fn fill_block(&mut self) {
        let end = self.used.next_multiple_of(BLOCK);
        self.chunk[self.used..end].fill(0);
        self.used = end;
    }

    fn send(&mut self) -> io::Result<()> {
        let mut chunk = std::mem::replace(&mut self.chunk, self.spare.take());
        chunk.truncate(std::mem::take(&mut self.used));
        self.chunks.send(Ok(chunk)).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Place;

    /// Sizes about every edge of blocks and chunks, many small ones between.
    fn sizes() -> Vec<usize> {
        let edges =
            [1, 2, 3].map(|chunks| [-4097, -1, 0, 1, 4096].map(|by| chunks * CHUNK_BYTES as i64 + by));
        let small = (1..300).map(|at| at * 37 % 9000 + 1);
        small.chain(edges.into_iter().flatten().map(|size| size as usize)).chain(10..40).collect()
    }

    fn bytes_of(size: usize) -> Vec<u8> {
        (0..size).map(|at| (at * 31 / 7 + size) as u8).collect()
    }

    /// Each size once in whole blocks and once without its tail, every third inline.
    fn bodies(place: &Place) -> (Vec<Body>, Vec<u8>) {
        let (mut bodies, mut expected) = (Vec::new(), vec![9; BLOCK]);
        for (at, size) in sizes().into_iter().enumerate() {
            let bytes = bytes_of(size);
            for blocks in [size.div_ceil(BLOCK), size / BLOCK] {
                let stands = size.min(blocks * BLOCK);
                expected.extend(&bytes[..stands]);
                expected.resize(expected.len().next_multiple_of(BLOCK), 0);
                let inline = at % 3 == 0;
                let stored = || Bytes::Stored(place.store(&bytes));
                let bytes = if inline { Bytes::Inline(bytes.clone().into()) } else { stored() };
                bodies.push(Body { bytes, blocks: blocks as u64 });
            }
        }
        (bodies, expected)
    }

    #[test]
    fn what_is_written_is_what_stands_there_one_after_the_other() {
        let place = Place::new();
        let (bodies, expected) = bodies(&place);
        let mut written = Vec::new();
        let digest = write(vec![9; BLOCK], &bodies, &place.content, &mut written).unwrap();
        assert!(written == expected, "{} bytes, expected {}", written.len(), expected.len());
        assert_eq!(digest, Digest::of(&expected));
    }

    #[test]
    fn a_writer_that_fails_anywhere_ends_it_with_its_own_error() {
        struct Full(usize);
        impl Write for Full {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0 = self.0.checked_sub(bytes.len()).ok_or(io::ErrorKind::StorageFull)?;
                Ok(bytes.len())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let place = Place::new();
        let (bodies, expected) = bodies(&place);
        for room in (0..expected.len()).step_by(expected.len() / 7) {
            let error = write(vec![9; BLOCK], &bodies, &place.content, &mut Full(room)).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::StorageFull, "{room}");
        }
    }

    #[test]
    fn a_flipped_bit_in_any_chunk_and_in_the_tail_is_found() {
        let place = Place::new();
        let size = 3 * CHUNK_BYTES + 100;
        let digest = place.store(&bytes_of(size));
        let body = Body { bytes: Bytes::Stored(digest), blocks: (size / BLOCK) as u64 };
        for at in [0, CHUNK_BYTES, 2 * CHUNK_BYTES + 5, size - 1] {
            let mut bytes = bytes_of(size);
            bytes[at] ^= 1;
            std::fs::write(place.content.0.join(digest.hex()), &bytes).unwrap();
            let error = write(Vec::new(), std::slice::from_ref(&body), &place.content, &mut Vec::new());
            assert!(error.unwrap_err().to_string().contains("has the sha256"), "{at}");
        }
    }
}
