//! Graphs of small taps.

use std::path::Path;

use builder::plan::{Asked, AskedKeg, Implied, plan};
use builder::recipe::{Catalogue, Recipe};
use expect_test::{Expect, expect};
use kegs::{Faults, Text};

use super::*;

const HEAD: &str = "summary = \"s\"\nlicense = \"MIT\"\npreset = \"make\"\nsource = { url = \"https://x.example/x.tar\", sha256 = \"1111111111111111111111111111111111111111111111111111111111111111\" }\n";

fn catalogue() -> Catalogue {
    let recipes = [
        ("cc", "version = \"1\"\ncc = \"seed\"\n"),
        ("make", "version = \"4.4\"\ncc = \"seed\"\n"),
        ("perl", "version = \"5.40\"\n"),
        ("zlib", "version = \"1.3.2\"\nprovides = [\"zlib-api\"]\n"),
        ("openssl", "version = \"3.6.3\"\nbuild = [\"perl\"]\nlink = [\"zlib-api\"]\n"),
        ("nginx", "version = \"1.26.3\"\nlink = [\"openssl\", \"zlib\"]\nrun = [\"perl\"]\n"),
    ];
    let mut catalogue = Catalogue::default();
    let mut faults = Faults::default();
    for (name, text) in recipes {
        let path = format!("recipes/{name}/recipe.toml");
        let text = format!("{HEAD}{text}");
        let recipe = Recipe::parse(name, Path::new("."), Path::new(&path), text.as_bytes(), &mut faults);
        catalogue.recipes.insert(name.into(), recipe.unwrap_or_else(|| panic!("{faults}")));
    }
    let provider = builder::recipe::Provider { recipe: "zlib".into(), slot: "0".into() };
    catalogue.provides.insert("zlib-api".into(), vec![provider]);
    catalogue
}

fn graph() -> Graph {
    let text = Text::new("roles/web.toml", "");
    let keg = AskedKeg { name: "nginx".into(), slot: None, text: text.clone(), span: 0..0 };
    let asked = Asked { kegs: vec![keg], arch: "x86_64".into(), ..Asked::default() };
    let plan = plan(&catalogue(), &asked, &Implied { cc: "cc".into(), ..Implied::default() }).unwrap();
    let mut graph = Graph::default();
    graph.add_role("web", &text, &plan);
    graph
}

fn check_tree(graph: &Graph, name: &str, expect: Expect) {
    expect.assert_eq(&(tree(graph, name, &WRITTEN).join("\n") + "\n"));
}

#[test]
fn a_tree_shows_each_below_once() {
    check_tree(
        &graph(),
        "role web",
        expect![[r#"
            role web
            └── nginx 1.26.3 (keg)
                ├── openssl 3.6.3 (link)
                │   ├── perl 5.40 (build)
                │   └── zlib 1.3.2 (link)
                ├── perl 5.40 (run)
                └── zlib 1.3.2 (link)
        "#]],
    );
    check_tree(
        &graph().reversed(),
        "zlib",
        expect![[r#"
            zlib 1.3.2
            ├── nginx 1.26.3 (link)
            │   └── role web (keg)
            └── openssl 3.6.3 (link)
                └── nginx 1.26.3 (link) …
        "#]],
    );
}

#[test]
fn reach_follows_only_the_kinds_asked() {
    let graph = graph();
    let all = |kinds: &[Need]| graph.reach("nginx", kinds).into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(all(&[Need::Link]), "openssl zlib");
    assert_eq!(all(&WRITTEN), "openssl perl zlib");
    assert_eq!(all(&[Need::Tool]), "cc make");
}

#[test]
fn a_chain_is_the_shortest_and_tells_where_each_link_is_written() {
    let graph = graph();
    assert_eq!(graph.chain("role web", "zlib", &WRITTEN).unwrap(), ["role web", "nginx", "zlib"]);
    assert_eq!(graph.chain("zlib", "nginx", &WRITTEN), None);
    assert_eq!(graph.chain("zlib", "cc", &[Need::Tool]).unwrap(), ["zlib", "cc"]);
    // A virtual is found at the word that stands in the recipe.
    let ties = &graph.needs["openssl"]["zlib"];
    assert_eq!(ties[&Need::Link].as_deref(), Some("recipes/openssl/recipe.toml:7"));
}

#[test]
fn the_picture_holds_every_name_and_is_the_same_each_time() {
    let graph = graph();
    let roots: Vec<String> = graph.things.keys().cloned().collect();
    let picture = svg(&graph, &roots, &WRITTEN);
    for name in ["role web", "nginx", "openssl", "1.3.2", "5.40"] {
        assert!(picture.contains(name), "{name} is missing in {picture}");
    }
    assert!(picture.starts_with("<?xml"), "{picture}");
    assert!(picture.contains("stroke-dasharray"), "the build dependency is dashed");
    assert_eq!(picture, svg(&graph, &roots, &WRITTEN));
}
