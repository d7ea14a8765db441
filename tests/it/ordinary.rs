//! An ordinary user: everything works without root.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::build::diamond;
use crate::support::{Ran, Toy, leftover};

/// As in `setpriv --reuid 1000 --regid 1000 --clear-groups`.
fn as_user(toy: &Toy, arguments: &[&str]) -> Ran {
    let mut command = toy.command(arguments);
    Ran::of(command.uid(1000).gid(1000).env("HOME", toy.path()))
}

#[test]
fn an_ordinary_user_builds_verifies_and_collects() {
    let toy = diamond();
    if rustix::process::getuid().is_root() {
        let owned = Command::new("chown").args(["-R", "1000:1000"]).arg(toy.path()).status();
        assert!(owned.expect("chown runs").success());
        chown(toy.path(), Some(1000), Some(1000)).expect("the folder is ours");
    }
    as_user(&toy, &["build", "top"]).expect(0).says(&["built   top"]);
    as_user(&toy, &["build", "top"]).expect(0).says(&["nothing to build"]);
    as_user(&toy, &["check", "base"]).expect(0).says(&["same    base"]);
    as_user(&toy, &["store", "verify"]).expect(0).says(&["0 damaged"]);
    as_user(&toy, &["store", "gc", "--yes"]).expect(0);
    assert_eq!(toy.read("top", "top"), "hello\nhello\nhello\n");
    leftover::none(toy.path());
}

#[test]
fn root_and_an_ordinary_user_build_the_same_bytes() {
    let (root, user) = (diamond(), diamond());
    root.build("top");
    let owned = Command::new("chown").args(["-R", "1000:1000"]).arg(user.path()).status();
    assert!(owned.expect("chown runs").success());
    as_user(&user, &["build", "top"]).expect(0);
    assert_eq!(root.outputs("top"), user.outputs("top"));
}
