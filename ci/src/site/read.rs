//! Reading: what a channel's proven metadata name, as its pages need it. Every byte is hashed before it is looked at, and even
//! then only bounded and typed things come out. What can't be read is a fault that is told, never the end of the site.

use std::collections::{BTreeMap, BTreeSet};

use assembler::papers::{Papers, cyclonedx};
use assembler::{ImageTree, text};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use trust::dsse;

use super::timeline::{self, Span};
use crate::channel::{self, Entry, Folder, History, Image, Part, Place, State};

/// A text twin of a hundred thousand paths has 20 MB.
const PART_MAX_BYTES: u64 = 64 << 20;
/// Samples of one image that are told.
const SAMPLES_MAX: usize = 64;
const PORTS_MAX: usize = 64;

pub struct Channel {
    pub version: u64,
    pub expires: String,
    /// By line, then role.
    pub histories: Vec<History>,
    /// By the sha256 of their documents.
    pub images: BTreeMap<String, Listed>,
    pub faults: Vec<String>,
}

/// An image, with what is read of each on every run.
pub struct Listed {
    pub sha256: String,
    pub image: Image,
    /// `None`: its `facts.json` says nothing.
    pub files: Option<u64>,
    pub figures: Figures,
    /// Where it stands: the place of its history and of its entry there, in time's order.
    pub stands: Vec<(usize, usize)>,
    /// The image that was the newest before it came, where it came first.
    pub before: Option<String>,
}

/// What boots of it came to: `figures.json`.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    pub ready_ms: Vec<u64>,
    pub ram_bytes: Vec<u64>,
    pub ports: Vec<Value>,
}

#[derive(Deserialize)]
struct Facts {
    files: u64,
}

/// What only an image's own page needs.
#[derive(Default)]
pub struct Detail {
    pub tree: Option<ImageTree>,
    pub papers: Option<Papers>,
    /// in-toto's, its signature proven.
    pub statement: Option<Value>,
    pub spans: Vec<Span>,
    pub faults: Vec<String>,
}

impl Listed {
    pub fn root_bytes(&self) -> u64 {
        self.image.parts.get("root.erofs").map_or(0, |part| part.size)
    }

    pub fn wire_bytes(&self) -> u64 {
        self.image.parts.get("root.erofs").map_or(0, |part| part.blob().1)
    }

    pub fn kernel_bytes(&self) -> u64 {
        self.image.parts.get("vmlinuz").map_or(0, |part| part.size)
    }
}

impl Figures {
    fn bounded(mut self) -> Figures {
        self.ready_ms.truncate(SAMPLES_MAX);
        self.ram_bytes.truncate(SAMPLES_MAX);
        self.ports.truncate(PORTS_MAX);
        self
    }
}

pub fn channel(folder: &Folder, state: &State) -> Channel {
    let mut channel = Channel {
        version: state.timestamp.version,
        expires: trust::print_time(state.timestamp.expires_s),
        histories: Vec::new(),
        images: BTreeMap::new(),
        faults: Vec::new(),
    };
    let trusted = channel::lines(state).into_iter().filter(|(line, role)| is_trusted(state, line, role));
    for (line, role) in trusted.collect::<BTreeSet<_>>() {
        match channel::history(folder, state, &line, &role) {
            // The name by which it was asked for, whatever it says itself.
            Ok(history) => channel.histories.push(History { line, role, ..history }),
            Err(error) => channel.faults.push(error.to_string()),
        }
    }
    for at in 0..channel.histories.len() {
        let mut faults = images(folder, &channel.histories[at], &mut channel.images);
        channel.faults.append(&mut faults);
    }
    stand(&mut channel);
    channel
}

/// A role signs what it was trusted with, and the names can be a page's.
fn is_trusted(state: &State, line: &str, role: &str) -> bool {
    let path = format!("{line}/{role}/history.json");
    let patterns = state.delegation(role).map(|delegation| delegation.paths.as_slice()).unwrap_or_default();
    [line, role].into_iter().all(trust::is_role_name)
        && patterns.iter().any(|pattern| trust::matches(pattern, &path))
}

fn images(folder: &Folder, history: &History, images: &mut BTreeMap<String, Listed>) -> Vec<String> {
    let mut faults = Vec::new();
    for entry in &history.entries {
        if images.contains_key(&entry.sha256) {
            continue;
        }
        match listed(folder, history, entry, &mut faults) {
            Ok(listed) => drop(images.insert(entry.sha256.clone(), listed)),
            Err(fault) => faults.push(fault),
        }
    }
    faults
}

