//! Who needs whom, as the program tells it.

use expect_test::{Expect, expect};

use crate::build::diamond;
use crate::support::Toy;

fn check(toy: &Toy, words: &[&str], expect: Expect) {
    expect.assert_eq(&toy.run(words).expect(0).out);
}

#[test]
fn needs_are_a_list_a_tree_and_their_reverse() {
    let toy = diamond();
    check(
        &toy,
        &["deps", "top"],
        expect![[r#"
            base
            left
            right
        "#]],
    );
    check(
        &toy,
        &["deps", "--tree", "top"],
        expect![[r#"
            top 1.0
            ├── left 1.0 (build)
            │   └── base 1.0 (build)
            └── right 1.0 (build)
                └── base 1.0 (build)
        "#]],
    );
    check(
        &toy,
        &["deps", "--reverse", "left"],
        expect![[r#"
            top
        "#]],
    );
    check(
        &toy,
        &["deps", "left", "--json"],
        expect![[r#"
            {"from":"left","kind":"build","place":"recipes/left/recipe.toml:7","to":"base"}
        "#]],
    );
}

#[test]
fn a_chain_names_the_line_of_each_link() {
    let toy = diamond();
    check(
        &toy,
        &["why-depends", "top", "base"],
        expect![[r#"
            top
              build  left                     recipes/top/recipe.toml:7
              build  base                     recipes/left/recipe.toml:7
        "#]],
    );
    toy.run(&["why-depends", "base", "top"]).expect(1).says(&["no chain of needs leads there"]);
    toy.run(&["why-depends", "top", "bas"]).expect(1).says(&["did you mean `base`?"]);
}

#[test]
fn a_picture_is_svg_and_holds_every_name() {
    let toy = diamond();
    let file = toy.path().join("needs.svg");
    toy.run(&["deps", "--svg", &file.display().to_string()]).expect(0).says(&["needs.svg"]);
    let picture = std::fs::read_to_string(&file).expect("the picture is written");
    for name in ["<svg", "base", "left", "right", "top"] {
        assert!(picture.contains(name), "no {name} in {picture}");
    }
    toy.run(&["deps", "--svg", "/nowhere/needs.svg"]).expect(1).says(&["cannot write /nowhere/needs.svg"]);
}

#[test]
fn a_word_finds_names_before_summaries() {
    let toy = diamond();
    let found = toy.run(&["search", "left"]).expect(0).out;
    assert_eq!(found.lines().count(), 1, "{found}");
    assert_eq!(toy.run(&["search", "toy"]).expect(0).out.lines().count(), 4);
    toy.run(&["search", "quux"]).expect(1).says(&["nothing holds `quux`"]);
}
