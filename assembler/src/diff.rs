//! Diff: two image trees, path by path: what was added, removed, changed, by keg, with bytes.
//!
//! Pure, and silent about reasons: they change no byte of an image. A folder counts where it is empty or its own mode or
//! owner is other; else what is in it says all.

use std::collections::{BTreeMap, BTreeSet};

use crate::size::keg_of;
use crate::tree::{ImageTree, Kind, Node};

/// Sums of one tree: its regular files and their bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sum {
    pub files: usize,
    pub bytes: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Added,
    Removed,
    Changed,
}

/// One path. `how` says in words what is other where both trees have it (`content`, `mode 0644 → 0755`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub path: String,
    pub what: What,
    pub old_bytes: u64,
    pub new_bytes: u64,
    pub how: Vec<String>,
}

/// What changed in one keg, sorted by path; `rootbrew` is what is of no keg.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KegDiff {
    pub name: String,
    pub changes: Vec<Change>,
}

/// Kegs by how many bytes their changes move, most first. Empty: the trees are the same image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    pub kegs: Vec<KegDiff>,
    pub old: Sum,
    pub new: Sum,
}

impl What {
    pub fn word(self) -> &'static str {
        match self {
            What::Added => "added",
            What::Removed => "removed",
            What::Changed => "changed",
        }
    }
}

impl Change {
    /// Bytes that the new tree has more, or fewer.
    pub fn delta_bytes(&self) -> i64 {
        self.new_bytes as i64 - self.old_bytes as i64
    }
}

impl KegDiff {
    pub fn delta_bytes(&self) -> i64 {
        self.changes.iter().map(Change::delta_bytes).sum()
    }

    fn moved_bytes(&self) -> u64 {
        self.changes.iter().map(|change| change.old_bytes.max(change.new_bytes)).sum()
    }
}

impl Diff {
    pub fn is_same(&self) -> bool {
        self.kegs.is_empty()
    }

    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.kegs.iter().flat_map(|keg| &keg.changes)
    }

    pub fn count(&self, what: What) -> usize {
        self.changes().filter(|change| change.what == what).count()
    }
}

pub fn diff(old: &ImageTree, new: &ImageTree) -> Diff {
    let mut kegs: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for change in changes(old, new) {
        kegs.entry(keg_of(&change.path)).or_default().push(change);
    }
    let mut kegs: Vec<KegDiff> = kegs.into_iter().map(|(name, changes)| KegDiff { name, changes }).collect();
    kegs.sort_by_key(|keg| std::cmp::Reverse(keg.moved_bytes()));
    Diff { kegs, old: sum(old), new: sum(new) }
}

pub fn sum(tree: &ImageTree) -> Sum {
    let files = tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File(_)));
    files.fold(Sum::default(), |sum, (_, node)| Sum {
        files: sum.files + 1,
        bytes: sum.bytes + node.size_bytes(),
    })
}

fn changes(old: &ImageTree, new: &ImageTree) -> Vec<Change> {
    let (old_holders, new_holders) = (holders(old), holders(new));
    let paths: BTreeSet<&str> = old.iter().chain(new.iter()).map(|(path, _)| path).collect();
    let one = |path: &str| match (old.get(path), new.get(path)) {
        (Some(old), Some(new)) => changed(path, old, new),
        (None, Some(node)) if !new_holders.contains(path) => {
            Some(alone(path, What::Added, 0, node.size_bytes()))
        }
        (Some(node), None) if !old_holders.contains(path) => {
            Some(alone(path, What::Removed, node.size_bytes(), 0))
        }
        _ => None,
    };
    paths.into_iter().filter_map(one).collect()
}

/// Folders with something in them.
fn holders(tree: &ImageTree) -> BTreeSet<&str> {
    tree.iter().filter_map(|(path, _)| Some(path.rsplit_once('/')?.0)).collect()
}

fn alone(path: &str, what: What, old_bytes: u64, new_bytes: u64) -> Change {
    Change { path: path.to_string(), what, old_bytes, new_bytes, how: Vec::new() }
}

