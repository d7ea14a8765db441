//! Preset `cargo`: the lock that a build obeys, found and read, and its crates as sources.
//!
//! The lock must be known before the key is: it stands beside the recipe, or in the tap whose own files are the source. It
//! is never looked for in an archive.

use std::ops::Range;
use std::path::{Path, PathBuf};

use kegs::fault::Faults;

use super::layer::Layer;
use super::lock::{Lock, absent};
use super::phrase::Words;
use super::variant::{Crate, Source};
use super::written::Recipe;

const FILE: &str = "Cargo.lock";

/// The lock of a settled layer; `None` only after a fault. `preset` is where the word `cargo` is written.
pub fn lock(
    recipe: &Recipe,
    layer: &Layer,
    preset: Range<usize>,
    words: &Words,
    faults: &mut Faults,
) -> Option<Lock> {
    let of_tap = takes_tap(layer);
    let (file, shown) = place(recipe, layer, of_tap, words);
    let Ok(bytes) = kegs::read_small(&file) else {
        let written = layer.cargo.as_ref().and_then(|cargo| cargo.lock.as_ref());
        let span = written.map_or(preset, |lock| lock.span.clone());
        faults.push(absent(&recipe.text, span, &shown));
        return None;
    };
    let lock = Lock::parse(&shown, &bytes, faults)?;
    let package = layer.cargo.as_ref().and_then(|cargo| cargo.package.as_ref());
    let Some(package) = package.filter(|_| of_tap) else { return Some(lock) };
    let own = lock.of(&package.value);
    if own.is_none() {
        let message = format!("{} has no folder `{}`", shown.display(), package.value);
        faults.push(recipe.text.fault(package.span.clone(), message).help("a member of the workspace"));
    }
    own
}

/// Where the lock is, and what faults call it.
fn place(recipe: &Recipe, layer: &Layer, of_tap: bool, words: &Words) -> (PathBuf, PathBuf) {
    let written = layer.cargo.as_ref().and_then(|cargo| cargo.lock.as_ref());
    match written {
        None if of_tap => (tap(&recipe.folder).join(FILE), PathBuf::from(FILE)),
        _ => {
            let name = written.map_or(FILE.to_string(), |lock| words.expand(&lock.raw));
            let shown = Path::new("recipes").join(&recipe.name).join(&name);
            (recipe.folder.join(name), shown)
        }
    }
}

fn takes_tap(layer: &Layer) -> bool {
    layer.source.iter().flat_map(|sources| &sources.value.0).any(|written| !written.source.tap.is_empty())
}

/// The tap that a recipe's folder (`<tap>/recipes/<name>`) is in.
pub fn tap(folder: &Path) -> &Path {
    folder.ancestors().nth(2).unwrap_or(folder)
}

/// Each crate of a lock as a source.
pub fn sources(lock: &Lock) -> impl Iterator<Item = Source> {
    lock.crates().map(|(package, sha256)| {
        let krate = Crate { name: package.name.value.clone(), version: package.version.clone() };
        Source::vendored(krate, sha256, &lock.text, package.name.span.clone())
    })
}
