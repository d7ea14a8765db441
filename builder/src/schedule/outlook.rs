//! The outlook: what a build would do, before anything starts. Reads the store, writes nothing.

use kegs::{Digest, Keyed, Outcome, Store};

use super::action::{Ground, Have, PrepareError, Prepared, prepare};
use super::inputs::{Parts, Reason};
use crate::plan::Plan;
use crate::recipe::Variant;

/// What will become of one node.
#[derive(Debug)]
pub enum Outlook {
    /// Its result is in the store.
    InStore { key: Digest, outcome: Outcome },
    /// It runs.
    Runs(Reason),
    /// Whether it runs shows when these are built: when they give the bytes that they gave, it does not.
    After(Vec<usize>),
}

/// One outlook a node, in the plan's order. Actions whose inputs are all known are keyed; the rest wait for theirs.
pub fn outlook(plan: &Plan, store: &Store, ground: &Ground) -> Result<Vec<Outlook>, PrepareError> {
    let mut outlooks: Vec<Outlook> = Vec::with_capacity(plan.nodes().len());
    for (at, node) in plan.nodes().iter().enumerate() {
        let open: Vec<usize> =
            plan.seen(at).into_iter().filter(|&dep| !matches!(outlooks[dep], Outlook::InStore { .. })).collect();
        let next = if open.is_empty() {
            let output = |dep: usize| match &outlooks[dep] {
                Outlook::InStore { outcome, .. } => Some(outcome.output),
                _ => None,
            };
            keyed(plan, at, store, ground, &output)?
        } else {
            // Something that runs only after another is named through that other.
            let roots = open.iter().flat_map(|&dep| match &outlooks[dep] {
                Outlook::After(roots) => roots.clone(),
                _ => vec![dep],
            });
            let mut roots: Vec<usize> = roots.collect();
            roots.sort();
            roots.dedup();
            match Parts::remembered(store, &node.name()) {
                None => Outlook::Runs(Reason::New),
                Some(_) => Outlook::After(roots),
            }
        };
        outlooks.push(next);
    }
    Ok(outlooks)
}

fn keyed(
    plan: &Plan,
    at: usize,
    store: &Store,
    ground: &Ground,
    output: &dyn Fn(usize) -> Option<Digest>,
) -> Result<Outlook, PrepareError> {
    let node = &plan.nodes()[at];
    let last = Parts::remembered(store, &node.name());
    let Some(prepared) = prepare(plan, at, ground, &sources(&node.variant, store), output)? else {
        // A source whose size nobody wrote and whose bytes are not here: the key is not known yet.
        return Ok(Outlook::Runs(if last.is_some() { Reason::Source } else { Reason::New }));
    };
    let Keyed { key, .. } = prepared.action.keyed();
    Ok(match store.result(&key) {
        Some(outcome) => Outlook::InStore { key, outcome },
        None => Outlook::Runs(reason(&prepared, last.as_ref())),
    })
}

pub fn reason(prepared: &Prepared, last: Option<&Parts>) -> Reason {
    prepared.parts.reason(last)
}

/// What is known of a variant's sources: by the store, or by sha256 and size in the recipe.
pub fn sources(variant: &Variant, store: &Store) -> Vec<Have> {
    variant.sources.iter().map(|source| {
        if let Some(git) = &source.git {
            return git_tree(store, &git.commit).map_or(Have::Nothing, Have::Tree);
        }
        let Some(sha256) = source.sha256 else { return Have::Nothing };
        let written = source.size_bytes.map(|size_bytes| Digest { sha256, size_bytes });
        written.or_else(|| store.find_sha256(&sha256)).map_or(Have::Nothing, Have::Blob)
    }).collect()
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
