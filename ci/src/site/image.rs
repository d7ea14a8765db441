//! An image's page: its figures, where it stands, what differs from the image before it, its contents, papers and parts.

use assembler::treemap::{self, Title};
use assembler::{ImageTree, Kind, diff, size};
use serde::Serialize;
use serde_json::{Value, json};

use super::packages::{self, Moved, Package};
use super::read::{Channel, Detail, Listed};
use super::role::{self, Figures};
use super::vulnerable::{self, Checked};
use super::{data, pages, short, shown, timeline, when};
use crate::report::figure::{Unit, bytes, more};

/// Rows of one table; a page is read, and its channel has the whole.
const ROWS_MAX: usize = 500;
const KEGS_MAX: usize = 20;

pub struct Page {
    pub html: String,
    pub treemap: String,
    /// What moved since the image before it, where something did.
    pub difference: Option<String>,
    pub data: String,
}

#[derive(Serialize)]
struct Told<'a> {
    sha256: &'a str,
    short: &'a str,
    role: &'a str,
    published: String,
    commit: Option<String>,
    root_sha256: &'a str,
    kernel_sha256: &'a str,
    figures: Figures,
    ports: Vec<String>,
    stands: Vec<Stand>,
    asked: bool,
    findings: Vec<vulnerable::Row>,
    more_findings: usize,
    differs: Option<Differs>,
    tree: Option<Tree>,
    packages: Vec<Package>,
    timeline: Option<String>,
    spans: Vec<Value>,
    provenance: Option<Provenance>,
    parts: Vec<PartRow>,
    debug: Vec<PartRow>,
    faults: Vec<String>,
}

#[derive(Serialize)]
struct Stand {
    line: String,
    role: String,
    when: String,
    what: String,
    is_newest: bool,
}

#[derive(Serialize)]
struct Differs {
    sha256: String,
    short: String,
    packages: Vec<Moved>,
    files: Vec<Change>,
    more: usize,
    moved: String,
    is_read: bool,
    is_drawn: bool,
}

#[derive(Serialize)]
struct Change {
    path: String,
    what: &'static str,
    old: String,
    new: String,
    moved: String,
    how: String,
}

#[derive(Serialize)]
struct Tree {
    total: String,
    kegs: Vec<Share>,
    files: Vec<File>,
    more: usize,
}

#[derive(Serialize)]
struct Share {
    name: String,
    bytes: String,
    percent: String,
    files: usize,
}

#[derive(Serialize)]
struct File {
    path: String,
    bytes: String,
    mode: String,
    reason: String,
}

#[derive(Serialize)]
struct Provenance {
    facts: Vec<(&'static str, String)>,
    actions: Vec<(String, String)>,
    materials: Vec<(String, String)>,
    more: usize,
}

#[derive(Serialize)]
struct PartRow {
    name: String,
    media: String,
    bytes: String,
    kept: String,
    sha256: String,
    path: String,
}

/// All that the page says beyond what the image's document, by its digest, says once and for all.
pub fn told(channel: &Channel, listed: &Listed, checked: &Checked) -> String {
    let findings: Vec<_> = findings(listed, checked).collect();
    let figures = (listed.files, &listed.figures);
    let stands = stands(channel, listed);
    json!([listed.sha256, listed.before, stands, figures, checked.records.is_some(), findings]).to_string()
}

fn findings<'a>(listed: &Listed, checked: &'a Checked) -> impl Iterator<Item = vulnerable::Row> + use<'a> {
    checked.of_image(&listed.sha256).map(|found| vulnerable::told(&found.finding))
}

