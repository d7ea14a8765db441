//! Patches and edits, in memory.

use std::collections::BTreeSet;
use std::fs;

use builder::recipe::{Recipe, Version};
use expect_test::{Expect, expect};
use kegs::{Digest, Faults};

use super::patch::{self, Files, PatchError};
use super::pin::{NewSource, Pinned};

const PATCH: &[u8] = b"A note.\n\n--- a/src/x.c\n+++ b/src/x.c\n@@ -2,3 +2,4 @@ int main\n two\n-three\n+THREE\n+more\n four\n";

fn files(text: &str) -> Files {
    [("src/x.c".to_string(), Some(text.as_bytes().to_vec()))].into()
}

fn applied(text: &str) -> Result<(String, String), PatchError> {
    let mut files = files(text);
    let moves = patch::parse(PATCH)?.apply(&mut files)?;
    let refreshed = patch::refreshed(PATCH, &moves).map(|text| String::from_utf8(text).unwrap());
    let head = refreshed
        .as_deref()
        .and_then(|text| text.lines().find(|line| line.starts_with("@@")).map(str::to_string));
    Ok((String::from_utf8(files["src/x.c"].clone().unwrap()).unwrap(), head.unwrap_or_default()))
}

#[test]
fn a_patch_applies_where_its_lines_stand() {
    assert_eq!(
        applied("one\ntwo\nthree\nfour\n").unwrap(),
        ("one\ntwo\nTHREE\nmore\nfour\n".into(), String::new())
    );
    let moved = applied("0\n0\n0\none\ntwo\nthree\nfour\n").unwrap();
    assert_eq!(moved.1, "@@ -5,3 +5,4 @@ int main");
    let error = applied("one\ntwo\n3\nfour\n").unwrap_err().to_string();
    assert_eq!(error, "hunk 1 of src/x.c (line 2 of the source before) does not apply");
}

#[test]
fn what_upstream_took_applies_backwards() {
    let taken = patch::parse(PATCH).unwrap().reversed();
    assert!(taken.apply(&mut files("one\ntwo\nTHREE\nmore\nfour\n")).is_ok());
    assert!(taken.apply(&mut files("one\ntwo\nthree\nfour\n")).is_err());
}

#[test]
fn several_hunks_move_together_and_files_come_and_go() {
    let text = b"--- a/x\n+++ b/x\n@@ -1,2 +1,3 @@\n+new\n a\n b\n@@ -5,2 +6,1 @@\n-e\n f\n\
                --- /dev/null\n+++ b/made\n@@ -0,0 +1 @@\n+hello\n--- a/gone\n+++ /dev/null\n@@ -1 +0,0 @@\n-bye\n";
    let mut files = Files::from([
        ("x".to_string(), Some(b"0\na\nb\nc\nd\ne\nf\n".to_vec())),
        ("gone".to_string(), Some(b"bye\n".to_vec())),
    ]);
    let moves = patch::parse(text).unwrap().apply(&mut files).unwrap();
    assert_eq!(files["x"].as_deref(), Some(&b"0\nnew\na\nb\nc\nd\nf\n"[..]));
    assert_eq!((files["made"].as_deref(), files["gone"].as_deref()), (Some(&b"hello\n"[..]), None));
    let refreshed = String::from_utf8(patch::refreshed(text, &moves).unwrap()).unwrap();
    assert!(refreshed.contains("@@ -2,2 +2,3 @@") && refreshed.contains("@@ -6,2 +7,1 @@"), "{refreshed}");
    assert!(refreshed.contains("@@ -0,0 +1 @@") && refreshed.contains("@@ -1 +0,0 @@"), "{refreshed}");
}

