//! What builds, what does not, and the reason that is given.

use expect_test::{Expect, expect};

use crate::support::Toy;

/// `base` below `left` and `right`, `top` above both.
pub fn diamond() -> Toy {
    let toy = Toy::new();
    toy.write("tap/recipes/base/word", "hello\n");
    toy.recipe(
        "base",
        &[],
        "source = { file = \"word\", unpack = false }\nenv = { NOTE = \"one\" }",
        r#"cat word >"$OUT/word""#,
    );
    toy.recipe("left", &["base"], "", r#"cat "$KEG_BASE/word" >"$OUT/left""#);
    toy.recipe("right", &["base"], "", r#"cat "$KEG_BASE/word" "$KEG_BASE/word" >"$OUT/right""#);
    toy.recipe("top", &["left", "right"], "", r#"cat "$KEG_LEFT/left" "$KEG_RIGHT/right" >"$OUT/top""#);
    toy
}

fn check_plan(toy: &Toy, expect: Expect) {
    let plan = toy.run(&["plan", "top"]).expect(0);
    // Columns are the terminal's; the words are ours.
    let words: Vec<String> =
        plan.err.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
    expect.assert_eq(&(words.join("\n") + "\n"));
}

#[test]
fn built_once_then_nothing_to_build() {
    let toy = diamond();
    let first = toy.build("top");
    let mut built = first.kegs("built");
    built[1..3].sort();
    assert_eq!(built, ["base", "left", "right", "top"]);
    assert_eq!(toy.read("top", "top"), "hello\nhello\nhello\n");
    let second = toy.run(&["build", "top"]).expect(0);
    second.says(&["4 kegs, all in store, nothing to build", "done    top: nothing to build"]);
    second.is_silent_of(&["built"]);
    toy.is_whole();
}

#[test]
fn the_plan_gives_a_reason_for_all_that_runs() {
    let toy = diamond();
    check_plan(
        &toy,
        expect![[r#"
        plan top: 4 kegs, 0 in store, 4 to build
        base 1.0 new
        left 1.0 new
        right 1.0 new
        top 1.0 new
    "#]],
    );
    toy.build("top");
    check_plan(
        &toy,
        expect![[r#"
        plan top: 4 kegs, all in store, nothing to build
    "#]],
    );
    toy.steps("left", r#"cat "$KEG_BASE/word" >"$OUT/left"; echo more >"$OUT/more""#);
    check_plan(
        &toy,
        expect![[r#"
        plan top: 4 kegs, 2 in store, 2 to build
        left 1.0 file changed: `steps.sh`
        top 1.0 if `left` gives other bytes
    "#]],
    );
    toy.build("left");
    check_plan(
        &toy,
        expect![[r#"
        plan top: 4 kegs, 3 in store, 1 to build
        top 1.0 `left` produced other bytes
    "#]],
    );
    toy.recipe(
        "base",
        &[],
        "source = { file = \"word\", unpack = false }\nenv = { NOTE = \"two\" }",
        r#"cat word >"$OUT/word""#,
    );
    check_plan(
        &toy,
        expect![[r#"
        plan top: 4 kegs, 0 in store, 4 to build
        base 1.0 flag changed: `NOTE`
        left 1.0 if `base` gives other bytes
        right 1.0 if `base` gives other bytes
        top 1.0 if `base` gives other bytes
    "#]],
    );
    toy.write("tap/recipes/base/word", "goodbye\n");
    check_plan(
        &toy,
        expect![[r#"
        plan top: 4 kegs, 0 in store, 4 to build
        base 1.0 file changed: `src/0/word`
        left 1.0 if `base` gives other bytes
        right 1.0 if `base` gives other bytes
        top 1.0 if `base` gives other bytes
    "#]],
    );
}

#[test]
fn a_changed_flag_that_gives_the_same_bytes_stops_there() {
    let toy = diamond();
    toy.build("top");
    toy.recipe(
        "base",
        &[],
        "source = { file = \"word\", unpack = false }\nenv = { NOTE = \"two\" }",
        r#"cat word >"$OUT/word" # same"#,
    );
    let events = toy.build("top");
    assert_eq!(events.kegs("started"), ["base"]);
    assert!(events.with("built").all(|built| built["same_bytes"] == true));
    assert_eq!(toy.build("top").kegs("started"), [""; 0]);
    toy.is_whole();
}

#[test]
fn other_bytes_reach_exactly_what_reads_them() {
    let toy = diamond();
    toy.build("top");
    toy.steps("right", r#"echo other >"$OUT/right""#);
    assert_eq!(toy.build("top").kegs("built"), ["right", "top"]);
    assert_eq!(toy.read("top", "top"), "hello\nother\n");
    toy.steps("right", r#"cat "$KEG_BASE/word" "$KEG_BASE/word" >"$OUT/right""#);
    assert_eq!(toy.build("top").kegs("started"), [""; 0], "what was built before is found again");
}

#[test]
fn the_trace_holds_each_built_keg_once() {
    let toy = diamond();
    let trace = toy.path().join("trace.json");
    toy.run(&["build", "top", "--trace", &trace.to_string_lossy()]).expect(0);
    let text = std::fs::read_to_string(&trace).expect("the timeline is written");
    let whole: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let mut names = Vec::new();
    for event in whole["traceEvents"].as_array().expect("Chrome's form") {
        assert_eq!(event["ph"], "X", "{event}");
        assert!(
            event["ts"].is_u64() && event["dur"].is_u64() && event["pid"].is_u64() && event["tid"].is_u64(),
            "{event}"
        );
        if event["cat"] == "build" {
            names.push(event["name"].as_str().expect("a name").to_string());
        }
    }
    names.sort();
    assert_eq!(names, ["base 1.0", "left 1.0", "right 1.0", "top 1.0"]);
}
