//! SARIF 2.1.0: findings as a forge's code scanning reads them.
//!
//! Positions count from 1. Columns count UTF-16 code units (`columnKind`), which is SARIF's default and what GitHub's
//! upload assumes; paths are relative to the tap, `%SRCROOT%`. A result needs `ruleId`, `level`, `message` and a
//! location with `startLine`: sarif-v2.1.0-os, 3.27 and 3.30.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use kegs::fault::Text;
use serde_json::{Value, json};

use super::finding::{Edit, Finding};
use super::registry::{self, Lint, Severity};
use super::tap::Tap;

/// One run with every rule of the registry; `version` is the program's own.
pub fn sarif(tap: &Tap, findings: &[Finding], version: &str) -> Value {
    let rules: Vec<Value> = registry::all().map(rule).collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(tap, finding)).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "rootbrew", "version": version, "rules": rules } },
            "columnKind": "utf16CodeUnits",
            "originalUriBaseIds": { "%SRCROOT%": { "description": { "text": "the tap" } } },
            "results": results,
        }],
    })
}

fn rule(lint: &Lint) -> Value {
    json!({
        "id": lint.id,
        "name": lint.name,
        "shortDescription": { "text": lint.what },
        "fullDescription": { "text": lint.why },
        "help": { "text": super::page::explain(lint) },
        "defaultConfiguration": { "level": level(lint) },
    })
}

fn level(lint: &Lint) -> &'static str {
    match lint.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "note",
    }
}

fn result(tap: &Tap, finding: &Finding) -> Value {
    let fault = &finding.fault;
    let told = [Some(fault.message.clone()), fault.help.clone()].into_iter().flatten().collect::<Vec<_>>();
    let mut result = json!({
        "ruleId": finding.lint.id,
        "ruleIndex": registry::all().position(|lint| lint == finding.lint),
        "level": level(finding.lint),
        "message": { "text": told.join("; ") },
        "locations": [{ "physicalLocation": {
            "artifactLocation": place(fault.text.path()),
            "region": region(&fault.text, &fault.span),
        } }],
        // Moves with its line's text and not with its number: a forge tells old findings from new ones by it.
        "partialFingerprints": { "primaryLocationLineHash": fingerprint(finding) },
    });
    if let Some(fix) = &finding.fix {
        result["fixes"] =
            json!([{ "description": { "text": fix.what }, "artifactChanges": changes(tap, &fix.edits) }]);
    }
    result
}

fn place(path: &Path) -> Value {
    json!({ "uri": path.to_string_lossy().replace(' ', "%20"), "uriBaseId": "%SRCROOT%" })
}

fn region(text: &Text, span: &Range<usize>) -> Value {
    let (start_line, start_column) = position(text, span.start);
    let (end_line, end_column) = position(text, span.end);
    json!({ "startLine": start_line, "startColumn": start_column, "endLine": end_line, "endColumn": end_column })
}

/// Line, and column in UTF-16 code units; both from 1.
fn position(text: &Text, byte: usize) -> (usize, usize) {
    let (line, column) = text.position(byte);
    let begin = text.content.lines().nth(line - 1).unwrap_or_default();
    (line, begin.chars().take(column - 1).map(char::len_utf16).sum::<usize>() + 1)
}

fn fingerprint(finding: &Finding) -> String {
    let fault = &finding.fault;
    let (line, _) = fault.text.position(fault.span.start);
    let line = fault.text.content.lines().nth(line - 1).unwrap_or_default();
    let words = format!("{} {} {}", finding.lint.id, fault.text.path().display(), line.trim());
    kegs::Digest::of(words.as_bytes()).to_string()
}

fn changes(tap: &Tap, edits: &[Edit]) -> Vec<Value> {
    let mut files: BTreeMap<&Path, Vec<Value>> = BTreeMap::new();
    for edit in edits {
        let Some(text) = tap.read(&edit.path.to_string_lossy()) else { continue };
        let replacement =
            json!({ "deletedRegion": region(&text, &edit.span), "insertedContent": { "text": edit.text } });
        files.entry(&edit.path).or_default().push(replacement);
    }
    let change =
        |(path, replacements)| json!({ "artifactLocation": place(path), "replacements": replacements });
    files.into_iter().map(change).collect()
}
