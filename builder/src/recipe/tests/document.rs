//! `docs/recipes.md` has every key of the reader, and no other.

use kegs::fault::Faults;
use kegs::reader;

use super::super::layer::Layer;
use super::super::written;
use super::*;

/// Rows of the table: key, and where it may stand.
fn documented() -> Vec<(String, String)> {
    let text = include_str!("../../../../docs/recipes.md");
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
    let cells = |row: &str| {
        let cells: Vec<_> = row.split(" | ").map(str::trim).collect();
        (cells[0].trim_end_matches('`').to_string(), cells[2].to_string())
    };
    rows.map(cells).collect()
}

fn sorted(mut keys: Vec<String>) -> Vec<String> {
    keys.sort();
    keys
}

/// The keys that `take` asks an empty text for.
fn asked(take: impl FnOnce(kegs::fault::Text, &mut reader::Table)) -> Vec<String> {
    let mut faults = Faults::default();
    let known = reader::parse(Path::new("x"), b"", &mut faults, |text, table| {
        take(text, table);
        table.known().iter().map(|key| key.to_string()).collect()
    });
    sorted(known.unwrap_or_default())
}

#[test]
fn the_table_has_every_key_of_a_recipe() {
    let keys = documented().into_iter().map(|(key, _)| key).collect();
    assert_eq!(sorted(keys), asked(|text, table| drop(written::take("t", Path::new("t"), text, table))));
}

#[test]
fn the_table_marks_every_key_of_a_layer() {
    let layered =
        documented().into_iter().filter(|(_, place)| place.contains('L')).map(|(key, _)| key).collect();
    assert_eq!(sorted(layered), asked(|_, table| drop(Layer::take(table))));
}
