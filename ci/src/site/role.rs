//! A role's page: what a line held of it, as a table and as charts.

use serde::Serialize;

use super::chart::{self, Chart, POINTS_MAX, Point};
use super::read::{Channel, Listed};
use super::vulnerable::Checked;
use super::{short, shown, when};
use crate::channel::{Entry, History};
use crate::report::figure::{Unit, bytes, more, said};

/// Entries that a page shows; older ones are counted.
const ROWS_MAX: usize = POINTS_MAX;

/// An entry of a history as a row of a table.
#[derive(Serialize)]
pub struct Row {
    sha256: String,
    short: String,
    when: String,
    what: String,
    is_back: bool,
    commit: Option<String>,
    /// `None`: the image can't be read.
    figures: Option<Figures>,
    /// How many vulnerabilities are open; `None`: nobody asked.
    open: Option<usize>,
    /// The image that it followed.
    before: Option<String>,
}

#[derive(Serialize)]
pub struct Figures {
    root: String,
    moved: Option<String>,
    wire: String,
    kernel: String,
    files: Option<u64>,
    ready: Option<Samples>,
    ram: Option<Samples>,
}

/// The least of several: what is more is the machine's noise.
#[derive(Serialize)]
pub struct Samples {
    least: String,
    most: String,
    count: usize,
}

#[derive(Serialize)]
pub struct Page {
    line: String,
    role: String,
    held: Option<String>,
    rows: Vec<Row>,
    /// Entries that are older than the rows.
    older: usize,
    charts: Vec<Drawn>,
    /// Columns that are there where one row has something to say.
    has_boots: bool,
    has_commits: bool,
    asked: bool,
}

#[derive(Serialize)]
struct Drawn {
    title: &'static str,
    svg: String,
}

pub fn page(channel: &Channel, history: &History, checked: &Checked) -> Page {
    let older = history.entries.len().saturating_sub(ROWS_MAX);
    let rows = (older..history.entries.len()).rev().map(|at| row(channel, history, at, checked));
    Page {
        line: history.line.clone(),
        role: history.role.clone(),
        held: history.held.as_deref().map(shown),
        rows: rows.collect(),
        older,
        charts: charts(channel, history),
        has_boots: has_boots(channel, &history.entries),
        has_commits: history.entries.iter().any(|entry| entry.commit.is_some()),
        asked: checked.records.is_some(),
    }
}

pub fn has_boots(channel: &Channel, entries: &[Entry]) -> bool {
    let mut listed = entries.iter().filter_map(|entry| channel.images.get(&entry.sha256));
    listed.any(|listed| !listed.figures.ready_ms.is_empty())
}

/// One entry, beside the one before it.
pub fn row(channel: &Channel, history: &History, at: usize, checked: &Checked) -> Row {
    let entry = &history.entries[at];
    let before = at.checked_sub(1).map(|at| &history.entries[at].sha256);
    let before =
        before.filter(|before| **before != entry.sha256).and_then(|before| channel.images.get(before));
    let listed = channel.images.get(&entry.sha256);
    Row {
        sha256: entry.sha256.clone(),
        short: short(&entry.sha256).to_string(),
        when: when(&entry.when),
        what: shown(&entry.what),
        is_back: is_back(entry),
        commit: entry.commit.as_deref().map(|commit| shown(commit).chars().take(12).collect()),
        figures: listed.map(|listed| figures(listed, before)),
        open: checked.open(&entry.sha256),
        before: before.map(|before| before.sha256.clone()),
    }
}

fn is_back(entry: &Entry) -> bool {
    entry.what == "rolled back"
}

pub fn figures(listed: &Listed, before: Option<&Listed>) -> Figures {
    let moved = before.map(|before| listed.root_bytes() as i64 - before.root_bytes() as i64);
    Figures {
        root: bytes(listed.root_bytes()),
        moved: moved.map(|moved| if moved == 0 { "=".into() } else { more(Unit::Bytes, moved) }),
        wire: bytes(listed.wire_bytes()),
        kernel: bytes(listed.kernel_bytes()),
        files: listed.files,
        ready: samples(Unit::Milliseconds, &listed.figures.ready_ms),
        ram: samples(Unit::Bytes, &listed.figures.ram_bytes),
    }
}

fn samples(unit: Unit, all: &[u64]) -> Option<Samples> {
    let (least, most) = (*all.iter().min()?, *all.iter().max()?);
    Some(Samples { least: said(unit, least), most: said(unit, most), count: all.len() })
}

/// Of a line's roots, for the page of all lines.
pub fn spark(channel: &Channel, history: &History) -> Option<String> {
    let listed = history.entries.iter().filter_map(|entry| channel.images.get(&entry.sha256));
    chart::spark(&listed.map(Listed::root_bytes).collect::<Vec<_>>())
}

fn charts(channel: &Channel, history: &History) -> Vec<Drawn> {
    type Of = fn(&Listed) -> &[u64];
    let mut charts = Vec::new();
    let mut draw = |id, title, unit, points: Vec<Point>| {
        if points.len() > 1 {
            let svg = chart::line(&Chart { id, title, unit, points: &points });
            charts.extend(svg.map(|svg| Drawn { title, svg }));
        }
    };
    draw("root", "Root on disk", Unit::Bytes, points(channel, history, |listed| vec![listed.root_bytes()]));
    draw(
        "wire",
        "Root on the wire",
        Unit::Bytes,
        points(channel, history, |listed| vec![listed.wire_bytes()]),
    );
    let samples: [(_, _, _, Of); 2] = [
        ("ready", "From kernel start to ready", Unit::Milliseconds, |listed| &listed.figures.ready_ms),
        ("ram", "RAM in use when ready", Unit::Bytes, |listed| &listed.figures.ram_bytes),
    ];
    for (id, title, unit, of) in samples {
        draw(id, title, unit, points(channel, history, |listed| of(listed).to_vec()));
    }
    charts
}

fn points(channel: &Channel, history: &History, samples: impl Fn(&Listed) -> Vec<u64>) -> Vec<Point> {
    let point = |entry: &Entry| {
        let samples = samples(channel.images.get(&entry.sha256)?);
        let (value, high) = (*samples.iter().min()?, *samples.iter().max()?);
        Some(Point { at_s: entry.when_s(), value, high, is_back: is_back(entry) })
    };
    history.entries.iter().filter_map(point).collect()
}
