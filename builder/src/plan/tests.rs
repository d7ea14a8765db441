//! Taps of a few lines beside the plan that they give, or all that is wrong with them.
//!
//! A line is a recipe: `name | key = value | key = value`, in TOML; what is not written is version 1, preset `make`.
//! `cc` and `make`, which nobody writes as dependencies, are there.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};
use kegs::Text;

use super::*;
use crate::recipe::{self, OptionValue, Recipe};

/// What every tap here has: the compiler, built by the seed's, and the preset's tool.
const TOOLS: &str = "cc | cc = \"seed\" | preset = \"script\"\nmake | cc = \"seed\" | preset = \"script\"";

fn put(tap: &Path, line: &str) {
    let mut keys = line.split('|').map(str::trim);
    let name = keys.next().unwrap();
    let written: Vec<&str> = keys.collect();
    let mut text = String::from("summary = \"s\"\nlicense = \"MIT\"\nsource = { file = \"steps.sh\" }\n");
    for (key, usual) in [("version", "version = \"1\""), ("preset", "preset = \"make\"")] {
        if !written.iter().any(|line| line.starts_with(key)) && !line.contains("[slot") {
            writeln!(text, "{usual}").unwrap();
        }
    }
    written.iter().for_each(|line| writeln!(text, "{line}").unwrap());
    let folder = tap.join("recipes").join(name);
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("steps.sh"), "").unwrap();
    fs::write(folder.join("recipe.toml"), text).unwrap();
}

fn catalogue(text: &str) -> Catalogue {
    let tap = tempfile::tempdir().unwrap();
    let lines = TOOLS.lines().chain(text.lines()).map(str::trim).filter(|line| !line.is_empty());
    lines.for_each(|line| put(tap.path(), line));
    recipe::load(tap.path()).unwrap_or_else(|faults| panic!("{faults}"))
}

/// A role's text: `name`, `name@slot`; `recipe:option`, `recipe:-option`, `recipe:option=value`; `virtual=provider`,
/// `asker/virtual=provider`; `linkage=shared`.
fn asked(words: &str) -> Asked {
    let text = Text::new("roles/t.toml", words);
    let mut asked = Asked { arch: "x86_64".into(), ..Asked::default() };
    for word in words.split_whitespace() {
        let start = word.as_ptr() as usize - words.as_ptr() as usize;
        let span = start..start + word.len();
        let keg = |written: &str| {
            let (name, slot) =
                written.split_once('@').map_or((written, None), |(name, slot)| (name, Some(slot)));
            AskedKeg {
                name: name.into(),
                slot: slot.map(str::to_string),
                text: text.clone(),
                span: span.clone(),
            }
        };
        match (word.split_once(':'), word.split_once('=')) {
            (Some((recipe, option)), _) => asked.options.push(option_of(recipe, option, &text, span.clone())),
            (None, Some(("linkage", _))) => asked.linkage = Some(Linkage::Shared),
            (None, Some((name, provider))) => match name.split_once('/') {
                Some((asker, name)) => {
                    asked.virtuals_of.entry(asker.into()).or_default().insert(name.into(), keg(provider));
                }
                None => drop(asked.virtuals.insert(name.into(), keg(provider))),
            },
            (None, None) => asked.kegs.push(keg(word)),
        }
    }
    asked
}

fn option_of(recipe: &str, option: &str, text: &Text, span: std::ops::Range<usize>) -> AskedOption {
    let (option, value) = match (option.strip_prefix('-'), option.split_once('=')) {
        (Some(option), _) => (option, OptionValue::Off),
        (None, Some((option, value))) => (option, OptionValue::Value(value.into())),
        (None, None) => (option, OptionValue::On),
    };
    AskedOption { recipe: recipe.into(), option: option.into(), value, text: text.clone(), span }
}

fn planned(catalogue: &Catalogue, words: &str) -> Result<Plan, Faults> {
    plan(catalogue, &asked(words), &Implied { cc: "cc".into(), ..Implied::default() })
}

