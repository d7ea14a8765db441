//! A channel's state as a root of trust proves it: what a taker, a publisher and a verifier begin with. And its first one.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use trust::sign::{Secret, Signer, sign};
use trust::{Grant, Kept, Key, KeyId, Meta, Root, Snapshot, Targets, Timestamp, Update, Wish};

use super::error::{ChannelError, Result, tried, wrong};
use super::keyring::Keyring;
use super::place::Place;
use super::shelf::Shelf;

const DAY_S: u64 = 86_400;
/// Of a kept file: as `trust` reads them.
const KEPT_MAX_BYTES: u64 = 8 << 20;

/// How long signatures hold.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    pub root_s: u64,
    pub targets_s: u64,
    pub snapshot_s: u64,
    /// So long may somebody hold back what is newer, and so long may nobody refresh.
    pub timestamp_s: u64,
}

impl Default for Life {
    fn default() -> Life {
        Life { root_s: 730 * DAY_S, targets_s: 365 * DAY_S, snapshot_s: 60 * DAY_S, timestamp_s: 14 * DAY_S }
    }
}

/// All of a channel's metadata, proven.
pub struct State {
    pub kept: Kept,
    pub root: Root,
    pub timestamp: Timestamp,
    pub snapshot: Snapshot,
    pub targets: BTreeMap<String, Targets>,
}

impl State {
    /// Of a place, by what is kept in `trusted`; what is newer is kept there from now on.
    pub fn open(place: &dyn Place, trusted: &Path, now_s: u64) -> Result<State> {
        let update = follow(place, trusted, Wish::All, now_s)?;
        let lost = || wrong(place.name(), "its metadata have no end");
        Ok(State {
            kept: update.kept().clone(),
            root: update.root().clone(),
            timestamp: update.timestamp().cloned().ok_or_else(lost)?,
            snapshot: update.snapshot().cloned().ok_or_else(lost)?,
            targets: update.targets().clone(),
        })
    }

    /// The target at a path, and the role that signs it.
    pub fn target(&self, role: &str, path: &str) -> Option<&trust::Target> {
        self.targets.get(role)?.targets.get(path)
    }

    pub fn delegation(&self, role: &str) -> Option<&trust::Delegation> {
        self.targets.get("targets")?.delegations.iter().find(|delegation| delegation.name == role)
    }
}

/// The taker's workflow on a place. What came before a refusal is kept too.
pub fn follow(place: &dyn Place, trusted: &Path, wish: Wish, now_s: u64) -> Result<Update> {
    let refused = |refusal| ChannelError::Refused { place: place.name(), refusal };
    let before = kept(trusted)?;
    let mut update = Update::begin(before.clone(), wish, now_s).map_err(refused)?;
    let walked = walk(place, &mut update);
    if *update.kept() != before {
        keep(trusted, update.kept())?;
    }
    walked?;
    Ok(update)
}

fn walk(place: &dyn Place, update: &mut Update) -> Result<()> {
    let refused = |refusal| ChannelError::Refused { place: place.name(), refusal };
    while let Some(want) = update.want() {
        let bytes = place.get(&format!("metadata/{}", want.file), want.size_max_bytes)?;
        update.give(bytes.as_deref()).map_err(refused)?;
    }
    Ok(())
}

/// What a folder keeps: `root.json` at least.
fn kept(folder: &Path) -> Result<Kept> {
    let mut kept = Kept::default();
    if !folder.join("root.json").exists() {
        let what = format!("{} has no root.json: a root of trust is given once, by --root", folder.display());
        return Err(ChannelError::NoKey(what));
    }
    for entry in fs::read_dir(folder).map_err(tried("list", folder))? {
        let path = entry.map_err(tried("list", folder))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let fits = fs::metadata(&path).is_ok_and(|found| found.is_file() && found.len() <= KEPT_MAX_BYTES);
        if fits && name.ends_with(".json") && !name.starts_with('.') {
            let bytes = fs::read(&path).map_err(tried("read", &path))?;
            match name.as_str() {
                "root.json" => kept.root = bytes,
                _ => drop(kept.files.insert(name, bytes)),
            }
        }
    }
    Ok(kept)
}

