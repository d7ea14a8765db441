//! A source file by the path in debug information: `/usr/src/NAME-VERSION/source/PATH`, out of the archive that was built.
//!
//! Patched as the build patched it. What a build wrote itself is in no archive, and nothing else is shown in its place.

use builder::recipe::{Catalogue, Recipe, Watched, variant::Source as Wanted};
use kegs::{Digest, Store};

use crate::archive;
use crate::bump::patch::{self, Files, Patch};

/// A line of code is short, and so is a file of them; the largest of the catalogue (sqlite3.c) has 9 MB.
const SOURCE_MAX_BYTES: usize = 64 << 20;

/// The file at `path`, as the compiler wrote it.
///
/// # Errors
/// Why it can't be had.
pub fn source(store: &Store, catalogue: &Catalogue, path: &str) -> Result<Vec<u8>, String> {
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
    let source = watched.sources.first().ok_or("the recipe has no source")?;
    let digest = blob(store, source).ok_or("its source is not in the store: `rootbrew fetch` brings it")?;
    let archive = store.found(&digest).ok_or("its source is not in the store")?;
    let wanted = |name: &str| if name == inside { SOURCE_MAX_BYTES } else { 0 };
    let mut found = archive::look(&archive, "", &wanted).map_err(|error| error.to_string())?;
    patched(recipe, &watched, inside, found.files.remove(inside))
}

/// `content` as the build's compiler saw it. An option's patches are refused: whether it was on, the path does not say.
fn patched(
    recipe: &Recipe,
    watched: &Watched,
    inside: &str,
    content: Option<Vec<u8>>,
) -> Result<Vec<u8>, String> {
    let mut files = Files::from([(inside.to_string(), content)]);
    let read = |name: &String| -> Result<Patch, String> {
        let text = kegs::read_small(&recipe.folder.join(name)).map_err(|error| error.to_string())?;
        let mut patch = patch::parse(&text).map_err(|error| format!("{name}: {error}"))?;
        patch.files.retain(|file| file.new.as_deref() == Some(inside));
        Ok(patch)
    };
    for name in &watched.patches {
        read(name)?.apply(&mut files).map_err(|error| format!("{name}: {error}"))?;
    }
    for (option, name) in
        watched.option_patches.iter().flat_map(|(o, names)| names.iter().map(move |n| (o, n)))
    {
        if !read(name)?.files.is_empty() {
            return Err(format!("{name} changes it where the option `{option}` is on"));
        }
    }
    let content = files.remove(inside).flatten();
    content.ok_or_else(|| "the archive has no such file: the build made it".into())
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
