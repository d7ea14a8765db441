//! Bytes whose digest nobody knows yet: a source that is met for the first time, and pages that are only read.
//!
//! Trust on first use: the digest is of what came, and whoever asks says so to a person. What came stands in a temporary
//! file that is gone unless it is kept. A limit is always given: a place that never ends must not fill disk or memory.

use std::fs::File;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use kegs::Digest;
use kegs::digest::Hasher;
use reqwest::StatusCode;

use super::blobs::Blobs;
use super::download::{is_html, refusal};
use super::error::{Attempt, Miss};
use super::http::{Client, Part};
use super::patience::pause;
use super::wanted::{Network, Places};

/// What came, not yet in the store.
pub struct Fresh {
    pub file: tempfile::NamedTempFile,
    pub digest: Digest,
}

#[derive(Debug, thiserror::Error)]
pub enum FreshError {
    #[error("cannot be had:{}", told(.0))]
    Nowhere(Vec<Attempt>),
    #[error("stopped")]
    Cancelled,
    #[error("cannot write what comes: {0}")]
    Store(io::Error),
}

fn told(tried: &[Attempt]) -> String {
    tried.iter().map(|attempt| format!("\n  {attempt}")).collect()
}

impl Fresh {
    /// Into the store, under its digest.
    pub fn keep(self, into: &dyn Blobs) -> io::Result<()> {
        let (_, path) = self.file.keep().map_err(|error| error.error)?;
        into.adopt(&path, &self.digest)
    }
}

/// The file at `url` (or, by its name, in a folder of `places`): no HTML page, not empty, of at most `size_max_bytes`.
pub fn fresh(
    url: &str,
    size_max_bytes: u64,
    places: &Places,
    into: &dyn Blobs,
    cancel: &AtomicBool,
) -> Result<Fresh, FreshError> {
    let name = url.split(['?', '#']).next().and_then(|url| url.rsplit('/').next()).unwrap_or_default();
    let mut tried = Vec::new();
    for folder in places.folders.iter().filter(|_| !name.is_empty()) {
        if let Ok(file) = File::open(folder.join(name)) {
            return stage(into, |sink| copy(&file, sink)).map_err(FreshError::Store);
        }
        let place = folder.display().to_string();
        tried.push(Attempt { place, miss: Miss::NoFile, tries: 1 });
    }
    let ask = Ask { size_max_bytes, places, cancel, pages: Pages::Refused };
    for place in std::iter::once(url.to_string()).chain(mirrored(url, places)) {
        match ask.insist(&place, into)? {
            Ok(fresh) => return Ok(fresh),
            Err((miss, tries)) => tried.push(Attempt { place, miss, tries }),
        }
    }
    Err(FreshError::Nowhere(tried))
}

/// A page's bytes, of at most `size_max_bytes`; what is longer is an error and not a beginning.
pub fn page(
    url: &str,
    size_max_bytes: u64,
    places: &Places,
    cancel: &AtomicBool,
) -> Result<Vec<u8>, FreshError> {
    let ask = Ask { size_max_bytes, places, cancel, pages: Pages::Wanted };
    let mut tried = Vec::new();
    for place in std::iter::once(url.to_string()).chain(mirrored(url, places)) {
        let mut bytes = Vec::new();
        match ask.once(&place, &mut |part: &[u8]| {
            bytes.extend_from_slice(part);
            Ok(())
        })? {
            Ok(()) => return Ok(bytes),
            Err(miss) => tried.push(Attempt { place, miss, tries: 1 }),
        }
    }
    Err(FreshError::Nowhere(tried))
}

fn mirrored<'a>(url: &'a str, places: &'a Places) -> impl Iterator<Item = String> + 'a {
    places.mirrors.iter().filter_map(move |mirror| mirror.apply(url))
}

type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

/// A temporary file on the store's file system, hashed as it is written.
fn stage(into: &dyn Blobs, fill: impl FnOnce(Sink) -> io::Result<()>) -> io::Result<Fresh> {
    let staging = into.partial(&[0; 32]);
    let folder = staging.parent().ok_or_else(|| io::Error::other("the store has no stage"))?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    let mut hasher = Hasher::default();
    fill(&mut |part| {
        hasher.update(part);
        file.write_all(part)
    })?;
    Ok(Fresh { digest: hasher.finish(), file })
}

