//! Files beside a recipe: T17 file-unlisted, T19 patch-header.

use builder::recipe::patch;
use kegs::fault::Text;

use super::Look;
use crate::lint::doc::{Doc, Entry, Inner};
use crate::lint::finding::Finding;

/// Keys whose strings name files of the folder, wherever they stand.
const NAMING: [&str; 7] = ["patches", "inject", "files", "kconfig", "lock", "file", "key"];

pub fn files(look: &Look, findings: &mut Vec<Finding>) {
    let mut named = Vec::new();
    look.doc.entries().iter().for_each(|entry| collect(entry, &mut named));
    let tested = look.doc.get("test").is_some();
    for file in look.folder.files.iter().filter(|file| !is_known(file, tested)) {
        if !named.iter().any(|name| fits(name, file)) {
            // There is no place in the text where it is missing: the first line stands for it.
            let span = 0..look.doc.text.content.lines().next().map_or(0, str::len);
            let fault = look.doc.text.fault(span, format!("no key names the file `{file}`"));
            let help = match file.ends_with(".patch") || file.ends_with(".diff") {
                true => "it is not applied: add it to `patches`, or remove the file",
                false => "no build sees it: name it, or remove the file",
            };
            findings.push(Finding::new("T17", fault.help(help)));
        }
    }
}

/// What is read without being named: tests may use any file of their folder.
fn is_known(file: &str, tested: bool) -> bool {
    let hidden = file.split('/').any(|part| part.starts_with('.'));
    // `steps.sh` that nobody runs is T21's.
    hidden
        || matches!(file, "recipe.toml" | "steps.sh" | "README.md" | "Cargo.lock")
        || (tested && file.starts_with("tests/"))
}

/// The strings at naming keys; of tables, all that stands in them.
fn collect(entry: &Entry, named: &mut Vec<String>) {
    if NAMING.contains(&entry.key) {
        all_strings(&entry.at, named);
    }
    if entry.key == "cve" {
        // `fixed patches/x.patch`.
        let mut states = Vec::new();
        all_strings(&entry.at, &mut states);
        named.extend(states.iter().flat_map(|state| state.split_whitespace()).map(str::to_string));
    }
    for item in entry.at.items() {
        item.inner().iter().for_each(|inner| collect(inner, named));
    }
}

fn all_strings(at: &kegs::reader::Place, named: &mut Vec<String>) {
    for item in at.items() {
        named.extend(item.text().map(str::to_string));
        item.inner().iter().for_each(|entry| all_strings(&entry.at, named));
    }
}

/// Words in braces stand for anything: `{arch}.config`.
fn fits(name: &str, file: &str) -> bool {
    let Some((begin, rest)) = name.split_once('{') else { return name == file };
    let end = rest.rsplit_once('}').map_or("", |(_, end)| end);
    file.len() >= begin.len() + end.len() && file.starts_with(begin) && file.ends_with(end)
}

pub fn patches(look: &Look, findings: &mut Vec<Finding>) {
    for file in patches_of(look.doc, &look.folder.files) {
        let path = format!("recipes/{}/{file}", look.folder.name);
        let Some(text) = look.tap.read(&path) else { continue };
        header(&text, findings);
    }
}

fn patches_of<'a>(doc: &Doc, files: &'a [String]) -> impl Iterator<Item = &'a String> {
    let parts = doc.parts();
    let named = parts.iter().flat_map(|part| part.strings("patches")).map(|(name, _)| name.to_string());
    let named: Vec<String> = named.collect();
    files.iter().filter(move |file| named.iter().any(|name| fits(name, file)))
}

fn header(text: &Text, findings: &mut Vec<Finding>) {
    let preamble = patch::preamble(&text.content);
    let says = |word: &str| {
        preamble.lines().any(|line| line.strip_prefix(word).is_some_and(|rest| !rest.trim().is_empty()))
    };
    let missing: Vec<&str> = ["Why:", "Upstream:"].into_iter().filter(|word| !says(word)).collect();
    if !missing.is_empty() {
        let end = text.content.lines().next().map_or(0, str::len);
        let message = format!("a patch without `{}`", missing.join("` and `"));
        let help =
            "above the first `---`: `Why: …` and `Upstream: …` (a link, a commit, `not sent, because …`)";
        findings.push(Finding::new("T19", text.fault(0..end, message).help(help)));
    }
}
