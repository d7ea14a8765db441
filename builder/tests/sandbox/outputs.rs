//! What may come out, and what is refused with its name.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use builder::sandbox::check_outputs;
use expect_test::{Expect, expect};

use crate::toy;

/// `make` fills a folder that is to be the keg `/kegs/own/0`, whose build was given `/kegs/dep/1`.
fn check(make: impl FnOnce(&Path), expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    make(folder.path());
    let opened = fs::File::open(folder.path()).unwrap();
    let told = match check_outputs(&opened, "/kegs/own/0", &["/kegs/dep/1".to_string()]) {
        Ok(entries) => entries.iter().map(|entry| format!("{} {:?}\n", entry.path, entry.kind)).collect(),
        Err(error) => format!("error: {error}\n"),
    };
    expected.assert_eq(&told);
}

fn mode(path: &Path, mode: u32) {
    fs::write(path, "x").unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn files_folders_and_links() {
    check(
        |root| {
            fs::create_dir_all(root.join("bin/empty")).unwrap();
            mode(&root.join("bin/tool"), 0o755);
            mode(&root.join("bin/text"), 0o600);
            fs::hard_link(root.join("bin/tool"), root.join("bin/twin")).unwrap();
            symlink("../bin/tool", root.join("bin/near")).unwrap();
            symlink("/kegs/own/0/bin", root.join("own")).unwrap();
            symlink("/kegs/dep/1/lib/x", root.join("dep")).unwrap();
            symlink("nowhere", root.join("dead")).unwrap();
            symlink("loop", root.join("loop")).unwrap();
        },
        expect![[r#"
            bin Folder
            bin/empty Folder
            bin/near Link { target: "../bin/tool" }
            bin/text File { executable: false, size_bytes: 1 }
            bin/tool File { executable: true, size_bytes: 1 }
            bin/twin File { executable: true, size_bytes: 1 }
            dead Link { target: "nowhere" }
            dep Link { target: "/kegs/dep/1/lib/x" }
            loop Link { target: "loop" }
            own Link { target: "/kegs/own/0/bin" }
        "#]],
    );
}

#[test]
fn setuid() {
    check(
        |root| mode(&root.join("su"), 0o4755),
        expect![[r#"
        error: `su` is setuid or setgid (mode 4755); install it without
    "#]],
    );
}

#[test]
fn setgid() {
    check(
        |root| mode(&root.join("sg"), 0o2755),
        expect![[r#"
        error: `sg` is setuid or setgid (mode 2755); install it without
    "#]],
    );
}

#[test]
fn fifo() {
    let make =
        |root: &Path| assert!(Command::new("mkfifo").arg(root.join("pipe")).status().unwrap().success());
    check(
        make,
        expect![[r#"
        error: `pipe` is a fifo; a keg holds files, folders and links
    "#]],
    );
}

#[test]
fn device() {
    use rustix::fs::{CWD, FileType, mknodat};
    // The one device that an ordinary user may make: a whiteout.
    check(
        |root| mknodat(CWD, root.join("d"), FileType::CharacterDevice, 0o600.into(), 0).unwrap(),
        expect![[r#"
        error: `d` is a device; a keg holds files, folders and links
    "#]],
    );
}

#[test]
fn socket() {
    check(
        |root| drop(UnixListener::bind(root.join("socket")).unwrap()),
        expect![[r#"
        error: `socket` is a socket; a keg holds files, folders and links
    "#]],
    );
}

#[test]
fn absolute_link_outside() {
    check(
        |root| symlink("/etc/passwd", root.join("link")).unwrap(),
        expect![[r#"
        error: `link` is a link to `/etc/passwd`, which leaves the keg
    "#]],
    );
}

#[test]
fn absolute_link_to_an_undeclared_keg() {
    check(
        |root| symlink("/kegs/dep/10/x", root.join("link")).unwrap(),
        expect![[r#"
        error: `link` is a link to `/kegs/dep/10/x`, which leaves the keg
    "#]],
    );
}

#[test]
fn absolute_link_through_a_declared_keg() {
    check(
        |root| symlink("/kegs/dep/1/../../../etc", root.join("link")).unwrap(),
        expect![[r#"
        error: `link` is a link to `/kegs/dep/1/../../../etc`, which leaves the keg
    "#]],
    );
}

#[test]
fn relative_link_outside() {
    check(
        |root| {
            fs::create_dir(root.join("lib")).unwrap();
            symlink("../../x", root.join("lib/link")).unwrap();
        },
        expect![[r#"
            error: `lib/link` is a link to `../../x`, which leaves the keg
        "#]],
    );
}

#[test]
fn link_outside_by_another_link() {
    check(
        |root| {
            fs::create_dir_all(root.join("a/b")).unwrap();
            symlink("../..", root.join("a/b/top")).unwrap();
            symlink("a/b/top/../x", root.join("link")).unwrap();
        },
        expect![[r#"
            error: `link` is a link to `a/b/top/../x`, which leaves the keg
        "#]],
    );
}

#[test]
fn name_that_is_not_utf8() {
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9");
    check(
        |root| fs::write(root.join(name), "").unwrap(),
        expect![[r#"
        error: `caf\xe9`: a name that is not UTF-8
    "#]],
    );
}

#[test]
fn too_deep() {
    let deep = |root: &Path| fs::create_dir_all(root.join("d/".repeat(300))).unwrap();
    let folder = tempfile::tempdir().unwrap();
    deep(folder.path());
    let error =
        check_outputs(fs::File::open(folder.path()).unwrap(), "/kegs/own/0", &[]).unwrap_err().to_string();
    assert!(error.ends_with("lies deeper than 256 folders"), "{error}");
}

#[test]
fn out_of_a_sandbox() {
    let line = "mkdir -p out/bin && echo x > out/bin/f && ln -s f out/bin/l && mkfifo out/pipe";
    let (ended, said) = toy::run(&toy::shell(line)).unwrap();
    assert!(ended.end.is_success(), "{said}");
    let out = fs::File::open(toy::build_folder(&ended, "out")).unwrap();
    let error = check_outputs(&out, "/kegs/own/0", &[]).unwrap_err().to_string();
    expect!["`pipe` is a fifo; a keg holds files, folders and links"].assert_eq(&error);
}
