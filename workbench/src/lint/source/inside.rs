//! An archive's inside: whether it is one (S05), its licence beside the recipe's (S08).
//!
//! An archive is looked into once: the note `lint-source/<sha256>` has the answer after.

use builder::recipe::{Source, Variant};
use kegs::{Digest, Store};
use serde::{Deserialize, Serialize};

use super::super::finding::Finding;
use super::{blob, licence, name, unpacked};
use crate::archive::{self, Archive};

const KIND: &str = "lint-source-2";

/// Raised when the same bytes would give other facts.
const VERSION: u32 = 2;

/// The longest licence has 35 KB (GPL-3.0); some files hold several.
const LICENCE_MAX_BYTES: usize = 128 << 10;

/// How files with a licence are called, in capitals or not.
const LICENCES: [&str; 4] = ["licen", "copying", "copyright", "unlicense"];

#[derive(Debug, Default, Serialize, Deserialize)]
struct Inside {
    version: u32,
    /// Why it is no archive.
    fault: Option<String>,
    /// Files with a licence, and which it is, where that is known.
    licences: Vec<(String, Vec<String>)>,
}

pub fn findings(store: &Store, variant: &Variant) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut insides = Vec::new();
    for source in unpacked(variant) {
        let Some(inside) = blob(store, source).and_then(|digest| inside(store, source, &digest)) else {
            continue;
        };
        findings.extend(inside.fault.as_ref().map(|fault| not_archive(source, fault)));
        // What comes beside the first is a part, under a licence of its own.
        if source.into.is_none() && inside.fault.is_none() {
            insides.push(inside);
        }
    }
    findings.extend(insides.first().and_then(|inside| licence(variant, inside)));
    findings
}

fn inside(store: &Store, source: &Source, digest: &Digest) -> Option<Inside> {
    // What its name says is judged too, so the name is part of the question.
    let note = Digest::of(format!("{} {}", digest.hex(), name(source)).as_bytes()).hex();
    let known = store.note(KIND, &note).and_then(|note| serde_json::from_slice::<Inside>(&note).ok());
    if let Some(known) = known.filter(|known| known.version == VERSION) {
        return Some(known);
    }
    let inside = read(store, source, digest)?;
    // A note that can't be kept costs only that it is looked into again.
    store.set_note(KIND, &note, &serde_json::to_vec(&inside).ok()?).ok();
    Some(inside)
}

fn read(store: &Store, source: &Source, digest: &Digest) -> Option<Inside> {
    let wanted = |path: &str| if is_licence(path) { LICENCE_MAX_BYTES } else { 0 };
    Some(match archive::look(&store.found(digest)?, name(source), &wanted) {
        Ok(archive) => Inside { version: VERSION, fault: None, licences: licences(&archive) },
        Err(error) => Inside { version: VERSION, fault: Some(error.to_string()), licences: Vec::new() },
    })
}

/// At the top, or in a folder for them.
fn is_licence(path: &str) -> bool {
    let path = path.to_lowercase();
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let called = LICENCES.iter().any(|start| file.starts_with(start));
    folder.is_empty() && called || folder == "licenses"
}

fn licences(archive: &Archive) -> Vec<(String, Vec<String>)> {
    let texts = archive.files.keys().filter_map(|path| Some((path, archive.text(path)?)));
    texts
        .filter(|(path, _)| is_licence(path))
        .map(|(path, text)| (path.clone(), licence::families(&text)))
        .collect()
}

fn not_archive(source: &Source, fault: &str) -> Finding {
    let fault =
        source.text.fault(source.span.clone(), format!("not an archive that can be unpacked: {fault}"));
    Finding::new(
        "S05",
        fault.help("`unpack = false` for what is no archive; else find the right place, and its sha256"),
    )
}

/// Said only where the texts are known and none of them is what the recipe says.
fn licence(variant: &Variant, inside: &Inside) -> Option<Finding> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || "-.+".contains(c);
    let declared: Vec<&str> =
        variant.license.split(|c| !is_word(c)).filter(|word| !word.is_empty()).collect();
    let families: Vec<&str> = declared.iter().filter_map(|id| licence::family(id)).collect();
    let found: Vec<&String> = inside.licences.iter().flat_map(|(_, families)| families).collect();
    let known =
        families.len() == declared.iter().filter(|word| !matches!(**word, "AND" | "OR" | "WITH")).count();
    if found.is_empty() || !known || found.iter().any(|found| families.contains(&found.as_str())) {
        return None;
    }
    let (path, of_file) = inside.licences.iter().find(|(_, families)| !families.is_empty())?;
    let span = super::super::doc::Doc::parse(&variant.text)?.get("license")?.at.span;
    let message =
        format!("the recipe says {}, and `{path}` of the source is {}", variant.license, of_file.join(", "));
    let help = "read it; `license_files` names another file where this one is not its own";
    Some(Finding::new("S08", variant.text.fault(span, message).help(help)))
}
