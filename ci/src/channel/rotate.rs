//! Changing keys: those that were stolen or lost are replaced, and takers follow, by a root that the old and the new root
//! keys sign.
//!
//! ```text
//! next/NAME.pem     new keys, from the first try until it is done
//! next/root.json    the root to be: signed by those that are here, and by those that lie elsewhere, in sittings of their own
//! old/NAME-ID.pem   what was replaced: for whoever wants to look; nobody trusts it
//! ```
//! There is no instant at which a taker is refused: first the pointers are signed by the old key and by the new one, then
//! the root comes that knows only the new one. (Where an old key is lost, it can't be so: the root comes first.) Killed
//! anywhere, the same command goes on. It holds the channel alone: who signs with old keys meanwhile would be pointed to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use trust::sign::{self, Draft, Signer};
use trust::{KeyId, Root};

use super::change::Bench;
use super::error::{ChannelError, Result, tried, wrong};
use super::keyring::Keyring;
use super::shelf::Shelf;
use super::state::{Life, State, grant, signed};

/// What is to be another. Nothing: what was begun goes on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Turn {
    /// Names that get new keys: `root-2`, `timestamp`, `snapshot`, `targets`, `publish`, or a role's.
    pub new: Vec<String>,
    /// Root keys that go without another in their place: by name, or by the first digits of their id.
    pub drop: Vec<String>,
    /// How many root keys must sign from now on.
    pub threshold: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotated {
    /// The root's version.
    Done { version: u64 },
    /// This root wants so many more signatures: of the root's present keys, and of its new ones.
    Wanting { root: PathBuf, old: u64, new: u64 },
}

const POINTERS: [&str; 3] = ["timestamp", "snapshot", "targets"];

pub fn rotate(shelf: &dyn Shelf, keys: &Keyring, turn: &Turn, life: Life, now_s: u64) -> Result<Rotated> {
    let _alone = shelf.alone()?;
    let state = State::open(shelf, &keys.trusted(), now_s)?;
    let next = keys.beside("next");
    fs::create_dir_all(&next.folder).map_err(tried("create", &next.folder))?;
    let path = next.folder.join("root.json");
    if *turn != Turn::default() {
        begin(keys, &next, &state, turn, now_s + life.root_s)?;
    } else if next.names()?.is_empty() && !path.exists() {
        return Err(ChannelError::Asked("no key is to be changed: --new NAME says which".into()));
    }
    let bench = Bench { shelf, keys, next: Some(&next), life, now_s };
    if !path.exists() {
        sign_anew(&bench, &next, &state)?;
    } else {
        let bytes = cosigned(keys, &next, &path)?;
        let Draft { root, wanting } = draft(&path, &bytes, &state.root)?;
        if root.version != state.root.version {
            if wanting != [0, 0] {
                return Ok(Rotated::Wanting { root: path, old: wanting[0], new: wanting[1] });
            }
            replace(&bench, &next, state, root, &bytes)?;
        }
    }
    let version = State::open(shelf, &keys.trusted(), now_s)?.root.version;
    install(keys, &next)?;
    Ok(Rotated::Done { version })
}

/// The root to be, and the new keys.
fn begin(keys: &Keyring, next: &Keyring, state: &State, turn: &Turn, expires_s: u64) -> Result<()> {
    let path = next.folder.join("root.json");
    if path.exists() {
        let what = format!(
            "a change of keys is begun: without --new, --drop and --threshold it goes on; remove {} to begin another",
            next.folder.display()
        );
        return Err(ChannelError::Asked(what));
    }
    let known = keys.names()?;
    let mut root = state.root.clone();
    for name in &turn.new {
        let is_root = name.strip_prefix("root-").is_some_and(|number| number.parse::<u32>().is_ok());
        if !is_root
            && !POINTERS.contains(&name.as_str())
            && name != "publish"
            && state.delegation(name).is_none()
        {
            let what = format!(
                "`{name}` is no key of this channel: root-1 …, timestamp, snapshot, targets, publish or a role is wanted"
            );
            return Err(ChannelError::Asked(what));
        }
        let key = if next.has(name) { next.open(name)? } else { Rc::new(next.create(name)?) };
        take(&mut root, name, key.as_ref(), known.get(name));
    }
    for name in &turn.drop {
        forget(&mut root, name, &known)?;
    }
    root.root.threshold = turn.threshold.unwrap_or(root.root.threshold);
    if root == state.root {
        return Ok(());
    }
    let count = root.root.keyids.len() as u64;
    if root.root.threshold == 0 || root.root.threshold > count {
        let what =
            format!("{} of {count} root keys can't sign: give another --threshold", root.root.threshold);
        return Err(ChannelError::Asked(what));
    }
    (root.version, root.expires_s) = (state.root.version + 1, expires_s);
    let used: BTreeSet<KeyId> = [&root.root, &root.timestamp, &root.snapshot, &root.targets]
        .iter()
        .flat_map(|grant| grant.keyids.iter().cloned())
        .collect();
    root.keys.retain(|id, _| used.contains(id));
    write(&path, &signed(&root, &[])?)
}

