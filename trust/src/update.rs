//! The taker's workflow (specification, section 5): from what is kept to a target that the channel's roles sign.
//!
//! ```text
//! want -> 4.root.json     give -> bytes, or nothing there     5.3 the root, one version at a time
//! want -> timestamp.json  give                                5.4 what is newest
//! want -> 9.snapshot.json give                                5.5 which versions belong together
//! want -> 2.targets.json  give                                5.6 who signs what, in order of trust
//! want -> 5.web.json      give                                    until the target stands in one
//! ```
//! It asks in this order alone, so no caller can skip a step. What is kept and still the newest is not asked again. After
//! each step, also before one that is refused, [`Update::kept`] is what to keep.

use std::collections::{BTreeMap, BTreeSet};

use crate::agree::{fresh, most, not_older, possible, same_bytes, same_version};
use crate::key::{Key, KeyId};
use crate::metadata::{Grant, Root, Signed, Snapshot, Target, Targets, Timestamp, Unproven};
use crate::path;
use crate::refusal::Refusal;

/// As python-tuf has them: tens of times what a channel of ours comes to.
const ROOT_MAX_BYTES: u64 = 512_000;
const TIMESTAMP_MAX_BYTES: u64 = 16_384;
const SNAPSHOT_MAX_BYTES: u64 = 2_000_000;
const TARGETS_MAX_BYTES: u64 = 5_000_000;
/// Of one update; the next goes on from there.
const ROOTS_MAX: u32 = 256;
/// Looked into for one target, and in all.
const DELEGATIONS_MAX: usize = 32;
const DELEGATIONS_OF_ALL_MAX: usize = 1024;

/// What a taker keeps from one update to the next: the root of trust, and the newest of the rest by its plain name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Kept {
    pub root: Vec<u8>,
    pub files: BTreeMap<String, Vec<u8>>,
}

/// A file below `metadata/`, and what it may have at most: more need not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Want {
    pub file: String,
    pub size_max_bytes: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// One target, by its path.
    Target(String),
    /// Every role's metadata: for who publishes or verifies.
    All,
}

/// A role whose metadata are to be looked into, as who delegated to it knows it.
#[derive(Debug)]
struct Visit {
    name: String,
    grant: Grant,
    keys: BTreeMap<KeyId, Key>,
}

#[derive(Debug)]
enum Step {
    Roots { left: u32 },
    Timestamp,
    Snapshot,
    Targets,
    Done,
}

#[derive(Debug)]
pub struct Update {
    wish: Wish,
    now_s: u64,
    step: Step,
    kept: Kept,
    root: Root,
    /// Who signed the pointers when we began: other keys forget what was kept by the old ones.
    began: (Grant, Grant),
    known: Option<(Timestamp, Option<Snapshot>)>,
    timestamp: Option<Timestamp>,
    snapshot: Option<Snapshot>,
    targets: BTreeMap<String, Targets>,
    seen: BTreeSet<String>,
    stack: Vec<Visit>,
    found: Option<Target>,
}

impl Update {
    /// # Errors
    /// The kept root is no root that its own keys sign. That it expired is said later: its successor may not have.
    pub fn begin(kept: Kept, wish: Wish, now_s: u64) -> Result<Update, Refusal> {
        let unproven = Unproven::<Root>::read("root.json", &kept.root)?;
        unproven.check(&unproven.document.keys, &unproven.document.root)?;
        let root = unproven.document;
        Ok(Update {
            wish,
            now_s,
            step: Step::Roots { left: ROOTS_MAX },
            kept,
            began: (root.timestamp.clone(), root.snapshot.clone()),
            root,
            known: None,
            timestamp: None,
            snapshot: None,
            targets: BTreeMap::new(),
            seen: BTreeSet::new(),
            stack: Vec::new(),
            found: None,
        })
    }

    /// The next file; `None`: the update is done.
    pub fn want(&self) -> Option<Want> {
        let (file, size_max_bytes) = match self.step {
            Step::Roots { .. } => (format!("{}.root.json", self.root.version + 1), ROOT_MAX_BYTES),
            Step::Timestamp => ("timestamp.json".to_string(), TIMESTAMP_MAX_BYTES),
            Step::Snapshot => {
                let meta = &self.timestamp.as_ref()?.snapshot;
                (format!("{}.snapshot.json", meta.version), most(meta, SNAPSHOT_MAX_BYTES))
            }
            Step::Targets => {
                let name = &self.stack.last()?.name;
                let meta = self.snapshot.as_ref()?.meta.get(&format!("{name}.json"))?;
                (format!("{}.{name}.json", meta.version), most(meta, TARGETS_MAX_BYTES))
            }
            Step::Done => return None,
        };
        Some(Want { file, size_max_bytes })
    }

