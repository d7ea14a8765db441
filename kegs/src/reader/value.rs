//! A value of the text, and the plain types that it may become.

use std::collections::BTreeMap;
use std::ops::{Deref, Range};

use toml::de::DeValue;

use super::{Table, kind, meant};
use crate::fault::{Faults, Text};

/// A value where it stands.
pub struct Place<'a> {
    pub text: &'a Text,
    /// With the quotes.
    pub span: Range<usize>,
    pub value: &'a DeValue<'a>,
}

/// What can stand in a text. `None` only after a fault was pushed; `Some` is whole only when none was.
pub trait Read: Sized {
    fn read(at: &Place, faults: &mut Faults) -> Option<Self>;
}

impl<'a> Place<'a> {
    /// The string here, else a fault that wants `want`.
    pub fn string(&self, want: &str, faults: &mut Faults) -> Option<&'a str> {
        match self.value {
            DeValue::String(string) => Some(string),
            _ => self.refuse(want, faults),
        }
    }

    /// The table here, else a fault that wants `want`.
    pub fn table<'f>(&self, want: &str, faults: &'f mut Faults) -> Option<Table<'a, 'f>> {
        match self.value {
            DeValue::Table(entries) => Some(Table::new(self.text, self.span.clone(), entries, faults)),
            _ => self.refuse(want, faults),
        }
    }

    pub fn is_string(&self) -> bool {
        self.value.is_str()
    }

    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub fn is_table(&self) -> bool {
        self.value.is_table()
    }

    /// One of a closed set of words; `what` names the set.
    pub fn word<T: Copy>(&self, what: &str, words: &[(&'static str, T)], faults: &mut Faults) -> Option<T> {
        let string = self.string("a string", faults)?;
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == string) {
            return Some(*value);
        }
        let help = meant(string, words.iter().map(|(word, _)| *word));
        self.fail(format!("`{string}` is no {what}"), help, faults)
    }

    /// The wrong form.
    pub fn refuse<T>(&self, want: &str, faults: &mut Faults) -> Option<T> {
        faults
            .push(self.text.fault(self.span.clone(), format!("expected {want}, found {}", kind(self.value))));
        None
    }

    /// As [`Place::fail`], with the lint that it is.
    pub fn fail_of<T>(
        &self,
        id: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
        faults: &mut Faults,
    ) -> Option<T> {
        faults.push(self.text.fault(self.span.clone(), message).help(help).id(id));
        None
    }

    pub fn fail<T>(
        &self,
        message: impl Into<String>,
        help: impl Into<String>,
        faults: &mut Faults,
    ) -> Option<T> {
        faults.push(self.text.fault(self.span.clone(), message).help(help));
        None
    }

    /// The bytes of the text that `range` of this string is; the whole value where escapes hide them.
    pub fn within(&self, range: Range<usize>) -> Range<usize> {
        let DeValue::String(string) = self.value else { return self.span.clone() };
        let quote = if self.text.content[self.span.clone()].len() == string.len() + 2 { 1 } else { 3 };
        let begin = self.span.start + quote;
        match self.text.content.get(begin..begin + string.len()) {
            Some(plain) if plain == *string => begin + range.start..begin + range.end,
            _ => self.span.clone(),
        }
    }
}

/// A value with the place at which it stands (of a named one: its key).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written<T> {
    pub value: T,
    pub span: Range<usize>,
}

impl<T> Deref for Written<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Read> Read for Written<T> {
    fn read(at: &Place, faults: &mut Faults) -> Option<Written<T>> {
        Some(Written { value: T::read(at, faults)?, span: at.span.clone() })
    }
}

/// For large values in maps, whose nodes hold room for eleven.
impl<T: Read> Read for Box<T> {
    fn read(at: &Place, faults: &mut Faults) -> Option<Box<T>> {
        T::read(at, faults).map(Box::new)
    }
}

impl Read for String {
    fn read(at: &Place, faults: &mut Faults) -> Option<String> {
        at.string("a string", faults).map(str::to_string)
    }
}

impl Read for bool {
    fn read(at: &Place, faults: &mut Faults) -> Option<bool> {
        at.value.as_bool().or_else(|| at.refuse("true or false", faults))
    }
}

impl Read for i64 {
    fn read(at: &Place, faults: &mut Faults) -> Option<i64> {
        let Some(integer) = at.value.as_integer() else { return at.refuse("an integer", faults) };
        let parsed = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        parsed.or_else(|| at.fail("too large an integer", "at most 9223372036854775807", faults))
    }
}