/// A new key in the place of the one that had its name.
fn take(root: &mut Root, name: &str, key: &dyn Signer, old: Option<&KeyId>) {
    let id = key.key().id();
    match name {
        "timestamp" => root.timestamp = grant([key], 1),
        "snapshot" => root.snapshot = grant([key], 1),
        "targets" => root.targets = grant([key], 1),
        _ if name.starts_with("root-") => {
            root.root.keyids.retain(|known| Some(known) != old);
            root.root.keyids.insert(id.clone());
        }
        // Targets say whose it is.
        _ => return,
    }
    root.keys.insert(id, key.key());
}

fn forget(root: &mut Root, name: &str, known: &BTreeMap<String, KeyId>) -> Result<()> {
    let is_it = |id: &KeyId| known.get(name) == Some(id) || (name.len() >= 6 && id.starts_with(name));
    let before = root.root.keyids.len();
    root.root.keyids.retain(|id| !is_it(id));
    match before - root.root.keyids.len() {
        1 => Ok(()),
        _ => Err(ChannelError::Asked(format!(
            "--drop {name}: names.json and the root's ids know no such root key; these are: {}",
            root.root.keyids.iter().map(|id| &id[..id.len().min(12)]).collect::<Vec<_>>().join(" ")
        ))),
    }
}

/// With the signature of every root key that is here.
fn cosigned(keys: &Keyring, next: &Keyring, path: &Path) -> Result<Vec<u8>> {
    let mut signers: Vec<Rc<dyn Signer>> = Vec::new();
    for ring in [keys, next] {
        for name in pems(&ring.folder)?.iter().filter(|name| name.starts_with("root-")) {
            signers.push(ring.open(name)?);
        }
    }
    let signers: Vec<&dyn Signer> = signers.iter().map(AsRef::as_ref).collect();
    let bytes = fs::read(path).map_err(tried("read", path))?;
    let bytes = sign::cosign(&bytes, &signers)
        .map_err(|source| ChannelError::Key { path: path.to_path_buf(), source })?;
    write(path, &bytes)?;
    Ok(bytes)
}

fn draft(path: &Path, bytes: &[u8], before: &Root) -> Result<Draft> {
    let place = path.display().to_string();
    let draft = sign::draft(bytes, before)
        .map_err(|refusal| ChannelError::Refused { place: place.clone(), refusal })?;
    match draft.root.version {
        version if version == before.version || version == before.version + 1 => Ok(draft),
        version => Err(wrong(
            place,
            format!("is root {version}, and the channel has {}: remove it and begin again", before.version),
        )),
    }
}

/// One more signature of a root that was begun elsewhere: the sitting of who keeps a key apart.
pub fn cosign(root: &Path, keys: &Keyring, name: &str) -> Result<Root> {
    let bytes = fs::read(root).map_err(tried("read", root))?;
    let key = keys.open(name)?;
    let bytes = sign::cosign(&bytes, &[key.as_ref()])
        .map_err(|source| ChannelError::Key { path: root.to_path_buf(), source })?;
    let read = parsed(root, &bytes)?;
    write(root, &bytes)?;
    Ok(read)
}

fn parsed(path: &Path, bytes: &[u8]) -> Result<Root> {
    let refused = |refusal| ChannelError::Refused { place: path.display().to_string(), refusal };
    Ok(sign::draft(bytes, &Root::default()).map_err(refused)?.root)
}