fn listed(
    folder: &Folder,
    history: &History,
    entry: &Entry,
    faults: &mut Vec<String>,
) -> Result<Listed, String> {
    let History { line, role, .. } = history;
    let path = format!("targets/{line}/{role}/{}.image.json", entry.sha256);
    let bytes = proven(folder, &path, &entry.sha256, entry.size)?;
    let image = Image::read(&path, &bytes).map_err(|error| error.to_string())?;
    if image.role != *role {
        return Err(format!("{path} is an image of `{}`", image.role));
    }
    let facts: Option<Facts> = json(folder, &image, "facts.json", faults);
    let figures: Option<Figures> = json(folder, &image, "figures.json", faults);
    Ok(Listed {
        sha256: entry.sha256.clone(),
        files: facts.map(|facts| facts.files),
        figures: figures.unwrap_or_default().bounded(),
        image,
        stands: Vec::new(),
        before: None,
    })
}

/// Where each image stands, and what was the newest before it where it came first.
fn stand(channel: &mut Channel) {
    let mut stands: BTreeMap<&str, Vec<(&str, bool, usize, usize)>> = BTreeMap::new();
    for (at, history) in channel.histories.iter().enumerate() {
        for (place, entry) in history.entries.iter().enumerate() {
            // At the same second, where it was made comes before where it was promoted to.
            let stand = (entry.when.as_str(), entry.what != "published", at, place);
            stands.entry(&entry.sha256).or_default().push(stand);
        }
    }
    for (sha256, mut stands) in stands {
        stands.sort();
        let Some(listed) = channel.images.get_mut(sha256) else { continue };
        listed.stands = stands.iter().map(|(_, _, at, place)| (*at, *place)).collect();
        let (at, place) = listed.stands[0];
        let earlier = &channel.histories[at].entries[..place];
        listed.before = earlier.last().map(|entry| entry.sha256.clone());
    }
}

pub fn detail(folder: &Folder, state: &State, listed: &Listed) -> Detail {
    let (image, mut faults) = (&listed.image, Vec::new());
    let tree = read(folder, image, "tree.txt", &mut faults, |bytes| {
        let twin = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
        text::parse(twin).map_err(|error| error.to_string())
    });
    let statement =
        read(folder, image, "provenance.json", &mut faults, |bytes| statement(state, &image.role, bytes));
    let spans = read(folder, image, "trace.json", &mut faults, timeline::read).unwrap_or_default();
    Detail { papers: papers(folder, listed, &mut faults), tree, statement, spans, faults }
}

pub fn papers(folder: &Folder, listed: &Listed, faults: &mut Vec<String>) -> Option<Papers> {
    read(folder, &listed.image, "image.cdx.json", faults, cyclonedx::read)
}

/// Signed by who may sign the role's lines.
fn statement(state: &State, role: &str, envelope: &[u8]) -> Result<Value, String> {
    let delegation = state.delegation(role).ok_or_else(|| format!("nobody is trusted with `{role}`"))?;
    let keys = state.targets.get("targets").map(|targets| targets.keys.clone()).unwrap_or_default();
    let payload = dsse::open("the envelope", envelope, dsse::IN_TOTO, &keys, &delegation.grant);
    serde_json::from_slice(&payload.map_err(|error| error.to_string())?).map_err(|error| error.to_string())
}

fn json<T: for<'d> Deserialize<'d>>(
    folder: &Folder,
    image: &Image,
    name: &str,
    faults: &mut Vec<String>,
) -> Option<T> {
    read(folder, image, name, faults, |bytes| {
        serde_json::from_slice(bytes).map_err(|error| error.to_string())
    })
}

/// A part as `understand` has it; `None`: it is not there, or it is no such thing, which is a fault.
fn read<T>(
    folder: &Folder,
    image: &Image,
    name: &str,
    faults: &mut Vec<String>,
    understand: impl Fn(&[u8]) -> Result<T, String>,
) -> Option<T> {
    let part = image.parts.get(name)?;
    let read = of_part(folder, part).and_then(|bytes| understand(&bytes));
    let fault = |what: String| format!("{}: {name}: {what}", image.role);
    read.map_err(|what| faults.push(fault(what))).ok()
}

fn of_part(folder: &Folder, part: &Part) -> Result<Vec<u8>, String> {
    match (&part.packed, part.size) {
        (Some(_), _) => Err("is packed, which it never is".to_string()),
        (None, PART_MAX_BYTES..) => Err(format!("has {} bytes: too many to be shown", part.size)),
        (None, size) => proven(folder, &part.path(), &part.sha256, size),
    }
}

fn proven(folder: &Folder, path: &str, sha256: &str, size: u64) -> Result<Vec<u8>, String> {
    let bytes = folder.get(path, size.min(PART_MAX_BYTES)).map_err(|error| error.to_string())?;
    match bytes {
        None => Err(format!("{path} is not there")),
        Some(bytes) if trust::sha256(&bytes) == sha256 => Ok(bytes),
        Some(_) => Err(format!("{path} is cut short or changed: its sha256 is another")),
    }
}
