//! One URL to a whole, checked partial file: resume, retry, refuse.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use kegs::Digest;
use reqwest::StatusCode;

use super::blobs::Blobs;
use super::error::{Attempt, Miss};
use super::http::{Client, Head, Part};
use super::partial::Partial;
use super::patience::pause;
use super::wanted::{Event, Network, Places, Step, Wanted};

/// No source is larger; a server that never ends must not fill the disk.
const SIZE_MAX_BYTES: u64 = 8 << 30;
/// In all, also when each try brings a few bytes.
const TRIES_MAX: u32 = 50;
/// A host that cannot be reached is asked twice: a name that does not resolve rarely does a second later.
const TRIES_UNREACHABLE: u32 = 2;

/// One wanted file and everything that the search for it needs.
pub struct Job<'a> {
    pub wanted: &'a Wanted,
    pub places: &'a Places,
    pub into: &'a dyn Blobs,
    pub client: &'a Client,
    pub events: &'a (dyn Fn(Event) + Sync),
    pub cancel: &'a AtomicBool,
}

/// Why a search ended without bytes.
pub enum Stop {
    /// These places do not have it; the next ones may.
    Missed,
    Cancelled,
    Store(io::Error),
}

impl Job<'_> {
    pub fn tell(&self, step: Step) {
        (self.events)(Event { wanted: self.wanted, step });
    }

    fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::Relaxed)
    }
}

/// The URLs as written, then their mirrors.
pub fn from_urls(job: &Job, partial: &mut Partial, tried: &mut Vec<Attempt>) -> Result<Digest, Stop> {
    let written = job.wanted.urls.iter();
    let mirrored =
        written.clone().flat_map(|url| job.places.mirrors.iter().filter_map(|mirror| mirror.apply(url)));
    let urls: Vec<String> = written.cloned().chain(mirrored).collect();
    from(job, job.client, &urls, partial, tried)
}

/// Each URL in turn until one has the bytes.
pub fn from(
    job: &Job,
    client: &Client,
    urls: &[String],
    partial: &mut Partial,
    tried: &mut Vec<Attempt>,
) -> Result<Digest, Stop> {
    for url in urls {
        let (miss, tries) = match job.places.network {
            Network::Offline => (Miss::Offline, 1),
            Network::Allowed => match insist(job, client, url, partial)? {
                Ok(digest) => return Ok(digest),
                Err(failed) => failed,
            },
        };
        tried.push(Attempt { place: url.clone(), miss, tries });
    }
    Err(Stop::Missed)
}

/// Tries again while that may help.
fn insist(
    job: &Job,
    client: &Client,
    url: &str,
    partial: &mut Partial,
) -> Result<Result<Digest, (Miss, u32)>, Stop> {
    let patience = &job.places.patience;
    let etag = Cell::new(None);
    let (mut tries, mut failed, mut most_bytes) = (0, 0, partial.bytes());
    loop {
        tries += 1;
        job.tell(Step::Asking { place: url });
        let resumed = partial.bytes() > 0;
        let miss = match attempt(job, client, url, partial, &etag)? {
            Ok(digest) => return Ok(Ok(digest)),
            Err(miss) => miss,
        };
        if !miss.is_passing() {
            partial.restart().map_err(Stop::Store)?;
            // What we resumed may have been the beginning of another file: once more, from nothing.
            if resumed && is_about_bytes(&miss) && tries < TRIES_MAX {
                continue;
            }
            return Ok(Err((miss, tries)));
        }
        failed = if partial.bytes() > most_bytes { 1 } else { failed + 1 };
        most_bytes = most_bytes.max(partial.bytes());
        let limit = if matches!(miss, Miss::Unreachable(_)) { TRIES_UNREACHABLE } else { patience.tries };
        if failed >= limit || tries >= TRIES_MAX {
            return Ok(Err((miss, tries)));
        }
        let wait = patience.pause_after(failed);
        job.tell(Step::Retrying { place: url, reason: &miss.to_string(), pause: wait });
        if !pause(wait, job.cancel) {
            return Err(Stop::Cancelled);
        }
    }
}

fn is_about_bytes(miss: &Miss) -> bool {
    matches!(miss, Miss::Digest { .. } | Miss::Size { .. } | Miss::Huge { .. } | Miss::Html)
}

/// One request.
fn attempt(
    job: &Job,
    client: &Client,
    url: &str,
    partial: &mut Partial,
    etag: &Cell<Option<String>>,
) -> Result<Result<Digest, Miss>, Stop> {
    // Whole already, and only its digest was never asked: an earlier run was killed between the two.
    if partial.digest().sha256 == job.wanted.sha256 {
        return Ok(Ok(partial.digest()));
    }
    if job.wanted.size_bytes.is_some_and(|size_bytes| partial.bytes() >= size_bytes) {
        partial.restart().map_err(Stop::Store)?;
    }
    let known = etag.take();
    let parts = client.get(url, partial.bytes(), known.as_deref());
    let mut answer = Answer { job, parts, partial, expected_bytes: None, start: Vec::new() };
    let head = match answer.next()? {
        Ok(Part::Head(head)) => head,
        Ok(Part::Unreachable(reason)) => return Ok(Err(Miss::Unreachable(reason))),
        Ok(Part::Broken(reason)) => return Ok(Err(answer.broken(reason))),
        Ok(_) => return Ok(Err(answer.broken("no answer".to_string()))),
        Err(miss) => return Ok(Err(miss)),
    };
    etag.set(head.etag.clone());
    match answer.begin(&head)? {
        Ok(()) => answer.receive(),
        Err(miss) => Ok(Err(miss)),
    }
}

