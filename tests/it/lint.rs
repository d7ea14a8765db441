//! `lint` and `fmt` of the built program: what they say, what they change, how they exit.

use crate::support::Toy;

const WRONG: &str = r#"summary = "a toy for tests."
license="MIT"
version = "1.2.3"
preset = "script"
cc = "seed"
source = "http://example.org/toy-1.2.3.tar.gz"
sha256 = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
# Kept.
build = ["base", "base"] # and this
"#;

/// One good recipe, one that is wrong in what can be mended.
fn toy() -> Toy {
    let toy = Toy::without_store();
    let good = "summary = \"Toy\"\nlicense = \"MIT\"\nversion = \"1.0\"\npreset  = \"script\"\ncc      = \"seed\"\ntest    = { run = \"true\" }\n";
    toy.write("tap/recipes/base/recipe.toml", good);
    toy.write("tap/recipes/wrong/recipe.toml", format!("{WRONG}test = {{ run = \"true\" }}\n"));
    for name in ["base", "wrong"] {
        toy.write(&format!("tap/recipes/{name}/steps.sh"), "do_build() { :; }\ndo_install() { :; }\n");
    }
    toy
}

fn recipe(toy: &Toy) -> String {
    std::fs::read_to_string(toy.tap().join("recipes/wrong/recipe.toml")).expect("the recipe is there")
}

#[test]
fn fix_mends_and_a_second_run_is_clean() {
    let toy = toy();
    let before = toy.run(&["lint"]).expect(1);
    before.says(&["T04", "T08", "T12", "T14", "stands twice here", "recipes/wrong/recipe.toml:9:"]);
    toy.run(&["lint", "base"]).expect(0).says(&["no finding"]);
    let mended = toy.run(&["lint", "--fix"]).expect(0);
    mended.says(&["fixed", "T04 mends the summary", "T12 writes `{version}`", "1 hint"]);
    expect_test::expect![[r#"
        summary = "Toy for tests"
        license = "MIT"
        version = "1.2.3"
        source  = "http://example.org/toy-{version}.tar.gz"
        sha256  = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
        preset  = "script"
        cc      = "seed"
        # Kept.
        build   = ["base"]  # and this
        test    = { run = "true" }
    "#]]
    .assert_eq(&recipe(&toy));
    toy.run(&["lint", "--strict"]).expect(0).says(&["1 hint"]);
    toy.run(&["fmt", "--check"]).expect(0);
}

#[test]
fn warnings_fail_only_when_strict() {
    let toy = toy();
    toy.write("tap/recipes/wrong/recipe.toml", recipe(&toy).replace("\"base\", \"base\"", "\"base\""));
    toy.run(&["lint"]).expect(0).says(&["warning"]);
    toy.run(&["lint", "--strict"]).expect(1);
    toy.run(&["lint", "--ring", "plan", "--strict"]).expect(0);
    toy.run(&["lint", "--ring", "quark"]).expect(1).says(&["text, plan, source, keg or role"]);
    toy.run(&["lint", "wrogn"]).expect(1).says(&["did you mean `wrong`?"]);
}

#[test]
fn findings_are_lines_of_json_and_sarif() {
    let toy = toy();
    let json = toy.run(&["lint", "--json"]).expect(1);
    let lines: Vec<serde_json::Value> =
        json.out.lines().map(|line| serde_json::from_str(line).expect("one object a line")).collect();
    let dup = lines.iter().find(|line| line["id"] == "T14").expect("T14 is told");
    assert_eq!((dup["line"].as_u64(), dup["column"].as_u64()), (Some(9), Some(18)));
    assert_eq!(dup["fix"], "takes it out");
    let sarif = toy.run(&["lint", "--sarif", "-"]).expect(1);
    let sarif: serde_json::Value = serde_json::from_str(&sarif.out).expect("SARIF is JSON");
    let run = &sarif["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    for result in run["results"].as_array().expect("results") {
        let index = result["ruleIndex"].as_u64().expect("an index") as usize;
        assert_eq!(rules[index]["id"], result["ruleId"]);
        let region = &result["locations"][0]["physicalLocation"]["region"];
        assert!(
            region["startLine"].as_u64() >= Some(1) && region["startColumn"].as_u64() >= Some(1),
            "{result}"
        );
        assert!(["error", "warning", "note"].contains(&result["level"].as_str().expect("a level")));
    }
    let fixed = run["results"].as_array().expect("results").iter().find(|result| result["ruleId"] == "T08");
    let replacement = &fixed.expect("T08")["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(replacement["insertedContent"]["text"], "https://");
    assert_eq!(replacement["deletedRegion"]["startColumn"], 11);
}

#[test]
fn a_lint_is_explained() {
    let toy = Toy::without_store();
    toy.run(&["lint", "--explain", "T12"]).expect(0).says(&["### T12 version-in-url", "The next bump"]);
    toy.run(&["lint", "--explain", "version-in-urls"]).expect(1).says(&["did you mean `version-in-url`?"]);
}

#[test]
fn what_is_allowed_is_silent_and_needs_a_reason() {
    let toy = toy();
    let allow = |reason: &str| {
        let text = recipe(&toy)
            .replace("license=", &format!("allow = {{ T08 = \"{reason}\", T05 = \"x\" }}\nlicense="));
        toy.write("tap/recipes/wrong/recipe.toml", text);
        toy.run(&["lint"]).expect(1)
    };
    let silent = allow("this mirror has no TLS");
    silent.is_silent_of(&["T08\n"]);
    silent.says(&["T16", "`allow` of `T05` silences nothing"]);
    let toy = self::toy();
    let text = recipe(&toy).replace("license=", "allow = { T08 = \"\" }\nlicense=");
    toy.write("tap/recipes/wrong/recipe.toml", text);
    toy.run(&["lint"]).expect(1).says(&["T24", "a reason is missing", "T08"]);
}

#[test]
fn a_broken_text_is_told_and_left_alone() {
    let toy = toy();
    toy.write("tap/recipes/wrong/recipe.toml", "summary = \"x\nversion = 1.3.2\n");
    let told = toy.run(&["fmt"]).expect(1);
    told.says(&["recipes/wrong/recipe.toml:1:", "a string without its end"]);
    toy.run(&["lint", "--fix"]).expect(1).says(&["T00"]);
    assert_eq!(recipe(&toy), "summary = \"x\nversion = 1.3.2\n");
}
