//! Locks of cargo: what is read, what a member needs, and what a hostile one is told.

use expect_test::expect;
use kegs::fault::Faults;

use super::super::lock::Lock;
use super::*;

const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

fn parse(text: &str) -> Result<Lock, String> {
    let mut faults = Faults::default();
    let lock = Lock::parse(Path::new("recipes/t/Cargo.lock"), text.as_bytes(), &mut faults);
    lock.ok_or_else(|| faults.to_string())
}

fn wrong(text: &str, expect: Expect) {
    expect.assert_eq(&parse(text).expect_err("a fault"));
}

/// `name version` or `name version: dependency, dependency`; a folder of the source is `./name version`.
fn lock(lines: &[&str]) -> String {
    let mut text = "version = 4\n".to_string();
    for line in lines {
        let (head, dependencies) = line.split_once(": ").unwrap_or((line, ""));
        let (name, version) = head.split_once(' ').unwrap();
        text += &format!(
            "\n[[package]]\nname = \"{}\"\nversion = \"{version}\"\n",
            name.trim_start_matches("./")
        );
        if !name.starts_with("./") {
            text += &format!("source = \"{REGISTRY}\"\nchecksum = \"{SHA256}\"\n");
        }
        if !dependencies.is_empty() {
            let each: String = dependencies.split(", ").map(|name| format!(" \"{name}\",\n")).collect();
            text += &format!("dependencies = [\n{each}]\n");
        }
    }
    text
}

fn names(lock: &Lock) -> Vec<String> {
    lock.crates().map(|(package, _)| format!("{} {}", package.name.value, package.version)).collect()
}

#[test]
fn a_lock_is_written_as_it_was_read() {
    let text =
        lock(&["./a 0.1.0: syn 2.0.0, toml", "syn 2.0.0", "syn 3.0.9", "toml 1.2.1+spec-1.1.0: syn 3.0.9"]);
    assert_eq!(parse(&text).unwrap().print(), text);
    let comment = format!("# By cargo.\n{text}");
    assert_eq!(parse(&comment).unwrap().print(), text);
    let real = include_str!("../../../../Cargo.lock");
    let after = real.find("version = ").unwrap();
    assert_eq!(parse(real).unwrap().print(), real[after..]);
}

#[test]
fn a_member_has_what_it_reaches_and_no_more() {
    let text = lock(&[
        "./agent 0.1.0: syn 3.0.9, toml",
        "./cli 0.1.0: agent, syn 2.0.0, x",
        "syn 2.0.0",
        "syn 3.0.9",
        "toml 1.0.0: y",
        "x 1.0.0",
        "y 1.0.0: toml",
    ]);
    let whole = parse(&text).unwrap();
    let own = whole.of("agent").unwrap();
    assert_eq!(names(&own), ["syn 3.0.9", "toml 1.0.0", "y 1.0.0"]);
    assert!(!own.print().contains("cli"));
    assert_eq!(names(&whole.of("cli").unwrap()).len(), 5);
    assert!(whole.of("syn").is_none(), "a crate is no member");
    assert!(whole.of("nobody").is_none());
}

