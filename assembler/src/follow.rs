//! Following links inside a tree, as a kernel would that has the tree as its root.

use crate::tree::{ImageTree, Kind};

/// As many as Linux follows (`MAXSYMLINKS`).
const LINKS_MAX: usize = 40;

/// What lies on the way to the end of a path, and the end: every link that was followed, in order; the end is the last.
/// `None` where the path leads to nothing in the tree, or in a circle. Paths as the tree has them, without a slash before.
pub fn follow(tree: &ImageTree, path: &str) -> Option<Vec<String>> {
    let mut passed = Vec::new();
    // Names that are still to go, the next one last.
    let mut rest: Vec<String> = names(path).rev().collect();
    let mut at = String::new();
    while let Some(name) = rest.pop() {
        if name == ".." {
            at.truncate(at.rfind('/').unwrap_or(0));
            continue;
        }
        let next = if at.is_empty() { name } else { format!("{at}/{name}") };
        let node = tree.get(&next)?;
        let Kind::Link { target } = &node.kind else {
            at = next;
            continue;
        };
        if passed.len() == LINKS_MAX {
            return None;
        }
        passed.push(next);
        if target.starts_with('/') {
            at.clear();
        }
        rest.extend(names(target).rev());
    }
    passed.push(at);
    Some(passed)
}

fn names(path: &str) -> impl DoubleEndedIterator<Item = String> + '_ {
    path.split('/').filter(|name| !matches!(*name, "" | ".")).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Node, Reason};

    fn check(path: &str, expected: Option<&[&str]>) {
        let mut tree = ImageTree::default();
        let why = || Reason::image("a test");
        for (at, target) in
            [("bin", "kegs/a/0/bin"), ("kegs/a/0/bin/sh", "../lib/x"), ("round", "/round"), ("lost", "/no")]
        {
            tree.insert(at, Node::link(target, why())).unwrap();
        }
        tree.insert("kegs/a/0/lib/x", Node::inline("", 0o755, why())).unwrap();
        let followed = follow(&tree, path);
        assert_eq!(
            followed.as_ref().map(|paths| paths.iter().map(String::as_str).collect()),
            expected.map(Vec::from)
        );
    }

    #[test]
    fn links_are_followed_as_a_kernel_does() {
        check("/bin/sh", Some(&["bin", "kegs/a/0/bin/sh", "kegs/a/0/lib/x"]));
        check("/bin/../bin/./sh", Some(&["bin", "kegs/a/0/bin/sh", "kegs/a/0/lib/x"]));
        check("kegs/a/0/lib/x", Some(&["kegs/a/0/lib/x"]));
        check("/", Some(&[""]));
        check("/../..", Some(&[""]));
        check("/round", None);
        check("/lost", None);
        check("/bin/no", None);
    }
}
