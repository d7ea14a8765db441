//! The index of a line's kegs.
//!
//! ```text
//! {"format":1,"line":"edge",
//!  "entries":[{"key":"895f…/161","keg":"zlib 1.3.2","output":"1c3a…/412","debug":"77d0…/96","wall_s":4.25,"top":"0a0b…","sources":["39ca…/128711"]}],
//!  "packs":{"1c3a…/412":{"sha256":…,"size":86905,"bytes":241491}},
//!  "plans":[{"role":"web","root_sha256":…,"entries":[0,3,4]}]}
//! ```
//! Entries stand sorted by key. A plan says which of them an image was made of; entries that no plan names are not here. A
//! tree without a pack is known and can't be brought: the seed's, which comes from its own places; its root `Directory` is
//! `top`, as keys need it. Read after its bytes were proven, and still not believed to be well-formed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use kegs::{Digest, Outcome};
use serde::{Deserialize, Serialize};

use super::super::error::{Result, wrong};
use super::super::line::is_sha256;

/// 13,000 kegs: on this tap's, one takes 620 bytes with its packs.
pub const INDEX_MAX_BYTES: u64 = 8 << 20;
const FORMAT: u32 = 1;
/// A tree of more is no keg of ours.
const TREE_MAX_BYTES: u64 = 64 << 30;

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Index {
    pub format: u32,
    pub line: String,
    pub entries: Vec<Entry>,
    /// By tree.
    pub packs: BTreeMap<String, Pack>,
    /// Of each role the newest last.
    pub plans: Vec<Plan>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    pub key: String,
    /// For people.
    pub keg: String,
    pub output: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub debug: Option<String>,
    pub wall_s: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top: Option<String>,
    /// Of which no recipe writes how long they are: without that there is no key.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    pub sha256: String,
    pub size: u64,
    /// Of what it unpacks to.
    pub bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    pub role: String,
    pub root_sha256: String,
    /// Places in `entries`.
    pub entries: Vec<usize>,
}

/// An index as it is asked: by key, by tree.
#[derive(Debug, Default)]
pub struct Known {
    pub outcomes: HashMap<Digest, (Outcome, String, Option<Vec<u8>>)>,
    pub packs: HashMap<Digest, Pack>,
    /// Of sources.
    pub sizes: HashMap<[u8; 32], u64>,
}

impl Index {
    pub fn new(line: &str) -> Index {
        Index { format: FORMAT, line: line.into(), ..Index::default() }
    }

    pub fn read(place: &str, bytes: &[u8]) -> Result<Index> {
        let index: Index = serde_json::from_slice(bytes).map_err(|error| wrong(place, error.to_string()))?;
        let is_sound = |pack: &Pack| is_sha256(&pack.sha256) && pack.size.max(pack.bytes) <= TREE_MAX_BYTES;
        let is_there = |plan: &Plan| plan.entries.iter().all(|&at| at < index.entries.len());
        let ok = index.format == FORMAT
            && index.packs.iter().all(|(tree, pack)| tree.parse::<Digest>().is_ok() && is_sound(pack))
            && index.entries.iter().all(|entry| entry.outcome().is_some())
            && index.plans.iter().all(is_there);
        if ok { Ok(index) } else { Err(wrong(place, "is no index of kegs of format 1")) }
    }

    /// For who asks it again and again.
    pub fn known(self) -> Known {
        let packs = self.packs.into_iter().filter_map(|(tree, pack)| Some((tree.parse().ok()?, pack)));
        let sources = self.entries.iter().flat_map(|entry| &entry.sources);
        let sizes = sources.filter_map(|source| source.parse().ok());
        let sizes = sizes.map(|source: Digest| (source.sha256, source.size_bytes)).collect();
        let outcomes = self.entries.into_iter().filter_map(|entry| {
            let (key, outcome) = entry.outcome()?;
            Some((key, (outcome, entry.keg, entry.top.and_then(|top| hex_bytes(&top)))))
        });
        Known { outcomes: outcomes.collect(), packs: packs.collect(), sizes }
    }

    /// Sorted entries, and neither entries nor packs that no plan has use for.
    pub fn tidy(self) -> Index {
        let used: BTreeSet<usize> = self.plans.iter().flat_map(|plan| plan.entries.iter().copied()).collect();
        let mut order: Vec<usize> = used.into_iter().collect();
        order.sort_by(|&a, &b| self.entries[a].key.cmp(&self.entries[b].key));
        let places: HashMap<usize, usize> = order.iter().enumerate().map(|(new, &old)| (old, new)).collect();
        let entries: Vec<Entry> = order.iter().map(|&at| self.entries[at].clone()).collect();
        let trees: BTreeSet<&String> =
            entries.iter().flat_map(|entry| [&entry.output].into_iter().chain(&entry.debug)).collect();
        let packs = self.packs.into_iter().filter(|(tree, _)| trees.contains(tree)).collect();
        let place = |plan: Plan| {
            let mut entries: Vec<usize> = plan.entries.iter().map(|at| places[at]).collect();
            entries.sort_unstable();
            entries.dedup();
            Plan { entries, ..plan }
        };
        Index { packs, plans: self.plans.into_iter().map(place).collect(), entries, ..self }
    }
}

impl Entry {
    /// The key, and what it came to; `None` of what is no digest.
    pub fn outcome(&self) -> Option<(Digest, Outcome)> {
        let debug = self.debug.as_ref().map(|debug| debug.parse().ok());
        let outcome = Outcome {
            output: self.output.parse().ok()?,
            debug: debug.map_or(Some(None), |debug| debug.map(Some))?,
            wall_s: self.wall_s,
        };
        Some((self.key.parse().ok()?, outcome))
    }
}

pub fn hex_text(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).ok());
    pairs.map(|pair| u8::from_str_radix(pair?, 16).ok()).collect()
}