pub fn page(
    channel: &Channel,
    listed: &Listed,
    detail: &Detail,
    before: Option<&(&Listed, Detail)>,
    checked: &Checked,
) -> Page {
    let image = &listed.image;
    let (debug, parts): (Vec<_>, Vec<_>) = image
        .parts
        .iter()
        .map(|(name, part)| part_row(name, part))
        .partition(|part| part.name.starts_with("debug/"));
    let mut told = Told {
        sha256: &listed.sha256,
        short: short(&listed.sha256),
        role: &image.role,
        published: when(&image.published),
        commit: image.commit.as_deref().map(shown),
        root_sha256: &image.root_sha256,
        kernel_sha256: &image.kernel_sha256,
        figures: role::figures(listed, before.map(|(before, _)| *before)),
        ports: listed.figures.ports.iter().map(port).collect(),
        stands: stands(channel, listed),
        asked: checked.records.is_some(),
        findings: findings(listed, checked).take(ROWS_MAX).collect(),
        more_findings: findings(listed, checked).count().saturating_sub(ROWS_MAX),
        differs: before.map(|(before, was)| differs(before, was, detail)),
        tree: detail.tree.as_ref().map(tree),
        packages: detail.papers.iter().flat_map(packages::packages).collect(),
        timeline: timeline::svg(&detail.spans),
        spans: detail.spans.iter().map(span).collect(),
        provenance: detail.statement.as_ref().map(provenance),
        parts,
        debug,
        faults: detail.faults.iter().map(|fault| shown(fault)).collect(),
    };
    let difference = before.and_then(|(_, was)| moved(listed, was, detail));
    told.differs.iter_mut().for_each(|differs| differs.is_drawn = difference.is_some());
    Page {
        html: pages::render("image.html", "../", told),
        treemap: picture(listed, detail),
        difference,
        data: data::image(listed, detail),
    }
}

/// Without a tree an empty one: the file is there for every image.
fn picture(listed: &Listed, detail: &Detail) -> String {
    let tree = detail.tree.as_ref().cloned().unwrap_or_default();
    let size = size(&tree, 0);
    let count: usize = size.kegs.iter().map(|keg| keg.files).sum();
    let name = format!("{} {}", listed.image.role, short(&listed.sha256));
    treemap::svg(&tree, &Title { name, totals: format!("{} in {count} files", bytes(size.total_bytes)) })
}

/// The same of what moved.
fn moved(listed: &Listed, was: &Detail, now: &Detail) -> Option<String> {
    let difference = diff(was.tree.as_ref()?, now.tree.as_ref()?);
    let moved: i64 = difference.changes().map(diff::Change::delta_bytes).sum();
    let name = format!("{} {}: what moved", listed.image.role, short(&listed.sha256));
    treemap::difference(&difference, &Title { name, totals: more(Unit::Bytes, moved) })
}

fn stands(channel: &Channel, listed: &Listed) -> Vec<Stand> {
    let stand = |(at, place): &(usize, usize)| {
        let history = &channel.histories[*at];
        let entry = &history.entries[*place];
        Stand {
            line: history.line.clone(),
            role: history.role.clone(),
            when: when(&entry.when),
            what: shown(&entry.what),
            is_newest: *place + 1 == history.entries.len(),
        }
    };
    listed.stands.iter().map(stand).collect()
}

fn port(port: &Value) -> String {
    shown(&port.as_str().map_or_else(|| port.to_string(), str::to_string))
}

fn differs(before: &Listed, was: &Detail, now: &Detail) -> Differs {
    let trees = was.tree.as_ref().zip(now.tree.as_ref());
    let difference = trees.map(|(old, new)| diff(old, new));
    let changes: Vec<_> = difference.iter().flat_map(|difference| difference.changes()).collect();
    let moved: i64 = changes.iter().map(|change| change.delta_bytes()).sum();
    let papers = was.papers.as_ref().zip(now.papers.as_ref());
    Differs {
        sha256: before.sha256.clone(),
        short: short(&before.sha256).to_string(),
        packages: papers.map(|(old, new)| packages::moved(old, new)).unwrap_or_default(),
        more: changes.len().saturating_sub(ROWS_MAX),
        files: changes.iter().take(ROWS_MAX).map(|change| changed(change)).collect(),
        moved: more(Unit::Bytes, moved),
        is_read: difference.is_some(),
        is_drawn: false,
    }
}

