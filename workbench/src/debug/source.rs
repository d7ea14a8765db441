//! A source file by the path in debug information: `/usr/src/NAME-VERSION/source/PATH`, out of the archive that was built.
//!
//! What a build wrote itself or patched is not in the archive, and nothing else is shown in its place.

use builder::recipe::{Catalogue, variant::Source as Wanted};
use kegs::{Digest, Store};

use crate::archive;

/// A line of code is short, and so is a file of them; the largest of the catalogue (sqlite3.c) has 9 MB.
const SOURCE_MAX_BYTES: usize = 64 << 20;

/// A file, or why it can't be had.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    Bytes(Vec<u8>),
    Absent(String),
}

/// The file at `path`, as the compiler wrote it.
pub fn source(store: &Store, catalogue: &Catalogue, path: &str) -> Source {
    match find(store, catalogue, path) {
        Ok(bytes) => Source::Bytes(bytes),
        Err(why) => Source::Absent(why),
    }
}

fn find(store: &Store, catalogue: &Catalogue, path: &str) -> Result<Vec<u8>, String> {
    let place = path.strip_prefix("/usr/src/").and_then(|rest| rest.split_once('/'));
    let (built, inside) = place.ok_or("it is no path of a recipe's source")?;
    let inside = plain(inside).ok_or("it leads out of the source")?;
    let inside = inside.strip_prefix("source/").ok_or("it is no file of the source, but one beside it")?;
    let (recipe, slot) = catalogue
        .recipes
        .values()
        .flat_map(|recipe| recipe.slots().map(move |slot| (recipe, slot)))
        .find(|(recipe, slot)| {
            recipe
                .watched(slot)
                .is_some_and(|watched| format!("{}-{}", recipe.name, watched.version) == built)
        })
        .ok_or("the tap has no recipe with this version")?;
    let watched = recipe.watched(slot).ok_or("the slot has no version")?;
    if !watched.patches.is_empty() {
        return Err(format!("`{}` is patched: the archive's file may be another", recipe.name));
    }
    let source = watched.sources.first().ok_or("the recipe has no source")?;
    let digest = blob(store, source).ok_or("its source is not in the store: `rootbrew fetch` brings it")?;
    let archive = store.found(&digest).ok_or("its source is not in the store")?;
    let wanted = |name: &str| if name == inside { SOURCE_MAX_BYTES } else { 0 };
    let mut found = archive::look(&archive, "", &wanted).map_err(|error| error.to_string())?;
    found.files.remove(inside).ok_or_else(|| "the archive has no such file: the build made it".into())
}

fn blob(store: &Store, source: &Wanted) -> Option<Digest> {
    let sha256 = source.sha256?;
    let written = source.size_bytes.map(|size_bytes| Digest { sha256, size_bytes });
    written.filter(|digest| store.has(digest)).or_else(|| store.find_sha256(&sha256))
}

/// Without `.` and `..`, which compilers leave in paths; `None` where they lead out.
fn plain(path: &str) -> Option<String> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_path_stays_in_the_source() {
        assert_eq!(plain("src/./core/../os/unix.c").as_deref(), Some("src/os/unix.c"));
        assert_eq!(plain("../etc/passwd"), None);
        assert_eq!(plain("a/../../b"), None);
    }
}