/// A line a node, in the plan's order: name, version, options that are on, dependencies by kind.
fn drawn(plan: &Plan) -> String {
    let mut text = String::new();
    for node in plan.nodes() {
        let on = node.variant.options.iter().filter(|(_, value)| **value != OptionValue::Off);
        let on: Vec<String> = on
            .map(|(name, value)| match value {
                OptionValue::Value(value) => format!("{name}={value}"),
                _ => name.clone(),
            })
            .collect();
        let on = if on.is_empty() { String::new() } else { format!("[{}]", on.join(",")) };
        write!(text, "{}{on} {}", node.name(), node.variant.version).unwrap();
        for (kind, deps) in &node.deps {
            let names: Vec<String> = deps.iter().map(|&dep| plan.nodes()[dep].name()).collect();
            write!(text, "; {kind:?} {}", names.join(" ")).unwrap();
        }
        text.push('\n');
    }
    text
}

fn check(text: &str, words: &str, expect: Expect) {
    let told = planned(&catalogue(text), words).map_or_else(|faults| faults.to_string(), |plan| drawn(&plan));
    expect.assert_eq(&told);
}

/// Whatever is in it must hold, as `Plan` promises.
fn assert_ordered(plan: &Plan) {
    for (at, node) in plan.nodes().iter().enumerate() {
        assert!(node.all_deps().iter().all(|&dep| dep < at), "{} stands before what it needs", node.name());
    }
}

