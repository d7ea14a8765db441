//! A recipe's patches against a new source: which still apply, which upstream took, which a person has to mend.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use builder::recipe::{Recipe, Watched};

use super::patch::{self, Files, Patch};
use super::pin::Pinned;
use super::{Left, World};
use crate::archive::{self, Archive};

/// A patch's file may be so large; larger ones only a build can try.
const FILE_MAX_BYTES: usize = 16 << 20;

/// What became of a patch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Applies,
    /// Its lines stand elsewhere: its numbers are new.
    Refreshed,
    /// What it does is in the source: dropped from the recipe, and removed.
    Upstreamed,
}

impl std::fmt::Display for Fate {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(match self {
            Fate::Applies => "applies",
            Fate::Refreshed => "applies elsewhere, refreshed",
            Fate::Upstreamed => "is in the new source, dropped",
        })
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tried {
    pub fates: Vec<(String, Fate)>,
    /// By path in the recipe's folder.
    pub files: BTreeMap<String, Option<Vec<u8>>>,
    pub dropped: BTreeSet<String>,
}

/// Each patch in order on what those before it left; those of an option on what the recipe's own left.
pub fn retry(recipe: &Recipe, watched: &Watched, pinned: &Pinned, world: &World) -> Result<Tried, Left> {
    let optional = watched.option_patches.iter().flat_map(|(_, patches)| patches);
    let names: Vec<&String> = watched.patches.iter().chain(optional).collect();
    let mut tried = Tried::default();
    if names.is_empty() {
        return Ok(tried);
    }
    let failed = |name: &str, why: &dyn std::fmt::Display| Left::Failed(format!("{name}: {why}"));
    let mut read = BTreeMap::new();
    for name in &names {
        let bytes = kegs::read_small(&recipe.folder.join(name)).map_err(|error| failed(name, &error))?;
        let parsed = patch::parse(&bytes).map_err(|error| failed(name, &error))?;
        read.insert((*name).clone(), (bytes, parsed));
    }
    let source = source(watched, pinned, read.values().map(|(_, patch)| patch), world)?;
    let mut files: Files = source.files.into_iter().map(|(path, bytes)| (path, Some(bytes))).collect();
    let mut one = |name: &String, files: &mut Files| -> Result<(), Left> {
        let (bytes, patch) = &read[name];
        let fate = step(name, bytes, patch, files, &mut tried).map_err(|error| failed(name, &error))?;
        tried.fates.push((name.clone(), fate));
        Ok(())
    };
    watched.patches.iter().try_for_each(|name| one(name, &mut files))?;
    for (_, patches) in &watched.option_patches {
        let mut branch = files.clone();
        patches.iter().try_for_each(|name| one(name, &mut branch))?;
    }
    Ok(tried)
}

fn step(
    name: &str,
    bytes: &[u8],
    patch: &Patch,
    files: &mut Files,
    tried: &mut Tried,
) -> Result<Fate, patch::PatchError> {
    // Backwards first: lines that were added may find a second place to be added at.
    if patch.reversed().apply(&mut files.clone()).is_ok() {
        tried.files.insert(name.to_string(), None);
        tried.dropped.insert(name.to_string());
        return Ok(Fate::Upstreamed);
    }
    let moves = patch.apply(files)?;
    let Some(refreshed) = patch::refreshed(bytes, &moves) else { return Ok(Fate::Applies) };
    tried.files.insert(name.to_string(), Some(refreshed));
    Ok(Fate::Refreshed)
}

/// The files that the patches read, of the first source that is an archive.
fn source<'p>(
    watched: &Watched,
    pinned: &Pinned,
    patches: impl Iterator<Item = &'p Patch>,
    world: &World,
) -> Result<Archive, Left> {
    let wanted: BTreeSet<String> =
        patches.flat_map(|patch| patch.reads().map(str::to_string).collect::<Vec<_>>()).collect();
    let at = watched.sources.iter().position(|source| source.unpack && source.into.is_none());
    let new = at.and_then(|at| Some((&watched.sources[at], &pinned.sources[at], pinned.sources[at].digest?)));
    let Some((source, new, digest)) = new else {
        return Err(Left::Failed("its patches are for a source of git: bump it by hand".to_string()));
    };
    let path: PathBuf = world.into.blob_path(&digest);
    let keep = |path: &str| if wanted.contains(path) { FILE_MAX_BYTES } else { 0 };
    let look = archive::look(&path, &new.file, &keep)
        .map_err(|error| Left::Failed(format!("{}: {error}", new.file)))?;
    if look.strip != source.strip as usize {
        let why =
            format!("its files are below {} folders now, the recipe strips {}", look.strip, source.strip);
        return Err(Left::Failed(why));
    }
    Ok(look)
}
