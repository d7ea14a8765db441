//! Entries: `key = value`, each `=` below the other, sorted within their block.

use toml_edit::{Key, Table, Value};

use super::Keys;
use super::comment::{Before, raw, suffix};
use super::order::Order;
use super::value::{Writer, key_path};

struct Entry<'a> {
    before: Before,
    path: Vec<&'a Key>,
    value: &'a Value,
    key: String,
}

/// The entries of one table, without its header.
pub fn entries(table: &Table, order: &Order, keys: Keys) -> String {
    let mut entries: Vec<Entry> = table.get_values().into_iter().map(entry).collect();
    if let Some(first) = entries.first_mut() {
        first.before = std::mem::take(&mut first.before).first();
    }
    if keys == Keys::Sorted {
        sort(&mut entries, order);
    }
    let width = order.width(entries.iter().map(|entry| entry.key.chars().count()));
    entries.iter().map(|entry| line(entry, width, order, keys)).collect()
}

fn entry<'a>((path, value): (Vec<&'a Key>, &'a Value)) -> Entry<'a> {
    let prefix = path.last().map(|leaf| raw(leaf.leaf_decor().prefix())).unwrap_or_default();
    Entry { before: Before::line(prefix), key: key_path(&path), path, value }
}

/// Each block by itself: an empty line is the author's, and what it parts stays apart.
fn sort(entries: &mut [Entry], order: &Order) {
    let mut begin = 0;
    while begin < entries.len() {
        let next = entries[begin + 1..].iter().position(|entry| entry.before.parts());
        let end = next.map_or(entries.len(), |at| begin + 1 + at);
        let block = &mut entries[begin..end];
        let mut head = block[0].before.take_head();
        block.sort_by_key(|entry| order.rank(entry.path[0].get()));
        head.append(&mut block[0].before.lines);
        block[0].before.lines = head;
        begin = end;
    }
}

fn line(entry: &Entry, width: usize, order: &Order, keys: Keys) -> String {
    let begin = format!("{:<width$} = ", entry.key);
    let inner = order.inside(entry.path.iter().map(|key| key.get()));
    let value = Writer { keys }.value(entry.value, begin.chars().count(), &inner);
    let comment = suffix(entry.value.decor().suffix());
    format!("{}{begin}{value}{comment}\n", lines(&entry.before.lines))
}

pub fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}
