//! Roles and kegs as a few lines, and what their images hold; then real programs, run in what was composed.

mod named;

use std::path::Path;
use std::process::Command;

use expect_test::{Expect, expect};
use kegs::tree::Node as KegNode;

use super::keg::Runtime;
use super::*;
use crate::compose::{Config, Program, compose};
use crate::strip::strip;
use crate::support::{Place, bytes_of, lay_out, succeed};
use crate::tree::{Bytes, Kind, why};

/// A role `t` and its kegs from lines: `runs NAME`, `file GLOB`, `user NAME`, `prefer PATH = KEG`, `ask KEG/SET`,
/// `config PATH = FILE`, `link KEG KEG`, `keg NAME[@SLOT]: PATH, PATH -> TARGET, PATH = TEXT`,
/// `[KEG] files|dlopen|run|set NAME|from PATH|at PLACE = GLOB`. The role names a keg that is written `keg* NAME`.
fn read(text: &str, place: &Place) -> (Asked, Vec<Keg>) {
    let mut asked = Asked { role: "t".into(), ..Asked::default() };
    let mut kegs: Vec<Keg> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (verb, rest) = line.split_once(' ').unwrap();
        let pair = || rest.split_once(" = ").map(|(a, b)| (a.to_string(), b.to_string())).unwrap();
        match verb {
            "runs" => asked.programs.push(Program { name: rest.into(), by: format!("service {rest}") }),
            "file" => asked.files.push(rest.into()),
            "user" => asked.users.push(rest.into()),
            "ask" => asked.runtime.push(rest.into()),
            "prefer" => asked.prefer.extend([pair()]),
            "config" => {
                let (path, template) = pair();
                asked.configs.push(Config { path, template, text: "listen {{ port }};\n".into() });
            }
            "link" => {
                let (from, to) = rest.split_once(' ').unwrap();
                let to =
                    kegs.iter().find(|keg| keg.is_called(to)).map(|keg| (keg.name.clone(), keg.slot.clone()));
                kegs.iter_mut().find(|keg| keg.is_called(from)).unwrap().link.extend(to);
            }
            "keg" | "keg*" => {
                let keg = read_keg(rest, place);
                asked.kegs.extend((verb == "keg*").then(|| keg.called()));
                kegs.push(keg);
            }
            _ => {
                let name = verb.trim_matches(['[', ']']);
                read_runtime(&mut kegs.iter_mut().find(|keg| keg.is_called(name)).unwrap().runtime, pair());
            }
        }
    }
    (asked, kegs)
}

fn read_keg(text: &str, place: &Place) -> Keg {
    let (called, paths) = text.split_once(':').unwrap();
    let (name, slot) = called.split_once('@').unwrap_or((called, "0"));
    let mut keg = Keg { name: name.into(), slot: slot.into(), version: "1".into(), ..Keg::default() };
    for path in paths.split(',').map(str::trim) {
        if let Some((path, target)) = path.split_once(" -> ") {
            keg.tree.insert(path, KegNode::Link { target: target.into() });
        } else {
            let (path, text) = path.split_once(" = ").unwrap_or((path, path));
            keg.tree.insert(path, place.program(text.replace('|', "\n").as_bytes()));
        }
    }
    keg
}

fn read_runtime(runtime: &mut Runtime, (key, value): (String, String)) {
    match key.split_once(' ') {
        Some(("set", name)) => runtime.set.entry(name.into()).or_default().files.push(value),
        Some(("at", place)) => drop(runtime.at.insert(place.into(), value)),
        Some((_, path)) => runtime.from.entry(path.into()).or_default().files.push(value),
        None if key == "files" => runtime.files.push(value),
        None if key == "config" => runtime.config.push(value),
        None if key == "dlopen" => runtime.dlopen.push(value),
        None => runtime.run.push(value),
    }
}

/// What the role's image holds beside folders and what every image holds, each with its reason; or all errors.
fn check(text: &str, expected: Expect) {
    let place = Place::new();
    let (asked, kegs) = read(text, &place);
    let outcome = match compose(&asked, &kegs, &place.content, b"agent") {
        Err(error) => error.problems.iter().map(|problem| format!("error: {problem}\n")).collect(),
        Ok(tree) => {
            let own =
                |node: &Node| !matches!(node.kind, Kind::Folder) && node.reason.by != crate::tree::By::Image;
            let own = tree.iter().filter(|(_, node)| own(node));
            own.map(|(path, node)| format!("/{path} # {}\n", node.reason)).collect::<String>()
        }
    };
    expected.assert_eq(&outcome);
}

