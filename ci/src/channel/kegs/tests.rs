//! Indexes in real channels: lent, pruned, damaged; and packs that are signed and are not the tree.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use ::kegs::{Digest, Keyed, Node, Outcome, Store, Tree};
use builder::fetch::Places;

use super::super::tests::{NOW_S, Toy};
use super::super::{Folder, Policy, prune, rollback};
use super::*;

fn keyed(text: &str) -> Keyed {
    let message = format!("a key for {text}").into_bytes();
    Keyed { key: Digest::of(&message), messages: vec![(Digest::of(&message), message)] }
}

fn store(at: &Path) -> Store {
    Store::create(at).unwrap()
}

/// A keg with one file, built.
fn built(store: &Store, text: &str) -> Lendable {
    let mut tree = Tree::default();
    let digest = store.put_bytes(text.as_bytes()).unwrap();
    tree.insert("share/file", Node::File { digest, executable: false });
    let outcome = Outcome::new(store.put_tree(&tree).unwrap(), 1.5);
    store.put_result(&keyed(text), &outcome).unwrap();
    Lendable {
        key: keyed(text).key,
        keg: text.into(),
        outcome,
        top: None,
        sources: vec![Digest::of(b"source")],
    }
}

fn lending(store: &Store, image: &str, kegs: &[&str]) -> Lending {
    let kegs = kegs.iter().map(|text| built(store, text)).collect();
    Lending { role: "web".into(), root_sha256: trust::sha256(image.as_bytes()), kegs }
}

/// Published as `image`, made of these.
fn lend_kegs(toy: &Toy, store: &Store, image: &str, kegs: &[&str], now_s: u64) -> Lent {
    toy.publish("edge", "web", image, now_s).unwrap();
    toy.change(now_s, |desk| lend(desk, store, "edge", &[lending(store, image, kegs)])).unwrap()
}

fn taker(toy: &Toy, told: &Arc<Mutex<Vec<Told>>>) -> Taker {
    let told = told.clone();
    Taker {
        place: Box::new(Folder::at(&toy.folder.path().join("public"))),
        line: "edge".into(),
        trusted: toy.host(),
        root: None,
        places: Places::default(),
        cancel: Default::default(),
        now_s: || NOW_S + 60,
        told: Box::new(move |news| told.lock().unwrap().push(news)),
        state: Default::default(),
    }
}

fn takes(toy: &Toy, name: &str, kegs: &[&str]) -> (Vec<bool>, Vec<Told>) {
    let told = Arc::new(Mutex::new(Vec::new()));
    let store = store(&toy.folder.path().join(name)).with_cache(Arc::new(taker(toy, &told)));
    let take =
        |text: &&str| store.ask(&keyed(text)).is_some_and(|outcome| store.tree(&outcome.output).is_ok());
    let taken = kegs.iter().map(take).collect();
    assert_eq!(::kegs::verify::verify(&store, &|_| ()).unwrap(), []);
    let told = told.lock().unwrap().clone();
    (taken, told)
}

#[test]
fn what_two_images_share_is_put_once_and_what_none_has_is_forgotten() {
    let toy = Toy::new();
    let store = store(&toy.folder.path().join("store"));
    assert_eq!(lend_kegs(&toy, &store, "one", &["a", "b"], NOW_S).packs, 2);
    let second = lend_kegs(&toy, &store, "two", &["b", "c"], NOW_S + 1);
    assert_eq!((second.packs, second.kegs), (1, 2));
    assert_eq!(takes(&toy, "taker", &["a", "b", "c", "d"]), (vec![true, true, true, false], vec![]));
    toy.is_whole(NOW_S + 2);
    let policy = Policy { keep: 2, keep_s: 0, grace_s: 0 };
    prune(&toy.channel(), &toy.keys(), policy, Default::default(), NOW_S + 2).unwrap();
    assert_eq!(takes(&toy, "held", &["a", "b", "c"]).0, [true, true, true], "both images are held");
    let policy = Policy { keep: 1, ..policy };
    prune(&toy.channel(), &toy.keys(), policy, Default::default(), NOW_S + 3).unwrap();
    assert_eq!(takes(&toy, "pruned", &["a", "b", "c"]).0, [false, true, true]);
    toy.is_whole(NOW_S + 4);
}

