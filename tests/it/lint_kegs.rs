//! Lints of the rings `keg` and `source`: a faulty recipe each, built in the real sandbox, and its finding at its word.
//!
//! Files that no toy seed can make (programs) are made here by gcc, and installed by the recipe.

use std::fs;
use std::process::Command;

use expect_test::{Expect, expect};

use crate::support::Toy;

/// A tap whose kegs are made by the profile's flags, as far as lints can know.
fn tap() -> Toy {
    let toy = Toy::new();
    toy.recipe("toy-cc", &[], "", ": >\"$OUT/cc\"");
    toy
}

/// A recipe that is wrong only where `more` and `install` are.
fn recipe(toy: &Toy, name: &str, more: &str, install: &str) {
    let test = if more.contains("test") { "" } else { "test = { run = \"x\", stdout = \"x\" }\n" };
    let text = format!(
        "summary = \"A toy\"\nlicense = \"MIT\"\nversion = \"1.0\"\npreset = \"script\"\noverride = [\"finish\"]\n{test}{more}\n"
    );
    toy.write(&format!("tap/recipes/{name}/recipe.toml"), text);
    toy.steps(name, install);
}

/// Findings as `id line:column [the text there] message`.
fn findings(toy: &Toy, arguments: &[&str]) -> String {
    let ran = toy.run(&[&["lint", "--json"], arguments].concat());
    let mut lines = String::new();
    for line in ran.out.lines() {
        let found: serde_json::Value = serde_json::from_str(line).expect("a line of JSON");
        let number = |key: &str| found[key].as_u64().expect("a number") as usize;
        let text =
            fs::read_to_string(toy.tap().join(found["file"].as_str().expect("a file"))).expect("its text");
        let there: String = match number("line") == number("end_line") {
            true => {
                let line = text.lines().nth(number("line") - 1).unwrap_or_default();
                line.chars()
                    .skip(number("column") - 1)
                    .take(number("end_column") - number("column"))
                    .collect()
            }
            false => "…".into(),
        };
        let word = |key: &str| found[key].as_str().unwrap_or_default();
        lines += &format!(
            "{} {}:{} [{there}] {}\n",
            word("id"),
            number("line"),
            number("column"),
            word("message")
        );
    }
    lines
}

#[track_caller]
fn check(toy: &Toy, name: &str, expected: Expect) {
    toy.build(name);
    expected.assert_eq(&findings(toy, &["--ring", "keg", name]));
}

/// A program or library of this C, made by gcc with these flags.
fn compile(toy: &Toy, path: &str, code: &str, flags: &[&str]) {
    toy.write(&format!("{path}.c"), code);
    let at = |path: &str| toy.path().join(path);
    let mut gcc = Command::new("gcc");
    gcc.args(["-w", "-o"]).arg(at(path)).arg(at(&format!("{path}.c"))).args(flags).current_dir(toy.path());
    assert!(gcc.status().expect("gcc (apt-get install gcc libc6-dev)").success(), "gcc failed on {code}");
    fs::remove_file(at(&format!("{path}.c"))).unwrap();
}

const GOOD: [&str; 3] = ["-static-pie", "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack"];

/// A recipe that installs `bin/p`, which stands beside it.
fn program(toy: &Toy, name: &str, code: &str, flags: &[&str]) {
    compile(toy, &format!("tap/recipes/{name}/p"), code, flags);
    let more = "source = { file = \"p\", unpack = false }";
    recipe(toy, name, more, "mkdir \"$OUT/bin\"; cp p \"$OUT/bin/p\"; chmod 755 \"$OUT/bin/p\"");
}

