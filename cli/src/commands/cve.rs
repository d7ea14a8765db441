//! `rootbrew cve`: an export of vulnerabilities beside what is in a role's image.

use std::path::PathBuf;

use serde_json::json;
use workbench::cve::{self, Finding, Report, Severity, State, vex};

use crate::context::Context;
use crate::terminal::{self, data, talk};
use crate::trouble::{Result, Trouble};
use crate::work::papers;

#[derive(Debug, clap::Args)]
pub struct Wish {
    pub role: String,
    /// Records of OSV: a .json, .jsonl or .zip, or a folder of them; may be given more than once
    #[arg(long, value_name = "FILE", required = true)]
    pub db: Vec<PathBuf>,
    /// Exit 1 when something open is this bad or worse, or rated by nobody
    #[arg(long, value_enum, value_name = "SEVERITY")]
    pub fail_on: Option<FailOn>,
    /// Show too what the recipes say is mended, not affected or disputed, and what cannot be compared
    #[arg(long)]
    pub all: bool,
    /// Write what is found and what recipes say of it as OpenVEX
    #[arg(long, value_name = "FILE")]
    pub vex: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum FailOn {
    Low,
    Medium,
    High,
    Critical,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let told = papers::of_role(context, &wish.role)?;
    let report = cve::check(&told.papers, &wish.db).map_err(|error| Trouble::Failed(error.to_string()))?;
    let shown =
        report.findings.iter().filter(|finding| wish.all || context.json || finding.state == State::Open);
    let files = |finding: &Finding| -> Vec<String> {
        let own = told.papers.files_of(Some(&finding.part)).count();
        let holders = told.papers.holders(&finding.part).map(|(file, _)| format!("/{}", file.path));
        (own > 0).then(|| format!("{own} of its own")).into_iter().chain(holders).collect()
    };
    for finding in shown {
        match context.json {
            true => data(&object(finding, &files(finding)).to_string()),
            false => table(finding, &files(finding)),
        }
    }
    if let Some(path) = &wish.vex {
        terminal::write(path, &vex::print(&told.papers, &report))?;
    }
    sum_up(&wish.role, &report);
    end(&report, wish.fail_on)
}

fn table(finding: &Finding, files: &[String]) {
    let severity = finding.severity.map_or("unrated", Severity::word);
    data(&format!(
        "{:<17}{:<9}{:<13}{} {}  {}",
        finding.id,
        severity,
        finding.state.word(),
        finding.part,
        finding.version,
        finding.summary
    ));
    if let Some(reason) = finding.state.reason() {
        data(&format!("{:17}the recipe says: {reason}", ""));
    }
    if !finding.fixed.is_empty() {
        data(&format!(
            "{:17}mended in: {}",
            "",
            finding.fixed.iter().cloned().collect::<Vec<_>>().join(", ")
        ));
    }
    data(&format!("{:17}inside: {}", "", files.join(", ")));
}

fn object(finding: &Finding, files: &[String]) -> serde_json::Value {
    json!({
        "id": finding.id,
        "records": finding.records,
        "part": finding.part.to_string(),
        "version": finding.version,
        "state": finding.state.word(),
        "reason": finding.state.reason(),
        "severity": finding.severity.map(Severity::word),
        "fixed": finding.fixed,
        "by": finding.by,
        "files": files,
        "summary": finding.summary,
    })
}

fn sum_up(role: &str, report: &Report) {
    let count = |word: &str| report.findings.iter().filter(|finding| finding.state.word() == word).count();
    let words = ["open", "unsure", "disputed", "fixed", "not-affected"];
    let counts: Vec<String> = words.iter().map(|word| format!("{} {word}", count(word))).collect();
    talk(&format!("cve     {role}: {} records read; {}", report.records, counts.join(", ")));
    report.damaged.iter().for_each(|what| talk(&format!("error: no record of OSV: {what}")));
}

fn end(report: &Report, fail_on: Option<FailOn>) -> Result<()> {
    if report.damaged_count > 0 {
        let what = format!(
            "{} of the file's records could not be read: the answer is not whole",
            report.damaged_count
        );
        return Err(Trouble::Failed(what));
    }
    let Some(limit) = fail_on else { return Ok(()) };
    let limit = match limit {
        FailOn::Low => Severity::Low,
        FailOn::Medium => Severity::Medium,
        FailOn::High => Severity::High,
        FailOn::Critical => Severity::Critical,
    };
    // What nobody rated may be anything.
    let is_bad = |finding: &&Finding| {
        finding.state == State::Open && finding.severity.is_none_or(|severity| severity >= limit)
    };
    match report.findings.iter().filter(is_bad).count() {
        0 => Ok(()),
        count => Err(Trouble::Failed(format!("{count} open, {} or worse or unrated", limit.word()))),
    }
}