/// The tap's newest plan stays, whatever the line went back to.
#[test]
fn a_rollback_forgets_no_plan_that_is_the_newest() {
    let toy = Toy::new();
    let store = store(&toy.folder.path().join("store"));
    lend_kegs(&toy, &store, "one", &["a"], NOW_S);
    lend_kegs(&toy, &store, "two", &["b"], NOW_S + 1);
    toy.change(NOW_S + 2, |desk| rollback(desk, "edge", "web", None)).unwrap();
    let policy = Policy { keep: 1, keep_s: 0, grace_s: 0 };
    prune(&toy.channel(), &toy.keys(), policy, Default::default(), NOW_S + 3).unwrap();
    assert_eq!(takes(&toy, "taker", &["a", "b"]).0, [true, true]);
}

#[test]
fn a_damaged_pack_is_named() {
    let toy = Toy::new();
    let store = store(&toy.folder.path().join("store"));
    lend_kegs(&toy, &store, "one", &["a"], NOW_S);
    let tree = store.result(&keyed("a").key).unwrap().output;
    let pack: index::Pack = serde_json::from_slice(&store.note("packs", &tree.hex()).unwrap()).unwrap();
    let path = toy.channel().path(&super::super::line::blob_path(&pack.sha256));
    fs::write(&path, "other").unwrap();
    let faults = toy.verified(NOW_S + 1).faults;
    assert!(faults.len() == 1 && faults[0].contains("is damaged"), "{faults:?}");
    let (taken, told) = takes(&toy, "taker", &["a"]);
    assert_eq!(taken, [false]);
    assert!(matches!(&told[..], [Told::Refused { keg, .. }] if keg == "a"), "{told:?}");
}

/// Who has the keys can say what an action came to, and can't say that other bytes are that.
#[test]
fn a_signed_pack_that_is_not_the_tree_is_refused() {
    let toy = Toy::new();
    let store = store(&toy.folder.path().join("store"));
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    let mut lending = lending(&store, "one", &["a", "b"]);
    // Packed before, says a note: but it is another tree's.
    toy.change(NOW_S, |desk| lend(desk, &store, "edge", &[self::lending(&store, "one", &["b"])])).unwrap();
    let [a, b] = [0, 1].map(|at| lending.kegs[at].outcome.output);
    store.set_note("packs", &a.hex(), &store.note("packs", &b.hex()).unwrap()).unwrap();
    lending.root_sha256 = trust::sha256(b"one");
    toy.change(NOW_S + 1, |desk| lend(desk, &store, "edge", &[lending])).unwrap();
    let (taken, told) = takes(&toy, "taker", &["b", "a"]);
    assert_eq!(taken, [true, false]);
    assert!(
        matches!(&told[..], [Told::Refused { keg, why }] if keg == "a" && why.contains("not the tree")),
        "{told:?}"
    );
}

#[test]
fn a_signed_pack_that_is_no_zstd_is_refused() {
    let toy = Toy::new();
    let store = store(&toy.folder.path().join("store"));
    toy.publish("edge", "web", "one", NOW_S).unwrap();
    let lending = lending(&store, "one", &["a"]);
    // A part of the image, says a note, is the keg's pack.
    let pack = index::Pack { sha256: trust::sha256(b"same"), size: 4, bytes: 100 };
    let tree = lending.kegs[0].outcome.output.hex();
    store.set_note("packs", &tree, &serde_json::to_vec(&pack).unwrap()).unwrap();
    toy.change(NOW_S + 1, |desk| lend(desk, &store, "edge", &[lending])).unwrap();
    let (taken, told) = takes(&toy, "taker", &["a"]);
    assert_eq!(taken, [false]);
    assert!(matches!(&told[..], [Told::Refused { why, .. }] if why.contains("not the tree")), "{told:?}");
}

#[test]
fn an_index_of_nonsense_is_refused() {
    for text in [
        "{}",
        r#"{"format":2,"line":"edge","entries":[],"packs":{},"plans":[]}"#,
        r#"{"format":1,"line":"edge","entries":[],"packs":{"x":{"sha256":"","size":1,"bytes":1}},"plans":[]}"#,
        r#"{"format":1,"line":"edge","entries":[],"packs":{},"plans":[{"role":"web","root_sha256":"","entries":[0]}]}"#,
        r#"{"format":1,"line":"edge","entries":[{"key":"a","keg":"a","output":"a","wall_s":1}],"packs":{},"plans":[]}"#,
    ] {
        assert!(Index::read("it", text.as_bytes()).is_err(), "{text}");
    }
}