    /// The bytes of the file that was wanted; `None`: it is not there.
    ///
    /// # Errors
    /// Refused: the update ends here, and what was kept before stays good.
    pub fn give(&mut self, bytes: Option<&[u8]>) -> Result<(), Refusal> {
        let Some(want) = self.want() else { return Ok(()) };
        let file = want.file;
        if let Some(bytes) = bytes.filter(|bytes| bytes.len() as u64 > want.size_max_bytes) {
            return Err(Refusal::Endless { file, bytes: bytes.len() as u64, max: want.size_max_bytes });
        }
        match (&self.step, bytes) {
            (Step::Roots { left }, Some(bytes)) => {
                let left = *left;
                self.next_root(&file, bytes)?;
                match left {
                    1 => self.end_of_roots()?,
                    _ => self.step = Step::Roots { left: left - 1 },
                }
            }
            (Step::Roots { .. }, None) => self.end_of_roots()?,
            (Step::Timestamp, Some(bytes)) => self.take_timestamp(bytes)?,
            (Step::Snapshot, Some(bytes)) => self.take_snapshot(&file, bytes)?,
            (Step::Targets, Some(bytes)) => self.take_targets(&file, bytes)?,
            (_, None) => return Err(Refusal::Missing { file }),
            (Step::Done, _) => {}
        }
        self.go_on_by_kept()
    }

    pub fn kept(&self) -> &Kept {
        &self.kept
    }

    pub fn root(&self) -> &Root {
        &self.root
    }

    pub fn timestamp(&self) -> Option<&Timestamp> {
        self.timestamp.as_ref()
    }

    pub fn snapshot(&self) -> Option<&Snapshot> {
        self.snapshot.as_ref()
    }

    /// By role: those that were looked into.
    pub fn targets(&self) -> &BTreeMap<String, Targets> {
        &self.targets
    }

    /// What was wished, once it is done.
    pub fn found(&self) -> Option<&Target> {
        self.found.as_ref()
    }

    /// 5.3.3 to 5.3.8: signed by the old keys and by its own, and the very next version.
    fn next_root(&mut self, file: &str, bytes: &[u8]) -> Result<(), Refusal> {
        let unproven = Unproven::<Root>::read(file, bytes)?;
        unproven.check(&self.root.keys, &self.root.root)?;
        unproven.check(&unproven.document.keys, &unproven.document.root)?;
        let (wanted, found) = (self.root.version + 1, unproven.document.version);
        if found != wanted {
            return Err(Refusal::Mixed { file: file.into(), by: "its name".into(), wanted, found });
        }
        self.root = unproven.document;
        self.kept.root = bytes.to_vec();
        Ok(())
    }

    /// 5.3.10 and 5.3.11: the last one is not expired; pointers that other keys signed are forgotten, so that who stole the
    /// old keys and counted far ahead holds up nobody.
    fn end_of_roots(&mut self) -> Result<(), Refusal> {
        fresh(&format!("{}.root.json", self.root.version), &self.root, self.now_s)?;
        if self.began != (self.root.timestamp.clone(), self.root.snapshot.clone()) {
            self.kept.files.remove("timestamp.json");
            self.kept.files.remove("snapshot.json");
        }
        self.known = self.known();
        self.step = Step::Timestamp;
        Ok(())
    }

    /// What is kept and signed by today's keys.
    fn known(&self) -> Option<(Timestamp, Option<Snapshot>)> {
        let timestamp = self.kept_document::<Timestamp>("timestamp.json", &self.root.timestamp)?;
        Some((timestamp, self.kept_document::<Snapshot>("snapshot.json", &self.root.snapshot)))
    }

    fn kept_document<T: Signed>(&self, name: &str, grant: &Grant) -> Option<T> {
        let unproven = Unproven::<T>::read(name, self.kept.files.get(name)?).ok()?;
        unproven.check(&self.root.keys, grant).ok()?;
        Some(unproven.document)
    }

    /// 5.4.
    fn take_timestamp(&mut self, bytes: &[u8]) -> Result<(), Refusal> {
        let file = "timestamp.json";
        let unproven = Unproven::<Timestamp>::read(file, bytes)?;
        unproven.check(&self.root.keys, &self.root.timestamp)?;
        let mut timestamp = unproven.document;
        let mut is_new = true;
        if let Some((known, _)) = &self.known {
            not_older(file, "the timestamp", known.version, timestamp.version)?;
            is_new = timestamp.version > known.version;
            // 5.4.3.1: of one version there is one timestamp, the first that was seen.
            if !is_new {
                timestamp = known.clone();
            }
            not_older(file, "its snapshot", known.snapshot.version, timestamp.snapshot.version)?;
        }
        possible(file, timestamp.signed_s, self.now_s)?;
        fresh(file, &timestamp, self.now_s)?;
        if is_new {
            self.kept.files.insert(file.into(), bytes.to_vec());
        }
        self.timestamp = Some(timestamp);
        self.step = Step::Snapshot;
        Ok(())
    }

