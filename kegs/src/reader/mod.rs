//! A reader of TOML that finds every fault of a text in one go.
//!
//! serde stops at the first error; a person wants all of them. So a text becomes spanned values, and types take what
//! they know out of a [`Table`]: what has the wrong form is a fault at its place, and what nobody took is an unknown key,
//! with the nearest known one. It knows no recipe and no role, and never panics on any bytes.

pub mod mutate;
mod syntax;
#[cfg(test)]
mod tests;
mod value;

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

pub use value::{Named, OneOrMany, Place, Read, Scalar, Size, Written};

use crate::fault::{Faults, Text};

/// Larger texts are refused: no person writes them, and reading stays quick.
const TEXT_MAX_BYTES: usize = 4 << 20;

/// Reads a whole file's bytes by `read`; `None` (and faults) when they are no TOML at all.
pub fn parse<T>(
    path: &Path,
    bytes: &[u8],
    faults: &mut Faults,
    read: impl FnOnce(Text, &mut Table) -> T,
) -> Option<T> {
    let text = utf8(path, bytes, faults)?;
    let (root, errors) = DeTable::parse_recoverable(&text.content);
    // With broken syntax the rest is guessed: its faults would mislead.
    if !errors.is_empty() {
        // Of one line only the first: the parser guesses where it goes on.
        let mut lines = Vec::new();
        for fault in errors.iter().map(|error| syntax::fault(&text, error)) {
            let (line, _) = text.position(fault.span.start);
            if !lines.contains(&line) {
                lines.push(line);
                faults.push(fault.id("T00"));
            }
        }
        return None;
    }
    let mut table = Table::new(&text, root.span(), root.get_ref(), faults);
    let value = read(text.clone(), &mut table);
    table.close("here");
    Some(value)
}

fn utf8(path: &Path, bytes: &[u8], faults: &mut Faults) -> Option<Text> {
    let fault = match std::str::from_utf8(bytes) {
        Ok(content) if content.starts_with('\u{feff}') => Text::new(path, content)
            .fault(0..'\u{feff}'.len_utf8(), "a byte-order mark")
            .help("save the file as UTF-8 without it"),
        Ok(content) if content.len() <= TEXT_MAX_BYTES => return Some(Text::new(path, content)),
        Ok(_) => Text::new(path, "").fault(0..0, "larger than 4 MiB"),
        Err(error) => {
            let at = error.valid_up_to();
            let text = Text::new(path, &String::from_utf8_lossy(bytes));
            text.fault(at..at + '\u{fffd}'.len_utf8(), "not UTF-8")
                .label(format!("byte 0x{:02x}", bytes[at]))
                .help("save the file as UTF-8")
        }
    };
    faults.push(fault.id("T00"));
    None
}

/// The candidate most like `word`, when one is near enough to be what was meant.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // A third of the letters may be wrong, one in a short word: `zlip`, `sumary`, `autotool`. Of one or two letters
    // everything is near.
    let letters = word.chars().count();
    let errors_max = if letters < 3 { 0 } else { (letters / 3).max(1) };
    let near = |name: &'a str| (strsim::damerau_levenshtein(word, name), name);
    // The distance is at least the difference in length: most candidates need no matrix.
    let likely = candidates.into_iter().filter(|name| name.len().abs_diff(word.len()) <= errors_max * 4);
    likely.map(near).filter(|(errors, _)| *errors <= errors_max).min().map(|(_, name)| name)
}

/// Longer lists are no help on one line.
const LISTED_MAX: usize = 16;

/// `did you mean …`, else the list, else how many there are.
pub fn meant<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> String {
    if let Some(name) = nearest(word, candidates.clone()) {
        return format!("did you mean `{name}`?");
    }
    let names: Vec<_> = candidates.into_iter().map(|name| format!("`{name}`")).collect();
    match names.len() {
        0 => "there is none".to_string(),
        count if count > LISTED_MAX => format!("none of the {count} is like it"),
        _ => format!("one of {}", names.join(", ")),
    }
}

