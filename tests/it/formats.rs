//! `rootbrew image --as`: each format of a real role, taken apart by the tool that reads it and compared path by path with
//! the text twin; and containers, by those who run them.
//!
//! In the user's own store, as the roles' tests. Owners are compared by root only: nobody else can take them out.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use assembler::format::{Order, order, write_tar};
use assembler::tree::{ImageTree, Kind, Node, Reason};
use kegs::{Digest, Store};

use crate::support::{Events, Ran};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn run(arguments: &[&str]) -> Ran {
    Ran::of(Command::new(env!("CARGO_BIN_EXE_rootbrew")).args(arguments).arg("--tap").arg(repository()))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder")
}

/// What stat(2) says of everything below a folder.
fn seen(root: &Path) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(at) = open.pop() {
        let meta = fs::symlink_metadata(&at).expect("it is there");
        let what = match meta.file_type() {
            kind if kind.is_symlink() => format!("-> {}", fs::read_link(&at).expect("a link").display()),
            kind if kind.is_file() => Digest::of(&fs::read(&at).expect("a file")).to_string(),
            _ => "folder".to_string(),
        };
        let path = at.strip_prefix(root).expect("below").display().to_string();
        lines.insert(path, line(meta.mode() as u16, (meta.uid(), meta.gid()), &what));
        if meta.is_dir() {
            open.extend(fs::read_dir(&at).expect("a folder").map(|entry| entry.expect("an entry").path()));
        }
    }
    lines
}

fn line(mode: u16, (uid, gid): (u32, u32), what: &str) -> String {
    // A link's mode is the file system's own affair.
    let mode = if what.starts_with("-> ") { 0o777 } else { mode & 0o7777 };
    match rustix::process::geteuid().is_root() {
        true => format!("{mode:o} {uid} {gid} {what}"),
        false => format!("{mode:o} {what}"),
    }
}

fn expected(tree: &ImageTree) -> BTreeMap<String, String> {
    let said = |(path, node): (&str, &Node)| {
        let what = match &node.kind {
            Kind::Folder => "folder".to_string(),
            Kind::File(bytes) => bytes.digest().to_string(),
            Kind::Link { target } => format!("-> {target}"),
        };
        (path.to_string(), line(node.mode, (node.uid, node.gid), &what))
    };
    tree.iter().map(said).collect()
}

#[track_caller]
fn is_the_tree(format: &str, tree: &ImageTree, out: &Path) {
    let (expected, seen) = (expected(tree), seen(out));
    for (path, line) in &expected {
        assert_eq!(seen.get(path), Some(line), "{format}: {path:?}");
    }
    let more: Vec<_> = seen.keys().filter(|path| !expected.contains_key(*path)).collect();
    assert!(more.is_empty(), "{format}: not in the tree: {more:?}");
}

/// The same tree, as `debugfs` takes it out: without setuid, setgid and sticky bits, every link root's.
fn plain(tree: &ImageTree) -> ImageTree {
    let mut plain = ImageTree::default();
    for (path, node) in tree.iter() {
        let node = Node { mode: node.mode & 0o777, ..node.clone() };
        let node = if is_link(&node) { Node { uid: 0, gid: 0, ..node } } else { node };
        plain.replace(path, node).expect("as it was");
    }
    plain
}

fn is_link(node: &Node) -> bool {
    matches!(node.kind, Kind::Link { .. })
}

/// What is in an ext4 image: taken out, and what the judge then loses as it tells it.
#[track_caller]
fn is_the_ext4(tree: &ImageTree, image: &Path, out: &Path) {
    Ran::of(Command::new("e2fsck").arg("-fn").arg(image)).expect(0);
    // Every ext4 has it.
    fs::remove_dir(out.join("lost+found")).expect("an empty folder");
    is_the_tree("ext4", &plain(tree), out);
    for (path, node) in tree.iter().filter(|(_, node)| node.mode > 0o777 || is_link(node)) {
        let told =
            Ran::of(Command::new("debugfs").args(["-R", &format!("stat /{path}")]).arg(image)).expect(0);
        let words: Vec<&str> = told.out.split_whitespace().collect();
        let after = |word: &str| words[words.iter().position(|at| *at == word).expect("it is told") + 1];
        assert_eq!(after("Mode:"), format!("0{:o}", node.mode), "{told}");
        let owner = (after("User:"), after("Group:"));
        assert_eq!(owner, (node.uid.to_string().as_str(), node.gid.to_string().as_str()), "{told}");
    }
}

