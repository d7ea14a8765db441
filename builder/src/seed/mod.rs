//! Seed: a pinned set of Debian binaries to one tree.
//!
//! The compiler that the first recipes are built with. Each `.deb` is pinned by sha256, unpacked by us (no dpkg, no
//! root), and none of its maintainer scripts ever runs; the few links that they would make stand in the seed's text.
//! A `.deb` is hostile input like any archive: no path leaves the tree, and nothing but files, folders and links is made.
//!
//! Verbs: [`load`], [`wanted`] (to be fetched), [`unpack`], [`refresh`].

mod ar;
mod deb;
mod error;
mod merge;
mod path;
mod refresh;
mod text;

#[cfg(test)]
mod tests;

use kegs::{Digest, Tree};
use rayon::prelude::*;

use crate::fetch::{Blobs, Pool, Wanted};

pub use error::{DebError, SeedError};
pub use refresh::{by_hand, refresh};
pub use text::{Deb, Seed, load, parse};

/// Raised when the same `.deb`s would unpack to another tree.
const UNPACK_VERSION: u32 = 1;

/// One `.deb` was unpacked: how many of how many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unpacked<'a> {
    pub deb: &'a Deb,
    pub done: usize,
    pub of: usize,
}

impl Seed {
    /// Names what [`unpack`] gives, without unpacking: the `.deb`s' digests, the links, our own version.
    pub fn key(&self) -> Digest {
        let mut text = format!("rootbrew seed {UNPACK_VERSION}\n");
        for deb in &self.debs {
            text += &format!("{}\n", hex::encode(deb.sha256));
        }
        for (link, target) in &self.links {
            text += &format!("{link} -> {target}\n");
        }
        Digest::of(text.as_bytes())
    }
}

/// What has to be in the store before [`unpack`]: one a `.deb`, in the seed's order.
pub fn wanted(seed: &Seed) -> Vec<Wanted> {
    let one = |deb: &Deb| Wanted {
        name: format!("{}={}", deb.name, deb.version),
        sha256: deb.sha256,
        size_bytes: Some(deb.size_bytes),
        pool: Some(Pool { suite: seed.suite.clone(), path: deb.path.clone() }),
        ..Wanted::default()
    };
    seed.debs.iter().map(one).collect()
}

/// The seed's tree, its files put into `blobs` (sync it before naming the tree); several `.deb`s at once (rayon's pool). The same seed gives the same tree.
pub fn unpack(seed: &Seed, blobs: &dyn Blobs, events: &(dyn Fn(Unpacked) + Sync)) -> Result<Tree, SeedError> {
    let done = std::sync::atomic::AtomicUsize::new(0);
    let one = |deb: &Deb| -> Result<_, SeedError> {
        let digest = blobs.find_sha256(&deb.sha256).ok_or_else(|| SeedError::Absent { deb: deb.pin() })?;
        let path = blobs.blob_path(&digest);
        let entries =
            deb::unpack(&path, blobs).map_err(|source| SeedError::Deb { deb: deb.pin(), source })?;
        let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        events(Unpacked { deb, done, of: seed.debs.len() });
        Ok(entries)
    };
    // The largest first, so that no core is left alone with it at the end; each result goes back to its place, and the
    // error told is that of the first in the seed's order.
    let mut order: Vec<usize> = (0..seed.debs.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(seed.debs[at].size_bytes));
    let mut results: Vec<_> = order.into_iter().par_bridge().map(|at| (at, one(&seed.debs[at]))).collect();
    results.sort_by_key(|(at, _)| *at);
    let parts = results.into_iter().map(|(_, result)| result).collect::<Result<Vec<_>, _>>()?;
    let named = seed.debs.iter().map(|deb| deb.name.as_str()).zip(parts);
    merge::merge(named.collect(), &seed.links)
}
