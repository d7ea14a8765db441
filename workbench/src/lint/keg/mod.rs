//! The ring `keg`: what builds made and did, as the store knows it. Builds nothing.
//!
//! ```text
//! built    which kegs of the tap are in the store, in which variants, with what their build opened and said
//! facts    what a keg's files say of themselves: read once a tree, then from a note of the store
//! opened   dependencies beside what was opened        K01 K02 K03
//! said     what the build's log complained of         K04
//! elf      programs and libraries                     K05 K07-K10 K26
//! files    the rest of the tree                       K06 K14 K15 K21
//! change   beside the build before                    K16 K17
//! proof    tests, and what checking found             K18-K20 K22-K24
//! ```
//! A keg that is not built is passed over and counted. What nobody heard is not guessed.

mod built;
mod change;
mod elf;
mod facts;
mod files;
mod opened;
mod place;
mod proof;
mod said;

use std::collections::{BTreeMap, BTreeSet};

use builder::plan::Plan;
use builder::schedule::action::Ground;
use kegs::{Store, StoreError};
use rayon::prelude::*;

use super::finding::Finding;

pub use built::{Built, Looked};
pub use place::without;

/// What the ring found, and where it could not look.
#[derive(Debug, Default)]
pub struct Kegs {
    pub findings: Vec<Finding>,
    /// Recipes that were looked at in some variant.
    pub built: BTreeSet<String>,
    /// Recipes with a slot that is in the store in no variant.
    pub unbuilt: BTreeSet<String>,
    /// Built kegs whose build nobody heard: what they opened is not known.
    pub unheard: BTreeSet<String>,
}

/// Looks at every keg of these plans that is in the store.
///
/// # Errors
/// A store that cannot be read.
pub fn look(store: &Store, ground: &Ground, plans: &[Plan]) -> Result<Kegs, StoreError> {
    let looked = Looked::new(store, ground, plans);
    let mut kegs = Kegs { unbuilt: looked.unbuilt.clone(), ..Kegs::default() };
    let parts: Vec<Vec<Finding>> =
        looked.built.par_iter().map(|built| one(store, ground, built)).collect::<Result<_, _>>()?;
    kegs.findings = parts.into_iter().flatten().collect();
    kegs.findings.extend(opened::findings(&looked.built));
    for built in &looked.built {
        kegs.built.insert(built.variant().name.clone());
        if built.opened.is_none() {
            kegs.unheard.insert(built.name());
        }
    }
    Ok(kegs)
}

fn one(store: &Store, ground: &Ground, built: &Built) -> Result<Vec<Finding>, StoreError> {
    let facts = facts::Facts::of(store, &built.output)?;
    let mut findings = said::findings(store, built);
    findings.extend(elf::findings(built, &facts, &ground.profile));
    findings.extend(files::findings(built, &facts));
    findings.extend(opened::missing(store, built, &facts)?);
    findings.extend(change::findings(store, built, &facts)?);
    findings.extend(proof::findings(store, built, &facts));
    Ok(findings)
}

/// How often each lint was met, for who wants to know how loud they are.
pub fn counts(findings: &[Finding]) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    findings.iter().for_each(|finding| *counts.entry(finding.lint.id).or_default() += 1);
    counts
}