/// A program of a keg that is built.
fn program(keg: &str, path: &str) -> PathBuf {
    let store = Store::open(&crate::support::usual_store()).expect("the store");
    let note = store.note("output", keg).expect("the keg is built");
    let digest: Digest = String::from_utf8(note).expect("a text").trim().parse().expect("a digest");
    store.lay_out(&format!("{keg}-judge"), &digest).expect("it is laid out").join(path)
}

fn take_out(format: &str, image: &Path, out: &Path) {
    let out_text = out.display().to_string();
    fs::create_dir(out).expect("a folder");
    let mut command = match format {
        "erofs" | "erofs-lz4" => Command::new("fsck.erofs"),
        // Debian 12's is too old for zstd.
        "erofs-zstd" => Command::new(program("erofs-utils", "bin/fsck.erofs")),
        "squashfs" => Command::new("unsquashfs"),
        "ext4" => Command::new("debugfs"),
        "cpio" => Command::new("cpio"),
        "tar" => Command::new("tar"),
        other => panic!("no judge for {other}"),
    };
    match format {
        "erofs" | "erofs-lz4" | "erofs-zstd" => {
            command.args(["--force", "--overwrite", &format!("--extract={out_text}")]).arg(image)
        }
        "squashfs" => command.args(["-n", "-q", "-f", "-d", &out_text]).arg(image),
        "ext4" => command.args(["-R", &format!("rdump / {out_text}")]).arg(image),
        "cpio" => command
            .args(["-idm", "--quiet", "--no-absolute-filenames"])
            .current_dir(out)
            .stdin(Stdio::from(File::open(image).expect("the archive"))),
        _ => command.args(["-xp", "--same-owner", "--numeric-owner", "-C", &out_text, "-f"]).arg(image),
    };
    Ran::of(&mut command).expect(0);
}

const FILES: [&str; 7] = ["erofs", "erofs-lz4", "erofs-zstd", "squashfs", "ext4", "cpio", "tar"];

fn asked<'a>(formats: &[&'a str]) -> Vec<&'a str> {
    formats.iter().flat_map(|format| ["--as", format]).collect()
}

#[test]
fn each_format_of_web_is_its_tree() {
    let place = folder();
    let out = place.path().display().to_string();
    let all = [&FILES[..], &["folder"]].concat();
    let ran = run(&[&["image", "web", "--json", "-o", &out], &asked(&all)[..]].concat()).expect(0);
    let twin = run(&["image", "web", "--text"]).expect(0);
    let tree = assembler::text::parse(&twin.out).expect("a tree");
    let events = Events::of(&ran);
    for wrote in events.with("wrote") {
        let (format, path) =
            (wrote["format"].as_str().expect("a word"), wrote["path"].as_str().expect("a path"));
        let path = Path::new(path);
        if format == "folder" {
            is_the_tree(format, &tree, path);
            continue;
        }
        assert_eq!(wrote["bytes"].as_u64(), Some(path.metadata().expect("a file").len()), "{format}");
        let taken = place.path().join(format!("{format}.out"));
        take_out(format, path, &taken);
        let mut tree = tree.clone();
        match format {
            "ext4" => {
                is_the_ext4(&tree, path, &taken);
                continue;
            }
            "cpio" => tree.insert("init", Node::link("sbin/init", Reason::image("it boots"))).expect("free"),
            _ => {}
        }
        is_the_tree(format, &tree, &taken);
    }
    assert_eq!(events.with("wrote").count(), all.len());
}

