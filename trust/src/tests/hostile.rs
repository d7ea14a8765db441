//! Hostile bytes: cut, endless, unsigned, far ahead, lying; and clocks and keys.

use expect_test::expect;

use super::*;

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
