//! A document: a recipe's text as spanned values, whatever a loader thinks of it.
//!
//! Lints of the ring `text` read this and not the loaded recipe, so that a recipe with one fault still hears of its
//! others, and each word keeps its place.

use std::ops::Range;

use kegs::fault::Text;
use kegs::reader::Place;
use toml::de::{DeTable, DeValue};

pub struct Doc<'a> {
    pub text: &'a Text,
    root: DeTable<'a>,
}

/// A key with its place, and what stands at it.
pub struct Entry<'a> {
    pub key: &'a str,
    pub key_span: Range<usize>,
    pub at: Place<'a>,
}

/// A table in which the keys of a layer stand: the recipe itself, a slot, an architecture, an option.
pub struct Part<'a> {
    pub kind: Kind,
    /// Of the slot, architecture or option; empty for the recipe.
    pub name: &'a str,
    pub entries: Vec<Entry<'a>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Recipe,
    Slot,
    Arch,
    Option,
}

impl<'a> Doc<'a> {
    /// `None` for what is not TOML: nothing can be said of it.
    pub fn parse(text: &'a Text) -> Option<Doc<'a>> {
        let (root, errors) = DeTable::parse_recoverable(&text.content);
        errors.is_empty().then(|| Doc { text, root: root.into_inner() })
    }

    /// In the order of the text.
    pub fn entries(&self) -> Vec<Entry<'_>> {
        entries(self.text, &self.root)
    }

    pub fn get(&self, key: &str) -> Option<Entry<'_>> {
        self.entries().into_iter().find(|entry| entry.key == key)
    }

    /// The recipe, then its slots, architectures and options.
    pub fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = vec![Part { kind: Kind::Recipe, name: "", entries: self.entries() }];
        for (key, kind) in [("slot", Kind::Slot), ("arch", Kind::Arch), ("option", Kind::Option)] {
            let named = self.get(key).map(|entry| entry.at.inner()).unwrap_or_default();
            parts.extend(named.into_iter().map(|one| Part { kind, name: one.key, entries: one.at.inner() }));
        }
        parts
    }
}

impl<'a> Part<'a> {
    pub fn get(&self, key: &str) -> Option<&Entry<'a>> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The strings of a list (or the one string) at `key`.
    pub fn strings(&self, key: &str) -> Vec<(&'a str, Place<'a>)> {
        self.get(key).map(|entry| entry.at.strings()).unwrap_or_default()
    }
}

/// What a place holds, read without complaint: what is of the wrong form is a loader's fault already.
pub trait Inner<'a> {
    /// The entries of a table; none where it is none.
    fn inner(&self) -> Vec<Entry<'a>>;
    /// The items of a list; the value itself where it is none.
    fn items(&self) -> Vec<Place<'a>>;
    fn text(&self) -> Option<&'a str>;

    fn strings(&self) -> Vec<(&'a str, Place<'a>)> {
        self.items().into_iter().filter_map(|item| Some((item.text()?, item))).collect()
    }
}

impl<'a> Inner<'a> for Place<'a> {
    fn inner(&self) -> Vec<Entry<'a>> {
        match self.value {
            DeValue::Table(table) => entries(self.text, table),
            _ => Vec::new(),
        }
    }

    fn items(&self) -> Vec<Place<'a>> {
        let place = |item: &'a toml::Spanned<DeValue<'a>>| Place {
            text: self.text,
            span: item.span(),
            value: item.get_ref(),
        };
        match self.value {
            DeValue::Array(array) => array.iter().map(place).collect(),
            value => vec![Place { text: self.text, span: self.span.clone(), value }],
        }
    }

    fn text(&self) -> Option<&'a str> {
        match self.value {
            DeValue::String(string) => Some(string),
            _ => None,
        }
    }
}

fn entries<'a>(text: &'a Text, table: &'a DeTable<'a>) -> Vec<Entry<'a>> {
    let entry =
        |(key, value): (&'a toml::Spanned<std::borrow::Cow<'a, str>>, &'a toml::Spanned<DeValue<'a>>)| {
            Entry {
                key: key.get_ref(),
                key_span: key.span(),
                at: Place { text, span: value.span(), value: value.get_ref() },
            }
        };
    let mut entries: Vec<_> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key_span.start);
    entries
}
