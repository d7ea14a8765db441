//! `rootbrew bump`: what is newer in a slot's series, and the recipe that builds it.
//!
//! ```text
//! place       where versions show: `watch`, else what the source itself says
//! candidates  tags, pages, Debian's index -> versions of the series, the newest first
//! pin         a version -> bytes, their digest, their size
//! patch       a unified diff, applied to files in memory;  patches   each of a recipe's, tried again
//! edit        recipe.toml with the new words, all others as they were
//! commit      one commit a recipe on a branch of its own; the work tree is not touched
//! ```
//! It prints nothing. What a site, a tag or an archive says is data: nothing of it reaches a command line.

mod candidates;
mod commit;
mod edit;
mod page;
pub(crate) mod patch;
mod patches;
mod pin;
mod place;
mod release;
mod tag;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use builder::fetch::{Blobs, Places};
use builder::recipe::{Recipe, Version, Watched};
use kegs::Faults;

pub use candidates::{Candidate, Seen, newest};
pub use commit::{Branch, CommitError, Proposal, commit, is_tracked};
pub use patches::Fate;
pub use release::Releases;

/// Where to look and what to look with.
pub struct World<'a> {
    pub places: &'a Places,
    /// apt's state of our own.
    pub apt: PathBuf,
    pub into: &'a (dyn Blobs + 'a),
    pub cancel: &'a AtomicBool,
}

/// What is asked of one slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goal<'a> {
    /// The newest of the series.
    Newest(Releases),
    /// This version, whatever the series or a hold says.
    Version(&'a Version),
}

/// A recipe with newer words, not written yet.
#[derive(Debug, Clone)]
pub struct Bumped {
    pub recipe: String,
    pub slot: String,
    pub from: Version,
    pub to: Version,
    /// `debian`, `page`, `tag`: where the version was found; and the same in a sentence.
    pub by: &'static str,
    pub found: String,
    /// Digest and size of each source that is new.
    pub digests: Vec<String>,
    pub patches: Vec<(String, Fate)>,
    pub notes: Vec<String>,
    /// Files by their path in the recipe's folder; `None` is removed.
    pub files: BTreeMap<String, Option<Vec<u8>>>,
}

/// Why a slot was left as it is.
#[derive(Debug)]
pub enum Left {
    /// Nothing newer.
    Newest,
    /// `watch.hold`, with its reason.
    Held(String),
    /// It is not followed: a source that is a file, or none.
    Nowhere,
    /// A person has to look.
    Faults(Faults),
    Failed(String),
}

/// Looks for what is newer and pins it; nothing is written but blobs of the store.
pub fn bump(recipe: &Recipe, slot: &str, goal: Goal, world: &World) -> Result<Bumped, Left> {
    let watched = recipe.watched(slot).ok_or(Left::Nowhere)?;
    if let (Goal::Newest(_), Some(hold)) = (goal, watched.watch.as_ref().and_then(|watch| watch.hold.clone()))
    {
        return Err(Left::Held(hold));
    }
    let (candidate, pinned) = pinned(recipe, &watched, goal, world)?;
    let tried = patches::retry(recipe, &watched, &pinned, world)?;
    let text = edit::edited(recipe, &watched, &candidate.version, &pinned, &tried.dropped)?;
    let mut files = tried.files;
    files.insert("recipe.toml".to_string(), Some(text.into_bytes()));
    Ok(Bumped {
        recipe: recipe.name.clone(),
        slot: slot.to_string(),
        from: watched.version.clone(),
        to: candidate.version.clone(),
        by: pinned.by,
        found: pinned.found,
        digests: pinned.sources.iter().filter_map(|source| source.said()).collect(),
        patches: tried.fates,
        notes: [candidate.notes, pinned.notes].concat(),
        files,
    })
}

/// The newest candidate whose bytes can be had: an upstream may be ahead of the place that a recipe takes them from.
fn pinned(
    recipe: &Recipe,
    watched: &Watched,
    goal: Goal,
    world: &World,
) -> Result<(Candidate, pin::Pinned), Left> {
    let all = candidates::wanted(recipe, watched, goal, world)?;
    let mut refused = Vec::new();
    for candidate in all {
        match pin::pin(recipe, watched, &candidate, world) {
            Ok(mut pinned) => {
                pinned.notes.extend(refused);
                return Ok((candidate, pinned));
            }
            Err(why) => refused.push(format!("{}: {why}", candidate.version)),
        }
    }
    Err(if refused.is_empty() { Left::Newest } else { Left::Failed(refused.join("\n")) })
}

impl From<Faults> for Left {
    fn from(faults: Faults) -> Left {
        Left::Faults(faults)
    }
}

/// Slots of one recipe, each on what the one before it left, so that their commits stand on one another.
pub fn bump_slots(
    recipe: &Recipe,
    slots: &[String],
    goal: Goal,
    world: &World,
) -> Vec<(String, Result<Bumped, Left>)> {
    let mut recipe = recipe.clone();
    let mut all = Vec::new();
    for slot in slots {
        let result = bump(&recipe, slot, goal, world);
        if let Ok(bumped) = &result
            && let Some(next) = reread(&recipe, bumped)
        {
            recipe = next;
        }
        all.push((slot.clone(), result));
    }
    all
}

/// The recipe as a bump leaves it; the files beside it are still the old ones, and are only looked for.
fn reread(recipe: &Recipe, bumped: &Bumped) -> Option<Recipe> {
    let text = bumped.files.get("recipe.toml")?.as_ref()?;
    Recipe::parse(&recipe.name, &recipe.folder, recipe.text.path(), text, &mut Faults::default())
}

/// Writes a bump's files below `recipes/<name>` of a tap, each whole.
pub fn write(tap: &Path, bumped: &Bumped) -> io::Result<()> {
    let folder = tap.join("recipes").join(&bumped.recipe);
    for (file, content) in &bumped.files {
        match content {
            Some(bytes) => crate::file::replace(&folder.join(file), bytes)?,
            None => std::fs::remove_file(folder.join(file))?,
        }
    }
    Ok(())
}
