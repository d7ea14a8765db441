//! Lints of programs and libraries. No toy seed has a compiler: they are made here by gcc, and installed by a recipe.

use std::fs;
use std::process::Command;

use expect_test::expect;

use crate::lint_kegs::{check, findings, recipe, tap};
use crate::support::Toy;

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
fn k26_stripped_by_its_build() {
    let toy = tap();
    let toolchain = fs::read_to_string(toy.tap().join("toolchains/seed.toml")).unwrap();
    toy.write("tap/toolchains/seed.toml", toolchain + "[feature.debug]\ncflags = [\"-g\"]\n");
    program(&toy, "top", "int main(void) { return 0; }", &[&GOOD[..], &["-s"]].concat());
    check(
        &toy,
        "top",
        expect![[r#"
        K26 4:10 ["script"] `bin/p` was stripped by its build: no debugger can read it
    "#]],
    );
    let text = fs::read_to_string(toy.tap().join("recipes/top/recipe.toml")).unwrap();
    toy.write("tap/recipes/top/recipe.toml", text + "debug = false\n");
    check(&toy, "top", expect![[""]]);
    program(&toy, "good", "int main(void) { return 0; }", &GOOD);
    check(&toy, "good", expect![[""]]);
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
