//! The ring `source`: what sources' places and bytes tell. Looks into archives that are in the store, and fetches none.
//!
//! ```text
//! urls       places as they are written        S03 S04
//! inside     an archive's names and licences   S05 S08 S11
//! patches    a recipe's patches on its bytes   S06 S07
//! network    places asked, only when wished    S01 S02
//! stale      upstream asked, only when wished  S09 S10
//! ```

mod diff;
mod inside;
mod licence;
pub mod network;
mod patches;
pub mod stale;
mod urls;

use std::collections::BTreeSet;
use std::ops::Range;

use builder::plan::Plan;
use builder::recipe::{Source, Variant};
use kegs::{Digest, Store};
use rayon::prelude::*;

use super::finding::Finding;
use super::tap::Tap;

/// What the ring found, and where it could not look.
#[derive(Debug, Default)]
pub struct Sources {
    pub findings: Vec<Finding>,
    /// Recipes with a source that is not in the store: nothing was said of its inside.
    pub absent: BTreeSet<String>,
}

/// What only the recipes' texts tell of their places.
pub fn places(tap: &Tap) -> Vec<Finding> {
    tap.recipes.iter().flat_map(|folder| urls::findings(&folder.text)).collect()
}

/// Looks into every source of these plans that is in the store.
pub fn look(store: &Store, plans: &[Plan]) -> Sources {
    let variants = variants(plans);
    let one = |variant: &&Variant| {
        let mut findings = inside::findings(store, variant);
        findings.extend(patches::findings(store, variant));
        findings
    };
    let findings = variants.par_iter().flat_map_iter(one).collect();
    let absent =
        variants.iter().filter(|variant| unpacked(variant).any(|source| blob(store, source).is_none()));
    Sources { findings, absent: absent.map(|variant| variant.name.clone()).collect() }
}

/// Each set of sources and patches once.
fn variants(plans: &[Plan]) -> Vec<&Variant> {
    let mut seen = BTreeSet::new();
    let all = plans.iter().flat_map(|plan| plan.nodes()).map(|node| &node.variant);
    all.filter(|variant| {
        let sources: Vec<_> = variant.sources.iter().map(|source| source.sha256).collect();
        seen.insert((&variant.name, &variant.slot, sources, &variant.patches))
    })
    .collect()
}

/// Sources that are archives.
fn unpacked(variant: &Variant) -> impl Iterator<Item = &Source> {
    variant.sources.iter().filter(|source| source.unpack && source.git.is_none() && source.sha256.is_some())
}

fn blob(store: &Store, source: &Source) -> Option<Digest> {
    let sha256 = source.sha256?;
    let written = source.size_bytes.map(|size_bytes| Digest { sha256, size_bytes });
    written.filter(|digest| store.has(digest)).or_else(|| store.find_sha256(&sha256))
}

/// The name under which the archive is put for the build.
fn name(source: &Source) -> &str {
    let path = source.urls.first().or(source.file.as_ref());
    path.map_or("", |path| path.rsplit('/').next().unwrap_or(path))
}

/// A word of a recipe's list, or the list's own place.
fn word(variant: &Variant, key: &str, word: &str) -> Option<Range<usize>> {
    use super::doc::Doc;
    let doc = Doc::parse(&variant.text)?;
    doc.parts()
        .iter()
        .flat_map(|part| part.strings(key))
        .find(|(text, _)| *text == word)
        .map(|(_, at)| at.span)
}
