//! A unified diff, applied to files in memory as `patch -p1 --fuzz=0` would: every line of a hunk must stand there, but
//! perhaps some lines further up or down.
//!
//! ```text
//! diff --git a/x b/x      ignored, as all outside of hunks but:
//! --- a/x                 the file before, `/dev/null` where it is made
//! +++ b/x                 the file after, `/dev/null` where it is removed
//! @@ -10,3 +10,4 @@ what  three lines before from the tenth, four after
//!  same
//! -before
//! +after
//! ```
//! Our own, since what we ask (how far off was it, and does it stand there already) no crate answers.

use std::collections::BTreeMap;

/// Files by path; `None`: it is not there.
pub type Files = BTreeMap<String, Option<Vec<u8>>>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patch {
    pub files: Vec<FilePatch>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilePatch {
    /// Without the first folder. The same twice but for what is made or removed.
    pub old: Option<String>,
    pub new: Option<String>,
    pub hunks: Vec<Hunk>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// The line of the patch that its `@@` stands on, from 0.
    pub at: usize,
    pub old_start: usize,
    pub new_start: usize,
    pub before: Vec<Vec<u8>>,
    pub after: Vec<Vec<u8>>,
}

/// Which hunk does not stand where it should: counted from 1, in this file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    #[error("line {line}: {what}")]
    Syntax { line: usize, what: &'static str },
    #[error("hunk {hunk} of {file} (line {line} of the source before) does not apply")]
    Hunk { file: String, hunk: usize, line: usize },
    #[error("{0} is not in the source")]
    NoFile(String),
    #[error("{0} is in the source already")]
    Exists(String),
    #[error("`{0}` leaves the source tree")]
    Leaves(String),
}

/// How far off each hunk was: its line in the patch, and where it stands now.
pub type Moves = Vec<(usize, usize, usize)>;

pub fn parse(text: &[u8]) -> Result<Patch, PatchError> {
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let (mut files, mut at) = (Vec::<FilePatch>::new(), 0);
    while at < lines.len() {
        let syntax = |what| PatchError::Syntax { line: at + 1, what };
        if lines[at].starts_with(b"GIT binary patch") {
            return Err(syntax("a binary patch: only a build can tell whether it fits"));
        }
        if lines[at].starts_with(b"--- ") && lines.get(at + 1).is_some_and(|line| line.starts_with(b"+++ ")) {
            files.push(FilePatch { old: path(lines[at])?, new: path(lines[at + 1])?, hunks: Vec::new() });
            at += 2;
        } else if lines[at].starts_with(b"@@ -") {
            let file = files.last_mut().ok_or_else(|| syntax("a hunk of no file"))?;
            let (hunk, next) = hunk(&lines, at)?;
            file.hunks.push(hunk);
            at = next;
        } else {
            at += 1;
        }
    }
    if files.iter().all(|file| file.hunks.is_empty()) {
        return Err(PatchError::Syntax { line: 1, what: "no hunk of a unified diff is in it" });
    }
    Ok(Patch { files })
}

/// The path after `--- ` or `+++ `, up to a tab, without its first folder; `None`: `/dev/null`.
fn path(line: &[u8]) -> Result<Option<String>, PatchError> {
    let text = String::from_utf8_lossy(&line[4..]);
    let text = text.split(['\t', '\n', '\r']).next().unwrap_or_default().trim_end();
    if text == "/dev/null" {
        return Ok(None);
    }
    let inner = text.split_once('/').map_or(text, |(_, inner)| inner);
    let leaves = inner.starts_with('/') || inner.split('/').any(|part| part == "..");
    if leaves { Err(PatchError::Leaves(text.to_string())) } else { Ok(Some(inner.to_string())) }
}

fn hunk(lines: &[&[u8]], at: usize) -> Result<(Hunk, usize), PatchError> {
    let syntax = |line: usize, what| PatchError::Syntax { line: line + 1, what };
    let head = String::from_utf8_lossy(lines[at]);
    let (old, new) = ranges(&head).ok_or_else(|| syntax(at, "not `@@ -a,b +c,d @@`"))?;
    let mut hunk = Hunk { at, old_start: old.0, new_start: new.0, before: Vec::new(), after: Vec::new() };
    let mut next = at + 1;
    while hunk.before.len() < old.1 || hunk.after.len() < new.1 {
        let line = *lines.get(next).ok_or_else(|| syntax(next, "the hunk is cut short"))?;
        let rest = line.get(1..).unwrap_or_default().to_vec();
        match line.first() {
            Some(b' ') => {
                hunk.before.push(rest.clone());
                hunk.after.push(rest);
            }
            Some(b'-') => hunk.before.push(rest),
            Some(b'+') => hunk.after.push(rest),
            // Mail programs cut blanks at the end of a line, also the only one.
            Some(b'\n') => {
                hunk.before.push(line.to_vec());
                hunk.after.push(line.to_vec());
            }
            Some(b'\\') => unfinished(&mut hunk, lines[next - 1]),
            _ => return Err(syntax(next, "neither ` `, `-` nor `+`")),
        }
        next += 1;
    }
    if lines.get(next).is_some_and(|line| line.starts_with(b"\\")) {
        unfinished(&mut hunk, lines[next - 1]);
        next += 1;
    }
    Ok((hunk, next))
}

/// `\ No newline at end of file`: of the line above.
fn unfinished(hunk: &mut Hunk, above: &[u8]) {
    let cut = |lines: &mut Vec<Vec<u8>>| {
        if let Some(last) = lines.last_mut().filter(|last| last.ends_with(b"\n")) {
            last.pop();
        }
    };
    if !above.starts_with(b"+") {
        cut(&mut hunk.before);
    }
    if !above.starts_with(b"-") {
        cut(&mut hunk.after);
    }
}

/// `@@ -a,b +c,d @@` to ((a, b), (c, d)); a missing count is 1.
fn ranges(head: &str) -> Option<((usize, usize), (usize, usize))> {
    let mut words = head.split(' ').skip(1);
    let mut range = |sign: char| {
        let word = words.next()?.strip_prefix(sign)?.trim_end();
        let (start, count) = word.split_once(',').unwrap_or((word, "1"));
        Some((start.parse().ok()?, count.parse().ok()?))
    };
    Some((range('-')?, range('+')?))
}

impl Patch {
    /// Every file that it reads.
    pub fn reads(&self) -> impl Iterator<Item = &str> {
        self.files.iter().flat_map(|file| file.old.iter().chain(&file.new)).map(String::as_str)
    }

    /// What it would take back.
    pub fn reversed(&self) -> Patch {
        let hunk = |hunk: &Hunk| Hunk {
            at: hunk.at,
            old_start: hunk.new_start,
            new_start: hunk.old_start,
            before: hunk.after.clone(),
            after: hunk.before.clone(),
        };
        let file = |file: &FilePatch| FilePatch {
            old: file.new.clone(),
            new: file.old.clone(),
            hunks: file.hunks.iter().map(hunk).collect(),
        };
        Patch { files: self.files.iter().map(file).collect() }
    }

    /// Changes `files`, or (on an error) nothing of them.
    pub fn apply(&self, files: &mut Files) -> Result<Moves, PatchError> {
        let mut changed = Files::new();
        let mut moves = Moves::new();
        for file in self.files.iter().filter(|file| !file.hunks.is_empty()) {
            let Some(path) = file.old.as_ref().or(file.new.as_ref()) else { continue };
            let content = changed.get(path).or(files.get(path)).cloned().flatten();
            let content = match (content, &file.old) {
                (Some(content), None) if !content.is_empty() => return Err(PatchError::Exists(path.clone())),
                (None, Some(_)) => return Err(PatchError::NoFile(path.clone())),
                (content, _) => content.unwrap_or_default(),
            };
            let after = file.apply(path, &content, &mut moves)?;
            changed.insert(path.clone(), file.new.as_ref().map(|_| after));
        }
        files.extend(changed);
        Ok(moves)
    }
}

impl FilePatch {
    fn apply(&self, path: &str, content: &[u8], moves: &mut Moves) -> Result<Vec<u8>, PatchError> {
        let mut lines: Vec<&[u8]> = content.split_inclusive(|byte| *byte == b'\n').collect();
        // Behind what was changed already; `moved`: the last hunk's way off, the next one's likeliest.
        let (mut from, mut moved, mut grown) = (0, 0_isize, 0_isize);
        for (count, hunk) in self.hunks.iter().enumerate() {
            // A hunk without old lines stands after its line, another at it.
            let start = hunk.old_start.saturating_sub(usize::from(!hunk.before.is_empty()));
            let likely = start.saturating_add_signed(moved + grown);
            let found = find(&lines, &hunk.before, likely, from).ok_or_else(|| PatchError::Hunk {
                file: path.to_string(),
                hunk: count + 1,
                line: hunk.old_start,
            })?;
            let old_line = (found as isize - grown) as usize + usize::from(!hunk.before.is_empty());
            let new_line = found + usize::from(!hunk.after.is_empty());
            moves.push((hunk.at, old_line, new_line));
            moved = found as isize - grown - start as isize;
            grown += hunk.after.len() as isize - hunk.before.len() as isize;
            drop(lines.splice(found..found + hunk.before.len(), hunk.after.iter().map(Vec::as_slice)));
            from = found + hunk.after.len();
        }
        Ok(lines.concat())
    }
}

/// The place nearest to `likely`, not before `from`, where `wanted` stands.
fn find(lines: &[&[u8]], wanted: &[Vec<u8>], likely: usize, from: usize) -> Option<usize> {
    let last = lines.len().checked_sub(wanted.len()).filter(|last| *last >= from)?;
    let stands =
        |at: &usize| lines[*at..*at + wanted.len()].iter().zip(wanted).all(|(line, wanted)| line == wanted);
    if wanted.is_empty() {
        return (likely >= from && likely <= last).then_some(likely);
    }
    (from..=last).filter(stands).min_by_key(|at| at.abs_diff(likely))
}

/// The patch with its hunks' line numbers as they are now; all else as it was. `None`: they were right.
pub fn refreshed(text: &[u8], moves: &Moves) -> Option<Vec<u8>> {
    let mut lines: Vec<Vec<u8>> = text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let mut changed = None;
    for (at, old, new) in moves {
        let head = String::from_utf8_lossy(&lines[*at]).into_owned();
        let renumbered = renumbered(&head, *old, *new)?;
        if renumbered != head {
            lines[*at] = renumbered.into_bytes();
            changed = Some(());
        }
    }
    changed.map(|()| lines.concat())
}

fn renumbered(head: &str, old: usize, new: usize) -> Option<String> {
    let (ranges, rest) = head.strip_prefix("@@ -")?.split_once(" @@")?;
    let (before, after) = ranges.split_once(" +")?;
    let count = |range: &str| range.split_once(',').map(|(_, count)| format!(",{count}")).unwrap_or_default();
    Some(format!("@@ -{old}{} +{new}{} @@{rest}", count(before), count(after)))
}
