//! Words in braces: which there are, where they may not be wrong, what they become.
//!
//! A fixed set and no expressions. A phrase was checked when it was read, so expansion cannot fail.

use std::ops::Range;

use kegs::fault::Faults;
use kegs::reader::{Place, Read, meant};

use super::version::Version;

/// What a recipe alone can know. Besides these there is `{keg:dep}`.
const WORDS: [&str; 9] =
    ["name", "version", "major", "minor", "slot", "keg", "arch", "triplet", "kernel_image"];

/// A string with words, and its place.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phrase {
    pub raw: String,
    /// With the quotes.
    pub span: Range<usize>,
}

impl Phrase {
    /// The dependencies that are named by `{keg:dep}`.
    pub fn kegs(&self) -> impl Iterator<Item = &str> {
        self.raw.split("{keg:").skip(1).filter_map(|rest| rest.split_once('}')).map(|(dep, _)| dep)
    }

    pub fn has_words(&self) -> bool {
        self.raw.contains('{')
    }
}

impl Read for Phrase {
    fn read(at: &Place, faults: &mut Faults) -> Option<Phrase> {
        let raw = at.string("a string", faults)?;
        if raw.contains(['{', '}', '\0']) {
            check(at, raw, faults)?;
        }
        Some(Phrase { raw: raw.to_string(), span: at.span.clone() })
    }
}

/// Each brace closes, each word is known.
fn check(at: &Place, raw: &str, faults: &mut Faults) -> Option<()> {
    let mut rest = 0;
    let mut right = Some(());
    while let Some(found) = raw[rest..].find(['{', '}', '\0']) {
        let open = rest + found;
        let end = raw[open..].find('}').map_or(raw.len(), |close| open + close + 1);
        let word = raw[open..end].strip_prefix('{').and_then(|word| word.strip_suffix('}'));
        if let Err((message, help)) = word.ok_or_else(unpaired).and_then(known) {
            let span = at.within(open..end.max(open + 1));
            faults.push(at.text.fault(span, message).help(help).id("T13"));
            right = None;
        }
        rest = end.max(open + 1);
    }
    right
}

fn unpaired() -> (String, String) {
    ("a brace without its other half".to_string(), "braces hold one word, as in `{version}`".to_string())
}

fn known(word: &str) -> Result<(), (String, String)> {
    if WORDS.contains(&word) || word.strip_prefix("keg:").is_some_and(super::dep::is_name) {
        return Ok(());
    }
    let help = match word.strip_prefix("keg:") {
        Some(_) => "a dependency's name follows, as in `{keg:zlib}`".to_string(),
        None => meant(word, WORDS.into_iter().chain(["keg:dep"])),
    };
    Err((format!("unknown word `{{{word}}}`"), help))
}

/// What the words are in one slot, on one architecture.
pub struct Words<'a> {
    pub name: &'a str,
    pub version: &'a Version,
    pub slot: &'a str,
    pub arch: &'a str,
}

impl Words<'_> {
    /// All but `{keg:dep}`, which stays.
    pub fn expand(&self, raw: &str) -> String {
        replace(raw, |word| self.value(word))
    }

    fn value(&self, word: &str) -> Option<String> {
        let value = match word {
            "name" => self.name,
            "version" => self.version.as_str(),
            "major" => self.version.major(),
            "minor" => self.version.minor(),
            "slot" => self.slot,
            "arch" => self.arch,
            "kernel_image" => kernel_image(self.arch),
            "keg" => return Some(format!("/kegs/{}/{}", self.name, self.slot)),
            "triplet" => return Some(format!("{}-linux-musl", self.arch)),
            _ => return None,
        };
        Some(value.to_string())
    }
}

/// The make target of the kernel's bootable image: `arch/*/Makefile`, `KBUILD_IMAGE`.
fn kernel_image(arch: &str) -> &'static str {
    match arch {
        "x86_64" | "i686" => "bzImage",
        "arm" => "zImage",
        _ => "Image",
    }
}

/// Expands `{keg:dep}` by `keg_of`, which knows the keg (`/kegs/openssl/3`) that a plan chose for the dependency.
///
/// # Errors
/// The last dependency that `keg_of` does not know.
pub fn place_kegs(raw: &str, keg_of: impl Fn(&str) -> Option<String>) -> Result<String, String> {
    let unknown = std::cell::Cell::new(None);
    let placed = replace(raw, |word| {
        let dep = word.strip_prefix("keg:")?;
        keg_of(dep).or_else(|| {
            unknown.set(Some(dep.to_string()));
            None
        })
    });
    unknown.into_inner().map_or(Ok(placed), Err)
}

/// Each `{word}` for which `value` knows something.
fn replace(raw: &str, value: impl Fn(&str) -> Option<String>) -> String {
    let mut out = String::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let word = after.split_once('}').and_then(|(word, tail)| Some((value(word)?, tail)));
        match word {
            Some((value, tail)) => {
                out.push_str(&value);
                rest = tail;
            }
            None => {
                out.push('{');
                rest = after;
            }
        }
    }
    out.push_str(rest);
    out
}