/// One answer as it comes in.
struct Answer<'a> {
    job: &'a Job<'a>,
    parts: Receiver<Part>,
    partial: &'a mut Partial,
    /// Of the whole file.
    expected_bytes: Option<u64>,
    /// The file's first bytes, where this answer holds them: tells an error page from a file.
    start: Vec<u8>,
}

impl Answer<'_> {
    /// Waits for the next part, no longer than the stall limit, and not past a cancellation.
    fn next(&self) -> Result<Result<Part, Miss>, Stop> {
        let stall = self.job.places.patience.stall;
        let since = Instant::now();
        loop {
            if self.job.is_cancelled() {
                return Err(Stop::Cancelled);
            }
            match self.parts.recv_timeout(stall.min(Duration::from_millis(100))) {
                Ok(part) => return Ok(Ok(part)),
                Err(RecvTimeoutError::Disconnected) => return Ok(Err(self.broken("no answer".to_string()))),
                Err(RecvTimeoutError::Timeout) if since.elapsed() >= stall => {
                    return Ok(Err(Miss::Stalled {
                        seconds: stall.as_secs_f32().to_string(),
                        bytes: self.partial.bytes(),
                    }));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }

    fn broken(&self, reason: String) -> Miss {
        Miss::Broken { bytes: self.partial.bytes(), reason }
    }

    /// Judges the head, and sets the partial file to the byte where this answer begins.
    fn begin(&mut self, head: &Head) -> Result<Result<(), Miss>, Stop> {
        let first = match (head.status, head.range) {
            (StatusCode::OK, _) => 0,
            (StatusCode::PARTIAL_CONTENT, Some((first, _))) if first == self.partial.bytes() => first,
            (StatusCode::PARTIAL_CONTENT | StatusCode::RANGE_NOT_SATISFIABLE, _) => {
                self.partial.restart().map_err(Stop::Store)?;
                return Ok(Err(Miss::StatusPassing("answers another range than was asked".to_string())));
            }
            (status, _) => return Ok(Err(refusal(status))),
        };
        if first == 0 && self.partial.bytes() > 0 {
            self.partial.restart().map_err(Stop::Store)?;
        }
        let said = head.range.and_then(|(_, whole)| whole).filter(|_| first > 0);
        let offered = said.or(head.length_bytes.map(|length| first.saturating_add(length)));
        self.expected_bytes = self.job.wanted.size_bytes.or(offered);
        match (self.job.wanted.size_bytes, offered) {
            (Some(expected), Some(found)) if expected != found => self.other_size(expected, found).map(Err),
            _ => Ok(Ok(())),
        }
    }

    /// The size alone says no; the first bytes say whether it is an error page.
    fn other_size(&mut self, expected: u64, found: u64) -> Result<Miss, Stop> {
        let page = matches!(self.next()?, Ok(Part::Bytes(bytes)) if is_html(&bytes));
        Ok(if page { Miss::Html } else { Miss::Size { expected, found } })
    }

    fn receive(mut self) -> Result<Result<Digest, Miss>, Stop> {
        let mut told = Instant::now();
        loop {
            match self.next()? {
                Ok(Part::Bytes(bytes)) => {
                    if let Err(miss) = self.take(&bytes)? {
                        return Ok(Err(miss));
                    }
                }
                Ok(Part::End) => break,
                Ok(Part::Broken(reason) | Part::Unreachable(reason)) => return Ok(Err(self.broken(reason))),
                Ok(Part::Head(_)) => {}
                Err(miss) => return Ok(Err(miss)),
            }
            if told.elapsed() >= Duration::from_millis(100) {
                told = Instant::now();
                self.tell_progress();
            }
        }
        self.tell_progress();
        Ok(self.judge())
    }

    fn tell_progress(&self) {
        self.job.tell(Step::Progress { bytes: self.partial.bytes(), size_bytes: self.expected_bytes });
    }

    fn take(&mut self, bytes: &[u8]) -> Result<Result<(), Miss>, Stop> {
        if self.partial.bytes() == self.start.len() as u64 && self.start.len() < 512 {
            self.start.extend_from_slice(&bytes[..bytes.len().min(512 - self.start.len())]);
        }
        let limit = self.job.wanted.size_bytes.unwrap_or(SIZE_MAX_BYTES);
        if self.partial.bytes() + bytes.len() as u64 > limit {
            return Ok(Err(if is_html(&self.start) { Miss::Html } else { Miss::Huge { limit } }));
        }
        self.partial.append(bytes).map_err(Stop::Store).map(Ok)
    }

    /// All is here that will come.
    fn judge(&self) -> Result<Digest, Miss> {
        let found = self.partial.digest();
        match self.expected_bytes {
            _ if found.sha256 == self.job.wanted.sha256 => Ok(found),
            _ if is_html(&self.start) => Err(Miss::Html),
            Some(expected) if found.size_bytes < expected => {
                Err(Miss::Short { expected, found: found.size_bytes })
            }
            _ => Err(Miss::Digest { expected: hex::encode(self.job.wanted.sha256), found }),
        }
    }
}

/// Too many requests, a server's own trouble, a time limit: these pass.
pub fn refusal(status: StatusCode) -> Miss {
    let text = format!("the server answers {status}");
    let passing = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED;
    match status.as_u16() {
        408 | 425 | 429 => Miss::StatusPassing(text),
        _ if passing => Miss::StatusPassing(text),
        _ => Miss::Status(text),
    }
}

pub fn is_html(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&start[..start.len().min(512)]).to_lowercase();
    let text = text.trim_start_matches('\u{feff}').trim_start();
    ["<!doctype html", "<html", "<head", "<?xml version=\"1.0\" encoding=\"utf-8\"?><!doctype html"]
        .iter()
        .any(|opening| text.starts_with(opening))
}
