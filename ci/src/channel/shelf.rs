//! What a channel asks of the place that it is kept in, so that a folder, a bucket or another may be one.
//!
//! What a shelf promises, and nothing else is relied on:
//! - a file is there whole or not at all, for every reader, also after a death at any instant;
//! - what `put`, `create_new` or `swap` said is done survives a power cut, and nobody sees the pointer before what was put;
//! - of many that create one name, or swap against the same bytes, one wins and the others are told;
//! - who holds it alone is alone: no publisher is at work who could believe in a file that is being removed.
//!
//! It knows no metadata and no key. Reading is [`Place`], which needs none of this.

use std::io::Read;

use super::error::Result;
use super::place::Place;

/// A hold, as long as it lives. Who dies drops it: at once in a folder, after a minute in a bucket.
pub type Held = Box<dyn Send>;

/// A file that is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Filed {
    pub path: String,
    pub size: u64,
    /// Since it was put, by the place's clock.
    pub age_s: u64,
}

pub trait Shelf: Place {
    fn has(&self, path: &str, length: u64) -> Result<bool>;

    /// A file whose name is its content's, or that nothing points to yet: whole when this returns, or not there.
    fn put(&self, path: &str, from: &mut (dyn Read + Send)) -> Result<()>;

    /// The same under a name that must be new: `false` when another file has it. One that is the same is as good as ours.
    fn create_new(&self, path: &str, bytes: &[u8]) -> Result<bool>;

    /// Puts `new` where `old` stands; `false`: something else stands there by now.
    fn swap(&self, path: &str, old: Option<&[u8]>, new: &[u8]) -> Result<bool>;

    fn remove(&self, path: &str) -> Result<()>;

    /// Every file of the channel, sorted by path; holds and stages are none.
    fn list(&self) -> Result<Vec<Filed>>;

    /// For who puts files that nothing points to yet. Waits for who is alone.
    fn share(&self) -> Result<Held>;

    /// For who removes what nothing points to. Waits for all others.
    fn alone(&self) -> Result<Held>;

    /// What killed publishers left and `list` does not show; for who is alone.
    fn sweep(&self) -> Result<()>;
}
