//! `rootbrew test`: kegs proved in their closure, on a toy tap: its seed is one busybox, its compiler a script.

use crate::support::{Events, Toy};

/// A keg that is a busybox with a shell; what has `run = ["box"]` can be a script.
const BOX: &str =
    "mkdir -p \"$OUT/bin\"\ncp /usr/bin/busybox \"$OUT/bin/busybox\"\nln -s busybox \"$OUT/bin/sh\"";

/// Takes what stands after `//sh ` in a C file for the program, and wants a `main`.
const TOY_CC: &str = r#"mkdir -p "$OUT/bin"
cat >"$OUT/bin/cc" <<'END'
#!/bin/sh
while [ $# -gt 0 ]; do
	case $1 in
	-o) out=$2; shift ;;
	*.c) source=$1 ;;
	esac
	shift
done
grep -q 'int main' "$source" || { echo "$source: there is no main" >&2; exit 1; }
{ echo '#!/bin/sh'; sed -n 's,^//sh ,,p' "$source"; } >"$out"
chmod +x "$out"
END
chmod +x "$OUT/bin/cc""#;

fn toy(tests: &str) -> Toy {
    let toy = Toy::new();
    toy.recipe("box", &[], tests, BOX);
    toy
}

fn script(toy: &Toy, more: &str, body: &str) {
    let install = format!(
        "mkdir -p \"$OUT/bin\"\ncat >\"$OUT/bin/greet\" <<'END'\n#!/bin/sh\n{body}\nEND\nchmod +x \"$OUT/bin/greet\""
    );
    toy.recipe("greet", &[], more, &install);
}

#[test]
fn a_program_is_proved_and_the_second_time_it_is_in_the_store() {
    let toy =
        toy("test = { run = [\"busybox\", \"sha256sum\"], stdin = \"abc\", stdout = \"ba7816bf8f01cfea\" }");
    let first = toy.run(&["test", "box", "--smoke"]).expect(0);
    first.says(&["tested  box 1.0", "4 tests"]);
    first.is_silent_of(&["4 tests   in store"]);
    toy.run(&["test", "box", "--smoke"]).expect(0).says(&["tested  box 1.0", "in store"]);
    let events = Events::of(&toy.run(&["test", "--json"]).expect(0));
    let tested: Vec<_> = events.with("tested").collect();
    assert_eq!(tested.len(), 1);
    assert_eq!(tested[0]["tests"][0]["name"], "busybox sha256sum");
    assert_eq!(tested[0]["tests"][0]["in_store"], true);
    let note = std::fs::read_to_string(toy.store().join("notes/tests/box")).expect("the note of a test");
    assert!(note.contains("\"kind\":\"loads\",\"good\":true"), "{note}");
    toy.is_whole();
}

#[test]
fn a_script_sees_its_interpreters_keg_and_nothing_of_the_seed() {
    let toy = toy("");
    let test = "run = [\"box\"]\ntest = { run = \"greet\", stdin = \"ann\", stdout = \"hello ann, of /build; no /usr\", status = 3 }";
    script(
        &toy,
        test,
        "read -r name\n[ -e /usr ] && seed='a' || seed=no\necho \"hello $name, of $PWD; $seed /usr\"\nexit 3",
    );
    toy.run(&["test", "greet"]).expect(0).says(&["tested  greet 1.0"]);
}

#[test]
fn what_is_wrong_is_told_at_its_word_and_the_other_kegs_are_tested_too() {
    let toy = toy("test = { run = [\"busybox\", \"echo\", \"oct\"], stdout = \"octet\" }");
    script(
        &toy,
        "run = [\"box\"]\ntest = { run = [\"greet\"], stderr = \"no such\", status = 1 }",
        "echo 'no such' >&2; exit 2",
    );
    let ran = toy.run(&["test", "box", "greet"]).expect(1);
    ran.says(&[
        "failed  box 1.0",
        "failed  greet 1.0",
        "`busybox echo oct` does not say it on stdout",
        "- octet",
        "+ oct",
    ]);
    ran.says(&["`greet` exited 2, expected 1", "| no such"]);
    let events = Events::of(&toy.run(&["test", "box", "greet", "--json"]).expect(1));
    let places: Vec<_> =
        events.with("fault").map(|fault| (fault["line"].clone(), fault["column"].clone())).collect();
    assert_eq!(
        places,
        [(8.into(), 44.into()), (9.into(), 47.into())]
            .map(|(a, b): (serde_json::Value, serde_json::Value)| (a, b))
    );
}

#[test]
fn a_test_that_hangs_is_killed_at_its_timeout() {
    let toy = toy("test = { run = [\"busybox\", \"sleep\", \"1000\"], timeout = 1 }");
    let ran = toy.run(&["test", "box"]).expect(1);
    ran.says(&["`busybox sleep 1000` did not end within 1 s and was killed", "timeout = 1"]);
    crate::support::leftover::none(toy.path());
}

