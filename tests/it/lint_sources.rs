//! Lints of the ring `source`: archives that are put into a store as a fetch would, and the finding at its word.

use std::fs;
use std::process::Command;

use expect_test::expect;

use crate::lint_kegs::{findings, recipe, tap};
use crate::support::Toy;

#[test]
fn s03_s04_places() {
    let toy = tap();
    let sha256 = "1".repeat(64);
    recipe(
        &toy,
        "top",
        &format!(
            "home = \"https://example.org/\"\nsource = {{ url = \"https://github.com/x/y/archive/v1.tar.gz\", sha256 = \"{sha256}\" }}"
        ),
        ":",
    );
    recipe(
        &toy,
        "other",
        &format!(
            "home = \"https://example.org/\"\nsource = {{ url = \"https://exampel.org/x.tar.gz\", sha256 = \"{sha256}\" }}"
        ),
        ":",
    );
    expect![[r#"
        S04 8:27 [exampel.org] `exampel.org` differs by one letter from `example.org`, which the recipe names too
        S03 8:18 ["https://github.com/x/y/archive/v1.tar.gz"] an archive that the forge makes when it is asked: its bytes may change
    "#]]
    .assert_eq(&findings(&toy, &["--ring", "source"]));
}

/// A source archive of these files in the store, as a recipe names it.
fn source(toy: &Toy, name: &str, files: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join("x-1").join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let tar = Command::new("tar").arg("-C").arg(folder.path()).args(["-cz", "x-1"]).output().expect("tar");
    put(toy, name, &tar.stdout)
}

fn put(toy: &Toy, name: &str, bytes: &[u8]) -> String {
    let store = kegs::Store::open(&toy.store()).unwrap();
    let digest = store.put_bytes(bytes).unwrap();
    format!(
        "source = {{ url = \"https://example.org/{name}\", sha256 = \"{}\", size = {} }}",
        digest.hex(),
        bytes.len()
    )
}

#[test]
fn s05_a_page_where_the_archive_was() {
    let toy = tap();
    let page = put(&toy, "x.tar.gz", b"<!DOCTYPE html><html>404 not found</html>");
    recipe(&toy, "top", &page, ":");
    expect![[r#"
        S05 7:10 […] not an archive that can be unpacked: an HTML page and no archive
    "#]]
    .assert_eq(&findings(&toy, &["--ring", "source"]).replace(&page["source = ".len()..], "…"));
}

const PATCH: &str = "Why: a toy\nUpstream: no\n--- a/f\n+++ b/f\n@@ -2,3 +2,3 @@\n b\n-c\n+C\n d\n";

fn patched(toy: &Toy, file: &str) -> String {
    let source = source(toy, "x.tar.gz", &[("f", file)]);
    toy.write("tap/recipes/top/patches/x.patch", PATCH);
    recipe(toy, "top", &format!("{source}\npatches = [\"patches/x.patch\"]"), ":");
    findings(toy, &["--ring", "source"])
}

#[test]
fn s06_s07_a_patch_on_its_source() {
    let toy = tap();
    expect![[""]].assert_eq(&patched(&toy, "a\nb\nc\nd\n"));
    expect![[r#"
        S06 8:12 ["patches/x.patch"] `patches/x.patch` fits only 2 lines away from where it says
    "#]]
    .assert_eq(&patched(&toy, "1\n2\na\nb\nc\nd\n"));
    expect![[r#"
        S06 8:12 ["patches/x.patch"] `patches/x.patch` does not apply to top 1.0
    "#]]
    .assert_eq(&patched(&toy, "a\nb\nother\nd\n"));
    expect![[r#"
        S07 8:12 ["patches/x.patch"] `patches/x.patch` is in the source already
    "#]]
    .assert_eq(&patched(&toy, "a\nb\nC\nd\n"));
}

#[test]
fn s08_another_licence() {
    let toy = tap();
    let gpl = "GNU GENERAL PUBLIC LICENSE\n   Version 2, June 1991\n";
    recipe(&toy, "top", &source(&toy, "x.tar.gz", &[("COPYING", gpl), ("f", "x")]), ":");
    expect![[r#"
        S08 2:11 ["MIT"] the recipe says MIT, and `COPYING` of the source is GPL-2.0
    "#]]
    .assert_eq(&findings(&toy, &["--ring", "source"]));
    let mit = "Permission is hereby granted, free of charge, to any person obtaining a copy";
    recipe(&toy, "top", &source(&toy, "x.tar.gz", &[("COPYING", mit), ("f", "x")]), ":");
    expect![[""]].assert_eq(&findings(&toy, &["--ring", "source"]));
}
