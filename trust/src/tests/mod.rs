//! A small channel in memory, honest first; then each fault by its name, and the reason it is refused by.

mod hostile;
mod states;

use std::collections::BTreeMap;

use expect_test::Expect;
use serde_json::Value;

use crate::sign::{Secret, Signer, sign};
use crate::*;

const NOW_S: u64 = 1_795_288_801;
const DAY_S: u64 = 86_400;
const PATH: &str = "edge/web/image.json";

/// `metadata/`, as bytes by file name, and the state that it was written from.
#[derive(Clone)]
struct Channel {
    files: BTreeMap<String, Vec<u8>>,
    root: Root,
    timestamp: Timestamp,
    snapshot: Snapshot,
    targets: Targets,
    web: Targets,
}

fn secret(seed: u8) -> Secret {
    Secret::from_seed([seed; 32])
}

fn grant(seeds: &[u8], threshold: u64) -> Grant {
    Grant { keyids: seeds.iter().map(|&seed| secret(seed).key().id()).collect(), threshold }
}

fn keys(seeds: &[u8]) -> BTreeMap<KeyId, Key> {
    seeds.iter().map(|&seed| (secret(seed).key().id(), secret(seed).key())).collect()
}

/// Keys 1, 2, 3 sign the root, two of them; 4 the timestamp, 5 the snapshot, 6 the targets, 7 those of `web`.
fn channel() -> Channel {
    let expires_s = NOW_S + 30 * DAY_S;
    let image = Target { length: 3, sha256: sha256(b"one") };
    let web =
        Targets { version: 1, expires_s, targets: [(PATH.to_string(), image)].into(), ..Targets::default() };
    let delegation = Delegation {
        name: "web".into(),
        grant: grant(&[7], 1),
        paths: vec!["*/web/*".into()],
        terminating: true,
    };
    let mut channel = Channel {
        files: BTreeMap::new(),
        root: Root {
            version: 1,
            expires_s,
            keys: keys(&[1, 2, 3, 4, 5, 6]),
            root: grant(&[1, 2, 3], 2),
            timestamp: grant(&[4], 1),
            snapshot: grant(&[5], 1),
            targets: grant(&[6], 1),
        },
        timestamp: Timestamp {
            version: 0,
            expires_s,
            signed_s: Some(NOW_S - DAY_S),
            snapshot: Meta::default(),
        },
        snapshot: Snapshot { version: 0, expires_s, meta: BTreeMap::new() },
        targets: Targets {
            version: 1,
            expires_s,
            keys: keys(&[7]),
            delegations: vec![delegation],
            ..Targets::default()
        },
        web,
    };
    channel.put_root(&[1, 2]);
    channel.publish();
    channel
}

fn signed(document: &impl sign::Written, seeds: &[u8]) -> Vec<u8> {
    let secrets: Vec<Secret> = seeds.iter().map(|&seed| secret(seed)).collect();
    let signers: Vec<&dyn Signer> = secrets.iter().map(|secret| secret as &dyn Signer).collect();
    sign(document, &signers).unwrap()
}

fn meta(version: u64, bytes: &[u8]) -> Meta {
    Meta { version, length: Some(bytes.len() as u64), sha256: Some(sha256(bytes)) }
}

impl Channel {
    fn put_root(&mut self, seeds: &[u8]) {
        let bytes = signed(&self.root, seeds);
        self.files.insert(format!("{}.root.json", self.root.version), bytes);
    }

    /// Everything but the root, under the next versions of the pointers.
    fn publish(&mut self) {
        self.publish_by(&[7]);
    }

    fn publish_by(&mut self, web: &[u8]) {
        let targets = signed(&self.targets, &[6]);
        let web_json = signed(&self.web, web);
        self.snapshot.version += 1;
        self.snapshot.meta = [
            ("targets.json".to_string(), meta(self.targets.version, &targets)),
            ("web.json".to_string(), meta(self.web.version, &web_json)),
        ]
        .into();
        self.files.insert(format!("{}.targets.json", self.targets.version), targets);
        self.files.insert(format!("{}.web.json", self.web.version), web_json);
        self.point(&[5]);
    }

    fn point(&mut self, snapshot: &[u8]) {
        let bytes = signed(&self.snapshot, snapshot);
        self.timestamp.version += 1;
        self.timestamp.snapshot = meta(self.snapshot.version, &bytes);
        self.files.insert(format!("{}.snapshot.json", self.snapshot.version), bytes);
        self.stamp(&[4]);
    }

    fn stamp(&mut self, seeds: &[u8]) {
        self.files.insert("timestamp.json".into(), signed(&self.timestamp, seeds));
    }

    fn put_image(&mut self, bytes: &[u8]) {
        self.web.version += 1;
        let image = Target { length: bytes.len() as u64, sha256: sha256(bytes) };
        self.web.targets.insert(PATH.into(), image);
        self.publish();
    }

    fn kept(&self) -> Kept {
        Kept { root: self.files["1.root.json"].clone(), files: BTreeMap::new() }
    }

    /// What a taker comes to, and what it keeps whatever came.
    fn take(&self, kept: &Kept, now_s: u64) -> (Result<Target, Refusal>, Kept) {
        let mut update = match Update::begin(kept.clone(), Wish::Target(PATH.into()), now_s) {
            Ok(update) => update,
            Err(refusal) => return (Err(refusal), kept.clone()),
        };
        while let Some(want) = update.want() {
            if let Err(refusal) = update.give(self.files.get(&want.file).map(Vec::as_slice)) {
                return (Err(refusal), update.kept().clone());
            }
        }
        (Ok(update.found().cloned().unwrap()), update.kept().clone())
    }

    #[track_caller]
    fn gives(&self, kept: &Kept, bytes: &[u8]) -> Kept {
        let (taken, kept) = self.take(kept, NOW_S);
        assert_eq!(taken.map(|target| target.sha256), Ok(sha256(bytes)));
        kept
    }

    #[track_caller]
    fn is_refused(&self, kept: &Kept, reason: Expect) -> Kept {
        let (taken, after) = self.take(kept, NOW_S);
        reason.assert_eq(&taken.unwrap_err().to_string());
        after
    }
}

/// Whoever was refused goes on with what is honest.
#[track_caller]
fn refused(hostile: impl FnOnce(&mut Channel), reason: Expect) {
    let mut channel = channel();
    let kept = channel.gives(&channel.kept(), b"one");
    channel.put_image(b"two");
    hostile(&mut channel);
    let after = channel.is_refused(&kept, reason);
    Update::begin(after, Wish::Target(PATH.into()), NOW_S).unwrap();
}
