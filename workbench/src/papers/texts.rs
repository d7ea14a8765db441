//! Licence texts: those that come with a part's source; where none does, the SPDX list's own, and that is said.
//!
//! An archive is hostile until read (`archive`); it is looked into without being unpacked. A licence that is on no list
//! (`LicenseRef-…`) has no other text than the source's.

use std::collections::BTreeMap;
use std::path::Path;

use assembler::glob;
use assembler::papers::{Papers, PartId, spdx};
use builder::plan::Plan;
use builder::recipe::{Catalogue, Source, Variant};
use builder::schedule::action::file_name;
use kegs::{Digest, Store};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::archive::{self, Archive};

/// The longest licence has 35 KB (GPL-3.0); some files hold several.
const TEXT_MAX_BYTES: usize = 256 << 10;
/// Of all texts of a part together: a source whose every folder has a licence is not asked for all.
const PART_MAX_BYTES: usize = 2 << 20;

/// How files with a licence are called, in capitals or not. `NOTICE` must be given along too (Apache-2.0, 4d).
const NAMES: [&str; 5] = ["licen", "copying", "copyright", "unlicense", "notice"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// A path in the source, or an id of the SPDX list.
    pub title: String,
    pub from: From,
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    Source,
    List,
}

/// The texts of every part of the papers, sorted by part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Texts {
    pub parts: BTreeMap<PartId, Vec<Text>>,
    /// What could not be looked into, or has no text, in words.
    pub lacks: Vec<String>,
}

/// The archives that [`gather`] looks into, as far as the store does not have them.
pub fn absent<'p>(papers: &Papers, plan: &'p Plan, store: &Store) -> Vec<(&'p Variant, &'p Source)> {
    let all = sources(papers, plan).into_iter().flat_map(|(_, sources)| sources);
    all.filter(|(_, source)| blob(store, source).is_none()).collect()
}

/// Gathers the texts; of crates, the licences too, which are put into the papers with the texts of `LicenseRef-…`.
pub fn gather(papers: &mut Papers, plan: &Plan, catalogue: &Catalogue, store: &Store) -> Texts {
    let looked: Vec<(PartId, Looked)> = sources(papers, plan)
        .into_par_iter()
        .map(|(id, sources)| {
            let globs = catalogue.recipes.get(id.name()).map(|recipe| recipe.facts.license_files.clone());
            let globs = globs.filter(|_| matches!(id, PartId::Keg { .. })).unwrap_or_default();
            (id, look(store, &sources, &globs))
        })
        .collect();
    let mut texts = Texts::default();
    for (id, looked) in looked {
        if let Some(part) = papers.parts.get_mut(&id).filter(|part| part.license.is_none()) {
            part.license = looked.license;
        }
        texts.lacks.extend(looked.faults.into_iter().map(|fault| format!("{id}: {fault}")));
        texts.parts.insert(id, looked.texts);
    }
    fill(papers, &mut texts);
    texts
}

/// Every part with the archives of which it is made.
fn sources<'p>(papers: &Papers, plan: &'p Plan) -> Vec<(PartId, Vec<(&'p Variant, &'p Source)>)> {
    let mut all: BTreeMap<PartId, Vec<(&Variant, &Source)>> = BTreeMap::new();
    for node in plan.nodes() {
        for source in node.variant.sources.iter().filter(|source| source.unpack && source.sha256.is_some()) {
            let id = match &source.krate {
                Some(krate) if source.vendored => {
                    PartId::Crate { name: krate.name.clone(), version: krate.version.clone() }
                }
                _ => PartId::keg(&node.variant.name, &node.variant.slot),
            };
            if papers.parts.contains_key(&id) {
                all.entry(id).or_default().push((&node.variant, source));
            }
        }
    }
    all.into_iter().collect()
}

fn blob(store: &Store, source: &Source) -> Option<Digest> {
    store.find_sha256(&source.sha256?)
}

#[derive(Default)]
struct Looked {
    texts: Vec<Text>,
    license: Option<String>,
    faults: Vec<String>,
}

/// What one archive has. An archive is looked into once: the note `licences-1` has the answer after.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Inside {
    fault: Option<String>,
    /// Of a crate.
    license: Option<String>,
    texts: BTreeMap<String, String>,
}

/// Its number is raised whenever the same bytes would give other texts.
const KIND: &str = "licences-1";

fn look(store: &Store, sources: &[(&Variant, &Source)], globs: &[String]) -> Looked {
    let mut looked = Looked::default();
    let mut left = PART_MAX_BYTES;
    for (variant, source) in sources {
        let Some(inside) = inside(store, variant, source, globs) else { continue };
        looked.faults.extend(inside.fault);
        looked.license = looked.license.or(inside.license);
        for (title, text) in inside.texts {
            if text.len() <= left && !looked.texts.iter().any(|known| known.text == text) {
                left -= text.len();
                looked.texts.push(Text { title, from: From::Source, text });
            }
        }
    }
    looked
}

fn inside(store: &Store, variant: &Variant, source: &Source, globs: &[String]) -> Option<Inside> {
    let digest = blob(store, source)?;
    let name = file_name(variant, source);
    let note = Digest::of(format!("{} {name} {globs:?}", digest.hex()).as_bytes()).hex();
    if let Some(known) = store.note(KIND, &note).and_then(|note| serde_json::from_slice(&note).ok()) {
        return Some(known);
    }
    let inside = read(&store.found(&digest)?, &name, globs);
    // A note that can't be kept costs only that it is looked into again.
    store.set_note(KIND, &note, &serde_json::to_vec(&inside).ok()?).ok();
    Some(inside)
}

