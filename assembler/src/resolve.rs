//! Resolve: where a path of an image ends, its links followed inside the image, as the kernel would on the host.

use crate::tree::{ImageTree, Kind};

/// Linux follows as many (`MAXSYMLINKS`).
const LINKS_MAX: usize = 40;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Lost {
    #[error("/{0} is not there")]
    NotThere(String),
    #[error("/{0} leads to /{1}, which is not there")]
    Dangling(String, String),
    #[error("/{0} leads through more than {LINKS_MAX} links")]
    Circle(String),
}

/// The path that `path` leads to, all links followed, the last one too.
///
/// # Errors
/// What leads nowhere, or round and round.
pub fn end(tree: &ImageTree, path: &str) -> Result<String, Lost> {
    Ok(way(tree, path)?.pop().unwrap_or_default())
}

/// What lies on the way to the end of a path: every link that was followed, in order, and the end as the last.
///
/// # Errors
/// As [`end`].
pub fn way(tree: &ImageTree, path: &str) -> Result<Vec<String>, Lost> {
    let asked = path.trim_matches('/').to_string();
    let mut left: Vec<String> = names(&asked);
    let mut at = String::new();
    let mut passed = Vec::new();
    while let Some(name) = left.pop() {
        if name == ".." {
            at.truncate(at.rfind('/').unwrap_or(0));
            continue;
        }
        let next = if at.is_empty() { name } else { format!("{at}/{name}") };
        match tree.get(&next).map(|node| &node.kind) {
            None if passed.is_empty() => return Err(Lost::NotThere(asked)),
            None => return Err(Lost::Dangling(asked, next)),
            Some(Kind::Link { .. }) if passed.len() == LINKS_MAX => return Err(Lost::Circle(asked)),
            Some(Kind::Link { target }) => {
                passed.push(next);
                if target.starts_with('/') {
                    at.clear();
                }
                left.extend(names(target));
            }
            Some(_) => at = next,
        }
    }
    passed.push(at);
    Ok(passed)
}

/// The names of a path, the first one last: it is taken first.
fn names(path: &str) -> Vec<String> {
    path.split('/').rev().filter(|name| !matches!(*name, "" | ".")).map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::{Node, Reason};
    use expect_test::{Expect, expect};

    fn check(path: &str, expected: Expect) {
        let mut tree = ImageTree::default();
        let because = || Reason::image("a test");
        tree.insert("kegs/a/0/bin/a", Node::inline("x", 0o755, because())).unwrap();
        for (link, target) in [
            ("bin/a", "/kegs/a/0/bin/a"),
            ("b", "bin"),
            ("kegs/a/0/up", "../../../bin/./a"),
            ("one", "two"),
            ("two", "/one"),
            ("gone", "kegs/b"),
            ("above", "../../.."),
        ] {
            tree.insert(link, Node::link(target, because())).unwrap();
        }
        expected.assert_eq(&end(&tree, path).unwrap_or_else(|lost| lost.to_string()));
    }

    #[test]
    fn what_lies_on_the_way() {
        let mut tree = ImageTree::default();
        let because = || Reason::image("a test");
        tree.insert("kegs/a/0/lib/x", Node::inline("", 0o755, because())).unwrap();
        for (link, target) in [("bin", "kegs/a/0/bin"), ("kegs/a/0/bin/sh", "../lib/x")] {
            tree.insert(link, Node::link(target, because())).unwrap();
        }
        let all = ["bin", "kegs/a/0/bin/sh", "kegs/a/0/lib/x"].map(str::to_string).to_vec();
        assert_eq!(way(&tree, "/bin/../bin/./sh"), Ok(all));
        assert_eq!(way(&tree, "/../.."), Ok(vec![String::new()]));
    }

    #[test]
    fn where_paths_end() {
        check("/bin/a", expect!["kegs/a/0/bin/a"]);
        check("b/a", expect!["kegs/a/0/bin/a"]);
        check("/kegs/a/0/up/", expect!["kegs/a/0/bin/a"]);
        check("/", expect![""]);
        check("above", expect![""]);
        check("/one", expect!["/one leads through more than 40 links"]);
        check("/gone", expect!["/gone leads to /kegs/b, which is not there"]);
        check("/bin/b", expect!["/bin/b is not there"]);
        check("/kegs/a/0/bin/a/x", expect!["/kegs/a/0/bin/a/x is not there"]);
    }
}
