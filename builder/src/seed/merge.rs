//! Many `.deb`s' entries to one tree: pure. Two `.deb`s that claim one path with different bytes are refused, never ranked.

use std::collections::BTreeMap;

use kegs::{Node, Tree};

use super::deb::Entry;
use super::error::SeedError;
use super::path::{self, MERGED};

/// Path to node, and the `.deb` that has it.
type Owned = BTreeMap<String, (Node, String)>;

/// Who owns what no `.deb` brings.
const OURS: &str = "the seed's own links";

/// `parts` in the seed's order, each with its `.deb`'s name.
pub fn merge(
    parts: Vec<(&str, Vec<(String, Entry)>)>,
    links: &BTreeMap<String, String>,
) -> Result<Tree, SeedError> {
    let mut owned = Owned::new();
    for (deb, entries) in parts {
        for (path, node) in resolve(deb, entries)? {
            place(&mut owned, path, node, deb)?;
        }
    }
    for top in MERGED {
        place(&mut owned, format!("usr/{top}"), Node::Folder, OURS)?;
        place(&mut owned, top.to_string(), Node::Link { target: format!("usr/{top}") }, OURS)?;
    }
    for (at, target) in links {
        place_link(&mut owned, at, target)?;
    }
    check_folders(&owned)?;
    Ok(Tree { nodes: owned.into_iter().map(|(path, (node, _))| (path, node)).collect() })
}

/// Hard links become what they name: a file of the same `.deb` that stands before them.
fn resolve(deb: &str, entries: Vec<(String, Entry)>) -> Result<Vec<(String, Node)>, SeedError> {
    let mut files: BTreeMap<String, Node> = BTreeMap::new();
    let mut nodes = Vec::with_capacity(entries.len());
    for (path, entry) in entries {
        let node = match entry {
            Entry::Node(node) => node,
            Entry::Same { as_path } => files.get(&as_path).cloned().ok_or_else(|| SeedError::Deb {
                deb: deb.to_string(),
                source: super::DebError::Entry {
                    path: path.clone(),
                    problem: format!("is a hard link to `{as_path}`, which is no file before it"),
                },
            })?,
        };
        if matches!(node, Node::File { .. }) {
            files.insert(path.clone(), node.clone());
        }
        nodes.push((path, node));
    }
    Ok(nodes)
}

fn place(owned: &mut Owned, path: String, node: Node, deb: &str) -> Result<(), SeedError> {
    match owned.get(&path) {
        Some((there, _)) if *there == node => Ok(()),
        Some((_, first)) => Err(SeedError::Conflict { path, first: first.clone(), second: deb.to_string() }),
        None => {
            owned.insert(path, (node, deb.to_string()));
            Ok(())
        }
    }
}

/// One of the links that a maintainer script would have made. What it names must be there.
fn place_link(owned: &mut Owned, at: &str, target: &str) -> Result<(), SeedError> {
    let bad = |problem: &str| SeedError::Link {
        path: at.to_string(),
        target: target.to_string(),
        problem: problem.to_string(),
    };
    let at_clean = path::clean(at.as_bytes()).map_err(&bad)?;
    let target = path::target(&at_clean, target.as_bytes()).map_err(&bad)?;
    let folder = at_clean.rsplit_once('/').map_or("", |(folder, _)| folder);
    if !owned.contains_key(&join(folder, &target)) {
        return Err(bad("nothing is there"));
    }
    place(owned, at_clean, Node::Link { target }, OURS)
}

/// `usr/bin` + `../lib/x` → `usr/lib/x`; the target was checked not to climb above the root.
fn join(folder: &str, target: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/').filter(|part| !matches!(*part, "" | ".")) {
        match part {
            ".." => drop(parts.pop()),
            _ => parts.push(part),
        }
    }
    parts.join("/")
}

/// What others lie under must be a folder: a tree never reaches through a link.
fn check_folders(owned: &Owned) -> Result<(), SeedError> {
    for (path, (_, below)) in owned {
        for (at, _) in path.match_indices('/') {
            let above = &path[..at];
            match owned.get(above) {
                None | Some((Node::Folder, _)) => {}
                Some((_, owner)) => {
                    return Err(SeedError::Under {
                        path: path.clone(),
                        below: below.clone(),
                        above: above.to_string(),
                        owner: owner.clone(),
                    });
                }
            }
        }
    }
    Ok(())
}
