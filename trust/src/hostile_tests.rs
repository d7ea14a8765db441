//! A small channel in memory, honest first; then each fault by its name, and the reason it is refused by.

use std::collections::BTreeMap;

use expect_test::{Expect, expect};
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

#[test]
fn an_honest_channel_is_followed() {
    let mut channel = channel();
    let kept = channel.gives(&channel.kept(), b"one");
    assert_eq!(kept.files.len(), 4);
    channel.put_image(b"two");
    let kept = channel.gives(&kept, b"two");
    // Back again, under a higher version: signed, so followed.
    channel.put_image(b"one");
    channel.gives(&kept, b"one");
}

#[test]
fn what_is_kept_is_not_asked_again() {
    let channel = channel();
    let kept = channel.gives(&channel.kept(), b"one");
    let mut update = Update::begin(kept, Wish::Target(PATH.into()), NOW_S).unwrap();
    let mut asked = Vec::new();
    while let Some(want) = update.want() {
        update.give(channel.files.get(&want.file).map(Vec::as_slice)).unwrap();
        asked.push(want.file);
    }
    assert_eq!(asked, ["2.root.json", "timestamp.json"]);
}

#[test]
fn roots_follow_each_other() {
    let mut channel = channel();
    let kept = channel.kept();
    for version in 2..6 {
        channel.root.version = version;
        channel.put_root(&[1, 3]);
    }
    // All but one of the keys are new, as is the threshold.
    channel.root.version = 6;
    channel.root.keys = keys(&[1, 11, 12, 4, 5, 6]);
    channel.root.root = grant(&[1, 11, 12], 3);
    channel.put_root(&[2, 3, 1, 11, 12]);
    let kept = channel.gives(&kept, b"one");
    assert_eq!(kept.root, channel.files["6.root.json"]);
}

#[test]
fn a_root_that_the_old_keys_did_not_sign() {
    refused(
        |channel| {
            channel.root.version = 2;
            channel.root.keys = keys(&[21, 22, 4, 5, 6]);
            channel.root.root = grant(&[21, 22], 1);
            channel.put_root(&[1, 21]);
        },
        expect![
            "2.root.json: 1 of 2 signatures are there that must be (1 more by keys that are not this role's)"
        ],
    );
}

#[test]
fn a_root_that_its_own_keys_did_not_sign() {
    refused(
        |channel| {
            channel.root.version = 2;
            channel.root.root = grant(&[1, 2, 3], 3);
            channel.put_root(&[1, 2]);
        },
        expect!["2.root.json: 2 of 3 signatures are there that must be"],
    );
}

#[test]
fn a_root_under_another_number() {
    refused(
        |channel| {
            channel.root.version = 3;
            channel.put_root(&[1, 2]);
            let skipped = channel.files["3.root.json"].clone();
            channel.files.insert("2.root.json".into(), skipped);
        },
        expect!["2.root.json: version 3, where its name says 2: files of two states are mixed"],
    );
}

#[test]
fn one_key_under_two_ids_signs_once() {
    refused(
        |channel| {
            channel.root.version = 2;
            channel.root.keys.insert("alias".into(), secret(1).key());
            channel.root.root.keyids.insert("alias".into());
            channel.put_root(&[1, 2]);
            // A chain of its own: version 3 is signed by key 1 alone, under both ids.
            channel.root.version = 3;
            let mut value: Value = serde_json::from_slice(&signed(&channel.root, &[1])).unwrap();
            let mut again = value["signatures"][0].clone();
            again["keyid"] = "alias".into();
            value["signatures"].as_array_mut().unwrap().push(again);
            channel.files.insert("3.root.json".into(), value.to_string().into_bytes());
        },
        expect!["3.root.json: 1 of 2 signatures are there that must be"],
    );
}

