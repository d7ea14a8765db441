//! What a person writes wrong: every fault of every file at once, each at its character, before anything starts.

use expect_test::{Expect, expect};

use crate::support::{Events, Toy};

fn faulty() -> Toy {
    let toy = Toy::without_store();
    toy.recipe("good", &[], "", "echo x >\"$OUT/x\"");
    toy.recipe("key", &[], "sumary = \"typo\"", "");
    toy.recipe("version", &[], "version = \"1.0 beta\"", "");
    toy.recipe("needs", &["goood"], "", "");
    toy.recipe("path", &[], "patches = [\"../../etc/passwd\"]", "");
    toy.write("tap/recipes/latin/recipe.toml", b"summary = \"caf\xe9\"\n");
    toy.recipe("chicken", &["egg"], "", "");
    toy.recipe("egg", &["chicken"], "", "");
    toy
}

fn check(toy: &Toy, arguments: &[&str], expect: Expect) {
    let ran = toy.run(&[arguments, &["--json"]].concat()).expect(1);
    let events = Events::of(&ran);
    // What `lint` finds besides is no fault: the toys are not written for beauty.
    let errors = events.with("finding").filter(|finding| finding["severity"] == "error");
    let lines: Vec<String> = events
        .with("fault")
        .chain(errors)
        .map(|fault| {
            let word =
                |key: &str| fault[key].as_str().unwrap_or("-").replace(&*toy.path().to_string_lossy(), "");
            format!(
                "{}:{}:{}: {} ({})\n",
                word("file"),
                fault["line"],
                fault["column"],
                word("message"),
                word("help")
            )
        })
        .collect();
    expect.assert_eq(&lines.concat());
    assert!(!toy.store().exists(), "nothing was started, so there is no store: {ran}");
}

#[test]
fn all_faults_of_all_files_at_once() {
    let toy = faulty();
    check(
        &toy,
        &["lint"],
        expect![[r#"
        recipes/egg/recipe.toml:7:11: a cycle: `chicken` builds with `egg` builds with `chicken` (cut one edge: build one of them with an option off, or with another recipe)
        recipes/key/recipe.toml:8:1: unknown key `sumary` in a recipe (did you mean `summary`?)
        recipes/latin/recipe.toml:1:15: not UTF-8 (save the file as UTF-8)
        recipes/needs/recipe.toml:7:11: unknown dependency `goood` (did you mean `good`?)
        recipes/path/recipe.toml:8:12: `../../etc/passwd` is not a path inside (a path may not hold `..`)
        recipes/version/recipe.toml:7:11: `1.0 beta` is no version (a version has letters, digits and `. + ~ _ -`)
    "#]],
    );
    check(
        &toy,
        &["build", "good"],
        expect![[r#"
        recipes/egg/recipe.toml:7:11: a cycle: `chicken` builds with `egg` builds with `chicken` (cut one edge: build one of them with an option off, or with another recipe)
        recipes/key/recipe.toml:8:1: unknown key `sumary` in a recipe (did you mean `summary`?)
        recipes/latin/recipe.toml:1:15: not UTF-8 (save the file as UTF-8)
        recipes/needs/recipe.toml:7:11: unknown dependency `goood` (did you mean `good`?)
        recipes/path/recipe.toml:8:12: `../../etc/passwd` is not a path inside (a path may not hold `..`)
        recipes/version/recipe.toml:7:11: `1.0 beta` is no version (a version has letters, digits and `. + ~ _ -`)
    "#]],
    );
}

#[test]
fn a_cycle_names_its_edges() {
    let toy = Toy::without_store();
    toy.recipe("chicken", &["egg"], "", "");
    toy.recipe("egg", &["chicken"], "", "");
    check(
        &toy,
        &["build", "egg"],
        expect![[r#"
        recipes/egg/recipe.toml:7:11: a cycle: `chicken` builds with `egg` builds with `chicken` (cut one edge: build one of them with an option off, or with another recipe)
    "#]],
    );
}

#[test]
fn a_name_that_nobody_has() {
    let toy = Toy::without_store();
    toy.recipe("zlib", &[], "", "");
    check(
        &toy,
        &["build", "zlip"],
        expect![[r#"
        command line:1:1: no recipe and no role is called `zlip` (did you mean `zlib`?)
    "#]],
    );
}

#[test]
fn a_fault_as_a_terminal_shows_it() {
    let toy = Toy::without_store();
    toy.recipe("zlib", &[], "", "");
    toy.recipe("nginx", &["zlip"], "", "");
    let ran = toy.run(&["build", "nginx"]).expect(1);
    // A bar before each line, so that its indentation is seen.
    let drawn: String = ran.err.lines().map(|line| format!("|{line}\n")).collect();
    expect![[r#"
        |P01
        |
        |  × unknown dependency `zlip`
        |   ╭─[recipes/nginx/recipe.toml:7:11]
        | 6 │ version = "1.0"
        | 7 │ build = ["zlip"]
        |   ·           ──┬─
        |   ·             ╰── no recipe has this name
        | 8 │ 
        |   ╰────
        |  help: did you mean `zlib`?
    "#]]
    .assert_eq(&drawn);
}
