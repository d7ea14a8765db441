//! Summary and home: by what upstream writes about itself.

use crate::archive::Archive;

use super::{Unsure, macros, text_of};

/// `builder::recipe` refuses longer summaries.
const SUMMARY_MAX: usize = 72;

pub struct Facts {
    pub summary: String,
    pub home: Option<String>,
}

pub fn is_readme(file: &str) -> bool {
    file.to_uppercase().starts_with("README")
}

pub fn facts(name: &str, whole: &Archive, unsure: &mut Vec<Unsure>) -> Facts {
    let pc = pc(name, whole);
    let value = |key: &str| {
        let pc = pc.as_deref()?;
        let line = pc.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
        Some(line.trim().to_string()).filter(|value| !value.contains('@') && !value.is_empty())
    };
    let summary =
        value("Description").or_else(|| keyed(whole, "description")).or_else(|| cmake(whole, "DESCRIPTION"));
    let summary = summary.or_else(|| readme(name, whole));
    let home = value("URL").or_else(|| keyed(whole, "homepage")).or_else(|| keyed(whole, "Homepage"));
    let home = home.or_else(|| cmake(whole, "HOMEPAGE_URL")).or_else(|| autoconf(whole));
    Facts {
        summary: fitting(name, summary, unsure),
        home: home.filter(|home| home.starts_with("http") && !home.contains(['"', '@', '$', ' '])),
    }
}

/// The `.pc.in` that is likeliest the main one: of the name, else the shortest.
fn pc(name: &str, whole: &Archive) -> Option<String> {
    let all: Vec<&String> = whole.files.keys().filter(|path| path.ends_with(".pc.in")).collect();
    let file =
        |path: &str| path.rsplit('/').next().unwrap_or_default().trim_end_matches(".pc.in").to_string();
    let named = all.iter().find(|path| file(path) == name || file(path) == format!("lib{name}"));
    let shortest = || all.iter().min_by_key(|path| file(path).len());
    whole.text(named.or_else(shortest)?)
}

/// `key = "value"` of pyproject.toml or Cargo.toml.
fn keyed(whole: &Archive, key: &str) -> Option<String> {
    ["pyproject.toml", "Cargo.toml"].iter().find_map(|file| {
        let text = text_of(whole, file);
        let line =
            text.lines().find_map(|line| line.trim().strip_prefix(key)?.trim_start().strip_prefix('='))?;
        let value = line.trim().strip_prefix('"')?.split('"').next()?;
        Some(value.to_string()).filter(|value| !value.is_empty())
    })
}

fn cmake(whole: &Archive, word: &str) -> Option<String> {
    let text = text_of(whole, "CMakeLists.txt");
    let after = text.split("project(").nth(1)?.split(')').next()?.split(word).nth(1)?;
    let value = after.trim_start().strip_prefix('"')?.split('"').next()?;
    Some(value.to_string()).filter(|value| !value.is_empty() && !value.contains('$'))
}

/// The URL of `AC_INIT`, else of the generated configure.
fn autoconf(whole: &Archive) -> Option<String> {
    let text = ["configure.ac", "configure.in"].map(|file| text_of(whole, file)).concat();
    let of_call = macros::calls(&text, "AC_INIT").into_iter().find_map(|call| call.into_iter().nth(4));
    let configure = text_of(whole, "configure");
    let line = configure.lines().find_map(|line| line.strip_prefix("PACKAGE_URL='")?.strip_suffix('\''));
    of_call.or_else(|| line.map(str::to_string)).filter(|url| !url.is_empty())
}

/// The first sentence of a README that is prose: no heading, badge, list or path.
fn readme(name: &str, whole: &Archive) -> Option<String> {
    let path = whole
        .files
        .keys()
        .filter(|path| !path.contains('/') && is_readme(path))
        .min_by_key(|path| path.len())?;
    let text = whole.text(path)?;
    let paragraphs =
        text.split("\n\n").map(|paragraph| paragraph.split_whitespace().collect::<Vec<_>>().join(" "));
    let strange = |text: &str| text.starts_with(['#', '=', '-', '*', '[', '!', '<', '|', '`', '.', '~', '_']);
    // Copyright lines, and `Copying and distribution of this file …` of GNU's.
    let is_prose =
        |text: &String| text.contains(' ') && text.len() > 20 && !strange(text) && !text.starts_with("Copy");
    let candidates: Vec<String> = paragraphs.filter(is_prose).take(4).collect();
    // `NAME is a …` says what it is; another first sentence may say anything.
    let said = candidates.iter().find_map(|text| definition(name, text));
    said.or_else(|| candidates.first().cloned()).map(|text| sentence(&text).to_string())
}

fn definition(name: &str, text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let name = name.to_lowercase();
    let verbs = [" is an ", " is a ", " is the ", " are "];
    let (at, verb) = verbs.iter().filter_map(|verb| Some((lower.find(verb)?, verb))).min()?;
    (lower[..at].contains(&name) && at < 60 && lower.len() == text.len())
        .then(|| text[at + verb.len()..].to_string())
}

fn sentence(text: &str) -> &str {
    text.split(". ").next().unwrap_or(text).trim_end_matches('.')
}

/// One line of at most 72 characters, a capital first.
fn fitting(name: &str, summary: Option<String>, unsure: &mut Vec<Unsure>) -> String {
    let Some(summary) = summary else {
        let why = "nothing says what it is: the name stands there";
        unsure.push(Unsure { key: "summary", why: why.to_string() });
        return name.to_string();
    };
    let plain: String =
        summary.chars().filter(|c| !c.is_control() && !matches!(c, '"' | '\\' | '`' | '*')).collect();
    let plain = sentence(plain.trim());
    let plain = ["This is the ", "This is a ", "This is "]
        .iter()
        .find_map(|opening| plain.strip_prefix(opening))
        .unwrap_or(plain);
    let mut letters = plain.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    let plain = first + letters.as_str();
    if plain.chars().count() <= SUMMARY_MAX {
        return plain;
    }
    let why = format!("cut to {SUMMARY_MAX} characters: {plain}");
    unsure.push(Unsure { key: "summary", why });
    let cut: String = plain.chars().take(SUMMARY_MAX).collect();
    cut.rsplit_once(' ').map_or(cut.clone(), |(cut, _)| cut.trim_end_matches([',', ';', ':']).to_string())
}
