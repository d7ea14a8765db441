//! `recipe.toml` with a newer version, digest and size: every other word, comment and blank as it was.

use std::collections::BTreeSet;
use std::path::Path;

use builder::recipe::{Recipe, Version, Watched};
use kegs::Faults;
use toml_edit::{DocumentMut, Formatted, Item, TableLike, Value};

use super::Left;
use super::pin::{NewSource, Pinned};

/// The new text, which is a recipe without faults.
pub fn edited(
    recipe: &Recipe,
    watched: &Watched,
    version: &Version,
    pinned: &Pinned,
    dropped: &BTreeSet<String>,
) -> Result<String, Left> {
    let failed = |error: &dyn std::fmt::Display| Left::Failed(format!("{}: {error}", recipe.name));
    let mut document: DocumentMut =
        recipe.text.content.parse().map_err(|error: toml_edit::TomlError| failed(&error))?;
    let root = document.as_table_mut();
    put(layer(root, &watched.slot, "version"), "version", version.as_str().into());
    let holder = layer(root, &watched.slot, "source");
    if let Some(item) = holder.get_mut("source") {
        sources(item, &pinned.sources);
    }
    if let [only] = pinned.sources.as_slice()
        && let Some(digest) = only.digest
    {
        let holder = layer(root, &watched.slot, "sha256");
        if holder.contains_key("sha256") {
            put(holder, "sha256", digest.hex().into());
        }
    }
    drop_patches(root, dropped);
    let text = document.to_string();
    judge(recipe, version, &watched.slot, &text, dropped)?;
    Ok(text)
}

/// Where `key` of a slot stands: in its own table, else in the recipe's.
fn layer<'t>(root: &'t mut dyn TableLike, slot: &str, key: &str) -> &'t mut dyn TableLike {
    let own = root.get("slot").and_then(|slots| slots.as_table_like()?.get(slot)?.as_table_like());
    if own.is_none_or(|own| !own.contains_key(key)) {
        return root;
    }
    let slots = root.get_mut("slot").and_then(Item::as_table_like_mut);
    // The look above found it: it is a table in a table.
    slots
        .and_then(|slots| slots.get_mut(slot)?.as_table_like_mut())
        .unwrap_or_else(|| unreachable!("`{slot}` was there"))
}

/// A value in the place of another, with the blanks and the comment around it.
fn put(table: &mut dyn TableLike, key: &str, mut value: Value) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => drop(table.insert(key, Item::Value(value))),
    }
}

fn sources(item: &mut Item, new: &[NewSource]) {
    if let Some(tables) = item.as_array_of_tables_mut() {
        tables.iter_mut().zip(new).for_each(|(table, new)| source(table, new));
    } else if let Some(list) = item.as_array_mut() {
        let tables = list.iter_mut().zip(new);
        tables.for_each(|(value, new)| {
            if let Some(table) = value.as_inline_table_mut() {
                source(table, new);
            }
        });
    } else if let (Some(table), Some(new)) = (item.as_table_like_mut(), new.first()) {
        source(table, new);
    }
}

fn source(table: &mut dyn TableLike, new: &NewSource) {
    match &new.debian {
        Some(Some(debian)) => put(table, "debian", debian.as_str().into()),
        Some(None) => drop(table.remove("debian")),
        None => {}
    }
    if new.drop_urls.is_some() {
        table.remove("url");
    }
    if let Some(digest) = new.digest {
        // A string of a source with `sha256` beside it has none of its own; a table that had none keeps it so.
        if table.contains_key("sha256") {
            put(table, "sha256", digest.hex().into());
        }
        if table.contains_key("size") {
            put(table, "size", Value::Integer(Formatted::new(digest.size_bytes as i64)));
        }
    }
    for (key, word) in [("commit", &new.commit), ("tag", &new.tag)] {
        if let Some(word) = word {
            put(table, key, word.as_str().into());
        }
    }
}

/// Out of every `patches`: the recipe's, a slot's, an option's.
fn drop_patches(table: &mut dyn TableLike, dropped: &BTreeSet<String>) {
    if dropped.is_empty() {
        return;
    }
    let mut empty = None;
    if let Some(list) = table.get_mut("patches").and_then(Item::as_array_mut) {
        let edge = list.get(0).and_then(|first| first.decor().prefix().cloned());
        list.retain(|value| value.as_str().is_none_or(|name| !dropped.contains(name)));
        // What is first now stands as what was first stood.
        if let Some(first) = list.get_mut(0) {
            first.decor_mut().set_prefix(edge.unwrap_or_default());
        }
        empty = list.is_empty().then_some(());
    }
    if empty.is_some() {
        table.remove("patches");
    }
    for (_, item) in table.iter_mut() {
        if let Some(inner) = item.as_table_like_mut() {
            drop_patches(inner, dropped);
        }
    }
}

/// What we write is read again before anybody sees it: a fault in it would be ours.
fn judge(
    recipe: &Recipe,
    version: &Version,
    slot: &str,
    text: &str,
    dropped: &BTreeSet<String>,
) -> Result<(), Left> {
    let mut faults = Faults::default();
    let path: &Path = &recipe.text.path;
    let read = Recipe::parse(&recipe.name, &recipe.folder, path, text.as_bytes(), &mut faults);
    let read = read.ok_or(Left::Faults(faults))?;
    let patches = read.watched(slot).map(|watched| watched.patches).unwrap_or_default();
    if read.version(slot) != Some(version) || patches.iter().any(|patch| dropped.contains(patch)) {
        return Err(Left::Failed(format!(
            "{}: the recipe would not say {version}; edit it by hand",
            recipe.name
        )));
    }
    Ok(())
}