#[test]
fn expired() {
    for (name, days, wanted) in [("before", 29, true), ("after", 31, false)] {
        let channel = channel();
        let (taken, _) = channel.take(&channel.kept(), NOW_S + days * DAY_S);
        assert_eq!(taken.is_ok(), wanted, "{name}");
    }
    refused(
        |channel| {
            channel.timestamp.expires_s = NOW_S - 1;
            channel.point(&[5]);
        },
        expect![
            "timestamp.json: expired at 2026-11-21T19:20:00Z, and it is 2026-11-21T19:20:01Z: whoever signs this channel has stopped, or somebody holds back what is newer, or this clock is wrong"
        ],
    );
    refused(
        |channel| {
            channel.snapshot.expires_s = NOW_S;
            channel.snapshot.version += 1;
            channel.point(&[5]);
        },
        expect![
            "3.snapshot.json: expired at 2026-11-21T19:20:01Z, and it is 2026-11-21T19:20:01Z: whoever signs this channel has stopped, or somebody holds back what is newer, or this clock is wrong"
        ],
    );
    refused(
        |channel| {
            channel.web.expires_s = 0;
            channel.web.version += 1;
            channel.publish();
        },
        expect![
            "3.web.json: expired at 1970-01-01T00:00:00Z, and it is 2026-11-21T19:20:01Z: whoever signs this channel has stopped, or somebody holds back what is newer, or this clock is wrong"
        ],
    );
}

#[test]
fn replayed() {
    let mut channel = channel();
    let old = channel.clone();
    channel.put_image(b"two");
    let kept = channel.gives(&channel.kept(), b"two");
    let after = old.is_refused(&kept, expect!["timestamp.json: the timestamp has version 1, and 2 is known here already: something old was replayed"]);
    channel.gives(&after, b"two");
}

#[test]
fn an_older_state_under_a_newer_timestamp() {
    refused(
        |channel| {
            channel.web.version = 1;
            channel.targets.version = 1;
            channel.put_image(b"x");
            channel.web.version = 1;
            channel.publish();
            channel.snapshot.meta.insert("targets.json".into(), Meta { version: 0, ..Meta::default() });
            channel.snapshot.version += 1;
            channel.point(&[5]);
        },
        expect![
            "5.snapshot.json: `targets.json` has version 0, and 1 is known here already: something old was replayed"
        ],
    );
    refused(
        |channel| {
            channel.timestamp.version += 1;
            channel.timestamp.snapshot.version = 0;
            channel.stamp(&[4]);
        },
        expect![
            "timestamp.json: its snapshot has version 0, and 1 is known here already: something old was replayed"
        ],
    );
}

#[test]
fn mixed() {
    refused(
        |channel| {
            channel.files.insert("2.web.json".into(), channel.files["1.web.json"].clone());
        },
        expect![
            "2.web.json: cut short or changed: its sha256 is 3068157ca1e70b55a5b6d5375957c51f6c7f537fe541141404cc10d4f0f9c2e2, and the snapshot says 70beb4811fbf6f4fa5fd6246481f7e87066f32733411349586789e2dbd095128"
        ],
    );
    refused(
        |channel| {
            channel.snapshot.meta.remove("web.json");
            channel.snapshot.version += 1;
            channel.point(&[5]);
        },
        expect![
            "3.snapshot.json: `web.json`, which an earlier one had before, is gone: files of two states are mixed"
        ],
    );
    refused(
        |channel| {
            let web = channel.snapshot.meta.get_mut("web.json").unwrap();
            (web.version, web.length, web.sha256) = (9, None, None);
            channel.files.insert("9.web.json".into(), channel.files["2.web.json"].clone());
            channel.snapshot.version += 1;
            channel.point(&[5]);
        },
        expect!["9.web.json: version 2, where the snapshot says 9: files of two states are mixed"],
    );
}