#[test]
fn nothing_runs_twice_and_nothing_is_laid_over() {
    let place = folder();
    let out = place.path().display().to_string();
    // Another role than those of which other tests have the store forget.
    let arguments = [&["image", "cache", "-o", &out], &asked(&["tar", "squashfs", "ext4"])[..]].concat();
    run(&arguments).expect(0);
    let again = run(&arguments).expect(0);
    assert_eq!(again.err.lines().filter(|line| line.ends_with("in store")).count(), 3, "{again}");
    let to = place.path().join("folder");
    fs::create_dir(&to).expect("a folder");
    fs::write(to.join("letter"), "dear").expect("a file");
    let to = to.display().to_string();
    for format in ["folder", "oci"] {
        run(&["image", "cache", "-o", &to, "--as", format]).expect(1).says(&["is a folder and not empty"]);
    }
    assert_eq!(fs::read_to_string(Path::new(&to).join("letter")).expect("it stays"), "dear");
    run(&["image", "cache", "--as", "ext5"]).expect(2).says(&["ext5"]);
    run(&["image", "cache", "--as", "oci", "--service", "valkeyy", "-o", &format!("{out}/new")])
        .expect(1)
        .says(&["it has `valkey`"]);
    let beside = fs::read_dir(place.path()).expect("the folder").flatten();
    assert!(beside.map(|entry| entry.file_name()).all(|name| !name.to_string_lossy().starts_with('.')));
}

/// What no role has: setuid and sticky bits, owners, odd names, a folder of more than a block.
fn every_kind() -> ImageTree {
    let because = || Reason::image("a test");
    let mut tree = ImageTree::default();
    let mut put = |path: &str, node: Node| tree.insert(path, node).expect("a path");
    put("bin/setuid", Node::inline("s".repeat(5000), 0o4755, because()));
    put("bin/setgid", Node::inline("g", 0o2711, because()));
    put("tmp", Node::folder(0o1777, because()));
    put("empty", Node::inline("", 0o444, because()));
    put("large", Node::inline(vec![5; 3_000_001], 0o644, because()));
    put("owned/file", Node { uid: 70_000, gid: 12_345, ..Node::inline("x", 0o640, because()) });
    put("owned/link", Node { uid: 70_000, gid: 12_345, ..Node::link("file", because()) });
    put("long", Node::link("t/".repeat(400), because()));
    for name in ["a b", "a'b", "a\"b", "ä", "-dash", &"n".repeat(255)] {
        put(&format!("odd/{name}"), Node::inline(name, 0o644, because()));
    }
    (0..600).for_each(|at| {
        put(&format!("many/{at}-{}", "n".repeat(at % 200)), Node::inline("m", 0o600, because()))
    });
    tree
}

/// An order carried out here and not in the sandbox, where its paths are.
fn carried_out(order: &Order, tar: &Path, image: &Path) {
    let arguments = order.arguments.iter().map(|word| {
        word.replace(order::INPUT, &tar.display().to_string())
            .replace(order::OUTPUT, &image.display().to_string())
    });
    let environment =
        order.environment.iter().filter(|(name, _)| !["HOME", "TMPDIR"].contains(&name.as_str()));
    let mut command = Command::new(program(order.keg, order.program));
    Ran::of(command.args(arguments).env_clear().envs(environment.cloned())).expect(0);
}

#[test]
fn tools_keep_every_mode_owner_and_name() {
    run(&["build", "e2fsprogs", "erofs-utils"]).expect(0);
    let place = folder();
    let tree = every_kind();
    let tar = place.path().join("tree.tar");
    let content = assembler::content::Folder(place.path().to_path_buf());
    write_tar(&tree, &content, &mut File::create(&tar).expect("a file")).expect("a tar");
    for (format, order) in [
        ("ext4", order::ext4(&tree)),
        ("erofs-lz4", order::erofs(&tree, order::Compression::Lz4)),
        ("erofs-zstd", order::erofs(&tree, order::Compression::Zstd)),
    ] {
        let image = place.path().join(format);
        carried_out(&order, &tar, &image);
        let out = place.path().join(format!("{format}.out"));
        // Debian 12's fsck.erofs loses setuid bits as it takes files out, so the keg's own judges both.
        take_out(if format == "ext4" { format } else { "erofs-zstd" }, &image, &out);
        match format {
            "ext4" => is_the_ext4(&tree, &image, &out),
            format => is_the_tree(format, &tree, &out),
        }
    }
}