#[test]
fn what_a_digest_cannot_name() {
    wrong(
        &format!(
            "version = 4\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://x.example/a?rev=1#2\"\n\
             [[package]]\nname = \"b\"\nversion = \"1.0.0\"\nsource = \"registry+https://x.example/index\"\nchecksum = \"{SHA256}\"\n\
             [[package]]\nname = \"c\"\nversion = \"1.0.0\"\nsource = \"{REGISTRY}\"\n\
             [[package]]\nname = \"d\"\nversion = \"1.0.0\"\nchecksum = \"{SHA256}\"\n"
        ),
        expect![[r#"
            recipes/t/Cargo.lock:5:10: a crate from git; only what a registry has can be named by its digest: ask upstream for a release
            recipes/t/Cargo.lock:14:10: a crate without `checksum`; `cargo generate-lockfile` writes the digest of each
            recipes/t/Cargo.lock:18:1: a digest of no registry's crate; a folder of the source has none
        "#]],
    );
}

#[test]
fn names_that_leave_their_folder() {
    let bad = |name: &str, version: &str, more: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\nsource = \"{REGISTRY}\"\nchecksum = {more}\n"
        )
    };
    let whole = format!("\"{SHA256}\"");
    wrong(
        &[
            bad("../../etc", "1.0.0", &whole),
            bad("a", "1.0.0/../..", &whole),
            bad("a b", "1", &whole),
            bad("a$(id)", "1.0.0", "\"ABC\""),
            bad("", "1.0.0", "7"),
            bad("twice", "1.0.0", &whole),
            bad("twice", "1.0.0", &whole) + "dependencies = [\"x\\n[[package]]\"]",
        ]
        .concat(),
        expect![[r#"
            recipes/t/Cargo.lock:2:8: `../../etc` is no crate's name; letters, digits, `-` and `_`
            recipes/t/Cargo.lock:8:11: `1.0.0/../..` is no crate's version; such as `1.0.229`
            recipes/t/Cargo.lock:12:8: `a b` is no crate's name; letters, digits, `-` and `_`
            recipes/t/Cargo.lock:13:11: `1` is no crate's version; such as `1.0.229`
            recipes/t/Cargo.lock:17:8: `a$(id)` is no crate's name; letters, digits, `-` and `_`
            recipes/t/Cargo.lock:20:12: not a sha256; 64 lower-case hex digits
            recipes/t/Cargo.lock:22:8: `` is no crate's name; letters, digits, `-` and `_`
            recipes/t/Cargo.lock:25:12: expected a sha256, found an integer
            recipes/t/Cargo.lock:36:17: `x
            [[package]]` is no dependency; `name`, `name version`
            recipes/t/Cargo.lock:32:8: `twice 1.0.0` is there twice; one of them is enough
        "#]],
    );
    wrong(
        &[bad("twice", "1.0.0", &whole), bad("twice", "1.0.0", &whole)].concat(),
        expect![[r#"
        recipes/t/Cargo.lock:7:8: `twice 1.0.0` is there twice; one of them is enough
    "#]],
    );
}

#[test]
fn forms_that_are_not_understood() {
    wrong(
        "version = 9\nunknown = 1\n",
        expect![[r#"
        recipes/t/Cargo.lock:1:11: a lock of form 9; 3 and 4 are understood
        recipes/t/Cargo.lock:2:1: unknown key `unknown` here; one of `version`, `package`
    "#]],
    );
    wrong(
        "[metadata]\n\"checksum a 1.0.0\" = \"x\"\n",
        expect![[r#"
        recipes/t/Cargo.lock:1:2: a lock of cargo's oldest form; `cargo generate-lockfile` writes it anew, with a digest a crate
    "#]],
    );
    wrong(
        "version = 4\n[[package]]\nname = \"a\"\nreplace = \"b\"\n",
        expect![[r#"
        recipes/t/Cargo.lock:2:1: `version` is missing; the crate's
        recipes/t/Cargo.lock:4:1: unknown key `replace` in a lock's `package`; one of `name`, `version`, `source`, `checksum`, `dependencies`
    "#]],
    );
    wrong(
        "[[package]\n",
        expect![[r#"
            recipes/t/Cargo.lock:1:11: a list without its end; close it by `]`
        "#]],
    );
}

const HEAD: &str = "summary = \"s\"\nlicense = \"MIT\"\nversion = \"1.2\"\npreset = \"cargo\"\n";

/// The variant of a recipe `t`, in a tap with the files given.
fn variant(more: &str, files: &[(&str, &str)]) -> Result<Variant, String> {
    let tap = tempfile::tempdir().unwrap();
    put(tap.path(), "t/recipe.toml", format!("{HEAD}{more}").as_bytes());
    for (path, text) in files {
        put(tap.path(), &format!("../{path}"), text.as_bytes());
    }
    let catalogue = load(tap.path()).map_err(|faults| faults.to_string())?;
    catalogue.recipes["t"].variant(None, &Choice::default(), "x86_64").map_err(|faults| faults.to_string())
}

fn archive() -> String {
    format!("source = {{ crate = \"t={{version}}.0\", sha256 = \"{SHA256}\" }}\n")
}

#[test]
fn the_crates_of_the_lock_are_sources() {
    let variant =
        variant(&archive(), &[("recipes/t/Cargo.lock", &lock(&["./t 1.2.0: a", "a 1.0.0"]))]).unwrap();
    let crates = variant.sources.iter().map(|source| {
        let krate = source.krate.as_ref().unwrap();
        format!("{}={} {}", krate.name, krate.version, source.vendored)
    });
    assert_eq!(crates.collect::<Vec<_>>(), ["t=1.2.0 false", "a=1.0.0 true"]);
    assert_eq!(variant.cc, Cc::Seed);
}

#[test]
fn a_lock_that_is_not_there() {
    expect![[r#"
        recipes/t/recipe.toml:4:10: no Cargo.lock; copy the source's to recipes/t/Cargo.lock: the crates are sources, by its digests
    "#]].assert_eq(&variant(&archive(), &[]).unwrap_err());
    let named = format!("{}cargo = {{ lock = \"other.lock\" }}", archive());
    expect![[r#"
        recipes/t/recipe.toml:6:18: no Cargo.lock; copy the source's to recipes/t/other.lock: the crates are sources, by its digests
    "#]].assert_eq(&variant(&named, &[]).unwrap_err());
}

#[test]
fn the_faults_of_a_lock_stand_in_the_lock() {
    let hostile = lock(&["../x 1.0.0"]);
    expect![[r#"
        recipes/t/Cargo.lock:4:8: `../x` is no crate's name; letters, digits, `-` and `_`
    "#]]
    .assert_eq(&variant(&archive(), &[("recipes/t/Cargo.lock", &hostile)]).unwrap_err());
}

#[test]
fn a_source_of_the_tap_has_the_taps_lock() {
    let whole = lock(&["./other 0.1.0: b", "./own 0.1.0: a", "a 1.0.0", "b 1.0.0"]);
    let files = [("Cargo.lock", whole.as_str()), ("own/main.rs", "")];
    let tap = "source = { tap = [\"own\", \"Cargo.lock\"] }\n";
    let own = variant(&format!("{tap}cargo = {{ package = \"own\" }}"), &files).unwrap();
    assert_eq!(own.cargo.unwrap().lock, lock(&["./own 0.1.0: a", "a 1.0.0"]));
    assert_eq!(own.sources.len(), 2);
    let cut = |variant: Variant| variant.cargo.unwrap().cut;
    assert!(cut(variant(&format!("{tap}cargo = {{ package = \"own\" }}"), &files).unwrap()));
    assert!(!cut(variant(tap, &files).unwrap()));
    let nobody = variant(&format!("{tap}cargo = {{ package = \"nobody\" }}"), &files);
    expect![[r#"
        recipes/t/recipe.toml:6:21: Cargo.lock has no folder `nobody`; a member of the workspace
    "#]]
    .assert_eq(&nobody.unwrap_err());
    let absent = "source = { tap = [\"own\", \"their\"], sha256 = \"x\" }\ncargo = { bins = [\"../x\"] }";
    expect![[r#"
        recipes/t/recipe.toml:5:10: no `their` in the tap; `tap` names files and folders beside `recipes/`
        recipes/t/recipe.toml:5:36: a source of the tap has no sha256; its files are read where they are
        recipes/t/recipe.toml:5:45: not a sha256; 64 lower-case hex digits
        recipes/t/recipe.toml:6:9: `../x` is no name in `cargo`; letters, digits, `-` and `_`
    "#]]
    .assert_eq(&variant(absent, &files).unwrap_err());
    expect![[r#"
        recipes/t/recipe.toml:5:18: `../x` is not a path inside; a path may not hold `..`
    "#]]
    .assert_eq(&variant("source = { tap = \"../x\" }", &files).unwrap_err());
}
