//! A tap's copy in a folder of its own, to build something else than what stands here: gone with its `TempDir`.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use builder::recipe::Catalogue;
use tempfile::TempDir;
use workbench::revision::{self, RevisionError};

use crate::context::Context;
use crate::trouble::{Result, Trouble};

/// What every tap is made of.
const PARTS: [&str; 4] = ["recipes", "roles", "toolchains", "seeds"];

/// The tap as it stands here.
pub fn copy(context: &Context, catalogue: &Catalogue) -> Result<TempDir> {
    let copied = folder()?;
    for part in PARTS.map(str::to_string).into_iter().chain(taken(catalogue)) {
        copy_part(&context.tap.join(&part), &copied.path().join(&part)).map_err(failed)?;
    }
    Ok(copied)
}

/// The tap as a commit has it, and the commit's id.
pub fn at_revision(context: &Context, rev: &str) -> Result<(TempDir, String)> {
    let revision = revision::open(&context.tap, rev)?;
    let copied = folder()?;
    revision.lay_out(copied.path())?;
    Ok((copied, revision.commit))
}

/// What recipes take of the tap's other folders as their source.
fn taken(catalogue: &Catalogue) -> BTreeSet<String> {
    let slots =
        catalogue.recipes.values().flat_map(|recipe| recipe.slots().filter_map(|slot| recipe.watched(slot)));
    let named = slots.flat_map(|watched| watched.sources).flat_map(|source| source.tap);
    let named = named.filter_map(|path| path.split('/').next().map(str::to_string));
    named.filter(|part| !PARTS.contains(&part.as_str())).collect()
}

fn folder() -> Result<TempDir> {
    tempfile::Builder::new().prefix("rootbrew-tap-").tempdir().map_err(failed)
}

fn failed(error: io::Error) -> Trouble {
    Trouble::Failed(format!("cannot copy the tap: {error}"))
}

impl From<RevisionError> for Trouble {
    fn from(error: RevisionError) -> Trouble {
        Trouble::Failed(error.to_string())
    }
}

/// A file, or a folder with all that is in it; a link stays the link that it is.
fn copy_part(from: &Path, to: &Path) -> io::Result<()> {
    let Ok(kind) = from.symlink_metadata().map(|metadata| metadata.file_type()) else { return Ok(()) };
    if kind.is_symlink() {
        return std::os::unix::fs::symlink(std::fs::read_link(from)?, to);
    }
    if !kind.is_dir() {
        return std::fs::copy(from, to).map(drop);
    }
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        copy_part(&entry.path(), &to.join(entry.file_name()))?;
    }
    Ok(())
}