fn changed(path: &str, old: &Node, new: &Node) -> Option<Change> {
    let mut how = Vec::new();
    match (&old.kind, &new.kind) {
        (Kind::Folder, Kind::Folder) => {}
        (Kind::File(old), Kind::File(new)) if old.digest() == new.digest() => {}
        (Kind::File(_), Kind::File(_)) => how.push("content".to_string()),
        (Kind::Link { target: old }, Kind::Link { target: new }) if old == new => {}
        (Kind::Link { target: old }, Kind::Link { target: new }) => how.push(format!("target {old} → {new}")),
        (old, new) => how.push(format!("{} → {}", old.word(), new.word())),
    }
    if old.mode != new.mode {
        how.push(format!("mode {:04o} → {:04o}", old.mode, new.mode));
    }
    if (old.uid, old.gid) != (new.uid, new.gid) {
        how.push(format!("owner {}:{} → {}:{}", old.uid, old.gid, new.uid, new.gid));
    }
    let (old_bytes, new_bytes) = (old.size_bytes(), new.size_bytes());
    let change = Change { path: path.to_string(), what: What::Changed, old_bytes, new_bytes, how };
    (!change.how.is_empty()).then_some(change)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::Reason;
    use expect_test::{Expect, expect};

    /// A line a path: `f path text [mode]`, `l path target`, `d path [mode]`.
    fn tree(text: &str) -> ImageTree {
        let mut tree = ImageTree::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            let mode = |at: usize, plain: u16| {
                words.get(at).map_or(plain, |mode| u16::from_str_radix(mode, 8).unwrap())
            };
            let because = Reason::image(line);
            let node = match words[0] {
                "f" => Node::inline(words[2], mode(3, 0o644), because),
                "l" => Node::link(words[2], because),
                _ => Node::folder(mode(2, 0o755), because),
            };
            tree.insert(words[1], node).unwrap();
        }
        tree
    }

    fn check(old: &str, new: &str, expected: Expect) {
        let Diff { kegs, old, new } = diff(&tree(old), &tree(new));
        let mut text =
            format!("{} files {} B, then {} files {} B\n", old.files, old.bytes, new.files, new.bytes);
        for keg in kegs {
            text.push_str(&format!("{} {:+}\n", keg.name, keg.delta_bytes()));
            for change in keg.changes {
                let how = change.how.join(", ");
                text.push_str(&format!(
                    "  {} {:+} /{} {how}\n",
                    change.what.word(),
                    change.delta_bytes(),
                    change.path
                ));
            }
        }
        expected.assert_eq(&text);
    }

    #[test]
    fn by_keg_with_bytes() {
        check(
            "f kegs/a/0/bin/a aaaa\nf kegs/a/0/lib/gone gg\nf kegs/b/1.2/x same\nf etc/hosts h\nl bin/a /kegs/a/0/bin/a",
            "f kegs/a/0/bin/a aaaaaaaa\nf kegs/a/0/share/n nnn\nf kegs/b/1.2/x same 755\nf etc/hosts h\nl bin/a /kegs/b",
            expect![[r#"
                4 files 11 B, then 4 files 16 B
                rootbrew -8
                  changed -8 /bin/a target /kegs/a/0/bin/a → /kegs/b
                a +5
                  changed +4 /kegs/a/0/bin/a content
                  removed -2 /kegs/a/0/lib/gone 
                  added +3 /kegs/a/0/share/n 
                b@1.2 +0
                  changed +0 /kegs/b/1.2/x mode 0644 → 0755
            "#]],
        );
    }

    #[test]
    fn the_same_but_for_its_reasons_is_the_same() {
        let (old, mut new) = (tree("f a x\nd e"), tree("f a x"));
        new.insert("e", Node::folder(0o755, Reason::role("other"))).unwrap();
        assert!(diff(&old, &new).is_same());
    }

    #[test]
    fn kinds_owners_and_folders() {
        check(
            "f a x\nd b/c\nd tmp 755\nd empty",
            "l a x\nf b y\nd tmp 1777\nd other",
            expect![[r#"
                1 files 1 B, then 1 files 1 B
                rootbrew +1
                  changed +0 /a file → link, mode 0644 → 0777
                  changed +1 /b folder → file, mode 0755 → 0644
                  removed +0 /b/c 
                  removed +0 /empty 
                  added +0 /other 
                  changed +0 /tmp mode 0755 → 1777
            "#]],
        );
    }
}
