//! A patch's text: which files it names, and whether they stay in the source tree.
//!
//! `patch` refuses such paths too, but in the middle of a build, inside the sandbox; here it is said at the character,
//! before anything starts. Only headers are read; what a hunk adds or removes is never taken for one.

use std::ops::Range;

use kegs::fault::{Fault, Text};

use super::written::Recipe;

/// A patch that is larger is a source of its own.
const PATCH_MAX_BYTES: usize = 16 << 20;

/// A path that a header names, where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub path: String,
    pub span: Range<usize>,
}

/// The patch at `path` in the recipe's folder: every path that leaves the tree, or that it names no file at all. That it
/// is not there is not said here.
pub fn faults(recipe: &Recipe, path: &str) -> Vec<Fault> {
    let Ok(bytes) = kegs::read_small(&recipe.folder.join(path)) else { return Vec::new() };
    let text = Text::new(format!("recipes/{}/{path}", recipe.name), &String::from_utf8_lossy(&bytes));
    if bytes.len() > PATCH_MAX_BYTES {
        return vec![text.fault(0..0, "a patch of more than 16 MiB").id("T20")];
    }
    let named = named(&text.content);
    if named.is_empty() {
        let end = text.content.lines().next().map_or(0, str::len);
        let fault = text.fault(0..end, "no patch: it names no file");
        return vec![fault.help("`--- a/path` and `+++ b/path`, then hunks").id("T20")];
    }
    named.iter().filter_map(|one| escape(&text, one)).collect()
}

fn escape(text: &Text, named: &Named) -> Option<Fault> {
    let help = named.escapes()?;
    let fault = text.fault(named.span.clone(), format!("`{}` leaves the source tree", named.path));
    Some(fault.help(help).id("T20"))
}

impl Named {
    /// What keeps it from staying inside.
    fn escapes(&self) -> Option<&'static str> {
        let parts: Vec<&str> = self.path.split('/').collect();
        match self.path.as_str() {
            "/dev/null" => None,
            path if path.starts_with('/') => {
                Some("write it relative to the source tree, below `a/` and `b/`")
            }
            _ if parts.contains(&"..") => Some("a path in a patch may not hold `..`"),
            _ => None,
        }
    }
}

/// Every path of every header, in their order.
pub fn named(content: &str) -> Vec<Named> {
    let mut all = Vec::new();
    let mut hunk = Hunk::default();
    let mut at = 0;
    for line in content.split_inclusive('\n') {
        if !hunk.takes(line) {
            all.extend(header(line, at));
            hunk = Hunk::begun(line).unwrap_or_default();
        }
        at += line.len();
    }
    all
}

/// Where the first header begins: what stands before is for people.
pub fn preamble(content: &str) -> &str {
    let mut at = 0;
    for line in content.split_inclusive('\n') {
        if ["--- ", "diff ", "Index: "].iter().any(|begin| line.starts_with(begin)) {
            break;
        }
        at += line.len();
    }
    &content[..at]
}

fn header(line: &str, at: usize) -> Option<Named> {
    let kinds = ["--- ", "+++ ", "rename from ", "rename to ", "copy from ", "copy to "];
    let begin = kinds.into_iter().find(|begin| line.starts_with(begin))?;
    let rest = line[begin.len()..].trim_end_matches(['\n', '\r']);
    let path = rest.split('\t').next().unwrap_or(rest);
    let span = at + begin.len()..at + begin.len() + path.len();
    Some(Named { path: path.trim_matches('"').to_string(), span })
}

/// How many lines a hunk still has, of the old file and of the new one.
#[derive(Default)]
struct Hunk {
    old: u64,
    new: u64,
}

impl Hunk {
    /// `@@ -10,7 +10,8 @@`; a count that is left out is one.
    fn begun(line: &str) -> Option<Hunk> {
        let mut words = line.strip_prefix("@@ ")?.split_whitespace();
        let mut count = |sign: char| {
            let range = words.next()?.strip_prefix(sign)?;
            range.split_once(',').map_or(Some(1), |(_, count)| count.parse().ok())
        };
        Some(Hunk { old: count('-')?, new: count('+')? })
    }

    /// Whether the line is of this hunk.
    fn takes(&mut self, line: &str) -> bool {
        if self.old == 0 && self.new == 0 {
            return false;
        }
        let (old, new) = match line.as_bytes().first() {
            Some(b'-') => (1, 0),
            Some(b'+') => (0, 1),
            // Some mailers take the blank of an empty line away.
            Some(b' ' | b'\n' | b'\r' | b'\t') => (1, 1),
            Some(b'\\') => (0, 0),
            _ => return false,
        };
        self.old = self.old.saturating_sub(old);
        self.new = self.new.saturating_sub(new);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(content: &str, paths: &[(&str, bool)]) {
        let found: Vec<_> =
            named(content).iter().map(|one| (one.path.clone(), one.escapes().is_some())).collect();
        let wanted: Vec<_> = paths.iter().map(|(path, out)| (path.to_string(), *out)).collect();
        assert_eq!(found, wanted);
        named(content).iter().for_each(|one| assert!(content[one.span.clone()].contains(&one.path)));
    }

    #[test]
    fn headers_are_read_and_hunks_are_not() {
        check(
            "Why: x\n--- a/x.c\t2026-01-01\n+++ b/x.c\n@@ -1,2 +1,2 @@\n--- a/../no header\n+++ b/../none\n same\n--- a/../y\n",
            &[("a/x.c", false), ("b/x.c", false), ("a/../y", true)],
        );
    }

    #[test]
    fn paths_that_leave() {
        check(
            "--- /dev/null\n+++ b/new\n@@ -0,0 +1 @@\n+x\n--- /etc/passwd\n+++ x\nrename from x\nrename to ../y\n",
            &[
                ("/dev/null", false),
                ("b/new", false),
                ("/etc/passwd", true),
                ("x", false),
                ("x", false),
                ("../y", true),
            ],
        );
    }
}
