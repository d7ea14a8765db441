//! One site, read as files: a piece at a time, taken up again where it was cut, as patiently as `Places` says.
//!
//! Nothing is hashed and nothing is kept here: whoever reads judges the bytes. A site that changes a file meanwhile gives an
//! error or the wrong bytes, and never a panic.

use std::io::{self, Read};
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, RecvTimeoutError};

use reqwest::StatusCode;

use super::download::refusal;
use super::error::Miss;
use super::http::{Client, Head, Part};
use super::patience::{Patience, pause};
use super::wanted::{Network, Places};

/// Connections are kept from one file to the next.
pub struct Site {
    client: Client,
    patience: Patience,
    network: Network,
}

impl Site {
    pub fn new(places: &Places) -> Site {
        Site { client: Client::new(places), patience: places.patience.clone(), network: places.network }
    }

    /// A file as a reader; its first bytes are on their way when this returns.
    ///
    /// # Errors
    /// `Miss::Status` where the site says that there is no such file, or that we may not have it.
    pub fn open(&self, url: &str) -> Result<Stream<'_>, Miss> {
        if self.network == Network::Offline {
            return Err(Miss::Offline);
        }
        let mut stream = Stream {
            site: self,
            url: url.to_string(),
            at: 0,
            end: None,
            etag: None,
            now: None,
            ended: false,
        };
        stream.insist(Stream::ask)?;
        Ok(stream)
    }
}

pub struct Stream<'a> {
    site: &'a Site,
    url: String,
    /// Bytes that were read.
    at: u64,
    end: Option<u64>,
    etag: Option<String>,
    now: Option<Answer>,
    ended: bool,
}

/// What one request brings.
struct Answer {
    parts: Receiver<Part>,
    /// A site that knows no ranges begins again: so much of it we have.
    skip: u64,
    piece: Vec<u8>,
    read: usize,
}

impl Stream<'_> {
    /// Tries again while that may help; a try that brought bytes counts from one again.
    fn insist<T>(&mut self, try_once: impl Fn(&mut Self) -> Result<T, Miss>) -> Result<T, Miss> {
        let mut tries = 0;
        loop {
            tries += 1;
            let miss = match try_once(self) {
                Ok(done) => return Ok(done),
                Err(miss) => miss,
            };
            self.now = None;
            if !miss.is_passing() || tries >= self.site.patience.tries {
                return Err(miss);
            }
            pause(self.site.patience.pause_after(tries), &AtomicBool::new(false));
        }
    }

    fn ask(&mut self) -> Result<(), Miss> {
        let parts = self.site.client.get(&self.url, self.at, self.etag.as_deref());
        let skip = match self.next(&parts)? {
            Part::Head(head) => self.begin(head)?,
            Part::Unreachable(reason) => return Err(Miss::Unreachable(reason)),
            Part::Broken(reason) => return Err(Miss::Broken { bytes: self.at, reason }),
            Part::Bytes(_) | Part::End => 0,
        };
        self.now = Some(Answer { parts, skip, piece: Vec::new(), read: 0 });
        Ok(())
    }

    /// How many of the bytes to come we have.
    fn begin(&mut self, head: Head) -> Result<u64, Miss> {
        let (skip, end) = match (head.status, head.range) {
            (StatusCode::OK, _) => (self.at, head.length_bytes),
            (StatusCode::PARTIAL_CONTENT, Some((first, whole))) if first == self.at => (0, whole),
            // All was here when it was cut.
            (StatusCode::RANGE_NOT_SATISFIABLE, _) if self.at > 0 => (0, Some(self.at)),
            (status, _) => return Err(refusal(status)),
        };
        self.end = end;
        self.etag = head.etag.or(self.etag.take());
        Ok(skip)
    }

    fn next(&self, parts: &Receiver<Part>) -> Result<Part, Miss> {
        let stall = self.site.patience.stall;
        parts.recv_timeout(stall).map_err(|error| match error {
            RecvTimeoutError::Timeout => {
                Miss::Stalled { seconds: stall.as_secs_f32().to_string(), bytes: self.at }
            }
            RecvTimeoutError::Disconnected => {
                Miss::Broken { bytes: self.at, reason: "no answer".to_string() }
            }
        })
    }

    /// The next piece stands in the answer; `false`: there is none.
    fn fill(&mut self) -> Result<bool, Miss> {
        if self.now.is_none() {
            self.ask()?;
        }
        loop {
            let Some(answer) = &self.now else { return Ok(false) };
            let part = self.next(&answer.parts)?;
            let (at, end) = (self.at, self.end);
            match part {
                Part::Bytes(mut piece) => {
                    let Some(answer) = &mut self.now else { return Ok(false) };
                    let skipped = answer.skip.min(piece.len() as u64);
                    answer.skip -= skipped;
                    piece.drain(..skipped as usize);
                    if !piece.is_empty() {
                        (answer.piece, answer.read) = (piece, 0);
                        return Ok(true);
                    }
                }
                Part::End => match end {
                    Some(expected) if at < expected => return Err(Miss::Short { expected, found: at }),
                    _ => return Ok(false),
                },
                Part::Broken(reason) | Part::Unreachable(reason) => {
                    return Err(Miss::Broken { bytes: at, reason });
                }
                Part::Head(_) => {}
            }
        }
    }

    fn is_empty(&self) -> bool {
        self.now.as_ref().is_none_or(|answer| answer.read == answer.piece.len())
    }
}

impl Read for Stream<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_empty() && !self.ended {
            self.ended = !self.insist(Self::fill).map_err(|miss| io::Error::other(miss.to_string()))?;
        }
        let Some(answer) = &mut self.now else { return Ok(0) };
        let count = into.len().min(answer.piece.len() - answer.read);
        into[..count].copy_from_slice(&answer.piece[answer.read..answer.read + count]);
        answer.read += count;
        self.at += count as u64;
        Ok(count)
    }
}
