//! A unified diff on a file in memory, as `patch --fuzz=0` would apply it: found where it says, elsewhere, or not at all.

use std::ops::Range;

/// What a patch says of one file.
#[derive(Debug, PartialEq, Eq)]
pub struct FileDiff<'a> {
    /// Without the first folder (`-p1`).
    pub path: &'a str,
    pub hunks: Vec<Hunk<'a>>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Hunk<'a> {
    /// From 1, as written.
    pub start: usize,
    pub old: Vec<&'a str>,
    pub new: Vec<&'a str>,
    /// Its first line in the patch, from `@@` to `@@`.
    pub head: Range<usize>,
}

/// What came of a hunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    There,
    /// So many lines further down; less than 0: further up.
    Moved(isize),
    Nowhere,
}

/// Files that a patch makes or removes are not here: they have nothing to fit.
pub fn parse(text: &str) -> Vec<FileDiff<'_>> {
    let mut files: Vec<FileDiff> = Vec::new();
    let mut old_path = "";
    let mut lines = Lines { text, at: 0 };
    while let Some((at, line)) = lines.next() {
        if let Some(path) = line.strip_prefix("--- ") {
            old_path = bare(path);
        } else if let Some(path) = line.strip_prefix("+++ ") {
            let path = bare(path);
            let made = old_path == "/dev/null" || path == "/dev/null";
            let path = if made { "" } else { path.split_once('/').map_or(path, |(_, rest)| rest) };
            files.push(FileDiff { path, hunks: Vec::new() });
        } else if let (Some(hunk), Some(file)) = (lines.hunk(at, line), files.last_mut()) {
            file.hunks.push(hunk);
        }
    }
    files.retain(|file| !file.path.is_empty());
    files
}

/// A time may follow the path, after a tab.
fn bare(path: &str) -> &str {
    path.split('\t').next().unwrap_or(path).trim_end()
}

struct Lines<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<(usize, &'a str)> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let at = self.at;
        let line = rest.split('\n').next().unwrap_or(rest);
        self.at += line.len() + 1;
        Some((at, line))
    }

    /// `@@ -start,count +start,count @@` and as many lines as it says.
    fn hunk(&mut self, at: usize, line: &'a str) -> Option<Hunk<'a>> {
        let ranges = line.strip_prefix("@@ -")?;
        let end = ranges.find(" @@")?;
        let (old, new) = ranges[..end].split_once(" +")?;
        let (start, mut old_left) = range(old)?;
        let (_, mut new_left) = range(new)?;
        let mut hunk =
            Hunk { start, old: Vec::new(), new: Vec::new(), head: at..at + "@@ -".len() + end + " @@".len() };
        while old_left + new_left > 0 {
            let (_, line) = self.next()?;
            let (sign, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
            match sign {
                "-" => hunk.old.push(rest),
                "+" => hunk.new.push(rest),
                "\\" => continue,
                _ => {
                    hunk.old.push(rest);
                    hunk.new.push(rest);
                }
            }
            old_left = old_left.saturating_sub(usize::from(sign != "+"));
            new_left = new_left.saturating_sub(usize::from(sign != "-"));
        }
        Some(hunk)
    }
}

fn range(text: &str) -> Option<(usize, usize)> {
    match text.split_once(',') {
        Some((start, count)) => Some((start.parse().ok()?, count.parse().ok()?)),
        None => Some((text.parse().ok()?, 1)),
    }
}

/// Applies the hunks in order; what fits nowhere is left out.
pub fn apply(lines: &mut Vec<String>, hunks: &[Hunk]) -> Vec<Fit> {
    // Lines that hunks before this one added or took, and how far it is from where it says.
    let mut grown = 0;
    hunks
        .iter()
        .map(|hunk| {
            let said = hunk.start.saturating_sub(1) as isize + grown;
            let Some(at) = find(lines, &hunk.old, said) else { return Fit::Nowhere };
            let new = hunk.new.iter().map(|line| line.to_string());
            lines.splice(at..at + hunk.old.len(), new);
            grown += hunk.new.len() as isize - hunk.old.len() as isize;
            match at as isize - said {
                0 => Fit::There,
                offset => Fit::Moved(offset),
            }
        })
        .collect()
}

/// Whether all of it is in the file already: each hunk's new lines stand there, and its old ones do not.
pub fn is_in(lines: &[String], hunks: &[Hunk]) -> bool {
    !hunks.is_empty()
        && hunks.iter().all(|hunk| {
            let near = hunk.start as isize;
            find(lines, &hunk.new, near).is_some() && find(lines, &hunk.old, near).is_none()
        })
}

/// Where these lines stand, nearest to `said`.
fn find(lines: &[String], wanted: &[&str], said: isize) -> Option<usize> {
    let last = lines.len().checked_sub(wanted.len())?;
    let is = |at: usize| lines[at..at + wanted.len()].iter().zip(wanted).all(|(line, wanted)| line == wanted);
    (0..=last).filter(|&at| is(at)).min_by_key(|&at| (at as isize - said).unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str =
        "Why: x\n\ndiff --git a/f b/f\n--- a/d/f\t2020\n+++ b/d/f\n@@ -2,3 +2,3 @@ int f()\n b\n-c\n+C\n d\n";

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_string).collect()
    }

    fn check(file: &str, fit: Fit, after: &str) {
        let patch = parse(PATCH);
        assert_eq!((patch.len(), patch[0].path), (1, "d/f"));
        assert_eq!(&PATCH[patch[0].hunks[0].head.clone()], "@@ -2,3 +2,3 @@");
        let mut lines = lines(file);
        assert_eq!(apply(&mut lines, &patch[0].hunks), [fit]);
        assert_eq!(lines.join("\n"), after.trim_end());
    }

    #[test]
    fn a_hunk_is_there_or_moved_or_nowhere() {
        check("a\nb\nc\nd\ne\n", Fit::There, "a\nb\nC\nd\ne\n");
        check("a\na\na\nb\nc\nd\n", Fit::Moved(2), "a\na\na\nb\nC\nd\n");
        check("b\nc\nd\n", Fit::Moved(-1), "b\nC\nd\n");
        check("a\nb\nx\nd\n", Fit::Nowhere, "a\nb\nx\nd\n");
    }

    #[test]
    fn what_is_in_already_is_told_from_what_only_does_not_fit() {
        let patch = parse(PATCH);
        assert!(is_in(&lines("a\nb\nC\nd\n"), &patch[0].hunks));
        assert!(!is_in(&lines("a\nb\nc\nd\n"), &patch[0].hunks));
        assert!(!is_in(&lines("a\nb\nx\nd\n"), &patch[0].hunks));
    }

    #[test]
    fn a_second_hunk_counts_from_where_the_first_left_off() {
        let patch = "--- a/f\n+++ b/f\n@@ -1,1 +1,2 @@\n a\n+new\n@@ -3,1 +4,1 @@\n-c\n+C\n";
        let mut file = lines("a\nb\nc\n");
        assert_eq!(apply(&mut file, &parse(patch)[0].hunks), [Fit::There, Fit::There]);
        assert_eq!(file.join(" "), "a new b C");
    }

    #[test]
    fn made_files_and_torn_patches_have_no_hunks_to_fit() {
        assert_eq!(parse("--- /dev/null\n+++ b/f\n@@ -0,0 +1 @@\n+x\n"), []);
        assert_eq!(parse("--- a/f\n+++ b/f\n@@ -1,5 +1,5 @@\n a\n")[0].hunks, []);
        assert_eq!(parse("@@ -1 +1 @@\n-a\n+b\n"), []);
    }
}
