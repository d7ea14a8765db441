//! Vulnerabilities: an OSV export beside an image's papers. The export is a file that somebody brought; nothing is asked.
//!
//! ```text
//! FILE (json, jsonl, zip, folder) --records--> Record --names--> whom it may speak of --range--> whether of this version
//!                                                    recipe's `cve` statuses --> Finding
//! ```
//! Which names and versions can be compared, and which can't, is in docs/papers.md. A record that names a part of ours and
//! gives only commits is counted as unsure, never as harmless. Every record is hostile text: bounded, and one at a time.

mod names;
mod osv;
mod range;
mod records;
mod severity;
#[cfg(test)]
mod tests;
pub mod vex;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use assembler::papers::{Papers, PartId};

use names::Names;
use osv::{Affected, Record};
use range::Answer;
pub use records::RecordsError;
pub use severity::Severity;

/// What stands against a part, from all records that speak of the same vulnerability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The CVE where there is one, else the record's own id.
    pub id: String,
    /// The records' ids.
    pub records: BTreeSet<String>,
    pub part: PartId,
    pub version: String,
    pub state: State,
    /// `None`: nobody rated it.
    pub severity: Option<Severity>,
    /// Versions that have it mended, as the records say.
    pub fixed: BTreeSet<String>,
    /// By which of a part's names the records were found: `purl`, `ecosystem`, `repository`, `cpe`.
    pub by: BTreeSet<&'static str>,
    pub summary: String,
}

/// In the order in which they are told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    Open,
    /// The record gives commits, or versions that have no order.
    Unsure,
    /// The recipe says so, with its reason.
    Disputed(String),
    Fixed(String),
    NotAffected(String),
}

#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Open ones first, then by severity, part, id.
    pub findings: Vec<Finding>,
    /// Records read.
    pub records: u64,
    /// Records that are none, where they stand; the first few.
    pub damaged: Vec<String>,
    pub damaged_count: u64,
}

/// As many as are told one by one.
const DAMAGED_MAX: usize = 5;
/// Of one text that is shown.
const SUMMARY_MAX_CHARS: usize = 200;

impl State {
    pub fn word(&self) -> &'static str {
        match self {
            State::Open => "open",
            State::Unsure => "unsure",
            State::Disputed(_) => "disputed",
            State::Fixed(_) => "fixed",
            State::NotAffected(_) => "not-affected",
        }
    }

    pub fn reason(&self) -> Option<&str> {
        match self {
            State::Open | State::Unsure => None,
            State::Disputed(reason) | State::Fixed(reason) | State::NotAffected(reason) => Some(reason),
        }
    }

    /// As a recipe writes it: `fixed patches/x.patch`.
    fn of_recipe(text: &str) -> State {
        let (word, reason) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
        let reason = reason.trim().to_string();
        match word {
            "fixed" => State::Fixed(reason),
            "disputed" => State::Disputed(reason),
            _ => State::NotAffected(reason),
        }
    }
}

/// Reads every record of the files once.
///
/// # Errors
/// A file that cannot be read or is of no known form. A record that is none is told in the report.
pub fn check(papers: &Papers, files: &[impl AsRef<Path>]) -> Result<Report, RecordsError> {
    Ok(check_all(std::slice::from_ref(papers), files)?.pop().unwrap_or_default())
}

/// The same of many papers, a report each, all of which count the same records.
///
/// # Errors
/// As `check`.
pub fn check_all(papers: &[Papers], files: &[impl AsRef<Path>]) -> Result<Vec<Report>, RecordsError> {
    let names: Vec<Names> = papers.iter().map(Names::of).collect();
    let mut read = Report::default();
    let mut found: Vec<BTreeMap<(String, PartId), Finding>> = vec![BTreeMap::new(); papers.len()];
    for file in files {
        records::each(file.as_ref(), &mut |place, bytes| match osv::parse(bytes) {
            Ok(records) => {
                for record in records {
                    read.records += 1;
                    for ((papers, names), found) in papers.iter().zip(&names).zip(&mut found) {
                        judge(papers, names, &record, found);
                    }
                }
            }
            Err(error) => {
                read.damaged_count += 1;
                if read.damaged.len() < DAMAGED_MAX {
                    read.damaged.push(format!("{place}: {error}"));
                }
            }
        })?;
    }
    let report = |found: BTreeMap<_, _>| Report { findings: sorted(found), ..read.clone() };
    Ok(found.into_iter().map(report).collect())
}

fn sorted(found: BTreeMap<(String, PartId), Finding>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = found.into_values().collect();
    findings.sort_by(|a, b| {
        let key = |finding: &Finding| (finding.state.word() != "open", finding.state.clone());
        (key(a), b.severity, &a.part, &a.id).cmp(&(key(b), a.severity, &b.part, &b.id))
    });
    findings
}

fn judge(papers: &Papers, names: &Names, record: &Record, found: &mut BTreeMap<(String, PartId), Finding>) {
    if record.withdrawn.is_some() {
        return;
    }
    for affected in &record.affected {
        for (id, by) in names.meant(affected) {
            let Some(part) = papers.parts.get(&id) else { continue };
            let state = match range::affects(affected, part, by) {
                Answer::Yes => State::Open,
                Answer::Unsure => State::Unsure,
                Answer::No => continue,
            };
            let said = record.ids().find_map(|id| part.cve.get(id));
            let state = said.map_or(state, |said| State::of_recipe(said));
            let finding = Finding {
                id: record.called(),
                records: [record.id.clone()].into(),
                part: id.clone(),
                version: part.version.clone(),
                state,
                severity: severity::of(record, affected),
                fixed: fixed(affected),
                by: [by].into(),
                summary: record.summary(SUMMARY_MAX_CHARS),
            };
            join(found, finding);
        }
    }
}

/// Two records of one vulnerability are one finding: the worse of each word holds.
fn join(found: &mut BTreeMap<(String, PartId), Finding>, new: Finding) {
    let Some(known) = found.get_mut(&(new.id.clone(), new.part.clone())) else {
        found.insert((new.id.clone(), new.part.clone()), new);
        return;
    };
    known.records.extend(new.records);
    known.by.extend(new.by);
    known.fixed.extend(new.fixed);
    known.severity = known.severity.max(new.severity);
    known.state = known.state.clone().min(new.state);
    if known.summary.is_empty() {
        known.summary = new.summary;
    }
}

fn fixed(affected: &Affected) -> BTreeSet<String> {
    let ranges = affected.ranges.iter().filter(|range| range.kind != "GIT");
    ranges.flat_map(|range| &range.events).filter_map(|event| event.fixed.clone()).collect()
}
