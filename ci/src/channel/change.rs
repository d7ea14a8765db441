//! A change of a channel: new documents, under new metadata, made the channel's by one swap of the pointer.
//!
//! ```text
//! targets/…                 named by their digests: nobody sees them yet
//! N.web.json                the next free number: what a killed publisher left has its own
//! N.targets.json            when a role is new
//! N.snapshot.json
//! timestamp.json            swapped against the one that was read: who reads now, reads all of it
//! ```

use std::collections::BTreeMap;
use std::rc::Rc;

use trust::sign::{Signer, Written};
use trust::{Delegation, Grant, Snapshot, Target, Targets, Timestamp};

use super::error::{ChannelError, Result};
use super::keyring::Keyring;
use super::line;
use super::shelf::Shelf;
use super::state::{self, Life, State, key_map, meta, signed};

/// So many numbers in a row may be taken by publishers that died.
const NUMBERS_MAX: u64 = 10_000;

/// A document's new bytes.
pub struct Document {
    pub line: String,
    pub role: String,
    /// `image` or `history`.
    pub name: &'static str,
    pub bytes: Vec<u8>,
}

/// Where a change is made.
pub struct Bench<'a> {
    pub shelf: &'a dyn Shelf,
    pub keys: &'a Keyring<'a>,
    /// Keys that sign beside, or in the place of, those of the same names: while they are changed.
    pub next: Option<&'a Keyring<'a>>,
    pub life: Life,
    pub now_s: u64,
}