#[test]
fn what_is_needed_stands_before() {
    check(
        r#"
        web  | link = ["ssl", "z"] | run = ["sh"]
        ssl  | link = ["z"] | build = ["perl"]
        z    | version = "1.3"
        perl | preset = "script"
        sh   |
        odd  | link = ["z"]
        "#,
        "web",
        expect![[r#"
            cc 1
            make 1
            perl 1; Tool cc
            sh 1; Tool cc make
            z 1.3; Tool cc make
            ssl 1; Build perl; Link z; Tool cc make
            web 1; Link ssl z; Run sh; Tool cc make
        "#]],
    );
}

#[test]
fn cc_and_the_presets_tools_are_implied() {
    check(
        "a | preset = \"script\"\nb | cc = \"seed\"",
        "a b",
        expect![[r#"
        cc 1
        a 1; Tool cc
        make 1
        b 1; Tool make
    "#]],
    );
}

#[test]
fn all_that_is_wrong_is_said_at_once() {
    check(
        r#"
        web  | link = ["zlip", "ssl@2", "z >= 1.4"] | run = ["nothing-like-it"]
        ssl  | default_slot = "3" | [slot."3"] | version = "3.1" | preset = "make" | [slot."1"] | version = "1.1" | preset = "make"
        z    | version = "1.3"
        zlib |
        "#,
        "web wab ssl@2",
        expect![[r#"
            recipes/web/recipe.toml:6:10: unknown dependency `zlip` (no recipe has this name); did you mean `zlib`?
            recipes/web/recipe.toml:6:22: `ssl` has no slot `2` (no such slot); its slots: `1`, `3`
            recipes/web/recipe.toml:6:32: `z` is 1.3 here, 1.4 is asked (not met); update that recipe, or lower the bound
            recipes/web/recipe.toml:7:9: unknown dependency `nothing-like-it` (no recipe has this name); add recipes/nothing-like-it/recipe.toml, or take this line out
            roles/t.toml:1:5: unknown dependency `wab` (no recipe has this name); did you mean `web`?
            roles/t.toml:1:9: `ssl` has no slot `2` (no such slot); its slots: `1`, `3`
        "#]],
    );
}

#[test]
fn two_slots_live_side_by_side() {
    check(
        r#"
        web | link = ["ssl"] | args = ["--with={keg:ssl}"]
        old | link = ["ssl@1 >= 1.1"]
        ssl | default_slot = "3" | [slot."3"] | version = "3.1" | preset = "make" | [slot."1"] | version = "1.1" | preset = "make"
        "#,
        "web old",
        expect![[r#"
            cc 1
            make 1
            ssl@1 1.1; Tool cc make
            old 1; Link ssl@1; Tool cc make
            ssl@3 3.1; Tool cc make
            web 1; Link ssl@3; Tool cc make
        "#]],
    );
}

#[test]
fn a_cycle_is_named_with_its_edges() {
    check(
        r#"
        a | link = ["b"]
        b | build = ["c"]
        c | run = ["a"]
        x | link = ["x"]
        top | link = ["a", "x"]
        "#,
        "top",
        expect![[r#"
            recipes/c/recipe.toml:6:9: a cycle: `a` links `b` builds with `c` runs `a` (this closes it); cut one edge: build one of them with an option off, or with another recipe
            recipes/x/recipe.toml:6:10: a cycle: `x` links `x` (this closes it); cut one edge: build one of them with an option off, or with another recipe
        "#]],
    );
}

#[test]
fn options_of_two_askers_are_merged() {
    check(
        r#"
        a | link = ["pcre[jit]"]
        b | link = ["pcre[utf,width=16]"]
        pcre | [option] | jit = {} | utf = {} | width = { values = ["8", "16"] } | posix = { default = true }
        "#,
        "a b pcre:-posix",
        expect![[r#"
            cc 1
            make 1
            pcre[jit,utf,width=16] 1; Tool cc make
            a 1; Link pcre; Tool cc make
            b 1; Link pcre; Tool cc make
        "#]],
    );
}

#[test]
fn an_option_is_one_thing() {
    check(
        r#"
        a | link = ["pcre[jit]"]
        b | link = ["pcre[-jit]"]
        pcre | [option] | jit = {}
        "#,
        "a b",
        expect![[r#"
            recipes/b/recipe.toml:6:10: option `jit` of `pcre` is wanted twice, differently (elsewhere it is on); one image holds one variant of a slot: change one of the two, or use another slot
        "#]],
    );
    check(
        "a | link = [\"pcre[-jit]\"]\npcre | [option] | jit = {}",
        "a pcre:jit",
        expect![[r#"
        recipes/a/recipe.toml:6:10: option `jit` of `pcre` is wanted twice, differently (elsewhere it is on); one image holds one variant of a slot: change one of the two, or use another slot
    "#]],
    );
}

#[test]
fn an_option_that_a_recipe_cannot_have_is_a_fault_of_who_asked() {
    check(
        r#"
        a | link = ["pcre[jut]"]
        pcre | [option] | jit = {} | width = { values = ["8", "16"] }
        "#,
        "a pcre:width=7 pcre:jitt prce:jit",
        expect![[r#"
            recipes/a/recipe.toml:6:10: unknown option `jut`; did you mean `jit`?
            roles/t.toml:1:3: a value that `width` cannot have; one of `8`, `16`
            roles/t.toml:1:16: unknown option `jitt`; did you mean `jit`?
            roles/t.toml:1:26: options for `prce`, and no recipe has this name; did you mean `pcre`?
        "#]],
    );
}

#[test]
fn an_option_may_take_a_dependency_away() {
    check(
        r#"
        web | link = ["ssl"] | [option] | tls = { default = true, link = ["extra"] }
        ssl |
        extra | link = ["ssl"]
        "#,
        "web web:-tls",
        expect![[r#"
            cc 1
            make 1
            ssl 1; Tool cc make
            web 1; Link ssl; Tool cc make
        "#]],
    );
}

#[test]
fn who_is_not_there_any_more_wishes_nothing() {
    // `web` asks `ssl[big]` only with its option, which `z-last` takes away after `web` was looked at.
    check(
        r#"
        web | [option] | tls = { default = true, link = ["ssl[big]", "gone"] }
        ssl | [option] | big = {}
        z-last | link = ["web[-tls]", "ssl"]
        "#,
        "web z-last",
        expect![[r#"
            cc 1
            make 1
            ssl 1; Tool cc make
            web 1; Tool cc make
            z-last 1; Link web ssl; Tool cc make
        "#]],
    );
}

#[test]
fn options_that_take_one_another_away_never_rest() {
    check(
        r#"
        a | [option] | x = { default = true, link = ["b"] }
        b | link = ["c"]
        c | run = ["a[-x]"]
        "#,
        "a",
        expect![[r#"
            recipes/a/recipe.toml:4:11: the options of `a` never come to rest; they turn a dependency on that turns them off again: ask for them in the role
        "#]],
    );
}

#[test]
fn a_virtual_is_its_only_provider() {
    check(
        "a | link = [\"zlib-api\"] | args = [\"{keg:zlib-api}\"]\nng | provides = [\"zlib-api\"]",
        "a",
        expect![[r#"
        cc 1
        make 1
        ng 1; Tool cc make
        a 1; Link ng; Tool cc make
    "#]],
    );
}

#[test]
fn of_several_providers_the_role_chooses() {
    let tap = r#"
        a | link = ["zlib-api"]
        ng | provides = ["zlib-api"]
        z | provides = ["zlib-api"]
        other |
        "#;
    check(
        tap,
        "a zlib-api=z",
        expect![[r#"
        cc 1
        make 1
        z 1; Tool cc make
        a 1; Link z; Tool cc make
    "#]],
    );
    check(
        tap,
        "a",
        expect![[r#"
        recipes/a/recipe.toml:6:10: `zlib-api` has more than one provider, and nobody chose (a virtual); say `[virtual] zlib-api = …` in the role, one of `ng`, `z`
    "#]],
    );
    check(
        tap,
        "a zlib-api=other",
        expect![[r#"
        roles/t.toml:1:3: `other` does not provide `zlib-api`; who does: `ng`, `z`
    "#]],
    );
    check(
        tap,
        "a zlib-api=nowhere",
        expect![[r#"
        roles/t.toml:1:3: `nowhere` does not provide `zlib-api`; who does: `ng`, `z`
    "#]],
    );
    check(
        tap,
        "a zlib-apo=z",
        expect![[r#"
        recipes/a/recipe.toml:6:10: `zlib-api` has more than one provider, and nobody chose (a virtual); say `[virtual] zlib-api = …` in the role, one of `ng`, `z`
        roles/t.toml:1:3: no recipe provides `zlib-apo` (no such virtual); did you mean `zlib-api`?
    "#]],
    );
}

#[test]
fn a_virtual_may_be_one_slots_own() {
    check(
        r#"
        a | link = ["ssl-api"]
        ssl | default_slot = "3" | [slot."3"] | version = "3.1" | preset = "make" | [slot."1"] | version = "1.1" | preset = "make" | provides = ["ssl-api"]
        "#,
        "a",
        expect![[r#"
            cc 1
            make 1
            ssl@1 1.1; Tool cc make
            a 1; Link ssl@1; Tool cc make
        "#]],
    );
}

#[test]
fn a_keg_in_braces_is_the_dependencys_prefix() {
    let tap = catalogue("a | link = [\"b\"] | args = [\"--with-b={keg:b}\"]\nb |");
    let plan = planned(&tap, "a").unwrap();
    assert_eq!(plan.nodes()[plan.wanted()[0]].variant.args, ["--with-b=/kegs/b/0"]);
    // There only by its option, which is off.
    check(
        "a | args = [\"{keg:c}\"] | [option] | x = { link = [\"c\"] }\nc |",
        "a",
        expect![[r#"
        recipes/a/recipe.toml:4:11: `{keg:c}` names no dependency; add `c` to `build`, `link` or `run`
    "#]],
    );
}

/// `link1` links `link0` and so on; `link0` links what it is told.
fn chain(last: usize, of_first: &str) -> Catalogue {
    let mut catalogue = catalogue("");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("steps.sh"), "").unwrap();
    let head = "summary = \"s\"\nlicense = \"MIT\"\nversion = \"1\"\npreset = \"script\"\ncc = \"seed\"\n";
    for at in 0..=last {
        let name = format!("link{at}");
        let link = if at == 0 { of_first.to_string() } else { format!("\"link{}\"", at - 1) };
        let text = format!("{head}link = [{link}]\n");
        let path = format!("recipes/{name}/recipe.toml");
        let mut faults = Faults::default();
        let recipe = Recipe::parse(&name, folder.path(), Path::new(&path), text.as_bytes(), &mut faults);
        catalogue.recipes.insert(name, recipe.unwrap_or_else(|| panic!("{faults}")));
    }
    catalogue
}

#[test]
fn a_chain_of_ten_thousand_is_planned() {
    let plan = planned(&chain(10_000, ""), "link10000").unwrap();
    assert_ordered(&plan);
    assert_eq!(plan.nodes().len(), 10_001);
    assert_eq!(plan.link_closure(10_000).len(), 10_000);
}

#[test]
fn a_ring_of_ten_thousand_is_a_fault_that_can_be_read() {
    let told = planned(&chain(9_999, "\"link9999\""), "link5").unwrap_err().to_string();
    expect![[r#"
        recipes/link1/recipe.toml:6:10: a cycle: `link0` links `link9999` links `link9998` links `link9997` links `link9996` links `link9995` links `link9994` links `link9993` links … (9992 more) … `link0` (this closes it); cut one edge: build one of them with an option off, or with another recipe
    "#]].assert_eq(&told);
}

#[test]
fn the_order_of_the_catalogue_and_of_asking_does_not_move_the_plan() {
    let lines = [
        "a | link = [\"b\", \"c\"]",
        "b | link = [\"d[x]\"]",
        "c | link = [\"d[y]\"]",
        "d | [option] | x = {} | y = {}",
    ];
    let forward = planned(&catalogue(&lines.join("\n")), "a b c").unwrap();
    let backward: Vec<&str> = lines.iter().rev().copied().collect();
    let backward = planned(&catalogue(&backward.join("\n")), "c b a").unwrap();
    assert_eq!(drawn(&forward), drawn(&backward));
    let names = |plan: &Plan| plan.wanted().iter().map(|&at| plan.nodes()[at].name()).collect::<Vec<_>>();
    assert_eq!(
        (names(&forward), names(&backward)),
        (vec!["a".into(), "b".into(), "c".into()], vec!["c".into(), "b".into(), "a".into()])
    );
}

const TWO_SLOTS: &str = r#"
    web | link = ["tls"]
    proxy | link = ["tls", "z"]
    ssl | preset = "configure" | provides = ["tls"] | default_slot = "3" | [slot."3"] | version = "3.6" | [slot."3.0"] | version = "3.0" | [option.shared] | args_off = ["no-shared"]
    z | linkage = "static"
"#;

#[test]
fn one_asker_has_a_slot_of_its_own() {
    check(
        TWO_SLOTS,
        "web proxy proxy/tls=ssl@3.0",
        expect![[r#"
            cc 1
            make 1
            ssl@3 3.6; Tool cc make
            ssl@3.0 3.0; Tool cc make
            web 1; Link ssl@3; Tool cc make
            z 1; Tool cc make
            proxy 1; Link ssl@3.0 z; Tool cc make
        "#]],
    );
    check(
        TWO_SLOTS,
        "web prxy/tls=ssl",
        expect![[r#"
            roles/t.toml:1:5: a choice for `prxy`, and no recipe has this name; did you mean `proxy`?
        "#]],
    );
}

#[test]
fn what_says_no_linkage_has_the_roles() {
    let plan =
        planned(&catalogue(TWO_SLOTS), "proxy linkage=shared").unwrap_or_else(|faults| panic!("{faults}"));
    let shared = |node: &&Node| node.variant.linkage == Linkage::Shared;
    let names: Vec<String> = plan.nodes().iter().filter(shared).map(Node::name).collect();
    expect![[r#"
        ssl@3 proxy
    "#]]
    .assert_eq(&format!("{}\n", names.join(" ")));
    let ssl = plan.nodes().iter().find(|node| node.variant.name == "ssl").unwrap();
    assert_eq!(ssl.variant.options["shared"], OptionValue::On);
}

#[test]
fn closures_are_what_a_sandbox_and_a_machine_need() {
    let plan = planned(
        &catalogue(
            r#"
            web | link = ["ssl"] | build = ["perl"]
            ssl | link = ["z"] | run = ["certs"]
            z |
            perl | link = ["z"] | run = ["sh"]
            sh |
            certs |
            "#,
        ),
        "web",
    )
    .unwrap();
    let web = plan.wanted()[0];
    let names =
        |places: Vec<usize>| places.iter().map(|&at| plan.nodes()[at].name()).collect::<Vec<_>>().join(" ");
    let of: BTreeMap<&str, String> = [
        ("link", names(plan.link_closure(web))),
        ("build", names(plan.build_closure(web))),
        ("tool", names(plan.tool_closure(web))),
        ("seen", names(plan.sight(web).all)),
        ("run", names(plan.run_closure(web))),
    ]
    .into();
    expect![[r#"
        {
            "build": "perl sh z",
            "link": "ssl z",
            "run": "web ssl certs z",
            "seen": "cc make sh z perl ssl",
            "tool": "cc make",
        }
    "#]]
    .assert_debug_eq(&of);
}
