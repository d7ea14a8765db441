//! What a change changes, and the run that proves it, on toy taps that are git repositories.

use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::{Chance, Ran, Toy};

const ROLE: &str = "summary = \"A box\"\nkegs = [\"tool\"]\nkernel = \"linux\"\n\n[service.tool]\nrun = [\"tool\"]\nuser = \"box\"\n";

/// `tool` is built by `lib`, `other` by nothing; the roles `box` and `shed` have one of them each; all of it committed.
fn toy() -> Toy {
    let toy = Toy::new();
    toy.recipe("lib", &[], "", "echo one >$OUT/words");
    tool(&toy, "1.0", "");
    toy.recipe("other", &[], "", "mkdir -p $OUT/bin\nprintf other >$OUT/bin/other\nchmod 755 $OUT/bin/other");
    toy.recipe("linux", &[], "", "mkdir -p $OUT/boot\necho kernel >$OUT/boot/vmlinuz");
    toy.write("tap/roles/box.toml", ROLE);
    toy.write("tap/roles/shed.toml", ROLE.replace("tool", "other").replace("\"box\"", "\"shed\""));
    toy.write("agent", "an agent");
    git(&toy, &["init", "-q", "-b", "main"]);
    commit(&toy);
    toy
}

/// Its bytes are what `lib` has in `words`.
fn tool(toy: &Toy, version: &str, more: &str) {
    let install =
        format!("mkdir -p $OUT/bin\ncp /kegs/lib/0/words $OUT/bin/tool\nchmod 755 $OUT/bin/tool\n{more}");
    toy.recipe("tool", &["lib"], &format!("version = \"{version}\""), &install);
}

fn git(toy: &Toy, words: &[&str]) {
    let mut git = Command::new("git");
    git.current_dir(toy.tap()).args(["-c", "user.name=A", "-c", "user.email=a@host"]).args(words);
    Ran::of(&mut git).expect(0);
}

fn commit(toy: &Toy) {
    git(toy, &["add", "-A"]);
    git(toy, &["commit", "-q", "-m", "a commit"]);
}

fn run(toy: &Toy, arguments: &[&str]) -> Ran {
    Ran::of(toy.command(arguments).env("ROOTBREW_AGENT", toy.path().join("agent")))
}

