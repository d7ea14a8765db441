use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use expect_test::{Expect, expect};
use kegs::Node;

use super::*;
use crate::fetch::{self, Folder, Places};

/// One thing to put into a hand-made `.deb`: path, kind, content or target.
struct Item<'a>(&'a str, u8, &'a str);

fn file<'a>(path: &'a str, content: &'a str) -> Item<'a> {
    Item(path, b'0', content)
}

/// A tar made by hand, byte by byte: the `tar` crate would refuse to write most of these.
fn tar(items: &[Item]) -> Vec<u8> {
    let mut tar = Vec::new();
    for Item(path, kind, content) in items {
        let is_file = matches!(kind, b'0' | b'7');
        let size = if is_file { content.len() } else { 0 };
        tar.extend(header(path, *kind, if is_file { "" } else { content }, size as u64));
        if is_file {
            tar.extend(content.as_bytes());
            tar.resize(tar.len().next_multiple_of(512), 0);
        }
    }
    tar.extend([0; 1024]);
    tar
}

fn header(path: &str, kind: u8, link: &str, size: u64) -> [u8; 512] {
    let mut header = [0; 512];
    let mut put = |at: usize, text: &str| header[at..at + text.len()].copy_from_slice(text.as_bytes());
    put(0, path);
    put(100, if path.contains("bin/") { "0000755" } else { "0000644" });
    put(108, "0000000");
    put(116, "0000000");
    put(124, &format!("{size:011o}"));
    put(136, "00000000000");
    put(148, "        ");
    put(156, std::str::from_utf8(&[kind]).unwrap());
    put(157, link);
    put(257, "ustar\x0000");
    let sum: u32 = header.iter().map(|byte| *byte as u32).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    header
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut ar = b"!<arch>\n".to_vec();
    for (name, content) in members {
        ar.extend(
            format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100644, content.len()).bytes(),
        );
        ar.extend(*content);
        ar.resize(ar.len().next_multiple_of(2), b'\n');
    }
    ar
}

fn deb_of(data: &str, packed: &[u8]) -> Vec<u8> {
    ar(&[("debian-binary", b"2.0\n"), ("control.tar.xz", b"odd"), (data, packed)])
}

fn deb(items: &[Item]) -> Vec<u8> {
    deb_of("data.tar", &tar(items))
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut encoder, bytes).unwrap();
    encoder.finish().unwrap()
}

/// A seed of these `.deb`s, `a`, `b`, … in order; the tree as text, or the error.
fn unpacked(debs: &[Vec<u8>], links: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Folder::open(folder.path()).unwrap();
    let pinned = |(name, bytes): (char, &Vec<u8>)| {
        let digest = blobs.put_bytes(bytes).unwrap();
        let path = format!("pool/{name}.deb");
        let (sha256, size_bytes) = (digest.sha256, digest.size_bytes);
        Deb { name: name.to_string(), version: "1".into(), path, sha256, size_bytes }
    };
    let seed = Seed {
        suite: "bookworm".into(),
        asked: vec![],
        links: links.iter().map(|(at, target)| (at.to_string(), target.to_string())).collect(),
        debs: ('a'..).zip(debs).map(pinned).collect(),
    };
    match unpack(&seed, &blobs, &|_| {}) {
        Ok(tree) => {
            tree.merkle();
            tree.nodes.iter().map(|(path, node)| format!("{path}{}\n", kind(&blobs, node))).collect()
        }
        Err(error) => format!("{error}\n"),
    }
}

fn kind(blobs: &Folder, node: &Node) -> String {
    match node {
        Node::Folder => "/".to_string(),
        Node::Link { target } => format!(" -> {target}"),
        Node::File { digest, executable } => {
            let text = fs::read_to_string(blobs.blob_path(digest)).unwrap();
            format!(" {text}{}", if *executable { " *" } else { "" })
        }
        Node::Tree { root } => format!(" {root}"),
    }
}