fn copy(file: &File, sink: Sink) -> io::Result<()> {
    super::blobs::copy_hashed(file, &mut Hasher::default(), sink, || true).map(drop)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pages {
    Wanted,
    Refused,
}

struct Ask<'a> {
    size_max_bytes: u64,
    places: &'a Places,
    cancel: &'a AtomicBool,
    pages: Pages,
}

impl Ask<'_> {
    /// Tries again, from nothing, while that may help.
    fn insist(&self, url: &str, into: &dyn Blobs) -> Result<Result<Fresh, (Miss, u32)>, FreshError> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut ended = Ok(Ok(()));
            let fresh = stage(into, |sink| {
                ended = self.once(url, sink);
                Ok(())
            });
            let fresh = fresh.map_err(FreshError::Store)?;
            let miss = match ended? {
                Ok(()) => return Ok(Ok(fresh)),
                Err(miss) => miss,
            };
            let limit = if matches!(miss, Miss::Unreachable(_)) { 2 } else { self.places.patience.tries };
            if !miss.is_passing() || tries >= limit {
                return Ok(Err((miss, tries)));
            }
            if !pause(self.places.patience.pause_after(tries), self.cancel) {
                return Err(FreshError::Cancelled);
            }
        }
    }

    /// One request.
    fn once(&self, url: &str, sink: Sink) -> Result<Result<(), Miss>, FreshError> {
        if self.places.network == Network::Offline {
            return Ok(Err(Miss::Offline));
        }
        let parts = Client::new(self.places).get(url, 0, None);
        let (mut bytes, mut expected, mut start) = (0_u64, None, Vec::new());
        loop {
            match self.next(&parts, bytes)? {
                Ok(Part::Head(head)) if head.status != StatusCode::OK => {
                    return Ok(Err(refusal(head.status)));
                }
                Ok(Part::Head(head)) => {
                    expected = head.length_bytes;
                    if expected.is_some_and(|length| length > self.size_max_bytes) {
                        return Ok(Err(Miss::Huge { limit: self.size_max_bytes }));
                    }
                }
                Ok(Part::Bytes(part)) => {
                    bytes += part.len() as u64;
                    if bytes > self.size_max_bytes {
                        return Ok(Err(Miss::Huge { limit: self.size_max_bytes }));
                    }
                    start.extend(part.iter().take(512_usize.saturating_sub(start.len())));
                    sink(&part).map_err(FreshError::Store)?;
                }
                Ok(Part::End) => break,
                Ok(Part::Unreachable(reason)) => return Ok(Err(Miss::Unreachable(reason))),
                Ok(Part::Broken(reason)) => return Ok(Err(Miss::Broken { bytes, reason })),
                Err(miss) => return Ok(Err(miss)),
            }
        }
        Ok(match expected {
            Some(expected) if bytes < expected => Err(Miss::Short { expected, found: bytes }),
            _ if bytes == 0 => Err(Miss::Status("the server sends an empty file".to_string())),
            _ if self.pages == Pages::Refused && is_html(&start) => Err(Miss::Html),
            _ => Ok(()),
        })
    }

    fn next(&self, parts: &Receiver<Part>, bytes: u64) -> Result<Result<Part, Miss>, FreshError> {
        let stall = self.places.patience.stall;
        let since = Instant::now();
        loop {
            if self.cancel.load(Ordering::Relaxed) {
                return Err(FreshError::Cancelled);
            }
            match parts.recv_timeout(stall.min(Duration::from_millis(100))) {
                Ok(part) => return Ok(Ok(part)),
                Err(RecvTimeoutError::Disconnected) => {
                    return Ok(Err(Miss::Broken { bytes, reason: "no answer".to_string() }));
                }
                Err(RecvTimeoutError::Timeout) if since.elapsed() >= stall => {
                    return Ok(Err(Miss::Stalled { seconds: stall.as_secs_f32().to_string(), bytes }));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
        }
    }
}