#[test]
fn what_nothing_reaches_is_not_in_the_image() {
    check(
        "keg* nginx: bin/nginx, bin/other, share/man/nginx.8, lib/libx.a
         keg zlib: lib/libz.a, include/zlib.h
         link nginx zlib
         runs nginx",
        expect![[r#"
            /bin/nginx # role: service nginx runs nginx
            /kegs/nginx/0/bin/nginx # /bin/nginx: points to it
        "#]],
    );
}

#[test]
fn a_program_in_sbin_and_by_links() {
    check(
        "keg* a: sbin/x -> ../libexec/x, libexec -> lib/a, lib/a/x = text
         runs x",
        expect![[r#"
            /bin/x # role: service x runs x
            /kegs/a/0/lib/a/x # /kegs/a/0/libexec: points to it
            /kegs/a/0/libexec # /kegs/a/0/sbin/x: points to it
            /kegs/a/0/sbin/x # /bin/x: points to it
        "#]],
    );
}

#[test]
fn two_kegs_one_path() {
    let kegs = "keg* a: bin/sh\n keg* b: bin/sh\n runs sh\n";
    check(
        kegs,
        expect![[r#"
            error: `bin/sh` is in `a` and `b`; name one under `[prefer]` in roles/t.toml: `"bin/sh" = "a"`
        "#]],
    );
    check(
        &format!("{kegs} prefer bin/sh = b"),
        expect![[r#"
            /bin/sh # role: service sh runs sh
            /kegs/b/0/bin/sh # /bin/sh: points to it
        "#]],
    );
}

#[test]
fn two_slots_one_path() {
    check(
        "keg* openssl@3: bin/openssl
         keg* openssl@3.0: bin/openssl
         runs openssl",
        expect![[r#"
            error: `bin/openssl` is in `openssl@3` and `openssl@3.0`; name one under `[prefer]` in roles/t.toml: `"bin/openssl" = "openssl@3"`
        "#]],
    );
}

#[test]
fn all_that_is_missing_at_once() {
    check(
        "keg* a: bin/a = #!/bin/sh, dangling -> nowhere
         [a] files = share/*.txt
         [a] dlopen = libgone.so.1
         [a] run = helper
         runs a
         runs b
         file /kegs/a/0/dangling
         ask a/legacy
         user Web
         config /etc/nginx.conf = nginx.conf",
        expect![[r#"
            error: `Web` is not a user's name: lower-case letters, digits, `_` and `-`, at most 32
            error: config `/etc/nginx.conf` can't be written, as the root is read-only: put it under /run, /tmp or /data
            error: service b needs the program `b`, and no keg of the role has it
            error: the role needs `/kegs/a/0/dangling`, which leads to nothing
            error: [runtime] of a names `kegs/a/0/share/*.txt`, and nothing is there
            error: [runtime] of a needs the library `libgone.so.1`, and no keg of the role has it
            error: [runtime] of a needs the program `helper`, and no keg of the role has it
            error: the role needs the runtime files `a/legacy`, and no keg of the role has it
            error: /kegs/a/0/bin/a needs the program `sh`, and no keg of the role has it
        "#]],
    );
}

#[test]
fn a_script_brings_its_interpreter_and_no_one_else_a_shell() {
    check(
        "keg* tool: bin/tool = #!/usr/bin/env python3, bin/deploy = #!/bin/sh
         keg python: bin/python3 -> python3.13, bin/python3.13 = text
         keg busybox: bin/busybox = text, bin/env -> busybox, bin/sh -> busybox
         runs tool",
        expect![[r#"
            /bin/python3 # /kegs/tool/0/bin/tool: asks env for python3
            /bin/tool # role: service tool runs tool
            /kegs/busybox/0/bin/busybox # /kegs/busybox/0/bin/env: points to it
            /kegs/busybox/0/bin/env # /usr/bin/env: points to it
            /kegs/python/0/bin/python3 # /bin/python3: points to it
            /kegs/python/0/bin/python3.13 # /kegs/python/0/bin/python3: points to it
            /kegs/tool/0/bin/tool # /bin/tool: points to it
            /usr/bin/env # /kegs/tool/0/bin/tool: starts with #!/usr/bin/env
        "#]],
    );
}

#[test]
fn runtime_files_come_with_the_keg_the_set_the_file() {
    check(
        "keg openssl@3: etc/ssl/openssl.cnf, lib/ossl-modules/legacy.so, share/doc
         keg* nginx: bin/nginx, share/nginx/mime.types, share/nginx/more/a
         keg git: bin/git, libexec/git-core/git-x
         link nginx openssl@3
         [openssl@3] files = etc/ssl/openssl.cnf
         [openssl@3] set legacy = lib/ossl-modules/*.so
         [nginx] files = share/nginx
         [git] from bin/git = libexec/**
         file /kegs/git/0/bin/git
         ask openssl/legacy
         runs nginx",
        expect![[r#"
            /bin/nginx # role: service nginx runs nginx
            /kegs/git/0/bin/git # role: files names /kegs/git/0/bin/git
            /kegs/git/0/libexec/git-core/git-x # /kegs/git/0/bin/git: is used, [runtime] of git names libexec/**
            /kegs/nginx/0/bin/nginx # /bin/nginx: points to it
            /kegs/nginx/0/share/nginx/mime.types # role: names the keg nginx, [runtime] of nginx names share/nginx
            /kegs/nginx/0/share/nginx/more/a # role: names the keg nginx, [runtime] of nginx names share/nginx
            /kegs/openssl/3/etc/ssl/openssl.cnf # role: names the keg nginx, [runtime] of openssl names etc/ssl/openssl.cnf
            /kegs/openssl/3/lib/ossl-modules/legacy.so # role: asks for openssl/legacy, [runtime] of openssl names lib/ossl-modules/*.so
        "#]],
    );
}

#[test]
fn links_in_circles_end() {
    check(
        "keg* a: share/self -> ., share/up -> .., share/f, bin/a
         file /kegs/a/0/share",
        expect![[r#"
            /kegs/a/0/bin/a # role: files names /kegs/a/0/share
            /kegs/a/0/share/f # role: files names /kegs/a/0/share
            /kegs/a/0/share/self # role: files names /kegs/a/0/share
            /kegs/a/0/share/up # role: files names /kegs/a/0/share
        "#]],
    );
    check(
        "keg* a: bin/a -> b, bin/b -> a
         runs a",
        expect![[r#"
            error: service a needs `/kegs/a/0/bin/a`, which leads round in a circle of links
        "#]],
    );
}

#[test]
fn every_image_holds() {
    let place = Place::new();
    let (mut asked, kegs) = read("config /run/etc/nginx.conf = nginx.conf\nuser web\nuser root", &place);
    asked.text = "summary = \"t\"\n".into();
    let tree = compose(&asked, &kegs, &place.content, b"agent").unwrap();
    expect![[r#"
        # rootbrew tree 1
        folder 0755 0:0 - - / # image: the root
        folder 0755 0:0 - - /bin # /bin/rootbrewctl: stands in it
        link 0777 0:0 - - /bin/rootbrewctl -> /sbin/init # image: the agent's other face, which asks it
        folder 0755 0:0 - - /data # image: mounted on at boot
        folder 0755 0:0 - - /dev # image: mounted on at boot
        folder 0755 0:0 - - /etc # /etc/hosts: stands in it
        file 0644 0:0 23 e968f721d4d1c0e9825f4b29dce72ef18893e3be92a7d1c57f3595d71ddbbd4c /etc/group # image: root and the services' users
        file 0644 0:0 34 b69b2c741be48691edabe3771c644c70473ccd6aa8effd9f17cc07fa129917f9 /etc/hosts # image: localhost has an address
        file 0644 0:0 47 bc4c72648258edd2ed20b39c9b35ca61668aaa1b016be69c0931dff36ad06c69 /etc/os-release # image: says what this is
        file 0644 0:0 70 5613b4760c4297e69abb41ba3d0d123e0e09c9e81e0ea587d379d3c9865cbd4c /etc/passwd # image: root and the services' users
        link 0777 0:0 - - /etc/resolv.conf -> /run/etc/resolv.conf # image: the agent writes it
        folder 0755 0:0 - - /etc/rootbrew # /etc/rootbrew/role.toml: stands in it
        file 0644 0:0 14 0d64f3375a8da4ba5d98dd2d1ec6f5f413b65db6c0e7b10427b55c6be9df4d2c /etc/rootbrew/role.toml # image: the agent reads the role
        folder 0755 0:0 - - /etc/rootbrew/templates # /etc/rootbrew/templates/nginx.conf: stands in it
        file 0644 0:0 19 7302f10b723cdad4c01f17cbf20754757f1fa7b4a5d406f8eaecb5eebd697f62 /etc/rootbrew/templates/nginx.conf # role: config /run/etc/nginx.conf is rendered from it
        folder 0555 0:0 - - /proc # image: mounted on at boot
        folder 0755 0:0 - - /run # image: mounted on at boot
        folder 0755 0:0 - - /sbin # /sbin/init: stands in it
        file 0755 0:0 5 d4f0bc5a29de06b510f9aa428f1eedba926012b591fef7a518e776a7c9bd1824 /sbin/init # image: the agent, PID 1
        folder 0555 0:0 - - /sys # image: mounted on at boot
        folder 1777 0:0 - - /tmp # image: mounted on at boot
    "#]]
    .assert_eq(&crate::text::print(&tree));
}

/// A keg of these real files.
fn keg(place: &Place, name: &str, files: &[(&str, &Path)]) -> Keg {
    let mut keg = Keg { name: name.into(), slot: "0".into(), version: "1".into(), ..Keg::default() };
    for (path, file) in files {
        keg.tree.insert(*path, place.program(&bytes_of(file)));
    }
    keg
}

const LIBRARY: &str = "int answer(void) { return 42; }";
const MIDDLE: &str = "int answer(void); int middle(void) { return answer(); }";
const USER: &str =
    "#include <stdio.h>\nint middle(void);\nint main(void) { printf(\"%d\\n\", middle()); return 0; }";

/// `.note.dlopen` as its specification writes it: an allocated note of owner FDO.
const NOTE: &str = r#"
__attribute__((used, section(".note.dlopen"), aligned(4)))
static const struct { int name, text, kind; char owner[4]; char json[80]; } note = {
    4, 80, 0x407c0c0a, "FDO", "[{\"soname\":[\"libgone.so.1\",\"libopened.so\"],\"priority\":\"required\"}]" };
"#;

/// The host's loader and C library.
const GLIBC: [&str; 2] = ["/lib64/ld-linux-x86-64.so.2", "/lib/x86_64-linux-gnu/libc.so.6"];

#[test]
fn a_real_program_runs_in_what_it_reaches_and_nothing_else() {
    let place = Place::new();
    let answer = place.gcc("libanswer.so", LIBRARY, &["-shared", "-fPIC"]);
    let opened = place.gcc("libopened.so", LIBRARY, &["-shared", "-fPIC", "-g"]);
    let middle =
        place.gcc("libmiddle.so", MIDDLE, &["-shared", "-fPIC", "-lanswer", "-Wl,-rpath,$ORIGIN/deep"]);
    let search = "-Wl,--disable-new-dtags,-rpath,$ORIGIN/../lib:/kegs/glibc/0/lib";
    let user = place.gcc(
        "user",
        &format!("{NOTE}{USER}"),
        &["-lmiddle", "-g", search, "-Wl,--allow-shlib-undefined"],
    );
    let kegs = [
        keg(
            &place,
            "user",
            &[
                ("bin/user", &user),
                ("lib/libmiddle.so", &middle),
                ("lib/deep/libanswer.so", &answer),
                ("lib/libopened.so", &opened),
            ],
        ),
        keg(
            &place,
            "glibc",
            &[("lib/ld-linux-x86-64.so.2", Path::new(GLIBC[0])), ("lib/libc.so.6", Path::new(GLIBC[1]))],
        ),
    ];
    let program = Program { name: "user".into(), by: "service user".into() };
    let asked =
        Asked { role: "t".into(), kegs: vec!["user".into()], programs: vec![program], ..Asked::default() };
    let tree = compose(&asked, &kegs, &place.content, b"agent").unwrap_or_else(|error| panic!("{error}"));
    let chain = why(&tree, "/kegs/user/0/lib/deep/libanswer.so").unwrap();
    let chain: String = chain.iter().map(|(path, reason)| format!("/{path} # {reason}\n")).collect();
    expect![[r#"
        /bin/user # role: service user runs user
        /kegs/user/0/bin/user # /bin/user: points to it
        /kegs/user/0/lib/libmiddle.so # /kegs/user/0/bin/user: needs libmiddle.so
        /kegs/user/0/lib/deep/libanswer.so # /kegs/user/0/lib/libmiddle.so: needs libanswer.so
    "#]]
    .assert_eq(&chain);
    assert!(tree.get("/kegs/user/0/lib/libopened.so").is_some(), ".note.dlopen");
    assert!(tree.get("/lib64/ld-linux-x86-64.so.2").is_some(), "the loader");
    let stripped = strip(&tree, &place.content).unwrap();
    let root = place.path("root");
    lay_out(&stripped, &place.content, &root);
    // The loader asks /proc for `$ORIGIN`; the mount ends with the namespace.
    let script = "mount -t proc proc \"$0/proc\" && exec chroot \"$0\" /bin/user";
    assert_eq!(succeed(Command::new("unshare").args(["-rmpf", "sh", "-c", script]).arg(&root)), "42\n");
}

#[test]
fn a_library_that_no_loader_would_find() {
    let place = Place::new();
    let answer = place.gcc("libanswer.so", LIBRARY, &["-shared", "-fPIC"]);
    let middle = place.gcc("libmiddle.so", MIDDLE, &["-shared", "-fPIC", "-nostdlib", "-lanswer"]);
    let user = "int middle(void);\nvoid _start(void) { middle(); }";
    let compose_with = |loader: &str| {
        let argument = format!("-Wl,--dynamic-linker=/lib/{loader}");
        let user = place.gcc(
            "user",
            user,
            &[
                "-nostdlib",
                "-lmiddle",
                &argument,
                "-Wl,-rpath,/kegs/user/0/lib",
                "-Wl,--allow-shlib-undefined",
            ],
        );
        let files = [("bin/user", user.as_path()), ("lib/libmiddle.so", &middle)];
        let libc = format!("lib/{loader}");
        let kegs = [
            keg(&place, "user", &files),
            keg(&place, "libc", &[(&libc, &answer), ("lib/libanswer.so", &answer)]),
        ];
        let program = Program { name: "user".into(), by: "service user".into() };
        let asked = Asked {
            role: "t".into(),
            kegs: vec!["user".into()],
            programs: vec![program],
            ..Asked::default()
        };
        compose(&asked, &kegs, &place.content, b"agent")
    };
    expect!["`/kegs/user/0/lib/libmiddle.so` needs `libanswer.so`, and no search path of it or of what loads it leads there: link it with -rpath"]
        .assert_eq(&compose_with("ld-other.so.1").unwrap_err().to_string());
    let tree = compose_with("ld-musl-x86_64.so.1").unwrap();
    let told = tree.get("/etc/ld-musl-x86_64.path").map(|node| node.kind.clone());
    assert_eq!(told, Some(Kind::File(Bytes::Inline(b"/kegs/libc/0/lib\n".as_slice().into()))));
}

#[test]
fn a_static_program_reaches_nothing_and_a_dynamic_agent_is_refused() {
    let place = Place::new();
    let hello = "#include <stdio.h>\nint main(void) { puts(\"hello\"); return 0; }";
    let static_pie = place.gcc("static-pie", hello, &["-static-pie"]);
    let dynamic = place.gcc("dynamic", hello, &[]);
    let kegs = [keg(&place, "a", &[("bin/a", &static_pie)])];
    let program = Program { name: "a".into(), by: "service a".into() };
    let asked =
        Asked { role: "t".into(), kegs: vec!["a".into()], programs: vec![program], ..Asked::default() };
    let tree = compose(&asked, &kegs, &place.content, &bytes_of(&static_pie)).unwrap();
    assert_eq!(tree.iter().filter(|(path, node)| path.starts_with("kegs/") && !node.is_folder()).count(), 1);
    let error = compose(&asked, &kegs, &place.content, &bytes_of(&dynamic)).unwrap_err();
    expect!["the agent is not a static program: nothing could load it as PID 1"]
        .assert_eq(&error.to_string());
}

#[test]
fn a_damaged_program_is_named() {
    let place = Place::new();
    let mut kegs = [keg(&place, "a", &[])];
    kegs[0].tree.insert("bin/a", place.program(b"\x7fELF\x02\x01\x01 and no more"));
    kegs[0].tree.insert("bin/gone", KegNode::File { digest: Digest::of(b"gone"), executable: true });
    let by = || "service a".to_string();
    let programs = vec![Program { name: "a".into(), by: by() }, Program { name: "gone".into(), by: by() }];
    let asked = Asked { role: "t".into(), kegs: vec!["a".into()], programs, ..Asked::default() };
    let error = compose(&asked, &kegs, &place.content, b"agent").unwrap_err().to_string();
    let lines: Vec<&str> = error.lines().collect();
    assert!(lines[0].starts_with("`/kegs/a/0/bin/a` is a damaged ELF file: "), "{error}");
    assert!(lines[1].starts_with("`/kegs/a/0/bin/gone` can't be read: "), "{error}");
}
