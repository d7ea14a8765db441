//! Vulnerabilities: records beside the parts of every image of a channel, read once; and which images each of them touches.
//!
//! A thousand images have few distinct parts: those are laid into *layers*, in each of which a part's name stands once, so that
//! each record is compared with as many papers as one keg had versions, and not with a thousand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use assembler::papers::{Papers, PartId};
use rayon::prelude::*;
use serde::Serialize;
use workbench::cve::{self, Finding, RecordsError, State};

use super::packages;
use super::read::{self, Channel};
use super::{short, shown};
use crate::channel::Folder;

/// Images that are named one by one.
const IMAGES_MAX: usize = 50;
/// Of the whole page; the worst stand first.
pub const ROWS_MAX: usize = 5_000;

/// What was asked, and what is known of it.
#[derive(Default)]
pub struct Checked {
    /// `None`: no records were given.
    pub records: Option<u64>,
    pub damaged: u64,
    pub found: Vec<Found>,
    /// By image: places in `found`.
    by_image: BTreeMap<String, Vec<usize>>,
}

pub struct Found {
    pub finding: Finding,
    /// By the sha256 of their documents.
    pub images: BTreeSet<String>,
}

#[derive(Serialize)]
pub struct Row {
    /// Of the page's element.
    anchor: String,
    id: String,
    severity: &'static str,
    state: &'static str,
    reason: Option<String>,
    part: String,
    version: String,
    fixed: String,
    summary: String,
    newest: Vec<Place>,
    older: Vec<Place>,
    more: usize,
}

#[derive(Serialize)]
struct Place {
    sha256: String,
    name: String,
}

pub fn check(folder: &Folder, channel: &Channel, db: &[PathBuf]) -> Result<Checked, RecordsError> {
    if db.is_empty() {
        return Ok(Checked::default());
    }
    let images: Vec<&read::Listed> = channel.images.values().collect();
    // Papers that can't be read are told by the image's own page.
    let papers: Vec<Option<Papers>> =
        images.par_iter().map(|listed| read::papers(folder, listed, &mut Vec::new())).collect();
    let mut layers = Layers::default();
    for (listed, papers) in images.iter().zip(papers) {
        papers.into_iter().for_each(|papers| layers.add(&listed.sha256, papers));
    }
    layers.check(db)
}

#[derive(Default)]
struct Layers {
    papers: Vec<Papers>,
    images: BTreeMap<(usize, PartId), BTreeSet<String>>,
}

impl Layers {
    fn add(&mut self, sha256: &str, papers: Papers) {
        let kernel = papers.kernel.clone();
        for (id, part) in papers.parts {
            let fits = |layer: &Papers| layer.parts.get(&id).is_none_or(|there| *there == part);
            let at = self.papers.iter().position(fits).unwrap_or(self.papers.len());
            if at == self.papers.len() {
                self.papers.push(empty());
            }
            let layer = &mut self.papers[at];
            if kernel.as_ref() == Some(&id) {
                layer.kernel = kernel.clone();
            }
            layer.parts.insert(id.clone(), part);
            self.images.entry((at, id)).or_default().insert(sha256.to_string());
        }
    }

    fn check(self, db: &[PathBuf]) -> Result<Checked, RecordsError> {
        let reports = cve::check_all(&self.papers, db)?;
        let mut checked = Checked { records: Some(0), ..Checked::default() };
        for (at, report) in reports.into_iter().enumerate() {
            (checked.records, checked.damaged) = (Some(report.records), report.damaged_count);
            for finding in report.findings {
                let images = self.images.get(&(at, finding.part.clone())).cloned().unwrap_or_default();
                checked.found.push(Found { finding, images });
            }
        }
        checked.found.sort_by(|a, b| order(&a.finding).cmp(&order(&b.finding)));
        for (at, found) in checked.found.iter().enumerate() {
            for sha256 in &found.images {
                checked.by_image.entry(sha256.clone()).or_default().push(at);
            }
        }
        Ok(checked)
    }
}

fn empty() -> Papers {
    Papers {
        name: String::new(),
        summary: String::new(),
        digest: kegs::Digest::of(b""),
        kernel: None,
        parts: BTreeMap::new(),
        files: Vec::new(),
        texts: BTreeMap::new(),
    }
}

/// Open ones first, the worst first.
fn order(finding: &Finding) -> impl Ord + '_ {
    (&finding.state, std::cmp::Reverse(finding.severity), &finding.id, &finding.part, &finding.version)
}

impl Checked {
    pub fn of_image<'a>(&'a self, sha256: &str) -> impl Iterator<Item = &'a Found> + use<'a> {
        self.by_image.get(sha256).into_iter().flatten().map(|at| &self.found[*at])
    }

    /// How many are open; `None`: nobody asked.
    pub fn open(&self, sha256: &str) -> Option<usize> {
        self.records?;
        Some(self.of_image(sha256).filter(|found| found.finding.state == State::Open).count())
    }

    pub fn rows(&self, channel: &Channel) -> Vec<Row> {
        let newest = newest(channel);
        self.found
            .iter()
            .take(ROWS_MAX)
            .enumerate()
            .map(|(at, found)| row(at, found, channel, &newest))
            .collect()
    }
}

fn row(at: usize, found: &Found, channel: &Channel, newest: &BTreeMap<&str, Vec<String>>) -> Row {
    let listed = found.images.iter().filter_map(|sha256| channel.images.get(sha256));
    let (mut new, mut old) = (Vec::new(), Vec::new());
    for listed in listed {
        match newest.get(listed.sha256.as_str()) {
            Some(lines) => new.extend(lines.iter().map(|line| place(&listed.sha256, line.clone()))),
            None => {
                old.push(place(&listed.sha256, format!("{} {}", listed.image.role, short(&listed.sha256))))
            }
        }
    }
    let more = old.len().saturating_sub(IMAGES_MAX);
    old.truncate(IMAGES_MAX);
    let told = told(&found.finding);
    Row { anchor: format!("found-{at}"), newest: new, older: old, more, ..told }
}

fn place(sha256: &str, name: String) -> Place {
    Place { sha256: sha256.to_string(), name }
}

/// The newest images, by which they are in which lines.
fn newest(channel: &Channel) -> BTreeMap<&str, Vec<String>> {
    let mut newest: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for history in &channel.histories {
        if let Some(entry) = history.newest() {
            newest.entry(&entry.sha256).or_default().push(format!("{}/{}", history.line, history.role));
        }
    }
    newest
}

/// A finding without its images.
pub fn told(finding: &Finding) -> Row {
    Row {
        anchor: String::new(),
        id: shown(&finding.id),
        severity: finding.severity.map_or("unrated", cve::Severity::word),
        state: finding.state.word(),
        reason: finding.state.reason().map(shown),
        part: packages::name(&finding.part),
        version: shown(&finding.version),
        fixed: finding.fixed.iter().map(|version| shown(version)).collect::<Vec<_>>().join(", "),
        summary: shown(&finding.summary),
        newest: Vec::new(),
        older: Vec::new(),
        more: 0,
    }
}
