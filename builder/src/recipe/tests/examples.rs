//! Whole taps: the examples, several files at once, and the examples with something wrong in them.

use expect_test::expect;
use kegs::fault::Faults;

use super::*;

#[test]
fn the_examples_resolve_in_every_slot_and_with_every_option() {
    let tap = examples();
    let catalogue = load(tap.path()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(catalogue.recipes.len(), EXAMPLES.len());
    for recipe in catalogue.recipes.values() {
        for slot in recipe.slots() {
            for arch in ["x86_64", "aarch64"] {
                recipe
                    .variant(Some(slot), &Choice::default(), arch)
                    .unwrap_or_else(|faults| panic!("{faults}"));
            }
            for (option, _) in recipe.options() {
                for value in [OptionValue::On, OptionValue::Off] {
                    let choice = Choice([(option.to_string(), value.clone())].into());
                    let variant = recipe
                        .variant(Some(slot), &choice, "x86_64")
                        .unwrap_or_else(|faults| panic!("{faults}"));
                    assert_eq!(variant.options[option], value);
                }
            }
        }
    }
}

#[test]
fn no_bytes_make_it_panic() {
    let tap = examples();
    for (name, text) in EXAMPLES {
        let folder = tap.path().join("recipes").join(name);
        kegs::reader::mutate::each(text.as_bytes(), 2_000, |bytes| {
            let mut faults = Faults::default();
            let recipe = Recipe::parse(name, &folder, Path::new("recipe.toml"), bytes, &mut faults);
            assert_eq!(recipe.is_none(), !faults.0.is_empty());
            // Drawing a fault reads its place.
            assert_eq!(faults.to_string().is_empty(), faults.0.is_empty());
            let Some(recipe) = recipe else { return };
            // A recipe without a fault resolves, unless its words now name a file that is absent.
            for slot in recipe.slots() {
                if let Err(faults) = recipe.variant(Some(slot), &Choice::default(), "x86_64") {
                    let told = faults.to_string();
                    assert!(told.contains("no file") || told.contains("does not build on"), "{told}");
                }
            }
        });
    }
}

#[test]
fn a_virtual_is_no_recipe() {
    let tap = examples();
    put(tap.path(), "ng/recipe.toml", EXAMPLES[7].1.replace("zlib-api", "zlib").as_bytes());
    put(tap.path(), "ng/tests/zpipe.c", b"");
    expect![[r#"
        recipes/ng/recipe.toml:7:13: `zlib` is a recipe; a virtual has a name of its own, as `zlib-api`
    "#]]
    .assert_eq(&load(tap.path()).unwrap_err().to_string());
}

#[test]
fn all_faults_of_all_files_in_one_go() {
    let tap = tempfile::tempdir().unwrap();
    put(tap.path(), "a/recipe.toml", b"summary = 1\n");
    put(tap.path(), "b/recipe.toml", b"x = [\n");
    put(tap.path(), "c/readme", b"");
    put(tap.path(), "D/recipe.toml", b"");
    expect![[r#"
        recipes/D/recipe.toml:1:1: `D` is no name for a recipe; rename the folder: lower-case letters, digits and `. _ + -`, a letter or digit first
        recipes/a/recipe.toml:1:1: `license` is missing; an SPDX expression, as `license = "MIT"`
        recipes/a/recipe.toml:1:1: `version` is missing; in the recipe, or in each slot: `version = "…"`
        recipes/a/recipe.toml:1:1: `preset` is missing; in the recipe, or in each slot: `preset = "…"`
        recipes/a/recipe.toml:1:1: `source` is missing; `source = "https://…"`; only the preset `script` may have none
        recipes/a/recipe.toml:1:11: expected a string, found an integer
        recipes/b/recipe.toml:1:6: a list without its end; close it by `]`
        recipes/c/recipe.toml:1:1: cannot read it: No such file or directory (os error 2); each folder of `recipes/` has a `recipe.toml`
    "#]].assert_eq(&load(tap.path()).unwrap_err().to_string());
}
