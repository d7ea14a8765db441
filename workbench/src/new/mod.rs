//! `rootbrew new`: what is inside a source archive, as the recipe that often builds it unchanged.
//!
//! ```text
//! archive --look--> Inside --preset, version, facts, license, deps--> Draft --text--> recipe.toml
//! ```
//! Pure but for reading the archive: it fetches nothing and writes nothing. What it guesses, it says (`unsure`).

mod deps;
mod facts;
mod license;
mod macros;
mod makefile;
mod origin;
mod preset;
#[cfg(test)]
mod tests;
mod text;

use std::collections::BTreeSet;
use std::path::Path;

use builder::recipe::Preset;
use kegs::Digest;

use crate::archive::{self, Archive, ArchiveError};

pub use origin::{Origin, upstream_version};
pub use text::{steps, text};

/// What a recipe's author is asked to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsure {
    /// The key of the recipe.
    pub key: &'static str,
    /// What was guessed or not found, and where to look.
    pub why: String,
}

/// A recipe to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub name: String,
    pub summary: String,
    pub license: String,
    pub home: Option<String>,
    pub version: String,
    pub url: Option<String>,
    pub debian: Option<String>,
    pub digest: Digest,
    pub strip: usize,
    pub preset: Preset,
    pub subdir: Option<String>,
    pub args: Vec<String>,
    pub build_args: Vec<String>,
    pub targets_install: Vec<String>,
    pub link: Vec<String>,
    /// What it asks for and no recipe has.
    pub missing: Vec<String>,
    pub unsure: Vec<Unsure>,
}

/// The names that the tap has: recipes and virtuals.
pub type Known = BTreeSet<String>;

/// A look at the archive at `path`, which its origin knows as `file`.
pub fn draft(
    name: &str,
    path: &Path,
    file: &str,
    origin: &Origin,
    digest: Digest,
    known: &Known,
) -> Result<Draft, ArchiveError> {
    let whole = archive::look(path, file, &wanted)?;
    let (subdir, picked) = preset::pick(&whole);
    let inside = subdir.as_ref().map_or_else(|| whole.clone(), |folder| whole.below(folder));
    let mut unsure = picked.unsure;
    let version = origin.version(&inside, &mut unsure);
    let found = facts::facts(name, &whole, &mut unsure);
    let needs = deps::deps(picked.preset, &inside, known, &mut unsure);
    Ok(Draft {
        name: name.to_string(),
        summary: found.summary,
        license: license::license(&whole, &mut unsure),
        home: origin.home.clone().or(found.home),
        url: origin.url.as_ref().map(|url| origin::with_words(url, &version)),
        debian: origin.debian.clone(),
        version,
        digest,
        strip: whole.strip,
        preset: picked.preset,
        subdir,
        args: picked.args,
        build_args: picked.build_args,
        targets_install: picked.targets_install,
        link: needs.link,
        missing: needs.missing,
        unsure,
    })
}

/// Build descriptions whole (but none is larger than this), texts of licences, and the heads of some sources.
const WHOLE_MAX_BYTES: usize = 2 << 20;
const HEAD_BYTES: usize = 6 << 10;

const DESCRIPTIONS: [&str; 19] = [
    "configure.ac",
    "configure.in",
    "configure",
    "CMakeLists.txt",
    "meson.build",
    "meson_options.txt",
    "meson.options",
    "Cargo.toml",
    "Cargo.lock",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "Makefile.am",
    "Makefile.in",
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "Makefile.PL",
    "PKG-INFO",
];

fn wanted(path: &str) -> usize {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let depth = path.matches('/').count();
    let is_source = ["c", "h", "cc", "cpp", "rs", "py", "pl", "pm", "in"]
        .iter()
        .any(|end| file.ends_with(&format!(".{end}")));
    match () {
        () if depth <= 2 && (DESCRIPTIONS.contains(&file) || file.ends_with(".pc.in")) => WHOLE_MAX_BYTES,
        () if depth == 0 && (license::is_license(file) || facts::is_readme(file)) => WHOLE_MAX_BYTES,
        () if folder == "LICENSES" => WHOLE_MAX_BYTES,
        () if depth <= 1 && is_source => HEAD_BYTES,
        () => 0,
    }
}

/// The file of the archive's root, or of the part that is built, as text.
fn text_of(inside: &Archive, path: &str) -> String {
    inside.text(path).unwrap_or_default()
}
