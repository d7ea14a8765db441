//! Faulty recipes and roles: `tests/faults/*.txt`, one fault each, with what is told of it and where.
//!
//! ```text
//! error[T01] recipes/t/recipe.toml:7:1: unknown key `patchs` …; did you mean `patches`?
//! === recipes/t/recipe.toml
//! …
//! «patchs = ["fix.patch"]
//! ```
//! `«` stands before the character that must be told; it is taken out before the text is read. In a file that is
//! `escaped`, `\xNN` is that byte. Each is laid over `tests/faults/tap`. `UPDATE_EXPECT=1` rewrites what is told, and
//! never the place.

use std::fs;
use std::path::{Path, PathBuf};

use builder::preset;
use kegs::Text;
use workbench::lint::{self, Finding, Ring, Tap};

struct Case {
    path: PathBuf,
    told: String,
    /// Path, and bytes as they stand in the case.
    files: Vec<(String, Vec<u8>)>,
}

/// Found in texts that are not about them.
const BESIDE: [&str; 4] = ["T02", "T03", "P07", "P09"];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/faults")
}

fn cases() -> Vec<Case> {
    let entries = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<_> = entries.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    paths.sort();
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Case {
    let text = fs::read_to_string(&path).unwrap();
    let mut parts = text.split("=== ");
    let told = parts.next().unwrap().to_string();
    let files = parts.map(|part| {
        let (head, body) = part.split_once('\n').unwrap();
        match head.strip_suffix(" escaped") {
            Some(name) => (name.to_string(), unescaped(body)),
            None => (head.to_string(), body.as_bytes().to_vec()),
        }
    });
    Case { files: files.collect(), path, told }
}

fn unescaped(body: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut pieces = body.split("\\x");
    bytes.extend(pieces.next().unwrap_or_default().bytes());
    for piece in pieces {
        bytes.push(u8::from_str_radix(&piece[..2], 16).unwrap());
        bytes.extend(piece[2..].bytes());
    }
    bytes
}

/// A fresh tap with the case laid over it; the marked place as `path:line:column`.
fn lay(case: &Case, tap: &Path) -> Option<String> {
    copy(&folder().join("tap"), tap);
    let mut marked = None;
    for (name, bytes) in &case.files {
        let mark = "«".as_bytes();
        let at = bytes.windows(mark.len()).position(|window| window == mark);
        let bytes = match at {
            Some(at) => [&bytes[..at], &bytes[at + mark.len()..]].concat(),
            None => bytes.clone(),
        };
        if let Some(at) = at {
            let before = String::from_utf8_lossy(&bytes[..at]).into_owned();
            let (line, column) = Text::new("x", &before).position(before.len());
            marked = Some(format!("{name}:{line}:{column}"));
        }
        let path = tap.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    marked
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to)
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn found(tap: &Path, case: &Case) -> Vec<Finding> {
    let text = fs::read_to_string(tap.join("toolchains/seed.toml")).unwrap();
    let profile = preset::profile("seed", &Text::new("seed.toml", &text)).unwrap();
    let tap = Tap::load(tap, profile, "x86_64");
    let about = case.path.file_stem().unwrap().to_string_lossy()[..3].to_uppercase();
    let mut found = lint::check(&tap, &[Ring::Text, Ring::Plan, Ring::Role]);
    found.retain(|finding| !BESIDE.contains(&finding.lint.id) || finding.lint.id == about);
    found
}

fn line(finding: &Finding) -> String {
    format!("{}[{}] {}\n", finding.lint.severity.name(), finding.lint.id, finding.fault)
}

#[test]
fn each_fault_is_told_at_its_character() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut wrong = Vec::new();
    let cases = cases();
    for case in &cases {
        let tap = tempfile::tempdir().unwrap();
        let marked = lay(case, tap.path());
        let told: String = found(tap.path(), case).iter().map(line).collect();
        let name = case.path.file_name().unwrap().to_string_lossy();
        let place = told.split_whitespace().nth(1).unwrap_or_default().trim_end_matches(':');
        if marked.as_deref() != Some(place) {
            wrong.push(format!("{name}: marked {marked:?}, told at {place:?}:\n{told}"));
        } else if told.lines().count() != 1 {
            wrong.push(format!("{name}: one fault is wanted:\n{told}"));
        } else if !told.contains(&format!("[{}]", name[..3].to_uppercase())) {
            wrong.push(format!("{name}: another lint told:\n{told}"));
        } else if told != case.told && !update {
            wrong.push(format!("{name}: wanted\n{}told\n{told}", case.told));
        }
        if update {
            rewrite(case, &told);
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= 100, "{} cases", cases.len());
}

fn rewrite(case: &Case, told: &str) {
    let text = fs::read_to_string(&case.path).unwrap();
    fs::write(&case.path, format!("{told}{}", &text[case.told.len()..])).unwrap();
}

/// The tap under the faults is without one: what is told is the case's own.
#[test]
fn the_tap_below_is_clean() {
    let case = Case { path: "none.txt".into(), told: String::new(), files: Vec::new() };
    let tap = tempfile::tempdir().unwrap();
    lay(&case, tap.path());
    let told: String = found(tap.path(), &case).iter().map(line).collect();
    assert_eq!(told, "");
}

/// Every lint of these rings that can be met without an image has a case; those that cannot are named, with the reason.
#[test]
fn every_lint_has_a_case() {
    // R01 and R04 need a composed image; T27 and others are met many times.
    let without = ["R01", "R04"];
    let names: Vec<String> = cases()
        .iter()
        .map(|case| case.path.file_stem().unwrap().to_string_lossy()[..3].to_uppercase())
        .collect();
    let rings = [Ring::Text, Ring::Plan, Ring::Role];
    let missing: Vec<&str> = lint::registry::all()
        .filter(|lint| rings.contains(&lint.ring()) && !without.contains(&lint.id))
        .map(|lint| lint.id)
        .filter(|id| !names.iter().any(|name| name == id))
        .collect();
    assert!(missing.is_empty(), "no case of {missing:?}");
}
