//! The shape: kegs with their folders and files, each with its bytes, largest first.

use std::collections::BTreeMap;

use crate::diff::Diff;
use crate::size::keg_of;
use crate::tree::{ImageTree, Kind};

/// A keg, a folder or, without children, a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// With its leading slash.
    pub path: String,
    /// What is written on it: a keg's name, a folder's names where it is alone in the one above, a file's name.
    pub name: String,
    pub bytes: u64,
    pub children: Vec<Branch>,
}

/// A folder in the making.
#[derive(Default)]
struct Folder {
    files: Vec<(String, u64)>,
    folders: BTreeMap<String, Folder>,
}

pub fn kegs(tree: &ImageTree) -> Vec<Branch> {
    let mut kegs: BTreeMap<String, Folder> = BTreeMap::new();
    for (path, node) in tree.iter() {
        if let Kind::File(bytes) = &node.kind {
            put(kegs.entry(keg_of(path)).or_default(), path, bytes.len());
        }
    }
    let mut kegs: Vec<Branch> =
        kegs.into_iter().map(|(name, folder)| Branch { name, ..branch("", folder) }).collect();
    largest_first(&mut kegs);
    kegs
}

/// What files are smaller by, and what they are larger by, each as a branch of its own.
pub fn moved(diff: &Diff) -> [Branch; 2] {
    let side = |name: &str, sign: i64| {
        let mut folder = Folder::default();
        for change in diff.changes() {
            let bytes = u64::try_from(sign * change.delta_bytes()).unwrap_or(0);
            if bytes > 0 {
                put(&mut folder, &change.path, bytes);
            }
        }
        Branch { name: name.to_string(), ..branch("", folder) }
    };
    [side("smaller", -1), side("larger", 1)]
}

fn put(folder: &mut Folder, path: &str, bytes: u64) {
    let mut names: Vec<&str> = path.split('/').collect();
    let file = names.pop().unwrap_or_default();
    let at = names.into_iter().fold(folder, |at, name| at.folders.entry(name.to_string()).or_default());
    at.files.push((file.to_string(), bytes));
}

/// A folder that holds one folder and nothing else is drawn as that one. No deeper than paths are: 4096 bytes.
fn branch(path: &str, mut folder: Folder) -> Branch {
    let mut path = path.to_string();
    let mut name = path.rsplit('/').next().unwrap_or_default().to_string();
    while folder.files.is_empty() && folder.folders.len() == 1 {
        let Some((inner, only)) = folder.folders.pop_first() else { break };
        path = format!("{path}/{inner}");
        name = if name.is_empty() { inner } else { format!("{name}/{inner}") };
        folder = only;
    }
    let files = folder.files.into_iter().map(|(name, bytes)| Branch {
        path: format!("{path}/{name}"),
        name,
        bytes,
        children: Vec::new(),
    });
    let mut children: Vec<Branch> = files.collect();
    children.extend(folder.folders.into_iter().map(|(name, inner)| branch(&format!("{path}/{name}"), inner)));
    largest_first(&mut children);
    let bytes = children.iter().map(|child| child.bytes).sum();
    let path = if path.is_empty() { "/".to_string() } else { path };
    Branch { path, name, bytes, children }
}

fn largest_first(branches: &mut [Branch]) {
    branches.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
}

/// Several that are too small to be seen, as one; none for none.
pub fn together(path: &str, small: &[&Branch]) -> Option<Branch> {
    let bytes = small.iter().map(|branch| branch.bytes).sum();
    let name = match small {
        [] => return None,
        [one] => one.name.clone(),
        many => format!("{} smaller", many.len()),
    };
    let path =
        if let [one] = small { one.path.clone() } else { format!("{}/…", path.trim_end_matches('/')) };
    Some(Branch { path, name, bytes, children: Vec::new() })
}
