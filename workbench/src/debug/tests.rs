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
        (".build-id/../x", Node::Link { target: "/kegs/a/0/bin/a".into() }),
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
    let held = Held { debug: Some(debug), executable: Some(program), path: "/kegs/a/0/bin/a".into() };
    assert_eq!(index.get("7c1e00"), Some(&held));
}
