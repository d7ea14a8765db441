//! Findings of lints, drawn or as JSON, and their sum.

use serde_json::{Value, json};
use workbench::lint::fix::Fixed;
use workbench::lint::{Finding, Severity};

use super::{data, faults, talk};

pub fn print(found: &[Finding], as_json: bool) {
    for finding in found {
        if as_json {
            data(&line(finding).to_string());
        } else {
            talk(faults::draw(&finding.fault, severity(finding)).trim_end());
        }
    }
}

/// `fixed   recipes/zlib/recipe.toml:3   T12 writes …`.
pub fn fixed(one: &Fixed, as_json: bool) {
    let file = one.path.display();
    if as_json {
        let line = json!({ "event": "fixed", "id": one.id, "file": file.to_string(), "line": one.line, "what": one.what });
        data(&line.to_string());
    } else {
        super::event("fixed", &format!("{file}:{}", one.line), &format!(" {} {}", one.id, one.what));
    }
}

/// `lint    3 errors, 1 warning, 2 to know`, or that there is nothing.
pub fn sum(found: &[Finding]) -> String {
    let count = |severity| found.iter().filter(|finding| finding.lint.severity == severity).count();
    let told = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Info, "hint")];
    let parts = told.iter().map(|(severity, name)| (count(*severity), name)).filter(|(count, _)| *count > 0);
    let parts: Vec<String> =
        parts.map(|(count, name)| format!("{count} {name}{}", if count == 1 { "" } else { "s" })).collect();
    format!("lint    {}", if parts.is_empty() { "no finding".into() } else { parts.join(", ") })
}

fn severity(finding: &Finding) -> miette::Severity {
    match finding.lint.severity {
        Severity::Error => miette::Severity::Error,
        Severity::Warning => miette::Severity::Warning,
        Severity::Info => miette::Severity::Advice,
    }
}

fn line(finding: &Finding) -> Value {
    let fault = &finding.fault;
    let (line, column) = fault.text.position(fault.span.start);
    let (end_line, end_column) = fault.text.position(fault.span.end);
    json!({
        "event": "finding",
        "id": finding.lint.id,
        "name": finding.lint.name,
        "severity": finding.lint.severity.name(),
        "file": fault.text.path.display().to_string(),
        "line": line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
        "message": fault.message,
        "label": fault.label,
        "help": fault.help,
        "fix": finding.fix.as_ref().map(|fix| &fix.what),
    })
}
