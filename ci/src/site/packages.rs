//! Packages: the parts of an image as its papers name them, and which of them moved between two images.

use std::collections::{BTreeMap, BTreeSet};

use assembler::papers::{Papers, Part, PartId};
use serde::Serialize;

use super::shown;

#[derive(Serialize)]
pub struct Package {
    pub name: String,
    pub kind: &'static str,
    pub version: String,
    pub license: Option<String>,
    pub summary: String,
    /// Where a page may lead.
    pub home: Option<String>,
    pub patches: Vec<String>,
}

#[derive(Serialize)]
pub struct Moved {
    pub name: String,
    pub old: String,
    pub new: String,
}

pub fn packages(papers: &Papers) -> Vec<Package> {
    papers.parts.values().map(package).collect()
}

fn package(part: &Part) -> Package {
    Package {
        name: name(&part.id),
        kind: part.id.kind(),
        version: shown(&part.version),
        license: part.license.as_deref().map(shown),
        summary: shown(&part.summary),
        home: part.home.clone().filter(|url| is_web(url)),
        patches: part.patches.iter().map(|patch| shown(patch)).collect(),
    }
}

/// `openssl@3`; of crates and packages of the seed without their version.
pub fn name(id: &PartId) -> String {
    match id {
        PartId::Keg { .. } => shown(&id.to_string()),
        PartId::Seed { name, .. } | PartId::Crate { name, .. } => shown(name),
    }
}

/// Nothing that a browser would run, and no letter that looks like another place.
fn is_web(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| rest.len() < 500 && rest.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// Kind and name to its versions: an image may hold several of a crate.
fn versions(papers: &Papers) -> BTreeMap<(&'static str, String), BTreeSet<String>> {
    let mut versions: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
    for part in papers.parts.values() {
        versions.entry((part.id.kind(), name(&part.id))).or_default().insert(shown(&part.version));
    }
    versions
}

pub fn moved(old: &Papers, new: &Papers) -> Vec<Moved> {
    let (old, new) = (versions(old), versions(new));
    let all: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let said = |versions: Option<&BTreeSet<String>>| {
        versions.map_or(String::new(), |all| all.iter().cloned().collect::<Vec<_>>().join(", "))
    };
    let differ = all.into_iter().filter(|id| old.get(id) != new.get(id));
    differ.map(|id| Moved { name: id.1.clone(), old: said(old.get(id)), new: said(new.get(id)) }).collect()
}