fn check(debs: &[Vec<u8>], links: &[(&str, &str)], expected: Expect) {
    expected.assert_eq(&unpacked(debs, links));
}

#[test]
fn usr_is_merged_and_docs_are_dropped() {
    let one = deb(&[
        Item("./", b'5', ""),
        Item("./bin/", b'5', ""),
        file("./bin/dash", "dash"),
        Item("./usr/share/doc/a/", b'5', ""),
        file("./usr/share/doc/a/copyright", "long"),
        Item("./usr/share/man/x", b'2', "/etc/x"),
        Item("./empty/", b'5', ""),
        Item("./usr/lib/again", b'1', "./bin/dash"),
        Item("./lib64/ld.so", b'2', "/lib/x86/ld.so"),
        Item("./etc/up", b'2', "../lib/x"),
    ]);
    let two = deb(&[
        Item("./bin/", b'5', ""),
        file("./usr/bin/gcc-12", "gcc"),
        Item("./usr/bin/gcc", b'2', "gcc-12"),
    ]);
    check(
        &[one, two],
        &[("bin/sh", "dash"), ("usr/bin/cc", "gcc")],
        expect![[r#"
        bin -> usr/bin
        empty/
        etc/up -> ../lib/x
        lib -> usr/lib
        lib64 -> usr/lib64
        sbin -> usr/sbin
        usr/bin/
        usr/bin/cc -> gcc
        usr/bin/dash dash *
        usr/bin/gcc -> gcc-12
        usr/bin/gcc-12 gcc *
        usr/bin/sh -> dash
        usr/lib/
        usr/lib/again dash *
        usr/lib64/
        usr/lib64/ld.so -> ../../usr/lib/x86/ld.so
        usr/sbin/
    "#]],
    );
}

#[test]
fn each_packing_is_read_to_its_end() {
    let tar = tar(&[file("x", "y")]);
    let xz = {
        let mut encoder = xz2::write::XzEncoder::new(Vec::new(), 0);
        std::io::Write::write_all(&mut encoder, &tar).unwrap();
        encoder.finish().unwrap()
    };
    let mut packed = vec![
        ("data.tar.gz", gzip(&tar)),
        ("data.tar.xz", xz),
        ("data.tar.zst", zstd::encode_all(tar.as_slice(), 1).unwrap()),
    ];
    for (name, bytes) in &packed {
        assert_eq!(unpacked(&[deb_of(name, bytes)], &[]).lines().last(), Some("x y"), "{name}");
    }
    // A flipped bit in the checksum at the end; zstd's frames have none by default.
    for (name, bytes) in &mut packed[..2] {
        let at = if *name == "data.tar.gz" { bytes.len() - 8 } else { bytes.len() - 6 };
        bytes[at] ^= 1;
        let text = unpacked(&[deb_of(name, bytes)], &[]);
        assert!(text.starts_with(&format!("`a=1`: its {name} is damaged: ")), "{name}: {text}");
    }
    check(
        &[deb_of("data.tar.lzma", b"")],
        &[],
        expect![[r#"
        `a=1`: is no `.deb`: `data.tar.lzma` is packed in a way that is not known
    "#]],
    );
    check(
        &[deb_of("data.tar.gz", &gzip(&tar)[..30])],
        &[],
        expect![[r#"
        `a=1`: its data.tar.gz is damaged: incomplete deflate stream
    "#]],
    );
}

#[test]
fn no_path_leaves_the_tree() {
    for path in ["../x", "a/../../x", "/etc/passwd", "a/.."] {
        let text = unpacked(&[deb(&[file(path, "x")])], &[]);
        assert!(text.starts_with(&format!("`a=1`: `{path}` ")), "{text}");
    }
    check(
        &[deb(&[file("a/../../x", "x")])],
        &[],
        expect![[r#"
        `a=1`: `a/../../x` leaves the archive (`..`)
    "#]],
    );
    check(
        &[deb(&[file("/etc/passwd", "x")])],
        &[],
        expect![[r#"
        `a=1`: `/etc/passwd` is an absolute path
    "#]],
    );
    check(
        &[deb(&[Item("a/link", b'2', "../../x")])],
        &[],
        expect![[r#"
        `a=1`: `a/link` is a link that leaves the tree
    "#]],
    );
    check(
        &[deb(&[Item("a/link", b'2', "b/../../..")])],
        &[],
        expect![[r#"
        `a=1`: `a/link` is a link that leaves the tree
    "#]],
    );
    check(
        &[deb(&[Item("hard", b'1', "../etc/shadow")])],
        &[],
        expect![[r#"
        `a=1`: `hard` is a hard link that leaves the archive
    "#]],
    );
    check(
        &[deb(&[Item("hard", b'1', "nothing")])],
        &[],
        expect![[r#"
        `a`: `hard` is a hard link to `nothing`, which is no file before it
    "#]],
    );
}

#[test]
fn nothing_but_files_folders_and_links() {
    check(
        &[deb(&[Item("dev/sda", b'4', "")])],
        &[],
        expect![[r#"
        `a=1`: `dev/sda` is a device
    "#]],
    );
    check(
        &[deb(&[Item("dev/tty", b'3', "")])],
        &[],
        expect![[r#"
        `a=1`: `dev/tty` is a device
    "#]],
    );
    check(
        &[deb(&[Item("fifo", b'6', "")])],
        &[],
        expect![[r#"
        `a=1`: `fifo` is a fifo
    "#]],
    );
    check(
        &[deb(&[Item("usr/share/doc/fifo", b'6', "")])],
        &[],
        expect![[r#"
        `a=1`: `usr/share/doc/fifo` is a fifo
    "#]],
    );
    check(
        &[deb(&[Item("odd", b'Q', "")])],
        &[],
        expect![[r#"
        `a=1`: `odd` is of a kind that is not known
    "#]],
    );
    check(
        &[deb(&[Item("sparse", b'S', "")])],
        &[],
        expect![[r#"
        `a=1`: its data.tar is damaged: sparse entry type listed but not GNU header
    "#]],
    );
}

#[test]
fn sizes_are_not_believed() {
    let huge = [header("huge", b'0', "", 1 << 32).as_slice(), &[0; 2048]].concat();
    check(
        &[deb_of("data.tar", &huge)],
        &[],
        expect![[r#"
        `a=1`: `huge` is too large
    "#]],
    );
    let short = [header("short", b'0', "", 4096).as_slice(), &[0; 512]].concat();
    check(
        &[deb_of("data.tar", &short)],
        &[],
        expect![[r#"
        `a=1`: `short` is cut short
    "#]],
    );
    let mut sum = tar(&[file("x", "y")]);
    sum[0] = b'z';
    check(
        &[deb_of("data.tar", &sum)],
        &[],
        expect![[r#"
        `a=1`: its data.tar is damaged: archive header checksum mismatch
    "#]],
    );
}

#[test]
fn what_is_no_deb() {
    check(
        &[b"<!DOCTYPE html>".to_vec()],
        &[],
        expect![[r#"
        `a=1`: is no `.deb`: it does not begin with `!<arch>`
    "#]],
    );
    check(
        &[b"!<arch>\n".to_vec()],
        &[],
        expect![[r#"
        `a=1`: is no `.deb`: it has no `data.tar`
    "#]],
    );
    check(
        &[ar(&[("data.tar", b"")])],
        &[],
        expect![[r#"
        `a=1`: is no `.deb`: its first member is `data.tar` and not `debian-binary`
    "#]],
    );
    let whole = deb(&[file("x", "y")]);
    check(
        &[whole[..100].to_vec()],
        &[],
        expect![[r#"
        `a=1`: is no `.deb`: failed to fill whole buffer
    "#]],
    );
    check(
        &[whole[..whole.len() - 1500].to_vec()],
        &[],
        expect![[r#"
        `a=1`: its data.tar is damaged: unexpected EOF during skip
    "#]],
    );
    let mut size = whole.clone();
    size[8 + 48..8 + 58].copy_from_slice(b"-1        ");
    check(
        &[size],
        &[],
        expect![[r#"
        `a=1`: is no `.deb`: a member's size is not a number
    "#]],
    );
}

#[test]
fn two_debs_and_one_path() {
    check(
        &[deb(&[file("bin/x", "1")]), deb(&[file("usr/bin/x", "2")])],
        &[],
        expect![[r#"
        `usr/bin/x` is in `a` and in `b`, and they differ
    "#]],
    );
    check(
        &[deb(&[file("etc/x", "1")]), deb(&[file("etc/x/y", "2")])],
        &[],
        expect![[r#"
        `etc/x/y` of `b` lies under `etc/x`, which `a` has as a file or a link
    "#]],
    );
    check(
        &[deb(&[Item("opt", b'2', "usr")]), deb(&[file("opt/y", "2")])],
        &[],
        expect![[r#"
        `opt/y` of `b` lies under `opt`, which `a` has as a file or a link
    "#]],
    );
    check(
        &[deb(&[file("bin", "1")])],
        &[],
        expect![[r#"
        `usr/bin` is in `a` and in `the seed's own links`, and they differ
    "#]],
    );
    let same = || deb(&[file("etc/x", "1")]);
    check(
        &[same(), same()],
        &[],
        expect![[r#"
        bin -> usr/bin
        etc/x 1
        lib -> usr/lib
        lib64 -> usr/lib64
        sbin -> usr/sbin
        usr/bin/
        usr/lib/
        usr/lib64/
        usr/sbin/
    "#]],
    );
}

#[test]
fn links_of_the_seed_name_what_is_there() {
    let dash = || deb(&[file("bin/dash", "1"), file("usr/bin/awk", "1")]);
    check(
        &[dash()],
        &[("usr/bin/sh", "bash")],
        expect![[r#"
        link `usr/bin/sh` -> `bash` of the seed: nothing is there
    "#]],
    );
    check(
        &[dash()],
        &[("usr/bin/awk", "dash")],
        expect![[r#"
        `usr/bin/awk` is in `a` and in `the seed's own links`, and they differ
    "#]],
    );
}

#[test]
fn a_deb_that_is_not_in_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Folder::open(folder.path()).unwrap();
    let gone = Deb {
        name: "m4".into(),
        version: "1".into(),
        path: "pool/m4.deb".into(),
        sha256: [0; 32],
        size_bytes: 1,
    };
    let seed = Seed { suite: "x".into(), asked: vec![], links: Default::default(), debs: vec![gone] };
    expect!["`m4=1` is not in the store; `rootbrew fetch` brings it. If no place has it any more, `rootbrew seed refresh` pins anew"].assert_eq(&unpack(&seed, &blobs, &|_| {}).unwrap_err().to_string());
}

fn check_text(text: &str, expected: Expect) {
    expected.assert_eq(&parse(Path::new("s.toml"), text).unwrap_err().to_string());
}

#[test]
fn faults_in_a_seeds_text_come_all_at_once() {
    check_text(
        "suite = 1",
        expect![[r#"
        s.toml:1:9: invalid type: integer `1`, expected a string
    "#]],
    );
    check_text(
        "suite = 'x'\nasked = []\nask = 1",
        expect![[r#"
        s.toml:3:1: unknown field `ask`, expected one of `suite`, `asked`, `links`, `pinned`
    "#]],
    );
    check_text(
        r#"
suite = "../bookworm"
asked = ["--yes", "gcc"]
[links]
"../sh" = "dash"
"usr/bin/cc" = "../../../gcc"
[pinned]
debs = [
  { name = "Make", version = "1 2", path = "/etc/x.deb", sha256 = "00", size = 0 },
  { name = "m4", version = "1", path = "pool/../../m4.deb", sha256 = "0000000000000000000000000000000000000000000000000000000000000000", size = 5 },
  { name = "m4", version = "1", path = "pool/m4.deb", sha256 = "0000000000000000000000000000000000000000000000000000000000000000", size = 5 },
]
"#,
        expect![[r#"
            s.toml:2:9: `../bookworm` is not a suite; lower-case letters, digits and `-`, such as `bookworm`
            s.toml:3:10: `--yes` is not a name; lower-case letters, digits, `+`, `-` and `.`, such as `libc6-dev`
            s.toml:3:10: `--yes` is asked and not pinned; `rootbrew seed refresh` pins anew
            s.toml:3:19: `gcc` is asked and not pinned; `rootbrew seed refresh` pins anew
            s.toml:5:1: `../sh` leaves the archive (`..`); a path in the seed's tree, such as `usr/bin/cc`
            s.toml:6:16: `../../../gcc` is a link that leaves the tree; a path in the seed's tree, relative to the link's folder
            s.toml:9:12: `Make` is not a name; lower-case letters, digits, `+`, `-` and `.`, such as `libc6-dev`
            s.toml:9:30: `1 2` is not a version; a Debian version, such as `1:1.2.13.dfsg-1`
            s.toml:9:44: `/etc/x.deb` is not a path in the archive; such as `pool/main/m/m4/m4_1.4.19-3_amd64.deb`
            s.toml:9:67: not a sha256; 64 lower-case hex digits
            s.toml:9:80: a `.deb` is not empty; its size in bytes
            s.toml:10:40: `pool/../../m4.deb` is not a path in the archive; such as `pool/main/m/m4/m4_1.4.19-3_amd64.deb`
            s.toml:11:12: `m4` is pinned twice; one version of a name has room in a tree
        "#]],
    );
}

#[test]
fn a_seed_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.toml");
    let told =
        || load(&path).unwrap_err().to_string().replace(&folder.path().display().to_string(), "FOLDER");
    expect![[r#"
        FOLDER/s.toml:1:1: cannot be read: No such file or directory (os error 2)
    "#]]
    .assert_eq(&told());
    fs::write(&path, b"suite = \"\xff\"").unwrap();
    expect![[r#"
        FOLDER/s.toml:1:1: is not UTF-8 (byte 9)
    "#]]
    .assert_eq(&told());
}

fn seed_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../seeds/debian-12.toml")
}

#[test]
fn our_own_seed_is_right() {
    let seed = load(&seed_path()).unwrap();
    assert!(seed.debs.len() > 90);
    assert_eq!(seed.links.len(), 3);
}

/// Fetches and unpacks the whole seed, then lets it build in a sandbox that has nothing else.
#[test]
#[ignore = "needs Debian's archive and bwrap"]
fn the_pinned_seed_builds_c() {
    let out = PathBuf::from(std::env::var("SEED_OUT").unwrap_or("/tmp/rootbrew-seed".into()));
    let seed = load(&seed_path()).unwrap();
    let blobs = Folder::open(&out.join("blobs")).unwrap();
    let places = Places { apt: Some(out.join("apt")), ..Places::default() };
    let start = Instant::now();
    for result in fetch::fetch(&wanted(&seed), &places, &blobs, &|_| {}, &AtomicBool::new(false)) {
        result.unwrap();
    }
    eprintln!("fetched {} in {:.2?}", seed.debs.len(), start.elapsed());
    let start = Instant::now();
    let tree = unpack(&seed, &blobs, &|_| {}).unwrap();
    eprintln!("unpacked {} nodes, {} bytes in {:.2?}", tree.nodes.len(), tree.size_bytes(), start.elapsed());
    eprintln!("tree {}", tree.merkle().root);
    let root = tempfile::tempdir().unwrap();
    lay_out(&tree, &blobs, root.path());
    let built = Command::new("bwrap")
        .args(["--unshare-all", "--clearenv", "--setenv", "PATH", "/usr/bin", "--ro-bind"])
        .arg(root.path())
        .args([
            "/", "--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp", "--chdir", "/tmp", "/bin/sh", "-euc",
            BUILD,
        ])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&built.stdout) + String::from_utf8_lossy(&built.stderr);
    expect![[r#"
        hello 2.0
        hello 2.0
        as ld
        word  word 
        bison
        1180591620717411303424
        perl 2
        a.c
        a.c
        a.c
        a.c
        a.c
        awk
        Sed
        m4
        ./a.c
        1
        bye 2.0
        pkgconf
    "#]]
    .assert_eq(&text);
}

/// Each tool of the seed does its work once.
const BUILD: &str = r#"
printf '#include <stdio.h>\n#include <math.h>\n#include <linux/fs.h>\n#include <gelf.h>\nint main(int c, char **v) { printf("hello %%.1f\\n", sqrt(c * 4.0)); }\n' > a.c
printf 'CC = cc\na: a.c\n\t$(CC) -O2 -g -Wall -o $@ $< -lm -lelf\n' > Makefile
make -s && ./a
cc -static -O2 -o static a.c -lm && ./static
printf '.globl _start\n_start: mov $60, %%eax\n xor %%edi, %%edi\n syscall\n' > s.S && as -o s.o s.S && ld -o s s.o && ./s && echo as ld
printf '%%%%\n[a-z]+ printf("word ");\n\\n ;\n%%%%\nint yywrap(void) { return 1; }\nint main(void) { return yylex(); }\n' > l.l
flex l.l && cc -o l lex.yy.c && printf 'one two' | ./l && echo
printf '%%{\nint yylex(void); void yyerror(const char *e);\n%%}\n%%%%\nall: ;\n%%%%\nint yylex(void) { return 0; }\nvoid yyerror(const char *e) {}\nint main(void) { return yyparse(); }\n' > y.y
bison -o y.c y.y && cc -o y y.c && ./y && echo bison
echo '2^70' | bc
perl -MPOSIX -MFile::Temp -MData::Dumper -e 'print "perl ", floor(2.5), "\n"'
for pack in gzip bzip2 xz zstd; do tar -c a.c | $pack -q > t && $pack -dcq t | tar -t; done
echo a.c | cpio -o --quiet | cpio -t --quiet
awk 'BEGIN { print "awk" }'; echo sed | sed s/s/S/; echo 'define(x, m4)x' | m4; find . -name a.c; grep -c main a.c
sed s/hello/bye/ a.c > b.c; diff -u a.c b.c > p || patch -s a.c p && make -s && ./a
pkgconf --exists libelf && echo pkgconf
"#;

fn lay_out(tree: &Tree, blobs: &Folder, root: &Path) {
    for (path, node) in &tree.nodes {
        let at = root.join(path);
        fs::create_dir_all(at.parent().unwrap()).unwrap();
        match node {
            Node::Folder => fs::create_dir_all(&at).unwrap(),
            Node::Link { target } => symlink(target, &at).unwrap(),
            Node::File { digest, executable } => {
                fs::copy(blobs.blob_path(digest), &at).unwrap();
                let mode = if *executable { 0o755 } else { 0o644 };
                fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
            }
            Node::Tree { .. } => panic!("a seed is flat"),
        }
    }
    ["dev", "proc", "tmp"].iter().for_each(|name| fs::create_dir_all(root.join(name)).unwrap());
}

#[test]
#[ignore = "needs Debian's archive"]
fn a_refresh_keeps_what_people_wrote() {
    let folder = tempfile::tempdir().unwrap();
    let old = "# why\nsuite = \"bookworm\"\nasked = [\"m4\"]\n# then\n[pinned]\ndebs = []\n";
    let seed = parse(Path::new("s.toml"), old).unwrap();
    let new = refresh(old, &seed, folder.path()).unwrap();
    assert!(new.starts_with(old.strip_suffix("debs = []\n").unwrap()), "{new}");
    let names: Vec<_> =
        parse(Path::new("s.toml"), &new).unwrap().debs.into_iter().map(|deb| deb.name).collect();
    assert_eq!(names, ["gcc-12-base", "libc6", "libgcc-s1", "m4"]);
}