    /// 5.5.
    fn take_snapshot(&mut self, file: &str, bytes: &[u8]) -> Result<(), Refusal> {
        let by = "timestamp.json";
        let meta = self.timestamp.as_ref().map(|timestamp| timestamp.snapshot.clone()).unwrap_or_default();
        same_bytes(file, by, &meta, bytes)?;
        let unproven = Unproven::<Snapshot>::read(file, bytes)?;
        unproven.check(&self.root.keys, &self.root.snapshot)?;
        let snapshot = unproven.document;
        same_version(file, by, &meta, snapshot.version)?;
        if let Some((_, Some(known))) = &self.known {
            for (name, before) in &known.meta {
                let Some(now) = snapshot.meta.get(name) else {
                    let (file, by, what) = (file.to_string(), "an earlier one".into(), format!("`{name}`"));
                    return Err(Refusal::Gone { file, by, what });
                };
                not_older(file, &format!("`{name}`"), before.version, now.version)?;
            }
        }
        fresh(file, &snapshot, self.now_s)?;
        self.kept.files.insert("snapshot.json".into(), bytes.to_vec());
        self.snapshot = Some(snapshot);
        let (grant, keys) = (self.root.targets.clone(), self.root.keys.clone());
        self.stack.push(Visit { name: "targets".into(), grant, keys });
        self.seen.insert("targets".into());
        self.step = Step::Targets;
        self.is_listed()
    }

    /// 5.6.
    fn take_targets(&mut self, file: &str, bytes: &[u8]) -> Result<(), Refusal> {
        let by = "the snapshot";
        let Some(visit) = self.stack.last() else { return Ok(()) };
        let name = visit.name.clone();
        let metas = self.snapshot.as_ref().map(|snapshot| &snapshot.meta);
        let meta = metas.and_then(|metas| metas.get(&format!("{name}.json"))).cloned().unwrap_or_default();
        same_bytes(file, by, &meta, bytes)?;
        let unproven = Unproven::<Targets>::read(file, bytes)?;
        unproven.check(&visit.keys, &visit.grant)?;
        let targets = unproven.document;
        same_version(file, by, &meta, targets.version)?;
        fresh(file, &targets, self.now_s)?;
        self.kept.files.insert(format!("{name}.json"), bytes.to_vec());
        self.stack.pop();
        self.visit(file, &targets)?;
        self.targets.insert(name, targets);
        self.is_listed()
    }

    /// 5.6.7: the target itself, or whom to ask next: in the order of the delegations, depth first.
    fn visit(&mut self, file: &str, targets: &Targets) -> Result<(), Refusal> {
        if let Wish::Target(path) = &self.wish {
            self.found = targets.targets.get(path).cloned();
            if self.found.is_some() {
                self.step = Step::Done;
                return Ok(());
            }
        }
        let mut next = Vec::new();
        for delegation in &targets.delegations {
            if !self.concerns(&delegation.paths) {
                continue;
            }
            if self.seen.insert(delegation.name.clone()) {
                let (name, grant) = (delegation.name.clone(), delegation.grant.clone());
                next.push(Visit { name, grant, keys: targets.keys.clone() });
            }
            if delegation.terminating && self.wish != Wish::All {
                self.stack.clear();
                break;
            }
        }
        let max = if self.wish == Wish::All { DELEGATIONS_OF_ALL_MAX } else { DELEGATIONS_MAX };
        if self.seen.len() > max + 1 {
            return Err(Refusal::Crowded { file: file.into(), max });
        }
        self.stack.extend(next.into_iter().rev());
        match (&self.wish, self.stack.is_empty()) {
            (_, false) => Ok(()),
            (Wish::Target(path), true) => Err(Refusal::NoTarget { path: path.clone() }),
            (Wish::All, true) => {
                self.step = Step::Done;
                Ok(())
            }
        }
    }

    fn concerns(&self, patterns: &[String]) -> bool {
        match &self.wish {
            Wish::All => true,
            Wish::Target(path) => patterns.iter().any(|pattern| path::matches(pattern, path)),
        }
    }

    /// Whether the snapshot knows the role that is looked into next.
    fn is_listed(&self) -> Result<(), Refusal> {
        let (Step::Targets, Some(visit), Some(snapshot)) = (&self.step, self.stack.last(), &self.snapshot)
        else {
            return Ok(());
        };
        let what = format!("{}.json", visit.name);
        match snapshot.meta.contains_key(&what) {
            true => Ok(()),
            false => Err(Refusal::Gone {
                file: "snapshot.json".into(),
                by: "who delegates to it".into(),
                what: format!("`{what}`"),
            }),
        }
    }

    /// What is kept is given, where it is what is wanted.
    fn go_on_by_kept(&mut self) -> Result<(), Refusal> {
        loop {
            let (name, file) = match (&self.step, self.want()) {
                (Step::Snapshot, Some(want)) => ("snapshot.json".to_string(), want.file),
                (Step::Targets, Some(want)) => match self.stack.last() {
                    Some(visit) => (format!("{}.json", visit.name), want.file),
                    None => return Ok(()),
                },
                _ => return Ok(()),
            };
            let Some(bytes) = self.kept.files.get(&name).cloned() else { return Ok(()) };
            let taken = match self.step {
                Step::Snapshot => self.take_snapshot(&file, &bytes),
                _ => self.take_targets(&file, &bytes),
            };
            match taken {
                Ok(()) => {}
                // What these say holds for the bytes of the place too.
                Err(error @ (Refusal::NoTarget { .. } | Refusal::Crowded { .. } | Refusal::Gone { .. })) => {
                    return Err(error);
                }
                Err(_) => return Ok(()),
            }
        }
    }
}