#[test]
fn cut() {
    refused(
        |channel| {
            channel.files.get_mut("2.web.json").unwrap().truncate(100);
        },
        expect!["2.web.json: cut short or changed: its length is 100, and the snapshot says 462"],
    );
    refused(
        |channel| {
            channel.files.get_mut("timestamp.json").unwrap().truncate(100);
        },
        expect!["timestamp.json: is no JSON: EOF while parsing a string at line 1 column 100"],
    );
    refused(
        |channel| drop(channel.files.remove("2.snapshot.json")),
        expect!["2.snapshot.json: is not there"],
    );
    refused(|channel| drop(channel.files.remove("timestamp.json")), expect!["timestamp.json: is not there"]);
}

#[test]
fn endless() {
    refused(
        |channel| {
            channel.files.get_mut("timestamp.json").unwrap().resize(20_000, b' ');
        },
        expect!["timestamp.json: 20000 bytes, of at most 16384: a channel that never ends is not followed"],
    );
    refused(
        |channel| {
            channel.files.get_mut("2.web.json").unwrap().resize(5_000_000, b' ');
        },
        expect!["2.web.json: 5000000 bytes, of at most 462: a channel that never ends is not followed"],
    );
    refused(
        |channel| drop(channel.files.insert("2.root.json".into(), vec![b'['; 512_001])),
        expect!["2.root.json: 512001 bytes, of at most 512000: a channel that never ends is not followed"],
    );
    // As deep as its size allows: refused, and not by an overflow of the stack.
    refused(
        |channel| drop(channel.files.insert("timestamp.json".into(), vec![b'['; 16_384])),
        expect!["timestamp.json: is no JSON: recursion limit exceeded at line 1 column 128"],
    );
}

#[test]
fn roots_without_end_end() {
    let mut channel = channel();
    let kept = channel.kept();
    for version in 2..400 {
        channel.root.version = version;
        channel.put_root(&[1, 2]);
    }
    let kept = channel.gives(&kept, b"one");
    assert_eq!(kept.root, channel.files["257.root.json"]);
    let kept = channel.gives(&kept, b"one");
    assert_eq!(kept.root, channel.files["399.root.json"]);
}

#[test]
fn delegations_without_end_end() {
    refused(
        |channel| {
            let one = channel.targets.delegations[0].clone();
            for at in 0..40 {
                let (name, terminating) = (format!("r{at}"), false);
                channel.targets.delegations.insert(0, Delegation { name, terminating, ..one.clone() });
            }
            channel.targets.version += 1;
            channel.publish();
        },
        expect!["2.targets.json: more than 32 delegations: a channel that never ends is not followed"],
    );
}

#[test]
fn too_few_or_unknown_keys() {
    refused(
        |channel| channel.stamp(&[]),
        expect!["timestamp.json: 0 of 1 signatures are there that must be"],
    );
    refused(
        |channel| channel.stamp(&[9, 5, 6, 7]),
        expect![
            "timestamp.json: 0 of 1 signatures are there that must be (4 more by keys that are not this role's)"
        ],
    );
    refused(
        |channel| {
            channel.snapshot.version += 1;
            channel.point(&[4]);
        },
        expect![
            "3.snapshot.json: 0 of 1 signatures are there that must be (1 more by keys that are not this role's)"
        ],
    );
    refused(
        |channel| {
            channel.web.version += 1;
            channel.publish_by(&[6]);
        },
        expect![
            "3.web.json: 0 of 1 signatures are there that must be (1 more by keys that are not this role's)"
        ],
    );
    refused(
        |channel| {
            let mut value: Value = serde_json::from_slice(&channel.files["timestamp.json"]).unwrap();
            value["signatures"] =
                (0..200).map(|at| serde_json::json!({"keyid": at.to_string(), "sig": ""})).collect();
            channel.files.insert("timestamp.json".into(), value.to_string().into_bytes());
        },
        expect!["timestamp.json: has 200 signatures, of at most 128"],
    );
}

#[test]
fn a_role_signs_only_what_it_was_trusted_with() {
    let mut channel = channel();
    channel.targets.delegations[0].paths = vec!["*/cache/*".into()];
    channel.targets.version += 1;
    channel.publish();
    channel
        .is_refused(&channel.kept(), expect!["no edge/web/image.json in this channel that its roles sign"]);
}

