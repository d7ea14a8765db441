//! What is heard of what a command opens.

use std::fs;
use std::os::fd::AsFd;
use std::path::Path;

use builder::sandbox::{self, Bind, Ended, Loss, Observe, Opened, Setup};

use crate::toy::{run, shell};

/// Two kegs with a file each, and what a shell line opens of them.
fn kegs(folder: &Path, line: &str) -> Setup {
    let mut setup = shell(line);
    for name in ["seen", "unseen"] {
        let keg = folder.join(name);
        fs::create_dir_all(keg.join("include")).unwrap();
        fs::write(keg.join("include/a.h"), name).unwrap();
        fs::write(keg.join("include/b.h"), name).unwrap();
        setup.binds.push(Bind { from: keg, to: format!("/kegs/{name}/0") });
    }
    setup
}

/// `None` for an ordinary user: the kernel lets only root hear a mount, and then nothing is told.
fn heard(setup: &Setup) -> Option<(Ended, Opened)> {
    let observe = Observe { files: "/kegs/".into(), programs: "/bin".into() };
    let log = tempfile::tempfile().unwrap();
    let mut ended = sandbox::start_observed(setup, observe, log.as_fd()).unwrap().wait().unwrap();
    let opened = ended.opened.take();
    if !rustix::process::geteuid().is_root() {
        assert_eq!(opened, None);
        return None;
    }
    Some((ended, opened.expect("fanotify, which root has on Linux")))
}

#[test]
fn what_is_opened_is_heard_by_its_path_inside_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let setup = kegs(
        folder.path(),
        "cat /kegs/seen/0/include/a.h; ls /kegs/unseen/0/include; test -f /kegs/unseen/0/include/a.h",
    );
    let Some((ended, opened)) = heard(&setup) else { return };
    assert!(ended.end.is_success());
    assert_eq!(opened.files.into_iter().collect::<Vec<_>>(), [("/kegs/seen/0/include/a.h".to_string(), 1)]);
    assert_eq!(opened.programs.into_iter().collect::<Vec<_>>(), ["/bin/busybox"]);
    assert_eq!(opened.lost, Loss::Nothing);
}

#[test]
fn the_last_thing_that_is_opened_has_its_path_too() {
    let folder = tempfile::tempdir().unwrap();
    // Opened when nothing else is left to do, by a command that is killed at once.
    let setup = kegs(folder.path(), "exec 3< /kegs/seen/0/include/b.h; kill -9 $$");
    let Some((_, opened)) = heard(&setup) else { return };
    assert!(opened.files.contains_key("/kegs/seen/0/include/b.h"), "{:?}", opened.files);
}

#[test]
fn another_sandbox_with_the_same_kegs_is_not_heard() {
    let folder = tempfile::tempdir().unwrap();
    let waits = kegs(folder.path(), "sleep 1");
    let reads = kegs(folder.path(), "cat /kegs/seen/0/include/*");
    let heard = std::thread::scope(|scope| {
        let waiter = scope.spawn(|| heard(&waits));
        std::thread::sleep(std::time::Duration::from_millis(300));
        run(&reads).unwrap();
        fs::read(folder.path().join("seen/include/a.h")).unwrap();
        waiter.join().unwrap()
    });
    let Some((_, opened)) = heard else { return };
    assert!(opened.files.is_empty(), "{:?}", opened.files);
}

#[test]
fn a_flood_is_counted_or_said_to_be_lost() {
    let folder = tempfile::tempdir().unwrap();
    let line = "n=0; while [ $n -lt 20000 ]; do read x < /kegs/seen/0/include/a.h; n=$((n+1)); done; cat /kegs/unseen/0/include/b.h";
    let Some((ended, opened)) = heard(&kegs(folder.path(), line)) else { return };
    assert!(ended.end.is_success());
    let all = opened.files.contains_key("/kegs/unseen/0/include/b.h");
    assert!(all || opened.lost == Loss::Some, "{opened:?}");
}

#[test]
fn who_does_not_ask_hears_nothing() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(run(&kegs(folder.path(), "cat /kegs/seen/0/include/a.h")).unwrap().0.opened, None);
}
