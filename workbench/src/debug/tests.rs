use std::fs;

use builder::recipe;

use super::*;
use kegs::{Action, Outcome, Tree};

#[test]
fn requests() {
    let id = "7c1e00aa";
    assert_eq!(request(&format!("/buildid/{id}/debuginfo")), Some(Request::Debuginfo(id.into())));
    assert_eq!(request("/buildid/7C1E00AA/executable?x"), Some(Request::Executable(id.into())));
    let source = request(&format!("/buildid/{id}/source/usr/src/a-1/b%20c.c"));
    assert_eq!(source, Some(Request::Source(id.into(), "/usr/src/a-1/b c.c".into())));
    for path in [
        "/",
        "/buildid/7c1/debuginfo",
        "/buildid/xyz0/debuginfo",
        "/buildid/7c1e00aa",
        "/buildid/7c1e00aa/other",
        "/buildid/7c1e00aa/source/a%00",
        "/buildid/7c1e00aa/source/%zz",
        "/buildid/../etc/passwd/debuginfo",
    ] {
        assert_eq!(request(path), None, "{path}");
    }
    let odd = request("/buildid/7c1e00aa/source/a%");
    assert_eq!(odd, Some(Request::Source(id.into(), "/a%".into())));
}

#[test]
fn an_index_knows_what_was_split_from_a_keg() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let put = |tree: &[(&str, Node)]| {
        let mut whole = Tree::default();
        tree.iter().for_each(|(path, node)| whole.insert(*path, node.clone()));
        store.put_tree(&whole).unwrap()
    };
    let file = |text: &str| {
        let digest = store.put_bytes(text.as_bytes()).unwrap();
        (digest, Node::File { digest, executable: false })
    };
    let (program, program_node) = file("program");
    let (debug, debug_node) = file("debug");
    let output = put(&[("bin/a", program_node)]);
    let split = put(&[
        (".build-id/7c/1e00.debug", debug_node),
        (".build-id/7c/1e00", Node::Link { target: "/kegs/a/0/bin/a".into() }),
    ]);
    let action = Action {
        arguments: vec![],
        environment: [("KEG".to_string(), "/kegs/a/0".to_string())].into(),
        working_directory: String::new(),
        output: "out".into(),
        platform: BTreeMap::new(),
        input: Tree::default(),
    };
    let outcome = Outcome { debug: Some(split), ..Outcome::new(output, 1.0) };
    store.put_result(&action.keyed(), &outcome).unwrap();
    let index = Index::of(&store).unwrap();
    assert_eq!(index.len(), 1);
    let held = Held { debug, executable: Some(program), path: "/kegs/a/0/bin/a".into() };
    assert_eq!(index.get("7c1e00"), Some(&held));
}

/// A tap whose recipe `toy` patches one file of its archive, and with an option another.
#[test]
fn a_source_is_shown_as_it_was_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::create(&folder.path().join("store")).unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    for (path, content) in [("a.c", "one\ntwo\n"), ("b.c", "plain\n"), ("c.c", "as it came\n")] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        tar.append_data(&mut header, format!("toy-1.0/{path}"), content.as_bytes()).unwrap();
    }
    let digest = store.put_bytes(&tar.into_inner().unwrap()).unwrap();
    let recipe = folder.path().join("tap/recipes/toy");
    fs::create_dir_all(&recipe).unwrap();
    let text = format!(
        "summary = \"A toy\"\nlicense = \"MIT\"\nversion = \"1.0\"\npreset = \"make\"\npatches = [\"a.patch\"]\n\
         source = {{ url = \"https://a.example/toy-1.0.tar\", sha256 = \"{}\", size = {} }}\n\
         [option]\nb = {{ summary = \"x\", patches = [\"b.patch\"] }}\n",
        digest.hex(),
        digest.size_bytes
    );
    fs::write(recipe.join("recipe.toml"), text).unwrap();
    fs::write(
        recipe.join("a.patch"),
        "Why: x\n--- a/a.c\n+++ b/a.c\n@@ -1,2 +1,3 @@\n one\n+and a half\n two\n",
    )
    .unwrap();
    fs::write(recipe.join("b.patch"), "Why: x\n--- a/b.c\n+++ b/b.c\n@@ -1 +1 @@\n-plain\n+fancy\n").unwrap();
    let (catalogue, faults) = recipe::load_partly(&folder.path().join("tap"));
    assert!(faults.0.is_empty(), "{faults:?}");
    let shown = |path: &str| match source(&store, &catalogue, &format!("/usr/src/{path}")) {
        Ok(bytes) => String::from_utf8(bytes).unwrap(),
        Err(why) => format!("absent: {why}"),
    };
    assert_eq!(shown("toy-1.0/source/a.c"), "one\nand a half\ntwo\n");
    assert_eq!(shown("toy-1.0/source/x/../c.c"), "as it came\n");
    assert_eq!(shown("toy-1.0/source/b.c"), "absent: b.patch changes it where the option `b` is on");
    assert_eq!(shown("toy-1.0/source/made.c"), "absent: the archive has no such file: the build made it");
    assert_eq!(shown("toy-2.0/source/a.c"), "absent: the tap has no recipe with this version");
    assert_eq!(shown("toy-1.0/source/../../a.c"), "absent: it leads out of the source");
}