#[test]
fn k01_a_dependency_of_which_nothing_was_opened() {
    let toy = tap();
    recipe(&toy, "z", "", "mkdir \"$OUT/include\"; echo z >\"$OUT/include/z.h\"");
    recipe(&toy, "y", "", "mkdir \"$OUT/include\"; echo y >\"$OUT/include/y.h\"");
    // Whether it is there is asked, and its folder is listed: neither is a use.
    recipe(
        &toy,
        "top",
        "link = [\"z\", \"y\"]",
        "cat \"$KEG_Z/include/z.h\" >\"$OUT/a\"; test -f \"$KEG_Y/include/y.h\"; ls \"$KEG_Y\" >/dev/null",
    );
    check(
        &toy,
        "top",
        expect![[r#"
        K01 7:14 ["y"] the build of `top` opened nothing of `y`
    "#]],
    );
    toy.run(&["lint", "--fix", "--ring", "keg", "top"]);
}

#[test]
fn k01_only_the_pc_file() {
    let toy = tap();
    recipe(&toy, "z", "", "mkdir -p \"$OUT/lib/pkgconfig\"; echo z >\"$OUT/lib/pkgconfig/z.pc\"");
    recipe(&toy, "top", "link = [\"z\"]", "cat \"$KEG_Z/lib/pkgconfig/z.pc\" >\"$OUT/a\"");
    check(
        &toy,
        "top",
        expect![[r#"
        K01 7:9 ["z"] of `z` the build of `top` read only the `.pc` file
    "#]],
    );
}

#[test]
fn nobody_heard_is_no_word_against_a_dependency() {
    let toy = tap();
    recipe(&toy, "z", "", ": >\"$OUT/z\"");
    recipe(&toy, "top", "link = [\"z\"]", ": >\"$OUT/a\"");
    toy.build("top");
    fs::remove_dir_all(toy.store().join("notes/opened")).expect("a note of what was opened");
    let ran = toy.run(&["lint", "--ring", "keg", "top"]).expect(0);
    ran.says(&["kegs built while nobody heard", "no finding"]);
    // Checking builds the same action again, and is heard.
    toy.run(&["check", "top"]).expect(0);
    expect![[r#"
        K01 7:9 ["z"] the build of `top` opened nothing of `z`
    "#]]
    .assert_eq(&findings(&toy, &["--ring", "keg", "top"]));
}

#[test]
fn what_is_not_built_is_passed_over_and_counted() {
    let toy = tap();
    recipe(&toy, "top", "test = []", ": >\"$OUT/a\"");
    toy.run(&["lint", "--ring", "keg"])
        .expect(0)
        .says(&["2 kegs not built: their keg lints did not run", "no finding"]);
}

#[test]
fn k02_a_library_that_no_keg_has() {
    let toy = tap();
    compile(
        &toy,
        "libnone.so",
        "int f(void) { return 1; }",
        &["-shared", "-nostdlib", "-Wl,-soname,libnone.so.1"],
    );
    program(
        &toy,
        "top",
        "int f(void); void _start(void) { f(); }",
        &["-nostdlib", "-pie", "-fPIE", "-Wl,-z,relro,-z,now,-z,noexecstack", "libnone.so"],
    );
    check(
        &toy,
        "top",
        expect![[r#"
        K02 4:10 ["script"] `bin/p` needs `libnone.so.1`, which no keg that is with it has
    "#]],
    );
}

#[test]
fn k03_found_by_itself() {
    let toy = tap();
    recipe(&toy, "z", "", "mkdir \"$OUT/include\"; echo z >\"$OUT/include/z.h\"");
    recipe(
        &toy,
        "mid",
        "link = [\"z\"]",
        "mkdir \"$OUT/include\"; cat \"$KEG_Z/include/z.h\" >\"$OUT/include/mid.h\"",
    );
    recipe(
        &toy,
        "top",
        "link = [\"mid\"]",
        "cat \"$KEG_MID/include/mid.h\" /kegs/z/0/include/z.h >\"$OUT/a\"",
    );
    check(
        &toy,
        "top",
        expect![[r#"
        K03 7:9 ["mid"] the build of `top` found `z` by itself: it is there only because `mid` links it
    "#]],
    );
    // Where the other's own header asks for it, nobody found anything.
    toy.steps("mid", "mkdir \"$OUT/include\"; cat \"$KEG_Z/include/z.h\" >/dev/null; echo '#include <z.h>' >\"$OUT/include/mid.h\"");
    check(&toy, "top", expect![[""]]);
}

#[test]
fn k04_a_switch_that_nobody_knows() {
    let toy = tap();
    let complaint = "echo 'configure: WARNING: unrecognized options: --disable-exampels, --disable-static'; : >\"$OUT/a\"";
    recipe(&toy, "top", "args = [\"--enable-x\", \"--disable-exampels\"]", complaint);
    check(
        &toy,
        "top",
        expect![[r#"
        K04 7:24 ["--disable-exampels"] configure does not know `--disable-exampels` and went on without it
    "#]],
    );
}

#[test]
fn k05_a_library_that_is_opened_by_name() {
    let toy = tap();
    let code = "void *dlopen(const char *, int); int main(void) { return !dlopen(\"libpam.so.0\", 2); }";
    let flags = ["-pie", "-fPIE", "-Wl,-z,relro,-z,now", "-Wl,-z,noexecstack"];
    program(&toy, "top", code, &flags);
    let text = fs::read_to_string(toy.tap().join("recipes/top/recipe.toml")).unwrap();
    // The host's libc is in no keg.
    toy.write("tap/recipes/top/recipe.toml", text.replace("preset", "cc = \"seed\"\npreset"));
    check(
        &toy,
        "top",
        expect![[r#"
        K05 5:10 ["script"] `bin/p` can open `libpam.so.0` while it runs, and nothing says so
    "#]],
    );
    let text = fs::read_to_string(toy.tap().join("recipes/top/recipe.toml")).unwrap();
    toy.write("tap/recipes/top/recipe.toml", text + "runtime = { dlopen = [\"libpam.so.0\"] }\n");
    check(&toy, "top", expect![[""]]);
}

#[test]
fn k06_the_builders_folder() {
    let toy = tap();
    recipe(
        &toy,
        "top",
        "",
        "echo prefix=/build/source >\"$OUT/top.pc\"; echo /usr/build/sourceless >\"$OUT/b\"",
    );
    check(
        &toy,
        "top",
        expect![[r#"
        K06 4:10 ["script"] the builder's own folder is named in `top.pc`
    "#]],
    );
}

#[test]
fn k07_a_search_path_out_of_the_kegs() {
    let toy = tap();
    let flags = ["-nostdlib", "-pie", "-fPIE", "-Wl,-z,relro,-z,now,-z,noexecstack"];
    let rpath = ["-Wl,-rpath,/usr/local/lib:$ORIGIN/../lib:/kegs/top/0/lib"];
    program(&toy, "top", "void _start(void) {}", &[flags.as_slice(), &rpath].concat());
    check(
        &toy,
        "top",
        expect![[r#"
        K07 4:10 ["script"] `bin/p` looks for libraries in `/usr/local/lib`, which is in none of its kegs
    "#]],
    );
}

#[test]
fn k08_a_stack_to_execute() {
    let toy = tap();
    program(
        &toy,
        "top",
        "int main(void) { return 0; }",
        &["-static-pie", "-Wl,-z,relro,-z,now", "-Wl,-z,execstack"],
    );
    check(
        &toy,
        "top",
        expect![[r#"
        K08 4:10 ["script"] `bin/p` asks for a stack that can be executed
    "#]],
    );
}

#[test]
fn k09_code_that_is_rewritten() {
    let toy = tap();
    let code = "int x; __asm__(\".text\\n.globl _start\\n_start: .quad x\\n\");";
    program(
        &toy,
        "top",
        code,
        &["-nostdlib", "-pie", "-fPIE", "-Wl,-z,notext", "-Wl,-z,relro,-z,now,-z,noexecstack"],
    );
    check(
        &toy,
        "top",
        expect![[r#"
        K09 4:10 ["script"] `bin/p` has its code rewritten when it is loaded
    "#]],
    );
}

#[test]
fn k10_less_than_the_profile_asks() {
    let toy = tap();
    let toolchain = fs::read_to_string(toy.tap().join("toolchains/seed.toml")).unwrap();
    let features = "[feature.pie]\n[feature.relro]\nldflags = [\"-Wl,-z,relro,-z,now\"]\n";
    toy.write("tap/toolchains/seed.toml", toolchain + features);
    program(
        &toy,
        "top",
        "int main(void) { return 0; }",
        &["-static", "-no-pie", "-Wl,-z,norelro", "-Wl,-z,noexecstack"],
    );
    check(
        &toy,
        "top",
        expect![[r#"
        K10 4:10 ["script"] `bin/p` is without position independence and RELRO, which the profile asks for
    "#]],
    );
    let text = fs::read_to_string(toy.tap().join("recipes/top/recipe.toml")).unwrap();
    toy.write("tap/recipes/top/recipe.toml", text + "without = { pie = \"a toy\", relro = \"a toy\" }\n");
    check(&toy, "top", expect![[""]]);
    program(&toy, "good", "int main(void) { return 0; }", &GOOD);
    check(&toy, "good", expect![[""]]);
}

#[test]
fn k14_an_empty_keg() {
    let toy = tap();
    recipe(&toy, "top", "", ":");
    check(
        &toy,
        "top",
        expect![[r#"
        K14 4:10 ["script"] the keg `top` holds no file
    "#]],
    );
}

#[test]
fn k15_the_same_bytes_twice() {
    let toy = tap();
    recipe(
        &toy,
        "top",
        "",
        "seq 9999 >\"$OUT/a\"; cp \"$OUT/a\" \"$OUT/b\"; echo x >\"$OUT/c\"; echo x >\"$OUT/d\"",
    );
    check(
        &toy,
        "top",
        expect![[r#"
        K15 4:10 ["script"] `a`, `b` have the same 47 KiB
    "#]],
    );
}

fn library(toy: &Toy, soname: &str, code: &str) {
    let flags = [
        "-shared",
        "-fPIC",
        "-nostdlib",
        "-Wl,-z,relro,-z,now,-z,noexecstack",
        &format!("-Wl,-soname,{soname}"),
    ];
    compile(toy, "tap/recipes/top/l", code, &flags);
    let more = "source = { file = \"l\", unpack = false }";
    recipe(toy, "top", more, &format!("mkdir \"$OUT/lib\"; cp l \"$OUT/lib/{soname}\""));
    toy.build("top");
}

#[test]
fn k16_k17_beside_the_build_before() {
    let toy = tap();
    library(&toy, "libtop.so.1", "int a(void) { return 1; } int b(void) { return 2; }");
    expect![[""]].assert_eq(&findings(&toy, &["--ring", "keg", "top"]));
    library(&toy, "libtop.so.1", "int b(void) { return 3; }");
    expect![[r#"
        K17 4:10 ["script"] `libtop.so.1` no longer has `a`
    "#]]
    .assert_eq(&findings(&toy, &["--ring", "keg", "top"]));
    library(&toy, "libtop.so.2", "int b(void) { return 3; }");
    expect![[r#"
        K16 4:10 ["script"] `libtop.so.1` is `libtop.so.2` now
    "#]]
    .assert_eq(&findings(&toy, &["--ring", "keg", "top"]));
}

#[test]
fn k21_an_interpreter_that_is_not_there() {
    let toy = tap();
    let script = |name: &str, line: &str| {
        format!("echo '{line}' >\"$OUT/bin/{name}\"; chmod 755 \"$OUT/bin/{name}\";")
    };
    let install = [
        "mkdir \"$OUT/bin\";".to_string(),
        script("a", "#!/usr/bin/perl -w"),
        script("b", "#!/bin/sh"),
        script("c", &format!("#!/{}/sh", "long".repeat(70))),
    ];
    recipe(&toy, "top", "", &install.concat());
    check(
        &toy,
        "top",
        expect![[r#"
        K21 4:10 ["script"] `bin/a` is run by `perl`, which no keg that is with it has
        K21 4:10 ["script"] the first line of `bin/c` has 286 bytes: the kernel cuts it at 255
    "#]],
    );
}

#[test]
fn k22_k23_what_proves_nothing() {
    let toy = tap();
    let install = "mkdir \"$OUT/bin\"; echo x >\"$OUT/bin/x\"; chmod 755 \"$OUT/bin/x\"";
    recipe(&toy, "none", "# no test", install);
    check(
        &toy,
        "none",
        expect![[r#"
        K22 4:10 ["script"] `none` has 1 programs, and no test
    "#]],
    );
    recipe(&toy, "only", "test = { run = [\"x\", \"--version\"] }", install);
    check(
        &toy,
        "only",
        expect![[r#"
        K23 6:8 [{ run = ["x", "--version"] }] the test of `only` only asks which version it is
    "#]],
    );
}

#[test]
fn k24_what_checking_found() {
    let toy = tap();
    recipe(&toy, "top", "", "hostname >\"$OUT/a\"");
    check(&toy, "top", expect![[""]]);
    toy.run(&["check", "top"]).expect(1);
    expect![[r#"
        K24 4:10 ["script"] `top` comes out otherwise when it is built again: 1 files, `a` among them
    "#]]
    .assert_eq(&findings(&toy, &["--ring", "keg", "top"]));
}

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