/// A table of the text, from which keys are taken.
pub struct Table<'a, 'f> {
    pub text: &'a Text,
    pub span: Range<usize>,
    pub faults: &'f mut Faults,
    entries: &'a DeTable<'a>,
    known: Vec<&'static str>,
    broken: Vec<&'static str>,
    taken: usize,
}

impl<'a, 'f> Table<'a, 'f> {
    fn new(text: &'a Text, span: Range<usize>, entries: &'a DeTable<'a>, faults: &'f mut Faults) -> Self {
        Table { text, span, faults, entries, known: Vec::new(), broken: Vec::new(), taken: 0 }
    }

    /// What stands at `key`; `None` when nothing does, or (with a fault) nothing that can be read.
    pub fn take<T: Read>(&mut self, key: &'static str) -> Option<T> {
        self.known.push(key);
        let (_, value) = self.entries.get_key_value(key)?;
        self.taken += 1;
        let before = self.faults.0.len();
        let read =
            T::read(&Place { text: self.text, span: value.span(), value: value.get_ref() }, self.faults);
        if self.faults.0.len() > before {
            self.broken.push(key);
        }
        read
    }

    /// As [`Table::take`]; nothing is the type's empty value.
    pub fn or_default<T: Read + Default>(&mut self, key: &'static str) -> T {
        self.take(key).unwrap_or_default()
    }

    /// As [`Table::take`]; that nothing stands there is a fault of its own, helped by `help`.
    pub fn need<T: Read>(&mut self, key: &'static str, help: &str) -> Option<T> {
        if !self.has(key) {
            let span = self.head();
            self.faults.push(self.text.fault(span, format!("`{key}` is missing")).help(help).id("T28"));
        }
        self.take(key)
    }

    /// Keys at which something could not be read: what follows from them would mislead.
    pub fn broken(&self) -> &[&'static str] {
        &self.broken
    }

    /// The keys that were asked for until now.
    pub fn known(&self) -> &[&'static str] {
        &self.known
    }

    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// The key itself, not its value.
    pub fn key_span(&self, key: &str) -> Option<Range<usize>> {
        self.entries.get_key_value(key).map(|(key, _)| key.span())
    }

    /// Every key is a name that the author chose.
    pub fn named<T: Read>(self) -> BTreeMap<String, Written<T>> {
        let mut all = BTreeMap::new();
        for (key, value) in self.entries {
            let at = Place { text: self.text, span: value.span(), value: value.get_ref() };
            if let Some(value) = T::read(&at, self.faults) {
                all.insert(key.get_ref().to_string(), Written { value, span: key.span() });
            }
        }
        all
    }

    pub fn fault(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.faults.push(self.text.fault(span, message).help(help));
    }

    /// As [`Table::fault`], with the lint that it is.
    pub fn fault_of(
        &mut self,
        id: &'static str,
        span: Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.faults.push(self.text.fault(span, message).help(help).id(id));
    }

    /// What nobody took is unknown `place` (`in a recipe`).
    pub fn close(&mut self, place: &str) {
        self.close_with(place, &[]);
    }

    /// As [`Table::close`]; `hints` say what is right for words that people bring from elsewhere.
    pub fn close_with(&mut self, place: &str, hints: &[(&str, &str)]) {
        // Counted first: a right text costs no search.
        if self.taken == self.entries.len() {
            return;
        }
        for (key, _) in self.entries {
            let name: &str = key.get_ref();
            if !self.known.contains(&name) {
                let fault = self.text.fault(key.span(), format!("unknown key `{name}` {place}"));
                let hint = hints.iter().find(|(word, _)| *word == name);
                let help = hint
                    .map_or_else(|| meant(name, self.known.iter().copied()), |(_, hint)| hint.to_string());
                self.faults.push(fault.help(help).id("T01"));
            }
        }
        self.taken = self.entries.len();
    }

    /// The first line of the table: where something is missing.
    pub fn head(&self) -> Range<usize> {
        let span = self.span.start.min(self.text.content.len())..self.span.end.min(self.text.content.len());
        let first = self.text.content.get(span.clone()).and_then(|slice| slice.lines().next());
        span.start..span.start + first.map_or(0, str::len)
    }
}

/// What a person calls a value's form.
fn kind(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
