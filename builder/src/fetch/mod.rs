//! Fetch: places to bytes.
//!
//! A source is its sha256. A folder, a URL, a mirror, cargo's registry and Debian's source archive are *places for the same bytes*: they
//! are asked in that order, and the digest decides, never the place. What is whole and right is adopted by the store;
//! nothing else is kept but a partial download under the store's staging name, which the next try resumes.
//!
//! It never writes a final name itself, never touches the system's apt configuration, prints nothing, and trusts no
//! place: not a length, not a range, not a status.

mod apt;
mod ask;
mod blobs;
mod debian;
mod download;
mod error;
mod folder;
mod fresh;
mod git;
mod git_http;
mod http;
mod partial;
mod patience;
mod registry;
mod site;
mod wanted;

#[cfg(test)]
mod git_tests;
#[cfg(test)]
mod server;
#[cfg(test)]
mod tests;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kegs::Digest;

pub use apt::{Apt, AptError, Archive, Listed, Record, Resolved};
pub use ask::ask;
pub use blobs::{Blobs, Folder};
pub use error::{Attempt, FetchError, Miss};
pub use fresh::{Fresh, FreshError, fresh, page};
pub use git::{Commit, GitError, Tag, fetch_git, tags};
pub use http::provide_tls;
pub use patience::Patience;
pub use registry::Registry;
pub use site::{Site, Stream};
pub use wanted::{Crate, Debian, Event, Mirror, Network, Places, Pool, Step, Wanted};

use download::{Job, Stop};
use http::Client;
use partial::Partial;

/// Four: one slow host does not hold up the rest, and no host sees a crowd.
const DOWNLOADS_AT_ONCE: usize = 4;

/// Brings all of `wanted` into `into`, several at once; results stand in the order of `wanted`.
/// `events` is called from the downloading threads. Once `cancel` is set, what is under way ends within a tenth of a
/// second and its partial file stays for the next time.
pub fn fetch(
    wanted: &[Wanted],
    places: &Places,
    into: &dyn Blobs,
    events: &(dyn Fn(Event) + Sync),
    cancel: &AtomicBool,
) -> Vec<Result<Digest, FetchError>> {
    let client = Client::new(places);
    let next = AtomicUsize::new(0);
    let results: Vec<_> = wanted.iter().map(|_| Mutex::new(Err(FetchError::Cancelled))).collect();
    let work = || {
        while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|&at| at < wanted.len()) {
            let put = |result| *results[at].lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = result;
            // No news: it was never away.
            if let Some(digest) = into.find_sha256(&wanted[at].sha256) {
                put(Ok(digest));
                continue;
            }
            let job = Job { wanted: &wanted[at], places, into, client: &client, events, cancel };
            let result = one(&job);
            job.tell(match &result {
                Ok(digest) => Step::Done { bytes: digest.size_bytes },
                Err(_) => Step::Failed,
            });
            put(result);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..DOWNLOADS_AT_ONCE.min(wanted.len()) {
            scope.spawn(work);
        }
    });
    results
        .into_iter()
        .map(|slot| slot.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()))
        .collect()
}

/// Each place in order, until the bytes are there.
fn one(job: &Job) -> Result<Digest, FetchError> {
    let wanted = job.wanted;
    let path = job.into.partial(&wanted.sha256);
    let world = |source| FetchError::Store { name: wanted.name.clone(), source };
    let mut partial = Partial::open(&path, job.cancel).map_err(world)?.ok_or(FetchError::Cancelled)?;
    // Another rootbrew may have fetched it while we waited for the partial file's lock.
    if let Some(digest) = job.into.find_sha256(&wanted.sha256) {
        partial.discard().map_err(world)?;
        return Ok(digest);
    }
    let digest = match search(job, &mut partial) {
        Ok(digest) => digest,
        // Only what was cut off by us or by death is resumed: what every place failed at is kept by nobody.
        Err(FetchError::Nowhere(nowhere)) => {
            partial.discard().map_err(world)?;
            return Err(FetchError::Nowhere(nowhere));
        }
        Err(error) => return Err(error),
    };
    job.into.adopt(&path, &digest).map_err(world)?;
    Ok(digest)
}

fn search(job: &Job, partial: &mut Partial) -> Result<Digest, FetchError> {
    let mut tried = Vec::new();
    let searches = [folder::search, download::from_urls, registry::search, debian::search];
    for search in searches {
        match search(job, partial, &mut tried) {
            Ok(digest) => return Ok(digest),
            Err(Stop::Cancelled) => return Err(FetchError::Cancelled),
            Err(Stop::Store(source)) => {
                return Err(FetchError::Store { name: job.wanted.name.clone(), source });
            }
            Err(Stop::Missed) => {}
        }
    }
    Err(FetchError::nowhere(job.wanted, tried))
}
