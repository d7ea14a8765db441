//! Lints of the ring `keg`: a faulty recipe each, built in the real sandbox, and its finding at its word.

use std::fs;

use expect_test::{Expect, expect};

use crate::support::Toy;

/// A tap whose kegs are made by the profile's flags, as far as lints can know.
pub fn tap() -> Toy {
    let toy = Toy::new();
    toy.recipe("toy-cc", &[], "", ": >\"$OUT/cc\"");
    toy
}

/// A recipe that is wrong only where `more` and `install` are.
pub fn recipe(toy: &Toy, name: &str, more: &str, install: &str) {
    let test = if more.contains("test") { "" } else { "test = { run = \"x\", stdout = \"x\" }\n" };
    let text = format!(
        "summary = \"A toy\"\nlicense = \"MIT\"\nversion = \"1.0\"\npreset = \"script\"\noverride = [\"finish\"]\n{test}{more}\n"
    );
    toy.write(&format!("tap/recipes/{name}/recipe.toml"), text);
    toy.steps(name, install);
}

/// Findings as `id line:column [the text there] message`.
pub fn findings(toy: &Toy, arguments: &[&str]) -> String {
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
pub fn check(toy: &Toy, name: &str, expected: Expect) {
    toy.build(name);
    expected.assert_eq(&findings(toy, &["--ring", "keg", name]));
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
        K01 7:15 [y] the build of `top` opened nothing of `y`
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
        K01 7:10 [z] of `z` the build of `top` read only the `.pc` file
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
        K01 7:10 [z] the build of `top` opened nothing of `z`
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
        K03 7:10 [mid] the build of `top` found `z` by itself: it is there only because `mid` links it
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
        K04 7:23 ["--disable-exampels"] configure does not know `--disable-exampels` and went on without it
    "#]],
    );
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
