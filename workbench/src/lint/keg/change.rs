//! A keg beside the one that was built before it: names of libraries (K16), and what they export (K17).

use std::collections::BTreeSet;

use kegs::{Digest, Node, Store, StoreError};
use object::Object;

use super::super::finding::Finding;
use super::facts::{Elf, Facts};
use super::{Built, place};

/// As many are named as a person would read.
const NAMED_MAX: usize = 5;

/// # Errors
/// A keg that is there and can't be read.
pub fn findings(store: &Store, built: &Built, facts: &Facts) -> Result<Vec<Finding>, StoreError> {
    let Some(before) = before(store, built) else { return Ok(Vec::new()) };
    // What the store has no more can't be compared with.
    let Ok(old) = Facts::of(store, &before) else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    for was in old.elves.iter().filter(|elf| elf.soname.is_some()) {
        let same = facts.elves.iter().find(|elf| elf.soname == was.soname);
        let other = facts.elves.iter().find(|elf| stem(elf).is_some() && stem(elf) == stem(was));
        match (same, other) {
            (Some(now), _) => findings.extend(gone(store, built, (&before, was), now)?),
            (None, Some(now)) => findings.push(renamed(built, was, now)),
            (None, None) => {}
        }
    }
    Ok(findings)
}

/// The output of the build before, where it was another.
fn before(store: &Store, built: &Built) -> Option<Digest> {
    let note = String::from_utf8(store.note("before", &built.name())?).ok()?;
    note.trim().parse().ok().filter(|before| *before != built.output)
}

fn stem(elf: &Elf) -> Option<&str> {
    Some(elf.soname.as_ref()?.split_once(".so")?.0)
}

fn renamed(built: &Built, was: &Elf, now: &Elf) -> Finding {
    let name = |elf: &Elf| elf.soname.clone().unwrap_or_default();
    let nodes = built.plan.nodes().iter().filter(|node| node.all_deps().contains(&built.at));
    let dependents: Vec<String> = nodes.map(|node| format!("`{}`", node.name())).collect();
    let message = format!("`{}` is `{}` now", name(was), name(now));
    let help = match dependents.as_slice() {
        [] => "nothing here needs it".to_string(),
        dependents => format!("these are built again: {}", dependents.join(", ")),
    };
    Finding::new("K16", place::maker(built, message).help(help))
}

fn gone(
    store: &Store,
    built: &Built,
    (before, was): (&Digest, &Elf),
    now: &Elf,
) -> Result<Option<Finding>, StoreError> {
    let old = exports(store, before, &was.path)?;
    let new = exports(store, &built.output, &now.path)?;
    let gone: Vec<&String> = old.difference(&new).collect();
    if gone.is_empty() {
        return Ok(None);
    }
    let first: Vec<String> = gone.iter().take(NAMED_MAX).map(|symbol| format!("`{symbol}`")).collect();
    let more = gone.len().saturating_sub(NAMED_MAX);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let message =
        format!("`{}` no longer has {}{more}", now.soname.clone().unwrap_or_default(), first.join(", "));
    let help = "what was linked with it may not start: a library that drops symbols takes another soname";
    Ok(Some(Finding::new("K17", place::maker(built, message).help(help))))
}

fn exports(store: &Store, root: &Digest, path: &str) -> Result<BTreeSet<String>, StoreError> {
    let tree = store.tree(root)?;
    let Some(Node::File { digest, .. }) = tree.nodes.get(path) else { return Ok(BTreeSet::new()) };
    let bytes = store.get(digest)?;
    let exports = object::File::parse(bytes.as_slice()).and_then(|file| {
        Ok(file.exports()?.iter().map(|export| String::from_utf8_lossy(export.name()).into_owned()).collect())
    });
    Ok(exports.unwrap_or_default())
}
