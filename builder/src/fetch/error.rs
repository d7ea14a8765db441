//! Why the bytes could not be had: each place that was asked, and what it said.

use std::fmt;
use std::io;

use kegs::Digest;

use super::Wanted;

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// Every place was asked in vain.
    #[error("{0}")]
    Nowhere(Box<Nowhere>),
    #[error("fetching stopped; the part that is there is kept and resumed")]
    Cancelled,
    /// The disk or the store refused.
    #[error("cannot write `{name}` into the store: {source}")]
    Store { name: String, source: io::Error },
}

/// What was wanted and what each place said.
#[derive(Debug)]
pub struct Nowhere {
    pub wanted: Wanted,
    pub tried: Vec<Attempt>,
}

#[derive(Debug)]
pub struct Attempt {
    /// A URL, a folder, or a source of Debian's archive.
    pub place: String,
    pub miss: Miss,
    pub tries: u32,
}

/// How one place failed. `is_passing` says whether to ask it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Miss {
    #[error("{0}")]
    Status(String),
    #[error("{0}")]
    StatusPassing(String),
    #[error("cannot be reached: {0}")]
    Unreachable(String),
    #[error("the connection broke after {bytes} bytes: {reason}")]
    Broken { bytes: u64, reason: String },
    #[error("no byte for {seconds} s, after {bytes} bytes")]
    Stalled { seconds: String, bytes: u64 },
    #[error("ended after {found} of {expected} bytes")]
    Short { expected: u64, found: u64 },
    #[error("other bytes: expected {expected} bytes, found {found}")]
    Size { expected: u64, found: u64 },
    #[error("more than the limit of {limit} bytes")]
    Huge { limit: u64 },
    #[error("other bytes: expected sha256 {expected}, found {} ({} bytes)", .found.hex(), .found.size_bytes)]
    Digest { expected: String, found: Digest },
    #[error("an HTML page and not the file")]
    Html,
    #[error("no file of that name")]
    NoFile,
    #[error("{0}")]
    Unreadable(String),
    #[error("not asked: offline")]
    Offline,
    #[error("{0}")]
    Apt(String),
    #[error("{0}")]
    Cargo(String),
}

impl Miss {
    /// Whether the same question may be answered otherwise a moment later.
    pub fn is_passing(&self) -> bool {
        use Miss::*;
        matches!(self, StatusPassing(_) | Unreachable(_) | Broken { .. } | Stalled { .. } | Short { .. })
    }
}

impl FetchError {
    pub(super) fn nowhere(wanted: &Wanted, tried: Vec<Attempt>) -> FetchError {
        FetchError::Nowhere(Box::new(Nowhere { wanted: wanted.clone(), tried }))
    }
}

impl fmt::Display for Nowhere {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "no place has `{}` (sha256 {}", self.wanted.name, hex::encode(self.wanted.sha256))?;
        if let Some(size_bytes) = self.wanted.size_bytes {
            write!(f, ", {size_bytes} bytes")?;
        }
        write!(f, ")")?;
        for attempt in &self.tried {
            write!(f, "\n  {attempt}")?;
        }
        if self.tried.is_empty() {
            write!(f, "\n  it names no place: no URL, no `debian`, and no `--sources` folder was given")?;
        }
        Ok(())
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        // What stands behind a `?` may be a secret: a signature, a token.
        let (place, query) =
            self.place.split_once('?').map_or((self.place.as_str(), ""), |(place, _)| (place, "?…"));
        write!(f, "{place}{query}: {}", self.miss)?;
        if self.tries > 1 { write!(f, " ({} tries)", self.tries) } else { Ok(()) }
    }
}
