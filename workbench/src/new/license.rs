//! The licence: the texts that come with the source, known by what they are most like; of the GPL, whether "or later".

use std::collections::BTreeSet;

use spdx::detection::scan::Scanner;
use spdx::detection::{Store, TextData};

use crate::archive::Archive;

use super::{Unsure, facts};

/// Below it the detector's own default says that it is another text.
const SURE: f32 = 0.9;
/// From here on the text is worth naming, with a word of doubt.
const LIKE: f32 = 0.75;

/// `LICENSE`, `COPYING.LESSER`, `licence.txt` and their like, in the root.
pub fn is_license(file: &str) -> bool {
    let upper = file.to_uppercase();
    let named = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "UNLICENSE"]
        .iter()
        .any(|word| upper.starts_with(word));
    named && ![".H", ".C", ".PY", ".SH"].iter().any(|end| upper.ends_with(end))
}

/// An SPDX expression; what nothing says is `LicenseRef-unknown`, and said to be unsure.
pub fn license(whole: &Archive, unsure: &mut Vec<Unsure>) -> String {
    let heads = heads(whole);
    let mut found: BTreeSet<String> = BTreeSet::new();
    let mut doubts = Vec::new();
    match Store::load_inline() {
        Ok(store) => texts(whole, &store, &heads, &mut found, &mut doubts),
        Err(error) => doubts.push(format!("the texts of licences cannot be read: {error}")),
    }
    if found.is_empty() {
        found = tags(&heads);
        if !found.is_empty() {
            doubts.push("by the tags in the sources: no text of a licence was found".to_string());
        }
    }
    if found.len() > 1 {
        let list = found.iter().cloned().collect::<Vec<_>>().join(", ");
        doubts.push(format!("several texts ({list}): which of them holds for what is installed?"));
    }
    if found.is_empty() {
        doubts
            .push("no text that is known: read LICENSE, COPYING, README, and write its SPDX id".to_string());
        found.insert("LicenseRef-unknown".to_string());
    }
    unsure.extend(doubts.into_iter().map(|why| Unsure { key: "license", why }));
    found.into_iter().collect::<Vec<_>>().join(" AND ")
}

/// Files of the root and of `LICENSES/`; where there is none, the README and the sources' first comments.
fn texts(
    whole: &Archive,
    store: &Store,
    heads: &[String],
    found: &mut BTreeSet<String>,
    doubts: &mut Vec<String>,
) {
    let root = |path: &&String| !path.contains('/') && is_license(path) || path.starts_with("LICENSES/");
    let files: Vec<&String> = whole.files.keys().filter(root).collect();
    for path in &files {
        let text = whole.text(path).unwrap_or_default();
        let before = found.len();
        let doubt = scan(store, &text, heads, found);
        match doubt {
            Some(doubt) => doubts.push(format!("{path}: {doubt}")),
            None if found.len() == before && found.is_empty() => {
                doubts.push(format!("{path}: no text that is known"))
            }
            None => {}
        }
    }
    let readmes = whole.files.keys().filter(|path| !path.contains('/') && facts::is_readme(path));
    let spare = readmes.filter_map(|path| whole.text(path)).chain(heads.iter().take(12).cloned());
    for text in spare {
        if !found.is_empty() {
            break;
        }
        if scan(store, &text, heads, found).is_none() && !found.is_empty() {
            doubts.push("by a README's or a source's own words: there is no file for it".to_string());
        }
    }
}

/// Adds what `text` is; what it is only like is told as a doubt.
fn scan(store: &Store, text: &str, heads: &[String], found: &mut BTreeSet<String>) -> Option<String> {
    let scanner = Scanner::new(store).confidence_threshold(LIKE).optimize(true).max_passes(4);
    let result = scanner.scan(&TextData::from(text));
    let whole = result.license.map(|license| (license.name, result.score));
    let parts = result
        .containing
        .iter()
        .map(|part| (part.license.name, part.score))
        .filter(|(_, score)| *score >= SURE);
    let all: Vec<(&str, f32)> = match whole {
        Some(whole) if whole.1 >= SURE => vec![whole],
        whole => whole.into_iter().chain(parts).collect(),
    };
    found.extend(all.iter().map(|(name, _)| named(name, heads)));
    let (name, score) = all.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
    (*score < SURE).then(|| format!("{:.0} % like {name}", score * 100.0))
}

/// The GNU licences' texts are the same for `-only` and `-or-later`: the sources' heads decide.
pub fn named(name: &str, heads: &[String]) -> String {
    let base = name.trim_end_matches("-or-later").trim_end_matches("-only").trim_end_matches('+');
    if !["GPL-", "LGPL-", "AGPL-"].iter().any(|gnu| base.starts_with(gnu)) {
        return name.to_string();
    }
    let later = heads.iter().filter(|head| says_later(head)).count();
    let only =
        heads.iter().filter(|head| head.contains("General Public License") && !says_later(head)).count();
    let tagged_only = heads.iter().filter(|head| head.contains(&format!("{base}-only"))).count();
    let end = if later > 0 && later >= only && later >= tagged_only { "-or-later" } else { "-only" };
    format!("{base}{end}")
}

fn says_later(head: &str) -> bool {
    let plain = head.split(|c: char| c.is_whitespace() || "*#/".contains(c)).filter(|word| !word.is_empty());
    let plain = plain.collect::<Vec<_>>().join(" ");
    plain.contains("any later version") || plain.contains("-or-later") || plain.contains("GPL-2.0+")
}

/// The beginnings of the sources.
fn heads(whole: &Archive) -> Vec<String> {
    let sources = whole.files.keys().filter(|path| {
        [".c", ".h", ".cc", ".cpp", ".rs", ".py", ".pl"].iter().any(|end| path.ends_with(end))
    });
    sources.take(60).filter_map(|path| whole.text(path)).collect()
}

fn tags(heads: &[String]) -> BTreeSet<String> {
    let tag = |head: &String| {
        let rest = head.split("SPDX-License-Identifier:").nth(1)?.lines().next()?;
        let plain = rest.trim().trim_end_matches("*/").trim();
        spdx::Expression::parse(plain).ok().map(|_| plain.to_string())
    };
    heads.iter().filter_map(tag).collect()
}
