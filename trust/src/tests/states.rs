//! States of a channel: honest ones, and those that were once true, are not yet, or never were.

use expect_test::expect;

use super::*;

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