/// Each file whole, the root first: after a death, what is there is of one state or the next, and either is followed on.
fn keep(folder: &Path, kept: &Kept) -> Result<()> {
    fs::create_dir_all(folder).map_err(tried("create", folder))?;
    let root = [("root.json", &kept.root)].into_iter();
    for (name, bytes) in root.chain(kept.files.iter().map(|(name, bytes)| (name.as_str(), bytes))) {
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|found| found == *bytes) {
            continue;
        }
        let mut file =
            tempfile::Builder::new().prefix(".").tempfile_in(folder).map_err(tried("write in", folder))?;
        std::io::Write::write_all(&mut file, bytes).map_err(tried("write", &path))?;
        file.as_file().sync_data().map_err(tried("sync", &path))?;
        file.persist(&path).map_err(|error| tried("rename into", &path)(error.error))?;
    }
    // Keys that were replaced took these with them.
    for name in ["timestamp.json", "snapshot.json"].into_iter().filter(|name| !kept.files.contains_key(*name))
    {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(tried("remove", folder.join(name))(error));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Begins to trust: a folder's first root, whose sha256 or bytes came another way than the channel itself. Where a root is
/// kept already, that one holds.
///
/// # Errors
/// The place's first root is another one.
pub fn trusted(folder: &Path, place: &dyn Place, sha256: &str) -> Result<()> {
    if folder.join("root.json").exists() {
        return Ok(());
    }
    let file = "metadata/1.root.json";
    let missing = || wrong(place.name(), "has no metadata/1.root.json: is it a channel?");
    let root = place.get(file, KEPT_MAX_BYTES)?.ok_or_else(missing)?;
    let found = trust::sha256(&root);
    if found != sha256 {
        return Err(wrong(place.name(), format!("{file} has the sha256 {found}, and {sha256} is trusted")));
    }
    keep(folder, &Kept { root, files: BTreeMap::new() })
}

/// Whether a place has a first root.
pub fn is_channel(place: &dyn Place) -> Result<bool> {
    Ok(place.get("metadata/1.root.json", KEPT_MAX_BYTES)?.is_some())
}

/// A new channel on a shelf, its keys beside: `roots` keys of which `threshold` must sign a root. The sha256 of its first
/// root, which takers are given another way.
pub fn init(
    shelf: &dyn Shelf,
    keys: &Keyring,
    roots: usize,
    threshold: u64,
    life: Life,
    now_s: u64,
) -> Result<String> {
    if is_channel(shelf)? {
        return Err(ChannelError::Asked(format!("{} is a channel already", shelf.name())));
    }
    let create = |name: &str| keys.create(name);
    let root_keys = (1..=roots).map(|at| create(&format!("root-{at}"))).collect::<Result<Vec<Secret>>>()?;
    let (timestamp, snapshot, targets) = (create("timestamp")?, create("snapshot")?, create("targets")?);
    create("publish")?;
    let signers: Vec<&dyn Signer> = root_keys.iter().map(|key| key as &dyn Signer).collect();
    let root = Root {
        version: 1,
        expires_s: now_s + life.root_s,
        keys: key_map(signers.iter().copied().chain([&timestamp as &dyn Signer, &snapshot, &targets])),
        root: grant(signers.iter().copied(), threshold),
        timestamp: grant([&timestamp as &dyn Signer], 1),
        snapshot: grant([&snapshot as &dyn Signer], 1),
        targets: grant([&targets as &dyn Signer], 1),
    };
    let root = signed(&root, &signers)?;
    let first = Targets { version: 1, expires_s: now_s + life.targets_s, ..Targets::default() };
    let first = signed(&first, &[&targets])?;
    let meta = [("targets.json".to_string(), meta(1, &first))].into();
    let points = Snapshot { version: 1, expires_s: now_s + life.snapshot_s, meta };
    let points = signed(&points, &[&snapshot])?;
    let stamp = Timestamp {
        version: 1,
        expires_s: now_s + life.timestamp_s,
        signed_s: Some(now_s),
        snapshot: self::meta(1, &points),
    };
    let stamp = signed(&stamp, &[&timestamp])?;
    for (name, bytes) in [("1.targets.json", &first), ("1.snapshot.json", &points), ("root.json", &root)] {
        shelf.put(&format!("metadata/{name}"), &mut bytes.as_slice())?;
    }
    shelf.put("metadata/1.root.json", &mut root.as_slice())?;
    shelf.swap("metadata/timestamp.json", None, &stamp)?;
    let sha256 = trust::sha256(&root);
    keep(&keys.trusted(), &Kept { root, files: BTreeMap::new() })?;
    Ok(sha256)
}

pub fn signed(document: &impl trust::sign::Written, signers: &[&dyn Signer]) -> Result<Vec<u8>> {
    sign(document, signers).map_err(|error| ChannelError::Asked(format!("cannot sign: {error}")))
}

pub fn meta(version: u64, bytes: &[u8]) -> Meta {
    Meta { version, length: Some(bytes.len() as u64), sha256: Some(trust::sha256(bytes)) }
}

pub fn grant<'a>(keys: impl IntoIterator<Item = &'a dyn Signer>, threshold: u64) -> Grant {
    Grant { keyids: keys.into_iter().map(|key| key.key().id()).collect(), threshold }
}

pub fn key_map<'a>(keys: impl IntoIterator<Item = &'a dyn Signer>) -> BTreeMap<KeyId, Key> {
    keys.into_iter().map(|key| (key.key().id(), key.key())).collect()
}
