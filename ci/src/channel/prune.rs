//! Pruning: histories forget by a policy, then what nothing names is removed.
//!
//! Two steps, so that a death between them leaves too much and never too little: first the channel is changed as any
//! publisher changes it, then, alone, files are removed that neither it nor a taker of a moment ago asks for.

use std::collections::BTreeSet;

use super::error::{ChannelError, Result};
use super::kegs;
use super::keyring::Keyring;
use super::line::{self, Entry, History};
use super::publish::{Desk, history};
use super::shelf::{Filed, Shelf};
use super::state::{Life, State};

/// What is kept. Of each line and role always the newest, whatever this says.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// So many of the newest.
    pub keep: usize,
    /// And all that were the newest within so long.
    pub keep_s: u64,
    /// Files that are younger stay, named or not: a taker may be under way.
    pub grace_s: u64,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    pub entries: usize,
    pub files: usize,
    pub bytes: u64,
}

pub fn prune(shelf: &dyn Shelf, keys: &Keyring, policy: Policy, life: Life, now_s: u64) -> Result<Pruned> {
    let entries = loop {
        match forget(shelf, keys, policy, life, now_s) {
            Err(ChannelError::Lost { .. }) => {}
            forgotten => break forgotten?,
        }
    };
    let _alone = shelf.alone()?;
    let state = State::open(shelf, &keys.trusted(), now_s)?;
    let named = named(shelf, &state)?;
    shelf.sweep()?;
    let mut pruned = Pruned { entries, ..Pruned::default() };
    for Filed { path, size, age_s } in shelf.list()? {
        if !named.contains(&path) && age_s >= policy.grace_s {
            shelf.remove(&path)?;
            pruned.files += 1;
            pruned.bytes += size;
        }
    }
    Ok(pruned)
}

fn forget(shelf: &dyn Shelf, keys: &Keyring, policy: Policy, life: Life, now_s: u64) -> Result<usize> {
    let mut desk = Desk::open(shelf, keys, life, now_s)?;
    let mut forgotten = 0;
    let mut held = BTreeSet::new();
    for (line, role) in lines(desk.state()) {
        let history = desk.history(&line, &role)?;
        let entries = kept(&history, policy, now_s);
        held.extend(entries.iter().map(|entry| (role.clone(), entry.root_sha256.clone())));
        if entries.len() < history.entries.len() {
            forgotten += history.entries.len() - entries.len();
            desk.rewrite(History { entries, ..history })?;
        }
    }
    kegs::forget(&mut desk, &|role, root_sha256| held.contains(&(role.into(), root_sha256.into())))?;
    desk.commit()?;
    Ok(forgotten)
}

/// An entry was the newest until the next one came.
fn kept(history: &History, policy: Policy, now_s: u64) -> Vec<Entry> {
    let count = history.entries.len();
    let until = |at: usize| history.entries.get(at + 1).map_or(u64::MAX, Entry::when_s);
    let stays =
        |at: usize| at + policy.keep.max(1) >= count || until(at).saturating_add(policy.keep_s) > now_s;
    (0..count).filter(|&at| stays(at)).map(|at| history.entries[at].clone()).collect()
}

/// Every line and role that has a history.
pub fn lines(state: &State) -> Vec<(String, String)> {
    let roles = state.targets.iter().filter(|(role, _)| *role != "targets");
    let of_role = roles.flat_map(|(role, targets)| targets.targets.keys().map(move |path| (path, role)));
    of_role
        .filter_map(|(path, role)| {
            let line = path.strip_suffix(&format!("/{role}/history.json"))?;
            Some((line.to_string(), role.clone()))
        })
        .collect()
}

/// Every file that the channel as it is asks for.
fn named(shelf: &dyn Shelf, state: &State) -> Result<BTreeSet<String>> {
    let mut named: BTreeSet<String> =
        ["metadata/root.json", "metadata/timestamp.json"].map(str::to_string).into();
    named.extend((1..=state.root.version).map(|version| format!("metadata/{version}.root.json")));
    named.insert(format!("metadata/{}.snapshot.json", state.timestamp.snapshot.version));
    named.extend(state.snapshot.meta.iter().map(|(name, meta)| format!("metadata/{}.{name}", meta.version)));
    for (line, role) in lines(state) {
        let target = state.target(&role, &line::target(&line, &role, "history"));
        named.extend(target.map(|target| line::document_path(&line, &role, "history", &target.sha256)));
        let history = history(shelf, state, &line, &role)?;
        for entry in &history.entries {
            let path = line::document_path(&line, &role, "image", &entry.sha256);
            let bytes = super::publish::document(shelf, &path, &entry.sha256, entry.size)?;
            let image = line::Image::read(&path, &bytes)?;
            named.extend(image.parts.values().map(line::Part::path));
            named.insert(path);
        }
    }
    kegs::named(shelf, state, &mut named)?;
    Ok(named)
}