fn replace(bench: &Bench, next: &Keyring, state: State, root: Root, bytes: &[u8]) -> Result<()> {
    let is_lost = |name: &&str| next.has(name) && !bench.keys.has(name);
    let path = format!("metadata/{}.root.json", root.version);
    let put_root = || match bench.shelf.create_new(&path, bytes)? {
        true => bench.shelf.put("metadata/root.json", &mut &*bytes),
        false => Err(wrong(bench.shelf.name(), format!("{path} is there already, and is another"))),
    };
    match POINTERS.iter().any(|name| is_lost(&name)) {
        false => {
            sign_anew(bench, next, &state)?;
            put_root()
        }
        true => {
            put_root()?;
            sign_anew(bench, next, &State { root, ..state })
        }
    }
}

/// What the changed keys sign, by the old ones too where these are there.
fn sign_anew(bench: &Bench, next: &Keyring, state: &State) -> Result<()> {
    let changed = pems(&next.folder)?;
    if changed.iter().all(|name| name.starts_with("root-")) {
        return Ok(());
    }
    let mut snapshot = state.snapshot.clone();
    let mut targets = state.targets.get("targets").cloned().unwrap_or_default();
    let mut is_other = next.has("targets");
    for delegation in &mut targets.delegations {
        let name = if next.has(&delegation.name) {
            delegation.name.clone()
        } else {
            bench.keys.of_role(&delegation.name)
        };
        if !next.has(&name) {
            continue;
        }
        let key = next.open(&name)?;
        // The old one stays known, and trusted with nothing: envelopes that it signed are still read.
        targets.keys.insert(key.key().id(), key.key());
        delegation.grant = grant([key.as_ref()], 1);
        let metadata = state.targets.get(&delegation.name).cloned().unwrap_or_default();
        bench.number(&delegation.name, metadata, &bench.signers(&name)?, &mut snapshot)?;
        is_other = true;
    }
    if is_other {
        bench.number("targets", targets, &bench.signers("targets")?, &mut snapshot)?;
    }
    bench.point(state, snapshot).map(drop)
}

/// The new keys under their names; what they replace, apart. `next/root.json` goes last, so that a death is seen.
fn install(keys: &Keyring, next: &Keyring) -> Result<()> {
    let mut names = keys.names()?;
    let path = next.folder.join("root.json");
    for name in pems(&next.folder)? {
        let id = next.open(&name)?.key().id();
        put_away(keys, &name, names.get(&name))?;
        names.insert(name.clone(), id);
        keys.keep_names(&names)?;
        fs::rename(next.path(&name), keys.path(&name)).map_err(tried("rename", next.path(&name)))?;
    }
    if let Ok(bytes) = fs::read(&path) {
        let root = parsed(&path, &bytes)?;
        let gone: Vec<String> = names
            .iter()
            .filter(|(name, id)| name.starts_with("root-") && !root.root.keyids.contains(*id))
            .map(|(name, _)| name.clone())
            .collect();
        for name in gone {
            put_away(keys, &name, names.get(&name))?;
            names.remove(&name);
        }
        keys.keep_names(&names)?;
    }
    fs::remove_dir_all(&next.folder).map_err(tried("remove", &next.folder))
}

fn put_away(keys: &Keyring, name: &str, id: Option<&KeyId>) -> Result<()> {
    let from = keys.path(name);
    if !from.exists() {
        return Ok(());
    }
    let old = keys.folder.join("old");
    fs::create_dir_all(&old).map_err(tried("create", &old))?;
    let id = id.map_or("unknown", |id| &id[..id.len().min(12)]);
    fs::rename(&from, old.join(format!("{name}-{id}.pem"))).map_err(tried("rename", from))
}

/// Names of the keys in a folder.
fn pems(folder: &Path) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for entry in fs::read_dir(folder).map_err(tried("list", folder))? {
        let name = entry.map_err(tried("list", folder))?.file_name().to_string_lossy().into_owned();
        found.extend(name.strip_suffix(".pem").map(str::to_string));
    }
    Ok(found)
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(tried("write in", folder))?;
    file.write_all(bytes).map_err(tried("write", path))?;
    file.as_file().sync_data().map_err(tried("sync", path))?;
    file.persist(path).map(drop).map_err(|error| tried("rename into", path)(error.error))
}
