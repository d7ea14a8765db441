//! The five kinds of metadata, read out of hostile bytes and, with keys and a threshold, believed.
//!
//! ```text
//! {"signatures": [{"keyid": …, "sig": hex}], "signed": {"_type": "root", "spec_version": "1.0.33", "version": 3, "expires": …, …}}
//! ```
//! What stands beside the fields that we know is signed and kept, and otherwise left alone, as the specification asks.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::json::{Fields, Read, canonical};
use crate::key::{Key, KeyId};
use crate::path::is_role_name;
use crate::refusal::Refusal;
use crate::time;

/// One keys may each sign once: more are an attempt to keep us busy.
const SIGNATURES_MAX: usize = 128;

/// Who may sign, and how many must.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Grant {
    pub keyids: BTreeSet<KeyId>,
    pub threshold: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Root {
    pub version: u64,
    pub expires_s: u64,
    pub keys: BTreeMap<KeyId, Key>,
    pub root: Grant,
    pub timestamp: Grant,
    pub snapshot: Grant,
    pub targets: Grant,
}

/// Another file: its version and, where said, its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Meta {
    pub version: u64,
    pub length: Option<u64>,
    pub sha256: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timestamp {
    pub version: u64,
    pub expires_s: u64,
    /// When it was signed; ours alone, and by it a clock that is far behind is known.
    pub signed_s: Option<u64>,
    pub snapshot: Meta,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Snapshot {
    pub version: u64,
    pub expires_s: u64,
    /// By file name: `targets.json`, `web.json`.
    pub meta: BTreeMap<String, Meta>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub length: u64,
    pub sha256: String,
}

/// A role that is trusted with some paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delegation {
    pub name: String,
    pub grant: Grant,
    pub paths: Vec<String>,
    /// What this role has not, no later one may have.
    pub terminating: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    pub version: u64,
    pub expires_s: u64,
    pub targets: BTreeMap<String, Target>,
    /// Of the delegations.
    pub keys: BTreeMap<KeyId, Key>,
    pub delegations: Vec<Delegation>,
}

/// A kind of metadata.
pub(crate) trait Signed: Sized {
    const TYPE: &'static str;
    fn read(fields: Fields) -> Read<Self>;
    fn version(&self) -> u64;
    fn expires_s(&self) -> u64;
}

/// What was read, before any signature of it is believed.
pub(crate) struct Unproven<T> {
    pub document: T,
    file: String,
    message: Vec<u8>,
    /// Key and signature, each key once.
    signatures: BTreeMap<KeyId, Vec<u8>>,
}

impl<T: Signed> Unproven<T> {
    pub fn read(file: &str, bytes: &[u8]) -> Result<Unproven<T>, Refusal> {
        parse(file, bytes).map_err(|what| Refusal::Malformed { file: file.to_string(), what })
    }

    /// Refused unless as many of the role's keys signed as must.
    pub fn check(&self, keys: &BTreeMap<KeyId, Key>, grant: &Grant) -> Result<(), Refusal> {
        let Count { valid, unknown, wrong } = self.count(keys, grant);
        let threshold = grant.threshold;
        match threshold > 0 && valid >= threshold {
            true => Ok(()),
            false => Err(Refusal::Unsigned { file: self.file.clone(), threshold, valid, unknown, wrong }),
        }
    }

    pub fn count(&self, keys: &BTreeMap<KeyId, Key>, grant: &Grant) -> Count {
        let (mut valid, mut unknown, mut wrong) = (BTreeSet::new(), 0, 0);
        for (id, signature) in &self.signatures {
            match keys.get(id).filter(|_| grant.keyids.contains(id)) {
                // By the key itself: one that has two ids signs once.
                Some(key) if key.verifies(&self.message, signature) => drop(valid.insert(key.public())),
                Some(_) => wrong += 1,
                None => unknown += 1,
            }
        }
        Count { valid: valid.len() as u64, unknown, wrong }
    }
}

/// Signatures, by what they are worth to a role.
pub(crate) struct Count {
    pub valid: u64,
    pub unknown: u64,
    pub wrong: u64,
}

fn parse<T: Signed>(file: &str, bytes: &[u8]) -> Read<Unproven<T>> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("is no JSON: {error}"))?;
    let envelope = Fields::of(&value, "it")?;
    let signed = envelope.get("signed")?;
    let fields = Fields::of(signed, "`signed`")?;
    match fields.text("_type")? {
        kind if kind == T::TYPE => {}
        kind => return Err(format!("is `{}`, and `{}` is wanted", short(kind), T::TYPE)),
    }
    match fields.text("spec_version")? {
        version if version.starts_with("1.") => {}
        version => {
            return Err(format!("is of version {} of the specification, and 1 is known", short(version)));
        }
    }
    let document = T::read(fields)?;
    if document.version() == 0 {
        return Err("`version` is 0".into());
    }
    let message = canonical(signed).ok_or("has a number that is not whole")?;
    Ok(Unproven { document, file: file.to_string(), message, signatures: signatures(envelope)? })
}

