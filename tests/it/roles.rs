//! The roles of this repository, each booted and asked by its real client; and what options and slots come to in an image.
//!
//! In the user's own store, as the role web's test: a usual run finds the kegs warm.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Events, Ran};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

pub fn run(tap: &Path, arguments: &[&str]) -> Ran {
    Ran::of(Command::new(env!("CARGO_BIN_EXE_rootbrew")).args(arguments).arg("--tap").arg(tap))
}

/// The line of each answer that its check is about.
#[track_caller]
fn answers(tap: &Path, role: &str) -> Vec<String> {
    let ran = run(tap, &["boot", role, "--check", "--json"]).expect(0);
    let events = Events::of(&ran);
    events.with("answer").filter_map(|answer| Some(answer["status"].as_str()?.to_string())).collect()
}

/// This repository's recipes under the roles of `tests/taps/<name>`.
pub fn tap(name: &str) -> tempfile::TempDir {
    let tap = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    for part in ["recipes", "toolchains", "seeds"] {
        symlink(repository().join(part), tap.path().join(part)).expect("a link");
    }
    // What the agent is made of: a link would be no source.
    let agent = ["agent", "host", "Cargo.toml", "Cargo.lock"].map(|part| repository().join(part));
    Ran::of(Command::new("cp").arg("-a").args(agent).arg(tap.path())).expect(0);
    symlink(repository().join("tests/taps").join(name).join("roles"), tap.path().join("roles"))
        .expect("a link");
    tap
}

#[test]
fn the_resolver_proves_what_it_answers() {
    let answers = answers(&repository(), "resolver");
    assert_eq!(answers.len(), 4);
    assert!(answers[0].contains(" ad;"), "{answers:?}");
    assert!(answers[2].contains("SERVFAIL"), "{answers:?}");
}

#[test]
fn the_bastion_lets_in_who_has_the_key() {
    let answers = answers(&repository(), "bastion");
    assert_eq!(answers[0], "jump is in");
    assert!(answers[2].contains("Permission denied (publickey)"), "{answers:?}");
    // Its keys are made on the host: no file of the image is one.
    let text = run(&repository(), &["image", "bastion", "--text"]).expect(0);
    text.is_silent_of(&["/data/ssh", "host_key", "ed25519"]);
}

#[test]
fn the_cache_keeps_what_it_is_told() {
    assert_eq!(answers(&repository(), "cache")[..2], ["OK", "kept for a while"]);
}

#[test]
fn an_option_that_is_off_is_not_spoken() {
    let tap = tap("slots");
    assert_eq!(answers(tap.path(), "plain"), ["HTTP/1.1 200 OK"]);
}

#[test]
fn two_slots_of_one_library_are_in_one_image() {
    let tap = tap("slots");
    let answers = answers(tap.path(), "slots");
    assert_eq!(answers, ["nginx", "haproxy", "hello, again with X25519MLKEM768", "alert 40"]);
    for (slot, user) in [("3", "nginx"), ("3.0", "haproxy")] {
        let library = format!("/kegs/openssl/{slot}/lib/libssl.so.3");
        let why = run(tap.path(), &["why", "slots", &library]).expect(0);
        why.says(&[&format!("/kegs/{user}/0/bin/{user}"), &library]);
        let other = ["nginx", "haproxy"].into_iter().find(|name| *name != user).expect("the other one");
        why.is_silent_of(&[&format!("/kegs/{other}/")]);
    }
}
