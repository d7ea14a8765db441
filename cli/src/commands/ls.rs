//! `rootbrew ls`: the paths of an image, all below one.

use assembler::{ImageTree, Kind, Node, text};

use super::subject;
use crate::context::Context;
use crate::terminal::data;
use crate::trouble::{Result, Trouble};

pub fn run(context: &Context, image: &str, path: &str) -> Result<()> {
    let subject = subject::open(context, image)?;
    let found = below(&subject.tree, path.trim_matches('/'))
        .ok_or_else(|| Trouble::Failed(absent(&subject.tree, &subject.name, path)))?;
    let size = |node: &Node| node.size_bytes().to_string();
    let owner = |node: &Node| format!("{}:{}", node.uid, node.gid);
    let widest =
        |of: &dyn Fn(&Node) -> String| found.iter().map(|(_, node)| of(node).len()).max().unwrap_or(0);
    let (owners, sizes) = (widest(&owner), widest(&size));
    for (path, node) in &found {
        if context.json {
            data(&json(path, node).to_string());
            continue;
        }
        let target = if let Kind::Link { target } = &node.kind {
            format!(" -> {}", text::escape(target))
        } else {
            String::new()
        };
        let (mode, owner, size) = (mode(node), owner(node), size(node));
        data(&format!("{mode} {owner:>owners$} {size:>sizes$} /{}{target}", text::escape(path)));
    }
    Ok(())
}

/// The path and all below it; `None` where it is not there.
fn below<'a>(tree: &'a ImageTree, path: &str) -> Option<Vec<(&'a str, &'a Node)>> {
    tree.get(path)?;
    let inside = format!("{path}/");
    let is_below = |found: &str| path.is_empty() || found == path || found.starts_with(&inside);
    Some(tree.iter().filter(|(found, _)| is_below(found)).collect())
}

/// With the nearest that is there.
pub fn absent(tree: &ImageTree, name: &str, path: &str) -> String {
    let path = path.trim_matches('/');
    let near = kegs::reader::nearest(path, tree.iter().map(|(path, _)| path));
    let hint = near.map_or(String::new(), |near| format!(": did you mean /{}?", text::escape(near)));
    format!("/{path} is not in the image of `{name}`{hint}")
}

/// As `ls -l` has it: a letter for the kind, then who may do what.
fn mode(node: &Node) -> String {
    let kind = match &node.kind {
        Kind::Folder => 'd',
        Kind::File(_) => '-',
        Kind::Link { .. } => 'l',
    };
    let special = [(0o4000, 's'), (0o2000, 's'), (0o1000, 't')];
    let mut letters = String::from(kind);
    for (at, (bit, letter)) in special.into_iter().enumerate() {
        let triple = node.mode >> (6 - 3 * at);
        letters.push(if triple & 4 != 0 { 'r' } else { '-' });
        letters.push(if triple & 2 != 0 { 'w' } else { '-' });
        letters.push(match (node.mode & bit != 0, triple & 1 != 0) {
            (true, true) => letter,
            (true, false) => letter.to_ascii_uppercase(),
            (false, true) => 'x',
            (false, false) => '-',
        });
    }
    letters
}

fn json(path: &str, node: &Node) -> serde_json::Value {
    let (sha256, target) = match &node.kind {
        Kind::File(bytes) => (Some(bytes.digest().hex()), None),
        Kind::Link { target } => (None, Some(target)),
        Kind::Folder => (None, None),
    };
    serde_json::json!({
        "path": format!("/{path}"), "kind": node.kind.word(), "mode": format!("{:04o}", node.mode), "uid": node.uid,
        "gid": node.gid, "bytes": node.size_bytes(), "sha256": sha256, "target": target,
        "reason": node.reason.to_string(),
    })
}