impl Bench<'_> {
    /// Puts documents and points to them. With none, the pointers are signed anew.
    ///
    /// # Errors
    /// `Lost`: another change was made since `state` was read.
    pub fn commit(&self, state: &State, documents: &[Document]) -> Result<u64> {
        let mut snapshot = state.snapshot.clone();
        let mut by_role: BTreeMap<&str, Vec<&Document>> = BTreeMap::new();
        for document in documents {
            self.put(document)?;
            by_role.entry(&document.role).or_default().push(document);
        }
        self.delegate(state, by_role.keys().copied(), &mut snapshot)?;
        for (role, documents) in by_role {
            self.put_role(state, role, &documents, &mut snapshot)?;
        }
        self.point(state, snapshot)
    }

    fn put(&self, document: &Document) -> Result<()> {
        let Document { line, role, name, bytes } = document;
        let path = line::document_path(line, role, name, &trust::sha256(bytes));
        match self.shelf.has(&path, bytes.len() as u64)? {
            true => Ok(()),
            false => self.shelf.put(&path, &mut bytes.as_slice()),
        }
    }

    fn put_role(
        &self,
        state: &State,
        role: &str,
        documents: &[&Document],
        snapshot: &mut Snapshot,
    ) -> Result<()> {
        let mut targets = state.targets.get(role).cloned().unwrap_or_default();
        for document in documents {
            let bytes = &document.bytes;
            let target = Target { length: bytes.len() as u64, sha256: trust::sha256(bytes) };
            targets.targets.insert(line::target(&document.line, role, document.name), target);
        }
        let name = self.keys.of_role(role);
        let signers = self.signers(&name)?;
        if let Some(known) = state.delegation(role) {
            is_trusted(&name, &signers, &known.grant, &format!("targets trust with `{role}`"))?;
        }
        self.number(role, targets, &signers, snapshot)
    }

    /// Roles that are new are trusted with their own folder of each line.
    fn delegate<'r>(
        &self,
        state: &State,
        roles: impl Iterator<Item = &'r str>,
        snapshot: &mut Snapshot,
    ) -> Result<()> {
        let new: Vec<&str> = roles.filter(|role| state.delegation(role).is_none()).collect();
        if new.is_empty() {
            return Ok(());
        }
        let mut targets = state.targets.get("targets").cloned().unwrap_or_default();
        for role in new {
            let key = self.keys.open(&self.keys.of_role(role))?;
            targets.keys.extend(key_map([key.as_ref()]));
            targets.delegations.push(Delegation {
                name: role.to_string(),
                grant: state::grant([key.as_ref()], 1),
                paths: vec![format!("*/{role}/*")],
                terminating: true,
            });
        }
        let signers = self.signers("targets")?;
        is_trusted("targets", &signers, &state.root.targets, "root trusts")?;
        self.number("targets", targets, &signers, snapshot)
    }

    /// Who signs by a name: one, and two while that key is changed.
    pub fn signers(&self, name: &str) -> Result<Vec<Rc<dyn Signer>>> {
        let Some(next) = self.next.filter(|next| next.has(name)) else {
            return Ok(vec![self.keys.open(name)?]);
        };
        let mut signers = vec![next.open(name)?];
        // One that is lost can't sign any more.
        if self.keys.has(name) {
            signers.push(self.keys.open(name)?);
        }
        Ok(signers)
    }

    /// Signs a role's metadata under the next free number.
    pub fn number(
        &self,
        role: &str,
        mut targets: Targets,
        signers: &[Rc<dyn Signer>],
        snapshot: &mut Snapshot,
    ) -> Result<()> {
        let file = format!("{role}.json");
        targets.expires_s = self.now_s + self.life.targets_s;
        let first = snapshot.meta.get(&file).map_or(0, |meta| meta.version) + 1;
        let (version, bytes) = self.put_next(first, &file, |version| {
            targets.version = version;
            sign_all(&targets, signers)
        })?;
        snapshot.meta.insert(file, meta(version, &bytes));
        Ok(())
    }

    fn put_next(
        &self,
        first: u64,
        file: &str,
        mut sign: impl FnMut(u64) -> Result<Vec<u8>>,
    ) -> Result<(u64, Vec<u8>)> {
        for version in first..first.saturating_add(NUMBERS_MAX) {
            let bytes = sign(version)?;
            if self.shelf.create_new(&format!("metadata/{version}.{file}"), &bytes)? {
                return Ok((version, bytes));
            }
        }
        Err(ChannelError::Asked(format!(
            "metadata/{first}.{file} and thousands after it are taken: prune first"
        )))
    }

    pub fn point(&self, state: &State, mut snapshot: Snapshot) -> Result<u64> {
        let (by_snapshot, by_timestamp) = (self.signers("snapshot")?, self.signers("timestamp")?);
        // What takers would refuse is not pointed to: this root may have other keys than our folder by now.
        is_trusted("snapshot", &by_snapshot, &state.root.snapshot, "root trusts")?;
        is_trusted("timestamp", &by_timestamp, &state.root.timestamp, "root trusts")?;
        let now = &state.timestamp;
        snapshot.expires_s = self.now_s + self.life.snapshot_s;
        let (version, bytes) = self.put_next(now.snapshot.version + 1, "snapshot.json", |version| {
            snapshot.version = version;
            sign_all(&snapshot, &by_snapshot)
        })?;
        let stamp = Timestamp {
            version: now.version + 1,
            expires_s: self.now_s + self.life.timestamp_s,
            signed_s: Some(self.now_s),
            snapshot: meta(version, &bytes),
        };
        let new = sign_all(&stamp, &by_timestamp)?;
        let old = state.kept.files.get("timestamp.json").map(Vec::as_slice);
        match self.shelf.swap("metadata/timestamp.json", old, &new)? {
            true => Ok(stamp.version),
            false => Err(ChannelError::Lost { version: now.version }),
        }
    }
}

fn sign_all(document: &impl Written, signers: &[Rc<dyn Signer>]) -> Result<Vec<u8>> {
    let signers: Vec<&dyn Signer> = signers.iter().map(AsRef::as_ref).collect();
    signed(document, &signers)
}

fn is_trusted(name: &str, signers: &[Rc<dyn Signer>], grant: &Grant, by: &str) -> Result<()> {
    match signers.iter().any(|signer| grant.keyids.contains(&signer.key().id())) {
        true => Ok(()),
        false => {
            let what = format!("the key {name}.pem is not one that this channel's {by}");
            Err(ChannelError::NoKey(what))
        }
    }
}
