//! Sections: the text's head, then each `[header]` with its table, an empty line before each.

use toml_edit::{DocumentMut, Item, Table};

use super::comment::{Before, raw, suffix};
use super::entry::{entries, lines};
use super::order::{File, Order};
use super::{Keys, value};

struct Section<'a> {
    path: Vec<&'a str>,
    /// `[[…]]`.
    listed: bool,
    table: &'a Table,
    /// Where it stands in the text.
    position: isize,
}

pub fn document(file: File, document: &DocumentMut, keys: Keys) -> String {
    let root = Order::of(file);
    let mut out = entries(document.as_table(), &root, keys);
    let mut sections = Vec::new();
    collect(document.as_table(), &mut Vec::new(), &mut sections);
    sections.sort_by_key(|section| match keys {
        Keys::Sorted => (root.rank(section.path[0]), section.position),
        Keys::AsWritten => (0, section.position),
    });
    for section in &sections {
        write(&mut out, section, &root, keys);
    }
    let end = format!("{}\n", raw(Some(document.trailing())).trim_end());
    if !end.trim().is_empty() {
        out.push_str(&lines(&Before::line(&end).lines));
    }
    out.trim_start_matches('\n').to_string()
}

/// Every table that has a header, however deep.
fn collect<'a>(table: &'a Table, path: &mut Vec<&'a str>, sections: &mut Vec<Section<'a>>) {
    for (key, item) in table {
        path.push(key);
        match item {
            Item::Table(inner) => one(inner, false, path, sections),
            Item::ArrayOfTables(tables) => {
                tables.iter().for_each(|inner| one(inner, true, path, sections));
            }
            _ => {}
        }
        path.pop();
    }
}

fn one<'a>(table: &'a Table, listed: bool, path: &mut Vec<&'a str>, sections: &mut Vec<Section<'a>>) {
    // Without a header of its own: `[option.jit]` alone makes an `option`, and so does `option.jit = …`.
    if !table.is_implicit() && !table.is_dotted() {
        let position = table.position().unwrap_or(isize::MAX);
        sections.push(Section { path: path.clone(), listed, table, position });
    }
    collect(table, path, sections);
}

fn write(out: &mut String, section: &Section, root: &Order, keys: Keys) {
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&lines(&Before::line(raw(section.table.decor().prefix())).first().lines));
    let path: Vec<String> = section.path.iter().map(|key| value::key(key)).collect();
    let (open, close) = if section.listed { ("[[", "]]") } else { ("[", "]") };
    let comment = suffix(section.table.decor().suffix());
    out.push_str(&format!("{open}{}{close}{comment}\n", path.join(".")));
    out.push_str(&entries(section.table, &root.inside(section.path.iter().copied()), keys));
}