fn signatures(envelope: Fields) -> Read<BTreeMap<KeyId, Vec<u8>>> {
    let listed = envelope.values("signatures")?;
    if listed.len() > SIGNATURES_MAX {
        return Err(format!("has {} signatures, of at most {SIGNATURES_MAX}", listed.len()));
    }
    let mut signatures = BTreeMap::new();
    for value in listed {
        let fields = Fields::of(value, "a signature")?;
        // No hex: it verifies nothing, which the count says.
        let bytes = hex::decode(fields.text("sig")?).unwrap_or_default();
        if signatures.insert(fields.text("keyid")?.to_string(), bytes).is_some() {
            return Err("one key signs twice".into());
        }
    }
    Ok(signatures)
}

/// Of hostile text, no more than a line has room for.
fn short(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(40).collect()
}

fn expires(fields: Fields) -> Read<u64> {
    time::read(fields.text("expires")?).ok_or_else(|| "`expires` is no time like 2026-11-21T19:20:01Z".into())
}

fn grant(fields: Fields) -> Read<Grant> {
    let keyids = fields.texts("keyids")?;
    let count = keyids.len();
    let grant = Grant { keyids: keyids.into_iter().collect(), threshold: fields.count("threshold")? };
    match grant.threshold {
        0 => Err("a threshold is 0".into()),
        _ if grant.keyids.len() != count => Err("a role names a key twice".into()),
        _ => Ok(grant),
    }
}

fn meta(value: &Value) -> Read<Meta> {
    let fields = Fields::of(value, "a file of `meta`")?;
    let length = fields.maybe("length").map(|_| fields.count("length")).transpose()?;
    let sha256 = fields.maybe("hashes").map(|_| sha256(fields)).transpose()?;
    Ok(Meta { version: fields.count("version")?, length, sha256 })
}

fn sha256(fields: Fields) -> Read<String> {
    let text = fields.fields("hashes")?.text("sha256")?;
    let is_hex = text.len() == 64 && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c));
    if is_hex { Ok(text.to_string()) } else { Err("a sha256 is no 64 digits of hex".into()) }
}

impl Signed for Root {
    const TYPE: &'static str = "root";

    fn read(fields: Fields) -> Read<Root> {
        // Off-spec: without consistent snapshots a channel that moves can't be read whole, so there are none such.
        if fields.get("consistent_snapshot")?.as_bool() != Some(true) {
            return Err("`consistent_snapshot` is not true".into());
        }
        let roles = fields.fields("roles")?;
        let role = |name: &str| grant(roles.fields(name)?);
        Ok(Root {
            version: fields.count("version")?,
            expires_s: expires(fields)?,
            keys: Key::read_all(fields.fields("keys")?)?,
            root: role("root")?,
            timestamp: role("timestamp")?,
            snapshot: role("snapshot")?,
            targets: role("targets")?,
        })
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_s(&self) -> u64 {
        self.expires_s
    }
}

impl Signed for Timestamp {
    const TYPE: &'static str = "timestamp";

    fn read(fields: Fields) -> Read<Timestamp> {
        let signed = fields.maybe("x-signed").and_then(Value::as_str).and_then(time::read);
        Ok(Timestamp {
            version: fields.count("version")?,
            expires_s: expires(fields)?,
            signed_s: signed,
            snapshot: meta(fields.fields("meta")?.get("snapshot.json")?)?,
        })
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_s(&self) -> u64 {
        self.expires_s
    }
}

impl Signed for Snapshot {
    const TYPE: &'static str = "snapshot";

    fn read(fields: Fields) -> Read<Snapshot> {
        let files = fields.fields("meta")?.all();
        Ok(Snapshot {
            version: fields.count("version")?,
            expires_s: expires(fields)?,
            meta: files.map(|(name, value)| Ok((name.clone(), meta(value)?))).collect::<Read<_>>()?,
        })
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_s(&self) -> u64 {
        self.expires_s
    }
}

impl Signed for Targets {
    const TYPE: &'static str = "targets";

    fn read(fields: Fields) -> Read<Targets> {
        let targets = fields.fields("targets")?.all();
        let mut read = Targets {
            version: fields.count("version")?,
            expires_s: expires(fields)?,
            targets: targets.map(|(path, value)| Ok((path.clone(), target(value)?))).collect::<Read<_>>()?,
            ..Targets::default()
        };
        if fields.maybe("delegations").is_some() {
            let delegations = fields.fields("delegations")?;
            read.keys = Key::read_all(delegations.fields("keys")?)?;
            read.delegations = delegations.values("roles")?.iter().map(delegation).collect::<Read<_>>()?;
        }
        Ok(read)
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn expires_s(&self) -> u64 {
        self.expires_s
    }
}

fn target(value: &Value) -> Read<Target> {
    let fields = Fields::of(value, "a target")?;
    Ok(Target { length: fields.count("length")?, sha256: sha256(fields)? })
}

fn delegation(value: &Value) -> Read<Delegation> {
    let fields = Fields::of(value, "a delegation")?;
    let name = fields.text("name")?;
    if !is_role_name(name) || ["root", "timestamp", "snapshot", "targets"].contains(&name) {
        return Err(format!("a delegation is called `{}`", short(name)));
    }
    Ok(Delegation {
        name: name.to_string(),
        grant: grant(fields)?,
        // Off-spec: by prefixes of hashes nothing is delegated here.
        paths: fields.texts("paths")?,
        terminating: fields.get("terminating")?.as_bool().ok_or("`terminating` is no bool")?,
    })
}