/// Who stole the pointers' keys counts far ahead; new keys in the next root make that void.
#[test]
fn fast_forwarded() {
    let mut channel = channel();
    let honest = channel.clone();
    (channel.timestamp.version, channel.snapshot.version) = (1 << 40, 1 << 40);
    channel.point(&[5]);
    let kept = channel.gives(&channel.kept(), b"one");
    let kept = honest.is_refused(&kept, expect!["timestamp.json: the timestamp has version 1, and 1099511627777 is known here already: something old was replayed"]);
    let mut rotated = honest;
    rotated.root.version = 2;
    rotated.root.keys = keys(&[1, 2, 3, 14, 15, 6]);
    (rotated.root.timestamp, rotated.root.snapshot) = (grant(&[14], 1), grant(&[15], 1));
    rotated.put_root(&[1, 2]);
    let snapshot = signed(&rotated.snapshot, &[15]);
    rotated.timestamp.snapshot = meta(1, &snapshot);
    rotated.files.insert("1.snapshot.json".into(), snapshot);
    rotated.stamp(&[14]);
    rotated.gives(&kept, b"one");
}

/// Every byte of every file, flipped by one bit: refused, or what it says is the same.
#[test]
fn a_lying_byte() {
    let channel = channel();
    for (name, bytes) in &channel.files {
        for at in (0..bytes.len()).step_by(7) {
            let mut lying = channel.clone();
            lying.files.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
            let mut kept = channel.kept();
            if name == "1.root.json" {
                kept.root = lying.files[name].clone();
            }
            if let Ok(target) = lying.take(&kept, NOW_S).0 {
                assert_eq!(target.sha256, sha256(b"one"), "{name} {at}");
            }
        }
    }
}

#[test]
fn a_clock_that_is_wrong() {
    let channel = channel();
    let reason = |now_s| channel.take(&channel.kept(), now_s).0.unwrap_err().to_string();
    expect!["the clock says 1970-01-01T00:00:01Z, and timestamp.json was signed at 2026-11-20T19:20:01Z: set the clock first, since by a wrong one nothing ever expires"].assert_eq(&reason(1));
    expect!["1.root.json: expired at 2026-12-21T19:20:01Z, and it is 2037-11-03T19:20:01Z: whoever signs this channel has stopped, or somebody holds back what is newer, or this clock is wrong"].assert_eq(&reason(NOW_S + 4000 * DAY_S));
}

#[test]
fn keys_in_files() {
    let chance = sign::Salt { salt: [1; 16], iv: [2; 16], cost_log2: sign::COST_LOG2 };
    let pem = secret(7).to_pem(b"correct horse", &chance).unwrap();
    assert!(pem.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert_eq!(Secret::from_pem(&pem, b"correct horse").unwrap().key(), secret(7).key());
    assert!(matches!(Secret::from_pem(&pem, b"wrong"), Err(sign::SignError::Passphrase)));
    assert!(matches!(Secret::from_pem("x", b""), Err(sign::SignError::Form(_))));
    assert!(!format!("{:?}", secret(7)).contains("0707"));
}

#[test]
fn an_envelope() {
    let (keys, grant) = (keys(&[7]), grant(&[7], 1));
    let bytes = dsse::sign(dsse::IN_TOTO, b"{}", &[&secret(7)]).unwrap();
    assert_eq!(dsse::open("p", &bytes, dsse::IN_TOTO, &keys, &grant).unwrap(), b"{}");
    let other = dsse::sign(dsse::IN_TOTO, b"{}", &[&secret(8)]).unwrap();
    expect!["p: 0 of 1 signatures are there that must be (1 more by keys that are not this role's)"]
        .assert_eq(&dsse::open("p", &other, dsse::IN_TOTO, &keys, &grant).unwrap_err().to_string());
    assert!(dsse::open("p", &bytes, "text/plain", &keys, &grant).is_err());
}