#[test]
fn a_patch_that_leaves_the_tree_or_is_none_is_refused() {
    let refused = |text: &[u8]| patch::parse(text).unwrap_err().to_string();
    assert_eq!(
        refused(b"--- a/../../etc/passwd\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"),
        "`a/../../etc/passwd` leaves the source tree"
    );
    assert_eq!(refused(b"hello\n"), "line 1: no hunk of a unified diff is in it");
    assert_eq!(refused(b"--- a/x\n+++ b/x\n@@ -1,3 +1 @@\n-a\n"), "line 5: the hunk is cut short");
    assert_eq!(refused(b"--- a/x\n+++ b/x\n@@ -x +1 @@\n"), "line 3: not `@@ -a,b +c,d @@`");
}

fn edited(text: &str, slot: &str, source: NewSource, dropped: &[&str]) -> String {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("patches")).unwrap();
    for patch in ["one", "two"] {
        fs::write(folder.path().join(format!("patches/{patch}.patch")), PATCH).unwrap();
    }
    let mut faults = Faults::default();
    let recipe = Recipe::parse("toy", folder.path(), "recipe.toml".as_ref(), text.as_bytes(), &mut faults);
    let recipe = recipe.unwrap_or_else(|| panic!("{faults}"));
    let pinned = Pinned { sources: vec![source], by: "page", found: String::new(), notes: Vec::new() };
    let dropped: BTreeSet<String> = dropped.iter().map(|name| name.to_string()).collect();
    let watched = recipe.watched(slot).unwrap();
    let version = Version::parse("1.3").unwrap();
    super::edit::edited(&recipe, &watched, &version, &pinned, &dropped)
        .unwrap_or_else(|left| panic!("{left:?}"))
}

fn check(before: &str, slot: &str, source: NewSource, dropped: &[&str], expect: Expect) {
    expect.assert_eq(&edited(before, slot, source, dropped).replace(&Digest::of(b"new").hex(), "NEW"));
}

#[test]
fn an_edit_changes_what_is_new_and_nothing_else() {
    let sha256 = "0".repeat(64);
    let new = NewSource { digest: Some(Digest::of(b"new")), ..NewSource::default() };
    let debian = NewSource { debian: Some(Some("toy=1.3-1/sid".into())), ..new.clone() };
    check(
        &format!(
            "# Ours.\nsummary = \"A toy\"\nlicense = \"MIT\"\nversion = \"1.2\"   # the last\n\
             source  = {{ url = \"https://host/toy-{{version}}.tar.gz\", debian = \"toy=1.2-1/sid\", sha256 = \"{sha256}\", size = 7 }}\n\
             preset  = \"make\"\npatches = [\"patches/one.patch\", \"patches/two.patch\"]\n"
        ),
        "0",
        debian,
        &["patches/one.patch"],
        expect![[r##"
            # Ours.
            summary = "A toy"
            license = "MIT"
            version = "1.3"   # the last
            source  = { url = "https://host/toy-{version}.tar.gz", debian = "toy=1.3-1/sid", sha256 = "NEW", size = 3 }
            preset  = "make"
            patches = ["patches/two.patch"]
        "##]],
    );
    check(
        &format!(
            "summary = \"A toy\"\nlicense = \"MIT\"\npreset = \"make\"\ndefault_slot = \"2\"\n\n\
             [slot.\"1\"]\nversion = \"1.2\"\nsource = \"https://host/toy-{{version}}.tar.gz\"\nsha256 = \"{sha256}\"\n\
             patches = [\"patches/one.patch\"]\n\n\
             [slot.\"2\"]\nversion = \"2.0\"\nsource = \"https://host/toy-{{version}}.tar.gz\"\nsha256 = \"{sha256}\"\n"
        ),
        "1",
        new,
        &["patches/one.patch"],
        expect![[r#"
            summary = "A toy"
            license = "MIT"
            preset = "make"
            default_slot = "2"

            [slot."1"]
            version = "1.3"
            source = "https://host/toy-{version}.tar.gz"
            sha256 = "NEW"

            [slot."2"]
            version = "2.0"
            source = "https://host/toy-{version}.tar.gz"
            sha256 = "0000000000000000000000000000000000000000000000000000000000000000"
        "#]],
    );
}
