//! A recipe's patches on the bytes that it has: whether they still fit (S06), whether upstream has them by now (S07).
//!
//! A patch on an archive is tried once: the note `lint-patches/<sha256 of both>` has the answer after.

use std::collections::BTreeMap;

use builder::recipe::Variant;
use kegs::fault::Text;
use kegs::{Digest, Store};
use serde::{Deserialize, Serialize};

use super::super::finding::{Edit, Finding};
use super::super::keg::without;
use super::diff::{self, FileDiff, Fit};
use super::{blob, name, unpacked, word};
use crate::archive;

const KIND: &str = "lint-patches";

/// Raised when the same bytes would give other answers.
const VERSION: u8 = 2;

/// What came of one patch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tried {
    /// Hunks that fit elsewhere: where their first line is in the patch, and by how many lines.
    moved: Vec<(usize, usize, isize)>,
    /// Files of which a hunk fits nowhere.
    nowhere: Vec<String>,
    upstreamed: bool,
}

/// A patch and its text.
struct Patch<'a> {
    name: &'a str,
    text: Text,
}

pub fn findings(store: &Store, variant: &Variant) -> Vec<Finding> {
    let patches: Vec<Patch> = variant.patches.iter().filter_map(|name| read(variant, name)).collect();
    let source = unpacked(variant).find(|source| source.into.is_none());
    let (Some(source), false) = (source, patches.is_empty()) else { return Vec::new() };
    let Some(digest) = blob(store, source) else { return Vec::new() };
    let known = remembered(store, &note(&digest, &patches));
    let tried = known.or_else(|| {
        let tried = tried(store, &digest, name(source), &patches)?;
        let text = serde_json::to_vec(&tried).ok()?;
        // A note that can't be kept costs only that they are tried again.
        store.set_note(KIND, &note(&digest, &patches), &text).ok();
        Some(tried)
    });
    let pairs = patches.iter().zip(tried.unwrap_or_default());
    pairs.filter_map(|(patch, tried)| finding(variant, patch, &tried)).collect()
}

fn read<'a>(variant: &Variant, name: &'a str) -> Option<Patch<'a>> {
    let content = std::fs::read(variant.folder.join(name)).ok()?;
    let path = variant.text.path().with_file_name(name);
    Some(Patch { name, text: Text::new(path, &String::from_utf8(content).ok()?) })
}

fn note(source: &Digest, patches: &[Patch]) -> String {
    let mut bytes = vec![VERSION];
    bytes.extend(source.sha256);
    patches.iter().for_each(|patch| bytes.extend(Digest::of(patch.text.content.as_bytes()).sha256));
    Digest::of(&bytes).hex()
}

fn remembered(store: &Store, note: &str) -> Option<Vec<Tried>> {
    serde_json::from_slice(&store.note(KIND, note)?).ok()
}

/// `None` when the archive can't be read, which S05 says.
fn tried(store: &Store, source: &Digest, name: &str, patches: &[Patch]) -> Option<Vec<Tried>> {
    let diffs: Vec<Vec<FileDiff>> = patches.iter().map(|patch| diff::parse(&patch.text.content)).collect();
    let is_wanted = |path: &str| diffs.iter().flatten().any(|file| file.path == path);
    let wanted = |path: &str| if is_wanted(path) { usize::MAX } else { 0 };
    let archive = archive::look(&store.found(source)?, name, &wanted).ok()?;
    let lines = |path: &String| {
        archive.text(path).map(|text| (path.clone(), text.lines().map(str::to_string).collect()))
    };
    let mut files: BTreeMap<String, Vec<String>> = archive.files.keys().filter_map(lines).collect();
    Some(diffs.iter().map(|diffs| one(diffs, &mut files)).collect())
}

/// Tries one patch on the files as those before it left them.
fn one(diffs: &[FileDiff], files: &mut BTreeMap<String, Vec<String>>) -> Tried {
    let mut tried = Tried::default();
    let is_in = |file: &FileDiff| files.get(file.path).is_some_and(|lines| diff::is_in(lines, &file.hunks));
    if !diffs.is_empty() && diffs.iter().all(is_in) {
        return Tried { upstreamed: true, ..tried };
    }
    for file in diffs {
        let fits = files.get_mut(file.path).map(|lines| diff::apply(lines, &file.hunks)).unwrap_or_default();
        for (hunk, fit) in file.hunks.iter().zip(&fits) {
            if let Fit::Moved(offset) = fit {
                tried.moved.push((hunk.head.start, hunk.start, *offset));
            }
        }
        if fits.is_empty() || fits.contains(&Fit::Nowhere) {
            tried.nowhere.push(file.path.to_string());
        }
    }
    tried
}

fn finding(variant: &Variant, patch: &Patch, tried: &Tried) -> Option<Finding> {
    let span = word(variant, "patches", patch.name)?;
    let fault = |message: String| variant.text.fault(span.clone(), message);
    if tried.upstreamed {
        let fault = fault(format!("`{}` is in the source already", patch.name)).label("upstreamed");
        let edit = without(&fault);
        let fault = fault.help("take it out, and its file away");
        return Some(Finding::new("S07", fault).fix("takes the patch out", vec![edit]));
    }
    if !tried.nowhere.is_empty() {
        let message = format!("`{}` does not apply to {} {}", patch.name, variant.name, variant.version);
        let help = format!("not in `{}`: make it anew on this version", tried.nowhere.join("`, `"));
        return Some(Finding::new("S06", fault(message).label("does not fit").help(help)));
    }
    let (_, _, offset) = tried.moved.first()?;
    let message = format!("`{}` fits only {} lines away from where it says", patch.name, offset);
    let help = "in another version it may fit at the wrong place: `--fix` writes the right lines";
    let edits = tried.moved.iter().filter_map(|moved| refreshed(patch, moved)).collect();
    Some(
        Finding::new("S06", fault(message).label("moved").help(help))
            .fix("writes where its hunks are", edits),
    )
}

/// The hunk's first line with the lines at which it fits.
fn refreshed(patch: &Patch, &(head, _, offset): &(usize, usize, isize)) -> Option<Edit> {
    let line = patch.text.content.get(head..)?;
    let line = &line[..line.find(" @@")?];
    let (old, new) = line.strip_prefix("@@ -")?.split_once(" +")?;
    let text = format!("@@ -{} +{}", shifted(old, offset)?, shifted(new, offset)?);
    Some(Edit::new(&patch.text, head..head + line.len(), text))
}

fn shifted(range: &str, offset: isize) -> Option<String> {
    let (start, count) = range.split_once(',').unwrap_or((range, ""));
    let start = start.parse::<usize>().ok()?.checked_add_signed(offset)?;
    Some(if count.is_empty() { start.to_string() } else { format!("{start},{count}") })
}
