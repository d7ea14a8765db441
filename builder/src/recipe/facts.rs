//! Facts: what people, reports and bots read. None of it reaches a key.

use std::collections::BTreeMap;

use kegs::fault::Faults;
use kegs::reader::{Named, OneOrMany, Place, Read, Table, Written};

use super::source::Url;
use super::words::{License, Reason};

/// `summary` and `license` are empty only where a fault says so.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    pub summary: String,
    pub license: String,
    /// Globs in the source tree, where the preset does not find the licence.
    pub license_files: Vec<String>,
    pub home: Option<String>,
    pub cpe: Option<String>,
    /// CVE to status (`fixed patches/x.patch`, `not-affected …`, `disputed`).
    pub cve: BTreeMap<String, String>,
    /// Lint to the reason why it is silent.
    pub allow: BTreeMap<String, String>,
    /// Who is asked to review.
    pub owners: Vec<String>,
}

/// Where new versions show.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Watch {
    pub github: Option<String>,
    pub git: Option<String>,
    pub page: Option<String>,
    pub debian: Option<String>,
    pub pattern: Option<String>,
    /// Only versions that begin with it.
    pub series: Option<String>,
    /// Which are stable, as `even-minor`.
    pub stable: Option<String>,
    pub ignore: Vec<String>,
    /// The reason why no version is proposed.
    pub hold: Option<String>,
}

impl Facts {
    pub fn take(table: &mut Table) -> Facts {
        Facts {
            summary: summary(table),
            license: license(table),
            license_files: table.or_default("license_files"),
            home: table.take("home"),
            cpe: cpe(table),
            cve: cve(table),
            allow: reasons(table.or_default("allow")),
            owners: table.or_default("owners"),
        }
    }
}

fn summary(table: &mut Table) -> String {
    let Some(summary) =
        table.need::<Written<String>>("summary", "one line: what it is, as `summary = \"…\"`")
    else {
        return String::new();
    };
    if summary.value.trim().is_empty() || summary.value.contains('\n') {
        table.fault(summary.span.clone(), "a summary is one line", "say what it is");
    }
    summary.value
}

fn license(table: &mut Table) -> String {
    table.need::<License>("license", "an SPDX expression, as `license = \"MIT\"`").unwrap_or_default().0
}

fn cpe(table: &mut Table) -> Option<String> {
    let cpe: Written<String> = table.take("cpe")?;
    if cpe.value.split(':').count() != 2 || cpe.value.split(':').any(str::is_empty) {
        table.fault(cpe.span.clone(), format!("`{}` is no vendor:product", cpe.value), "as \"f5:nginx\"");
    }
    Some(cpe.value)
}

const STATES: [&str; 3] = ["fixed", "not-affected", "disputed"];

fn cve(table: &mut Table) -> BTreeMap<String, String> {
    let all: Named<Written<Reason>> = table.or_default("cve");
    for (id, written) in all.iter() {
        if !id.starts_with("CVE-") {
            table.fault(written.span.clone(), format!("`{id}` is no CVE"), "as \"CVE-2026-1234\"");
        }
        let state = written.value.value.0.split_whitespace().next().unwrap_or_default();
        if !STATES.contains(&state) {
            let help = kegs::reader::meant(state, STATES);
            table.fault(written.value.span.clone(), format!("`{state}` is no status"), help);
        }
    }
    all.0.into_iter().map(|(id, written)| (id, written.value.value.0)).collect()
}

pub fn reasons(named: Named<Reason>) -> BTreeMap<String, String> {
    named.0.into_iter().map(|(name, reason)| (name, reason.value.0)).collect()
}

impl Read for Watch {
    fn read(at: &Place, faults: &mut Faults) -> Option<Watch> {
        let mut table = at.table("a table", faults)?;
        let watch = Watch {
            github: table.take("github"),
            git: table.take::<Url>("git").map(|url| url.0),
            page: table.take::<Url>("page").map(|url| url.0),
            debian: table.take("debian"),
            pattern: table.take("pattern"),
            series: table.take("series"),
            stable: table.take("stable"),
            ignore: table.or_default::<OneOrMany<String>>("ignore").0,
            hold: table.take::<Reason>("hold").map(|reason| reason.0),
        };
        table.close("in `watch`");
        Some(watch)
    }
}