#[test]
fn a_server_is_asked_inside_of_its_own_network() {
    let serve =
        "[[test]]\nrun = [\"busybox\", \"httpd\", \"-f\", \"-p\", \"8080\", \"-h\", \".\"]\nserve = 8080\n";
    let toy = toy(&format!("{serve}get = {{ path = \"/page\", body = \"it works\" }}\n"));
    toy.write("tap/recipes/box/tests/page", "it works\n");
    toy.run(&["test", "box"]).expect(0).says(&["tested  box 1.0"]);
    toy.run(&["test", "box"]).expect(0).says(&["in store"]);
    toy.recipe("box", &[], &format!("{serve}get = {{ path = \"/other\", status = 200 }}\n"), BOX);
    toy.run(&["test", "box"]).expect(1).says(&["answered 404 to /other, expected 200"]);
    toy.recipe("box", &[], "test = { run = [\"busybox\", \"true\"], serve = 8080 }", BOX);
    toy.run(&["test", "box"]).expect(1).says(&["exited 0 before port 8080 accepted"]);
    crate::support::leftover::none(toy.path());
}

#[test]
fn a_c_file_is_compiled_against_the_keg_and_runs_in_the_closure_alone() {
    let toy = toy("");
    toy.recipe("toy-cc", &[], "", TOY_CC);
    let install = "mkdir -p \"$OUT/share\"\necho from-the-keg >\"$OUT/share/text\"";
    toy.recipe("lib", &[], "test = { c = \"use.c\", stdout = \"from-the-keg\", needs = [\"box\"] }", install);
    let recipe = toy.tap().join("recipes/lib/recipe.toml");
    let text = std::fs::read_to_string(&recipe).expect("the recipe");
    std::fs::write(&recipe, text.replace("cc = \"seed\"\n", "")).expect("the recipe is written");
    toy.write(
        "tap/recipes/lib/tests/use.c",
        "int main(void);\n//sh read -r text <\"$KEG/share/text\"; echo \"$text\"\n",
    );
    toy.run(&["test", "lib"]).expect(0).says(&["tested  lib 1.0"]);
    toy.write("tap/recipes/lib/tests/use.c", "int mein(void);\n");
    let ran = toy.run(&["test", "lib"]).expect(1);
    ran.says(&["`use.c` does not compile against the keg", "/recipe/tests/use.c: there is no main"]);
}

#[test]
fn a_path_of_the_build_in_a_keg_is_found_unless_it_is_allowed() {
    let toy = toy("");
    let install = "echo \"made in /build/source\" >\"$OUT/readme\"";
    toy.recipe("trace", &[], "", install);
    toy.run(&["test", "trace"])
        .expect(1)
        .says(&["`readme` holds the path `/build/source` of the sandbox that built it"]);
    toy.recipe("trace", &[], "allow = { K06 = \"a text about the sandbox\" }", install);
    toy.run(&["test", "trace"]).expect(0);
}

#[test]
fn upstreams_suite_may_fail_only_where_the_recipe_says_why() {
    let toy = toy("");
    let steps = |suite: &str| {
        format!(
            "do_build() {{ :; }}\ndo_finish() {{ :; }}\ndo_install() {{ mkdir -p \"$OUT\"; echo x >\"$OUT/x\"; }}\ndo_check() {{\n{suite}\n}}\n"
        )
    };
    let recipe = |more: &str, suite: &str| {
        toy.recipe("suite", &[], more, "");
        let path = toy.tap().join("recipes/suite/recipe.toml");
        let text = std::fs::read_to_string(&path).expect("the recipe");
        std::fs::write(&path, text.replace("[\"finish\"]", "[\"check\", \"finish\"]"))
            .expect("it is written");
        toy.write("tap/recipes/suite/steps.sh", steps(suite));
    };
    recipe("", "echo PASS: one");
    toy.run(&["test", "suite", "--upstream"]).expect(0).says(&["3 tests"]);
    recipe("", "echo PASS: one; echo 'FAIL: clock'; echo 'FAIL: net'; exit 1");
    toy.run(&["test", "suite", "--upstream"])
        .expect(1)
        .says(&["2 of upstream's tests failed: `clock`, `net`"]);
    recipe(
        "test = { upstream = { clock = \"needs a real clock\", net = \"no network\" } }",
        "echo 'FAIL: clock'; echo 'FAIL: net'; exit 1",
    );
    toy.run(&["test", "suite", "--upstream"]).expect(0);
    toy.run(&["test", "suite", "--upstream"]).expect(0).says(&["in store"]);
}
