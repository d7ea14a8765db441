//! The store's faults: damage, garbage, and stores that can't be used.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::build::diamond;
use crate::support::{Ran, Toy};

/// The blob of a text that a build installed.
fn blob_of(toy: &Toy, text: &str) -> std::path::PathBuf {
    let hex = kegs::Digest::of(text.as_bytes()).hex();
    toy.store().join("blobs").join(&hex[..2]).join(hex)
}

#[test]
fn a_flipped_bit_is_named_with_its_keg_and_action_and_mended() {
    let toy = diamond();
    toy.build("top");
    let before = toy.outputs("top");
    let path = blob_of(&toy, "hello\nhello\n");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("the store is ours");
    fs::write(&path, "hello\nhellp\n").expect("the store is ours");
    let verify = toy.run(&["store", "verify"]).expect(1);
    verify.says(&[
        &path.to_string_lossy(),
        "right@0/right",
        "made by action",
        "1 damaged",
        "store verify --repair",
    ]);
    let repair = toy.run(&["store", "verify", "--repair"]).expect(0);
    repair.says(&["1 actions forgotten", "built   right 1.0"]);
    repair.is_silent_of(&["built   left", "built   base", "built   top"]);
    assert_eq!(toy.outputs("top"), before);
    toy.is_whole();
}

#[test]
fn a_flipped_bit_of_the_seed_is_mended_too() {
    let toy = diamond();
    toy.build("top");
    let folder = toy.store().join("kegs");
    let seed = fs::read_dir(&folder)
        .expect("kegs")
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("seed-"));
    let tool = seed.expect("the seed is laid out").path().join("usr/bin/busybox");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).expect("the store is ours");
    let mut bytes = fs::read(&tool).expect("busybox");
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&tool, bytes).expect("the store is ours");
    toy.run(&["store", "verify"]).expect(1).says(&["usr/bin/busybox"]);
    toy.run(&["store", "verify", "--repair"]).expect(0);
    toy.run(&["build", "top"]).expect(0);
    toy.is_whole();
}

#[test]
fn a_lost_blob_is_found_and_mended() {
    let toy = diamond();
    toy.build("top");
    fs::remove_file(blob_of(&toy, "hello\nhello\n")).expect("a blob");
    toy.run(&["store", "verify"]).expect(1).says(&["it is missing", "right@0/right"]);
    toy.run(&["store", "verify", "--repair"]).expect(0);
    toy.is_whole();
}

#[test]
fn garbage_is_shown_then_removed_and_what_roots_keep_stays() {
    let toy = diamond();
    toy.build("top");
    toy.run(&["store", "gc"]).expect(0);
    toy.steps("right", "head -c 100000 /dev/zero >\"$OUT/right\"");
    toy.build("top");
    let files = || fs::read_dir(toy.store().join("blobs")).expect("blobs").count();
    let before = files();
    toy.run(&["store", "gc"]).expect(0).says(&["hint: nothing was removed"]);
    assert_eq!(files(), before);
    toy.run(&["store", "gc", "--yes"]).expect(0).says(&["gc      removed"]);
    toy.run(&["store", "gc"]).expect(0).says(&["0 files and 0 laid-out kegs"]);
    toy.is_whole();
    toy.run(&["build", "top"]).expect(0).says(&["nothing to build"]);
    toy.run(&["store", "du"]).expect(0).says(&["blobs", "root kegs-top"]);
}

#[test]
fn a_store_of_a_newer_format_is_left_alone() {
    let toy = diamond();
    toy.write("store/format", "rootbrew-store 2\n");
    for command in [&["build", "top"][..], &["store", "verify"], &["store", "gc", "--yes"], &["plan", "top"]]
    {
        toy.run(command).expect(1).says(&["has format 2, this rootbrew knows 1", "use a newer rootbrew"]);
    }
    assert_eq!(fs::read_to_string(toy.store().join("format")).expect("its format"), "rootbrew-store 2\n");
}

#[test]
fn a_folder_of_other_things_is_no_store() {
    let toy = Toy::without_store();
    toy.recipe("a", &[], "", "echo a >\"$OUT/a\"");
    toy.write("store/letter.txt", "dear");
    toy.run(&["build", "a"]).expect(1).says(&["is no store", "--store"]);
    assert_eq!(fs::read_dir(toy.store()).expect("the folder").count(), 1);
}

#[test]
fn a_store_without_write_permission() {
    let toy = diamond();
    toy.build("base");
    fs::set_permissions(toy.path(), fs::Permissions::from_mode(0o755)).expect("the folder is ours");
    // 65534 is `nobody`, who may read here and write nowhere.
    let mut command = toy.command(&["build", "top"]);
    let ran = Ran::of(command.uid(65534).gid(65534).env("XDG_CACHE_HOME", "/nonexistent/cache"));
    ran.expect(1).says(&["ermission denied", "the store must be writable"]);
    toy.is_whole();
    toy.build("top");
}

/// A script in a mount namespace of its own, where the store's folder is a small file system.
fn on_a_small_disk(toy: &Toy, script: &str) -> Ran {
    let text = format!(
        "set -e; mount -t tmpfs -o size=6m none {store}; cp -a {copy}/. {store}; {script}",
        store = toy.store().display(),
        copy = toy.path().join("copy").display(),
    );
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private", "sh", "-c", &text]);
    Ran::of(command.stdin(Stdio::null()).env("XDG_CACHE_HOME", toy.path().join("cache")))
}

#[test]
fn a_full_disk() {
    let toy = Toy::new();
    fs::rename(toy.store(), toy.path().join("copy")).expect("the store is ours");
    fs::create_dir(toy.store()).expect("a mount point");
    toy.recipe("small", &[], "", "echo a >\"$OUT/a\"");
    toy.recipe("large", &[], "", "head -c 20000000 /dev/zero >\"$OUT/x\"");
    let line = |words: &[&str]| {
        let command = toy.command(words);
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        words.map(|word| word.to_string_lossy().into_owned()).collect::<Vec<_>>().join(" ")
    };
    let (build, large, verify) =
        (line(&["build", "small"]), line(&["build", "large"]), line(&["store", "verify"]));
    let ran = on_a_small_disk(
        &toy,
        &format!(
            "if {large}; then echo built; else echo code $?; fi; {verify}; {build}; {verify}; ls {}/stage",
            toy.store().display()
        ),
    );
    ran.says(&["code 1", "No space left on device", "the disk is full"]);
    ran.is_silent_of(&["hint: `rootbrew store verify --repair`"]);
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(ran.err.matches("0 damaged").count(), 2, "{ran}");
    ran.says(&["built   small"]);
}