/// Standard output of `ci affected`, blanks joined.
fn affected(toy: &Toy) -> Vec<String> {
    let ran = run(toy, &["ci", "affected", "--base", "main"]).expect(0);
    ran.out.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

fn edit(toy: &Toy, path: &str, from: &str, to: &str) {
    let place = toy.path().join(path);
    let text = fs::read_to_string(&place).expect("a text");
    assert!(text.contains(from), "{text}");
    fs::write(place, text.replace(from, to)).expect("another text");
}

/// One run with a report in `out`; what the JSON says.
fn report(toy: &Toy, code: i32, more: &[&str]) -> (Ran, Value, String) {
    let out = toy.path().join("out");
    let place = out.display().to_string();
    let words = [&["ci", "run", "--base", "main", "--out", &place], more].concat();
    let ran = run(toy, &words).expect(code);
    let json = fs::read_to_string(out.join("report.json")).unwrap_or_else(|error| panic!("{error}\n{ran}"));
    let markdown = fs::read_to_string(out.join("report.md")).expect("a report");
    (ran, serde_json::from_str(&json).expect("JSON"), markdown)
}

#[test]
fn by_key_and_not_by_folder() {
    let toy = toy();
    let none: [String; 0] = [];
    assert_eq!(affected(&toy), none);
    edit(&toy, "tap/recipes/lib/recipe.toml", "summary", "# A word.\nsummary");
    toy.write("tap/recipes/lib/notes.txt", "seen by nobody");
    toy.write("tap/elsewhere", "no recipe");
    assert_eq!(affected(&toy), none);
    edit(&toy, "tap/recipes/lib/recipe.toml", "A toy", "A library");
    assert_eq!(affected(&toy), ["facts lib summary"]);
    edit(&toy, "tap/recipes/tool/recipe.toml", "MIT", "Zlib");
    assert_eq!(affected(&toy), ["facts lib summary", "facts tool license", "papers box facts of `tool`"]);
}

#[test]
fn each_with_its_reason() {
    let toy = toy();
    edit(&toy, "tap/recipes/lib/steps.sh", "one", "two");
    let told = [
        "keg lib 1.0 file changed: `steps.sh`",
        "keg tool 1.0 if `lib` gives other bytes",
        "role box if `lib` gives other bytes",
    ];
    assert_eq!(affected(&toy), told);
    edit(&toy, "tap/roles/shed.toml", "A box", "A shed");
    assert_eq!(affected(&toy), [&told[..], &["role shed its text changed: `shed.toml`"]].concat());
    toy.recipe("fresh", &[], "", "echo >$OUT/x");
    fs::remove_dir_all(toy.tap().join("recipes/other")).expect("it goes");
    edit(&toy, "tap/roles/shed.toml", "kegs = [\"other\"]", "kegs = [\"fresh\"]");
    let told = affected(&toy);
    for line in ["keg fresh 1.0 new", "keg other 1.0 gone", "role shed if `fresh` gives other bytes"] {
        assert!(told.iter().any(|one| one == line), "{line}: {told:#?}");
    }
}

/// Where both sides lie in the store, it is known and not guessed.
#[test]
fn what_the_store_knows() {
    let toy = toy();
    run(&toy, &["build", "box", "shed", "lib"]).expect(0);
    edit(&toy, "tap/recipes/lib/steps.sh", "echo one", ": another way\necho one");
    run(&toy, &["build", "lib"]).expect(0);
    assert_eq!(affected(&toy), ["keg lib 1.0 file changed: `steps.sh`; same bytes"]);
    edit(&toy, "tap/recipes/lib/steps.sh", "echo one", "echo two");
    run(&toy, &["build", "lib"]).expect(0);
    let told = [
        "keg lib 1.0 file changed: `steps.sh`; other bytes",
        "keg tool 1.0 `lib` produced other bytes",
        "role box if `tool` gives other bytes",
    ];
    assert_eq!(affected(&toy), told);
}

#[test]
fn the_base_is_found_and_may_be_broken() {
    let toy = toy();
    git(&toy, &["checkout", "-q", "-b", "mine"]);
    edit(&toy, "tap/recipes/lib/steps.sh", "one", "two");
    commit(&toy);
    edit(&toy, "tap/recipes/tool/steps.sh", "cp", "cp -f");
    commit(&toy);
    run(&toy, &["ci", "affected"]).expect(0).says(&["keg     lib", "keg     tool 1.0"]);
    run(&toy, &["ci", "affected", "--base", "HEAD~1"]).expect(0).is_silent_of(&["keg     lib"]);
    run(&toy, &["ci", "affected", "--base", "none"]).expect(1).says(&["`none` is no commit here"]);
    let text = fs::read_to_string(toy.tap().join("recipes/lib/recipe.toml")).expect("a text");
    toy.write("tap/recipes/lib/recipe.toml", "nonsense");
    commit(&toy);
    run(&toy, &["ci", "affected", "--base", "main"]).expect(1).says(&["recipes/lib/recipe.toml"]);
    toy.write("tap/recipes/lib/recipe.toml", text);
    run(&toy, &["ci", "affected", "--base", "HEAD"]).expect(0).says(&[
        "the base has faults",
        "keg     lib 1.0",
        " new",
    ]);
}

#[test]
fn a_change_is_proven_and_told() {
    let toy = toy();
    run(&toy, &["build", "box", "shed"]).expect(0);
    tool(&toy, "1.1", "printf more >>$OUT/bin/tool");
    let (ran, json, text) = report(&toy, 0, &[]);
    ran.says(&["built   tool 1.1", "tested  tool 1.1", "report  good"]);
    assert_eq!(
        (json["good"].as_bool(), json["kegs"][0]["became"].as_str()),
        (Some(true), Some("other_bytes")),
        "{json:#}"
    );
    for said in [
        "### rootbrew: ready to merge",
        "`tool` 1.0 → 1.1".replace("1.0", "`1.0`").replace("1.1", "`1.1`").as_str(),
        "| `box` | no check |",
        "1 other role: same bytes.",
        "~ /kegs/tool/0/bin/tool  8 B  +4 B",
        "Reproduce: `rootbrew ci run --base ",
    ] {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert!(
        fs::read_to_string(toy.path().join("out/box.svg"))
            .expect("a picture")
            .contains("/kegs/tool/0/bin/tool")
    );
    // Again: nothing runs, and the same is told.
    let (ran, json, _) = report(&toy, 0, &[]);
    ran.is_silent_of(&["built   "]);
    assert_eq!(
        (json["cache"]["actions"].as_u64(), json["kegs"][0]["ran"].as_bool()),
        (json["cache"]["found"].as_u64(), Some(false))
    );
}

#[test]
fn early_cutoff_leaves_roles_as_they_are() {
    let toy = toy();
    edit(&toy, "tap/recipes/lib/steps.sh", "echo one", ": another way\necho one");
    let (_, json, text) = report(&toy, 0, &[]);
    assert_eq!(json["kegs"][0]["became"], "same_bytes", "{json:#}");
    assert!(text.contains("stopped by early cutoff") && text.contains("2 roles: same bytes."), "{text}");
    assert!(!text.contains("| role |"), "{text}");
}

#[test]
fn what_fails_is_told_with_the_base() {
    let toy = toy();
    run(&toy, &["build", "box", "shed"]).expect(0);
    edit(&toy, "tap/recipes/lib/steps.sh", "echo one", "echo all is lost\nfalse\necho two");
    let (ran, json, text) = report(&toy, 1, &[]);
    let failure = &json["failures"][0];
    assert_eq!(failure["subject"], "lib 1.0", "{json:#}");
    assert_eq!(failure["on_base"], "no");
    assert_eq!(failure["command"], "rootbrew shell lib");
    assert_eq!(failure["step"], "install step");
    for said in
        ["### rootbrew: failed", "**failed: `lib 1.0`**", "all is lost", "Also fails on base: no.", "`tool`"]
    {
        assert!(text.contains(said), "{said}\n{text}");
    }
    assert_eq!(failure["not_tried"], serde_json::json!(["tool", "role box"]));
    ran.says(&["skipped box", "report  1 failures"]);
    // The rest was tried, and the base's try has not taken the place of what failed.
    run(&toy, &["log", "lib"]).expect(0).says(&["all is lost"]);
    assert!(toy.store().join("failed/lib").exists());
    commit(&toy);
    edit(&toy, "tap/recipes/lib/steps.sh", "all is lost", "all is still lost");
    let (_, json, text) = report(&toy, 1, &[]);
    assert_eq!(json["failures"][0]["on_base"], "yes", "{json:#}");
    assert!(text.contains("**Also fails on base: yes.**"), "{text}");
}

#[test]
fn limits_and_lints_of_the_change_fail_it() {
    let toy = toy();
    toy.write("tap/roles/box.toml", format!("{ROLE}\n[limits]\nfiles = 1\n"));
    let (_, json, text) = report(&toy, 1, &[]);
    assert_eq!(json["failures"][0]["step"], "limits", "{json:#}");
    assert!(text.contains("`files` is "), "{text}");
    assert_eq!(json["roles"][0]["files_in_all"].as_u64().map(|count| count > 1), Some(true));
}

#[test]
fn names_of_strangers_are_code() {
    let toy = toy();
    tool(&toy, "1.1", "mkdir $OUT/share\nprintf x >\"$OUT/share/a\\`|<b>@octocat\"");
    toy.write("tap/roles/box.toml", ROLE.replace("\n\n", "\nfiles = [\"/kegs/tool/0/share/*\"]\n\n"));
    let (_, _, text) = report(&toy, 0, &[]);
    let line = text.lines().find(|line| line.contains("octocat")).unwrap_or_else(|| panic!("{text}"));
    let before = &text[..text.find("octocat").expect("it is there")];
    assert!(line.starts_with("+ /kegs/tool/0/share/") && before.matches("```").count() % 2 == 1, "{text}");
}

/// A workflow knows nothing of its own: what a forge runs, a person can.
#[test]
fn workflows_call_nothing_but_our_scripts() {
    let house = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for path in [".github/workflows/change.yml", ".forgejo/workflows/change.yml", ".gitlab-ci.yml"] {
        let text = fs::read_to_string(house.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
        let runs: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("- run: ")).collect();
        let scripts = text.split("\n  script:\n").nth(1).unwrap_or_default().lines();
        let scripts = scripts
            .take_while(|line| line.starts_with("    - "))
            .map(|line| line.trim().trim_start_matches("- "));
        let all: Vec<&str> = runs.into_iter().chain(scripts).collect();
        assert_eq!(all, ["./ci/change"], "{path}");
        assert!(!text.contains("secrets.") && !text.contains("pull_request_target"), "{path}");
    }
}

/// What a report says of the change, without its times.
fn told(json: &Value) -> Value {
    let mut told = json.clone();
    for key in ["wall_s", "cache"] {
        told[key] = Value::Null;
    }
    told["tests"]["in_store"] = Value::Null;
    for keg in told["kegs"].as_array_mut().into_iter().flatten() {
        keg["ran"] = Value::Null;
        keg["wall_s"] = Value::Null;
    }
    told
}

#[test]
fn killed_at_any_instant_it_goes_on() {
    let (calm, wild) = (toy(), toy());
    for toy in [&calm, &wild] {
        run(toy, &["build", "box", "shed"]).expect(0);
        tool(toy, "1.1", "printf more >>$OUT/bin/tool");
    }
    let begun = Instant::now();
    let (_, whole, _) = report(&calm, 0, &[]);
    let whole_us = begun.elapsed().as_micros() as u64;
    let mut chance = Chance(0xc1);
    for _ in 0..20 {
        let mut command = wild.command(&["ci", "run", "--base", "main"]);
        command.env("ROOTBREW_AGENT", wild.path().join("agent")).stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        std::thread::sleep(Duration::from_micros(chance.below(whole_us)));
        child.kill().expect("it is our child");
        child.wait().expect("it ends");
    }
    let (_, after, _) = report(&wild, 0, &[]);
    let differs = |json: &Value| {
        let mut told = told(json);
        // Each toy has its own commit.
        told["base"] = Value::Null;
        told["affected"]["base"] = Value::Null;
        told
    };
    assert_eq!(differs(&whole), differs(&after));
}