/// An integer between two bounds, or a fault that says them.
fn bounded<T: TryFrom<i64>>(at: &Place, max: &str, faults: &mut Faults) -> Option<T> {
    let number = i64::read(at, faults)?;
    let refuse = || format!("{number} is out of range");
    T::try_from(number).ok().or_else(|| at.fail(refuse(), format!("from 0 to {max}"), faults))
}

impl Read for u16 {
    fn read(at: &Place, faults: &mut Faults) -> Option<u16> {
        bounded(at, "65535", faults)
    }
}

impl Read for u32 {
    fn read(at: &Place, faults: &mut Faults) -> Option<u32> {
        bounded(at, "4294967295", faults)
    }
}

impl Read for u64 {
    fn read(at: &Place, faults: &mut Faults) -> Option<u64> {
        bounded(at, "9223372036854775807", faults)
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(at: &Place, faults: &mut Faults) -> Option<Vec<T>> {
        let Some(array) = at.value.as_array() else { return at.refuse("a list", faults) };
        let item = |value: &toml::Spanned<DeValue>, faults: &mut Faults| {
            T::read(&Place { text: at.text, span: value.span(), value: value.get_ref() }, faults)
        };
        Some(array.iter().filter_map(|value| item(value, faults)).collect())
    }
}

impl<T: Read> Read for BTreeMap<String, T> {
    fn read(at: &Place, faults: &mut Faults) -> Option<BTreeMap<String, T>> {
        let named = at.table("a table", faults)?.named::<T>();
        Some(named.into_iter().map(|(name, written)| (name, written.value)).collect())
    }
}

/// A table whose keys are names that the author chose, each with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T>(pub BTreeMap<String, Written<T>>);

impl<T> Default for Named<T> {
    fn default() -> Named<T> {
        Named(BTreeMap::new())
    }
}

impl<T> Deref for Named<T> {
    type Target = BTreeMap<String, Written<T>>;

    fn deref(&self) -> &BTreeMap<String, Written<T>> {
        &self.0
    }
}

impl<T: Read> Read for Named<T> {
    fn read(at: &Place, faults: &mut Faults) -> Option<Named<T>> {
        at.table("a table", faults).map(|table| Named(table.named()))
    }
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany<T>(pub Vec<T>);

impl<T> Default for OneOrMany<T> {
    fn default() -> OneOrMany<T> {
        OneOrMany(Vec::new())
    }
}

impl<T: Read> Read for OneOrMany<T> {
    fn read(at: &Place, faults: &mut Faults) -> Option<OneOrMany<T>> {
        if at.is_list() {
            return Vec::read(at, faults).map(OneOrMany);
        }
        T::read(at, faults).map(|one| OneOrMany(vec![one]))
    }
}

/// A value that is no list and no table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scalar {
    Bool(bool),
    Integer(i64),
    String(String),
}

impl Read for Scalar {
    fn read(at: &Place, faults: &mut Faults) -> Option<Scalar> {
        match at.value {
            DeValue::Boolean(value) => Some(Scalar::Bool(*value)),
            DeValue::Integer(_) => i64::read(at, faults).map(Scalar::Integer),
            DeValue::String(value) => Some(Scalar::String(value.to_string())),
            _ => at.refuse("true, false, an integer or a string", faults),
        }
    }
}

/// Bytes, written `"512 KiB"`, `"3.3 MB"` or as a plain number.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    pub bytes: u64,
}

const UNITS: [(&str, u64); 8] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

impl Size {
    /// `None` for what is no size, or more than 2^63 bytes.
    pub fn parse(text: &str) -> Option<Size> {
        let (number, unit) = text.split_at(text.find(|c: char| !(c.is_ascii_digit() || c == '.'))?);
        let scale = UNITS.iter().find(|(name, _)| *name == unit.trim_start())?.1;
        let number: f64 = number.parse().ok()?;
        let bytes = number * scale as f64;
        (bytes.is_finite() && bytes < i64::MAX as f64).then(|| Size { bytes: bytes.round() as u64 })
    }
}

impl Read for Size {
    fn read(at: &Place, faults: &mut Faults) -> Option<Size> {
        if at.value.is_integer() {
            return u64::read(at, faults).map(|bytes| Size { bytes });
        }
        let string = at.string("a size as \"512 MiB\"", faults)?;
        let refuse = |faults| {
            at.fail(format!("`{string}` is no size"), "as \"512 KiB\", \"3.3 MB\", \"2 GiB\"", faults)
        };
        Size::parse(string).or_else(|| refuse(faults))
    }
}
