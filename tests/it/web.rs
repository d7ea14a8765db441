//! The role web of this repository, from source to an answered request.
//!
//! In the user's own store, so that a usual run finds it warm; from nothing when `ROOTBREW_FROM_NOTHING=1`.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Events, Ran};

fn tap() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn run(store: Option<&Path>, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.args(arguments).arg("--tap").arg(tap());
    if let Some(store) = store {
        command.arg("--store").arg(store);
    }
    Ran::of(&mut command)
}

/// `None`: the user's.
fn store(folder: &Path) -> Option<PathBuf> {
    let from_nothing = std::env::var_os("ROOTBREW_FROM_NOTHING").is_some_and(|word| word == "1");
    from_nothing.then(|| folder.join("store"))
}

#[test]
fn the_web_role_answers_and_is_what_it_says() {
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let store = store(folder.path());
    let store = store.as_deref();
    answers(store);
    run(store, &["build", "web"]).expect(0).says(&["nothing to build", "in store"]);
    run(store, &["why", "web", "/kegs/nginx/0/bin/nginx"])
        .expect(0)
        .says(&["role web", "/kegs/nginx/0/bin/nginx"]);
    run(store, &["size", "web"]).expect(0).says(&[
        "root image on disk",
        "root image on the wire",
        "kernel",
        "nginx",
    ]);
    let out = folder.path().join("out");
    run(store, &["image", "web", "--to", &out.to_string_lossy()]).expect(0);
    let text = run(store, &["image", "web", "--text"]).expect(0);
    is_lean(&text);
    let root = out.join("root.erofs");
    Ran::of(Command::new("fsck.erofs").arg(&root)).expect(0);
}

fn answers(store: Option<&Path>) {
    let ran = run(store, &["boot", "web", "--check", "--json"]).expect(0);
    let events = Events::of(&ran);
    let statuses: Vec<&str> = events.with("answer").filter_map(|answer| answer["status"].as_str()).collect();
    assert_eq!(statuses.len(), 2, "{ran}");
    assert!(statuses.iter().all(|status| status.contains("200")), "{ran}");
}

/// No shell, nothing setuid: each line of the text twin is a kind, a mode, an owner, a size, a digest, a path.
fn is_lean(text: &Ran) {
    for line in text.out.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, mode, _, _, _, path, ..] = words[..] else { panic!("no line of a tree: {line}") };
        let name = path.rsplit('/').next().unwrap_or_default();
        assert!(!["sh", "bash", "ash", "dash", "busybox"].contains(&name), "a shell is inside: {line}");
        assert!(mode.len() == 4 && mode.starts_with(['0', '1']), "setuid or setgid: {line}");
    }
    text.says(&["/kegs/nginx/0/bin/nginx"]);
}