fn changed(change: &diff::Change) -> Change {
    let is_there = |what| change.what != what;
    Change {
        path: shown(&format!("/{}", change.path)),
        what: change.what.word(),
        old: if is_there(diff::What::Added) { bytes(change.old_bytes) } else { String::new() },
        new: if is_there(diff::What::Removed) { bytes(change.new_bytes) } else { String::new() },
        moved: if change.delta_bytes() == 0 { "=".into() } else { more(Unit::Bytes, change.delta_bytes()) },
        how: shown(&change.how.join(", ")),
    }
}

fn tree(tree: &ImageTree) -> Tree {
    let size = size(tree, ROWS_MAX);
    let percent = |bytes: u64| format!("{:.1} %", 100.0 * bytes as f64 / size.total_bytes.max(1) as f64);
    let count = tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File(_))).count();
    let file = |share: &assembler::size::Share| {
        let node = tree.get(&share.name);
        File {
            path: shown(&format!("/{}", share.name)),
            bytes: bytes(share.bytes),
            mode: node.map_or(String::new(), |node| format!("{:04o} {}:{}", node.mode, node.uid, node.gid)),
            reason: node.map_or(String::new(), |node| shown(&node.reason.to_string())),
        }
    };
    Tree {
        total: bytes(size.total_bytes),
        kegs: size
            .kegs
            .iter()
            .take(KEGS_MAX)
            .map(|keg| Share {
                name: shown(&keg.name),
                bytes: bytes(keg.bytes),
                percent: percent(keg.bytes),
                files: keg.files,
            })
            .collect(),
        files: size.files.iter().map(file).collect(),
        more: count.saturating_sub(ROWS_MAX),
    }
}

fn span(span: &timeline::Span) -> Value {
    let seconds = |us: u64| format!("{:.1} s", us as f64 / 1e6);
    json!({ "name": span.name, "from": seconds(span.from_us), "length": seconds(span.length_us) })
}

/// SLSA's words to ours.
fn provenance(statement: &Value) -> Provenance {
    let predicate = &statement["predicate"];
    let (definition, run) = (&predicate["buildDefinition"], &predicate["runDetails"]);
    let text = |value: &Value| shown(value.as_str().unwrap_or_default());
    let facts = [
        ("Kind of build", text(&definition["buildType"])),
        ("Toolchain", text(&definition["externalParameters"]["toolchain"])),
        ("Builder", text(&run["builder"]["id"])),
        ("rootbrew", text(&run["builder"]["version"]["rootbrew"])),
    ];
    let actions = definition["internalParameters"]["actions"].as_object();
    let materials = definition["resolvedDependencies"].as_array().map(Vec::as_slice).unwrap_or_default();
    let material = |value: &Value| {
        let place = [&value["uri"], &value["name"]].into_iter().map(text).find(|text| !text.is_empty());
        let digest = [&value["digest"]["sha256"], &value["digest"]["gitCommit"]].into_iter().map(text);
        (place.unwrap_or_default(), digest.into_iter().find(|text| !text.is_empty()).unwrap_or_default())
    };
    Provenance {
        facts: facts.into_iter().filter(|(_, said)| !said.is_empty()).collect(),
        actions: actions
            .into_iter()
            .flatten()
            .take(ROWS_MAX)
            .map(|(name, key)| (shown(name), text(key)))
            .collect(),
        materials: materials.iter().take(ROWS_MAX).map(material).collect(),
        more: materials.len().saturating_sub(ROWS_MAX),
    }
}

fn part_row(name: &str, part: &crate::channel::Part) -> PartRow {
    let kept = part.packed.as_ref().map_or(String::new(), |packed| format!("{} as zstd", bytes(packed.size)));
    PartRow {
        name: shown(name),
        media: shown(&part.media),
        bytes: bytes(part.size),
        kept,
        sha256: part.sha256.clone(),
        path: part.path(),
    }
}
