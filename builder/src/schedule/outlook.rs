//! The outlook: what a build would do, before anything starts. Reads the store, and writes nothing but what a cache says.

use std::collections::BTreeSet;

use kegs::{Digest, Outcome, Store};
use rayon::prelude::*;

use super::action::{Ground, Have, PrepareError, prepare_seen};
use super::inputs::{Parts, Reason};
use crate::plan::Plan;
use crate::recipe::Variant;

/// What will become of one node.
#[derive(Debug)]
pub enum Outlook {
    /// Its result is in the store, or was taken: then its trees may not be here.
    InStore { key: Digest, outcome: Outcome },
    /// It runs.
    Runs(Reason),
    /// Whether it runs shows when these are built: when they give the bytes that they gave, it does not.
    After(Vec<usize>),
}

/// Of fewer nodes to look at, each is looked at here: to wake the other cores costs more (10 µs).
const PARALLEL_MIN: usize = 4;

/// One outlook a node, in the plan's order. Actions whose inputs are all known are keyed; the rest wait for theirs. All
/// cores work on what does not need one another.
pub fn outlook(plan: &Plan, store: &Store, ground: &Ground) -> Result<Vec<Outlook>, PrepareError> {
    let mut looking = Looking { plan, store, ground, found: Vec::new() };
    looking.found.resize_with(plan.nodes().len(), || None);
    for level in plan.levels() {
        let outlooks: Vec<Outlook> = match level.len() {
            ..PARALLEL_MIN => level.iter().map(|&at| looking.one(at)).collect::<Result<_, _>>()?,
            _ => level.par_iter().map(|&at| looking.one(at)).collect::<Result<_, _>>()?,
        };
        level.into_iter().zip(outlooks).for_each(|(at, outlook)| looking.found[at] = Some(outlook));
    }
    Ok(looking.found.into_iter().flatten().collect())
}

struct Looking<'a> {
    plan: &'a Plan,
    store: &'a Store,
    ground: &'a Ground,
    /// Filled from the first level on.
    found: Vec<Option<Outlook>>,
}

impl Looking<'_> {
    fn one(&self, at: usize) -> Result<Outlook, PrepareError> {
        let variant = &self.plan.nodes()[at].variant;
        let sight = self.plan.sight(at);
        let open: Vec<usize> = sight.all.iter().copied().filter(|&dep| self.output(dep).is_none()).collect();
        if !open.is_empty() {
            return Ok(self.after(at, &open));
        }
        let (sources, output) = (sources(variant, self.store), |dep| self.output(dep));
        let Some(prepared) = prepare_seen(self.plan, at, &sight, self.ground, &sources, &output)? else {
            // A source whose size nobody wrote and whose bytes are not here: the key is not known yet.
            return Ok(Outlook::Runs(self.remembered(at).map_or(Reason::New, |_| Reason::Source)));
        };
        let keyed = prepared.action.keyed();
        Ok(match self.store.ask(&keyed) {
            Some(outcome) => Outlook::InStore { key: keyed.key, outcome },
            None => Outlook::Runs(prepared.parts(self.ground).reason(self.remembered(at).as_ref())),
        })
    }

    fn output(&self, at: usize) -> Option<Digest> {
        match &self.found[at] {
            Some(Outlook::InStore { outcome, .. }) => Some(outcome.output),
            _ => None,
        }
    }

    fn remembered(&self, at: usize) -> Option<Parts> {
        Parts::remembered(self.store, &self.plan.nodes()[at].name())
    }

    /// Something that runs only after another is named through that other.
    fn after(&self, at: usize, open: &[usize]) -> Outlook {
        if self.remembered(at).is_none() {
            return Outlook::Runs(Reason::New);
        }
        let roots = open.iter().flat_map(|&dep| match &self.found[dep] {
            Some(Outlook::After(roots)) => roots.clone(),
            _ => vec![dep],
        });
        let roots: BTreeSet<usize> = roots.collect();
        Outlook::After(roots.into_iter().collect())
    }
}

/// What is known of a variant's sources: by the store, or by sha256 and size in the recipe.
pub fn sources(variant: &Variant, store: &Store) -> Vec<Have> {
    variant
        .sources
        .iter()
        .map(|source| {
            if let Some(git) = &source.git {
                return git_tree(store, &git.commit).map_or(Have::Nothing, Have::Tree);
            }
            let Some(sha256) = source.sha256 else { return Have::Nothing };
            let written = source.size_bytes.map(|size_bytes| Digest { sha256, size_bytes });
            written.or_else(|| store.size_of(&sha256)).map_or(Have::Nothing, Have::Blob)
        })
        .collect()
}

/// The tree that a commit was found to be, when it is still in the store.
fn git_tree(store: &Store, commit: &str) -> Option<Digest> {
    let note = String::from_utf8(store.note("git", commit)?).ok()?;
    note.trim().parse().ok().filter(|root| store.has(root))
}

pub use super::fetching::{sources as fetch, wanted};

/// Remembers which tree a commit is.
pub fn remember_git(store: &Store, commit: &str, root: &Digest) -> Result<(), kegs::StoreError> {
    store.set_note("git", commit, root.to_string().as_bytes())
}
