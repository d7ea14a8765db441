//! Fixing: the safe edits of findings, file by file, until nothing safe is left.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kegs::fault::Text;

use super::finding::{Edit, Finding};
use super::registry::Mend;
use super::tap::Tap;
use crate::file;

/// One finding that was mended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    pub id: &'static str,
    pub path: PathBuf,
    pub line: usize,
    pub what: String,
}

/// Edits that touch one another wait for the next round; each round ends some findings. More is a lint that never rests.
const ROUNDS_MAX: usize = 8;

/// Applies the safe fixes of what `look` finds, then looks again, until it finds none. `look` loads the tap anew.
///
/// # Errors
/// A file that cannot be written: which, and why. What was written before stays: each file is whole.
pub fn fix(mut look: impl FnMut() -> (Tap, Vec<Finding>)) -> Result<Vec<Fixed>, String> {
    let mut fixed = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let (tap, findings) = look();
        let before = fixed.len();
        for (path, findings) in by_file(&findings) {
            apply(&tap, &path, &findings, &mut fixed)?;
        }
        if fixed.len() == before {
            break;
        }
    }
    Ok(fixed)
}

fn is_safe(finding: &&Finding) -> bool {
    finding.fix.is_some() && finding.lint.mend == Mend::Safe
}

/// Safe fixes whose edits are all in one file.
fn by_file(findings: &[Finding]) -> BTreeMap<PathBuf, Vec<&Finding>> {
    let mut files: BTreeMap<PathBuf, Vec<&Finding>> = BTreeMap::new();
    for finding in findings.iter().filter(is_safe) {
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits);
        if let Some(path) = edits.map(|edit| edit.path.clone()).next() {
            files.entry(path).or_default().push(finding);
        }
    }
    files
}

fn apply(tap: &Tap, path: &Path, findings: &[&Finding], fixed: &mut Vec<Fixed>) -> Result<(), String> {
    let whole = path.to_string_lossy();
    let Some(text) = tap.read(&whole) else { return Ok(()) };
    let mut edits: Vec<&Edit> = Vec::new();
    // Narrow edits first: the canonical form, which is one edit of the whole file, takes what they left.
    let mut ordered = findings.to_vec();
    ordered.sort_by_key(|finding| {
        finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span.len()).max()
    });
    for finding in ordered {
        let Some(fix) = &finding.fix else { continue };
        let fits = |edit: &Edit| {
            edit.path == path
                && edits
                    .iter()
                    .all(|other| edit.span.end < other.span.start || other.span.end < edit.span.start)
        };
        if !fix.edits.iter().all(fits) {
            continue;
        }
        edits.extend(&fix.edits);
        fixed.push(told(finding, &fix.what, path));
    }
    let written = edited(&text, edits);
    file::replace(&tap.root.join(path), written.as_bytes())
        .map_err(|error| format!("cannot write {whole}: {error}"))
}

fn told(finding: &Finding, what: &str, path: &Path) -> Fixed {
    let (line, _) = finding.fault.text.position(finding.fault.span.start);
    Fixed { id: finding.lint.id, path: path.to_path_buf(), line, what: what.to_string() }
}

/// From the end, so that places before stay right.
fn edited(text: &Text, mut edits: Vec<&Edit>) -> String {
    edits.sort_by_key(|edit| std::cmp::Reverse(edit.span.start));
    let mut content = text.content.to_string();
    for edit in edits {
        content.replace_range(edit.span.clone(), &edit.text);
    }
    content
}