fn read(path: &Path, name: &str, globs: &[String]) -> Inside {
    let is_wanted = |path: &str| match globs {
        [] => is_license(path),
        globs => globs.iter().any(|glob| glob::matches(glob, path)),
    };
    let wanted = |path: &str| if is_wanted(path) || path == MANIFEST { TEXT_MAX_BYTES } else { 0 };
    match archive::look(path, name, &wanted) {
        Ok(archive) => {
            let paths = archive.files.keys().filter(|path| is_wanted(path));
            let texts = paths.map(|path| (path.clone(), archive.text(path).unwrap_or_default())).collect();
            Inside { fault: None, license: license_of_crate(&archive), texts }
        }
        Err(error) => Inside { fault: Some(error.to_string()), ..Inside::default() },
    }
}

/// At the top, or below a folder for them (`LICENSES/`, as REUSE and the kernel have it).
fn is_license(path: &str) -> bool {
    let path = path.to_lowercase();
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let called = NAMES.iter().any(|start| file.starts_with(start));
    let is_code = [".c", ".h", ".py", ".sh", ".rs", ".pl"].iter().any(|end| file.ends_with(end));
    folder.is_empty() && called && !is_code || folder == "licenses" || folder.starts_with("licenses/")
}

const MANIFEST: &str = "Cargo.toml";

#[derive(Deserialize)]
struct Manifest {
    package: Package,
}

#[derive(Deserialize)]
struct Package {
    license: Option<String>,
}

/// An expression of SPDX; before it had one, cargo let `/` stand for `OR`.
fn license_of_crate(archive: &Archive) -> Option<String> {
    let manifest: Manifest = toml::from_str(&archive.text(MANIFEST)?).ok()?;
    let license = manifest.package.license?.split('/').map(str::trim).collect::<Vec<_>>().join(" OR ");
    spdx_expression(&license).then_some(license)
}

fn spdx_expression(text: &str) -> bool {
    ::spdx::Expression::parse(text).is_ok()
}

/// Parts without a text of their own get the list's; `LicenseRef-…` get theirs from the source, or are lacking.
fn fill(papers: &mut Papers, texts: &mut Texts) {
    for (id, part) in &papers.parts {
        let own = texts.parts.entry(id.clone()).or_default();
        let expression = part.license.clone().unwrap_or_default();
        for name in spdx::license_refs(&expression) {
            let text: Vec<&str> = own.iter().map(|text| text.text.as_str()).collect();
            match text.is_empty() {
                false => drop(papers.texts.insert(name, text.join("\n"))),
                true => texts.lacks.push(format!(
                    "{id}: {name} has no text: `license_files` in recipes/{}/recipe.toml says where in its source it is",
                    id.name()
                )),
            }
        }
        if own.is_empty() {
            own.extend(listed(&expression));
        }
        if own.is_empty() {
            texts.lacks.push(format!("{id}: no text of its licence ({expression}) was found"));
        }
    }
    texts.lacks.sort();
    texts.lacks.dedup();
}

/// The texts of an expression's licences and exceptions.
fn listed(expression: &str) -> Vec<Text> {
    let words = expression.split(|c: char| c.is_whitespace() || "()".contains(c));
    let text = |word: &str| {
        let of_exception = || ::spdx::exception_id(word).map(|id| id.text());
        let text =
            ::spdx::license_id(word.trim_end_matches('+')).map(|id| id.text()).or_else(of_exception)?;
        Some(Text { title: word.to_string(), from: From::List, text: text.to_string() })
    };
    words.filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_with_licences() {
        let yes = [
            "LICENSE",
            "COPYING.LESSER",
            "licence.txt",
            "LICENSES/MIT.txt",
            "LICENSES/preferred/GPL-2.0",
            "NOTICE",
            "UNLICENSE",
        ];
        let no = ["src/LICENSE", "license.c", "README", "copyright.py", "Makefile"];
        assert!(yes.iter().all(|path| is_license(path)));
        assert!(!no.iter().any(|path| is_license(path)));
    }

    #[test]
    fn the_list_has_texts_of_licences_and_exceptions() {
        let texts = listed("GPL-3.0-or-later WITH GCC-exception-3.1 AND (MIT OR LicenseRef-x)");
        let titles: Vec<&str> = texts.iter().map(|text| text.title.as_str()).collect();
        assert_eq!(titles, ["GPL-3.0-or-later", "GCC-exception-3.1", "MIT"]);
        assert!(texts[0].text.contains("GNU GENERAL PUBLIC LICENSE"));
    }

    #[test]
    fn a_crate_says_its_licence() {
        let of = |line: &str| {
            let text = format!("[package]\nname = \"x\"\n{line}\n").into_bytes();
            license_of_crate(&Archive { files: [(MANIFEST.to_string(), text)].into(), ..Archive::default() })
        };
        assert_eq!(of("license = \"MIT/Apache-2.0\"").as_deref(), Some("MIT OR Apache-2.0"));
        assert_eq!(of("license = \"Unlicense OR MIT\"").as_deref(), Some("Unlicense OR MIT"));
        assert_eq!(of("license = \"whatever\""), None);
        assert_eq!(of("license-file = \"L\""), None);
    }
}
