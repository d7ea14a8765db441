//! Values: one line, but for lists that are long or commented and whose author gave each item a line.

use toml_edit::{Array, InlineTable, Key, Value};

use super::Keys;
use super::comment::{Before, raw};
use super::order::Order;

/// A list that fits is in one line.
const WIDTH_MAX: usize = 120;

pub struct Writer {
    pub keys: Keys,
}

impl Writer {
    /// `column`: characters on the line before it. `order`: of the keys, where it is a table.
    pub fn value(&self, value: &Value, column: usize, order: &Order) -> String {
        match value {
            Value::Array(array) => self.array(array, column, order),
            Value::InlineTable(table) => self.table(table, order),
            Value::String(string) => text(string.value(), &string.display_repr()),
            Value::Integer(integer) => integer.display_repr().into_owned(),
            Value::Float(float) => float.display_repr().into_owned(),
            Value::Boolean(boolean) => boolean.display_repr().into_owned(),
            Value::Datetime(date) => date.display_repr().into_owned(),
        }
    }

    fn array(&self, array: &Array, column: usize, order: &Order) -> String {
        let items: Vec<String> = array.iter().map(|item| self.value(item, 0, order)).collect();
        let line = format!("[{}]", items.join(", "));
        let fits = column + line.chars().count() <= WIDTH_MAX;
        // A long one is in one line or in many, as its author likes it: many lines hide a short recipe.
        if (fits || !is_broken(array)) && !has_comment(array) {
            return line;
        }
        broken(array, &items)
    }

    /// In one line, whatever its length: a table that is long stands under a header.
    fn table(&self, table: &InlineTable, order: &Order) -> String {
        if table_has_comment(table) {
            return verbatim(&Value::InlineTable(table.clone()));
        }
        let mut entries = table.get_values();
        if self.keys == Keys::Sorted {
            entries.sort_by_key(|(path, _)| order.rank(path[0].get()));
        }
        let one = |(path, value): &(Vec<&Key>, &Value)| {
            let inner = order.inside(path.iter().map(|key| key.get()));
            // Never broken in here: the table is one line.
            format!("{} = {}", key_path(path), self.unbroken(value, &inner))
        };
        match entries.iter().map(one).collect::<Vec<_>>().join(", ") {
            inner if inner.is_empty() => "{}".to_string(),
            inner => format!("{{ {inner} }}"),
        }
    }

    fn unbroken(&self, value: &Value, order: &Order) -> String {
        match value {
            Value::Array(array) if !has_comment(array) => {
                let items: Vec<String> = array.iter().map(|item| self.unbroken(item, order)).collect();
                format!("[{}]", items.join(", "))
            }
            value => self.value(value, 0, order),
        }
    }
}

/// One item a line, each comment at its item.
fn broken(array: &Array, items: &[String]) -> String {
    let mut out = String::from("[");
    for (item, text) in array.iter().zip(items) {
        comments(&mut out, &Before::behind(raw(item.decor().prefix())));
        out.push_str(&format!("\n\t{text},"));
        let behind = raw(item.decor().suffix());
        // Between an item and its comma.
        comments(&mut out, &Before::behind(behind));
    }
    comments(&mut out, &Before::behind(raw(Some(array.trailing()))));
    out.push_str("\n]");
    out
}

fn comments(out: &mut String, before: &Before) {
    if let Some(comment) = &before.end_of_line {
        out.push_str(&format!("  {comment}"));
    }
    for line in before.lines.iter().filter(|line| !line.is_empty()) {
        out.push_str(&format!("\n\t{line}"));
    }
}

fn is_broken(array: &Array) -> bool {
    array.iter().any(|item| raw(item.decor().prefix()).contains('\n'))
}

fn has_comment(array: &Array) -> bool {
    let of = |item: &Value| has_hash(raw(item.decor().prefix())) || has_hash(raw(item.decor().suffix()));
    has_hash(raw(Some(array.trailing()))) || array.iter().any(of)
}

fn table_has_comment(table: &InlineTable) -> bool {
    let of = |(path, value): &(Vec<&Key>, &Value)| {
        let key = path
            .iter()
            .any(|key| has_hash(raw(key.leaf_decor().prefix())) || has_hash(raw(key.leaf_decor().suffix())));
        key || has_hash(raw(value.decor().prefix())) || has_hash(raw(value.decor().suffix()))
    };
    has_hash(raw(Some(table.trailing()))) || table.get_values().iter().any(of)
}

fn has_hash(decor: &str) -> bool {
    decor.contains('#')
}

fn verbatim(value: &Value) -> String {
    let mut value = value.clone();
    value.decor_mut().clear();
    value.to_string().trim().to_string()
}

/// In double quotes where that needs no escape; else as it was written.
fn text(value: &str, written: &str) -> String {
    let plain = !value.contains(['"', '\\']) && !value.chars().any(char::is_control);
    if plain && written.starts_with('\'') && !written.starts_with("'''") {
        return format!("\"{value}\"");
    }
    written.to_string()
}

pub fn key_path(path: &[&Key]) -> String {
    path.iter().map(|one| key(one.get())).collect::<Vec<_>>().join(".")
}

/// Bare when it reads as a word; quoted when it is a number or holds a sign.
pub fn key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') && name.chars().all(bare) {
        return name.to_string();
    }
    let escape = |c: char| match c {
        '"' => "\\\"".to_string(),
        '\\' => "\\\\".to_string(),
        c if c.is_control() => format!("\\u{:04X}", c as u32),
        c => c.to_string(),
    };
    format!("\"{}\"", name.chars().map(escape).collect::<String>())
}
