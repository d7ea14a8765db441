//! The judges: each format taken apart by the tool that reads it, and compared path by path with the tree.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Stdio};

use kegs::Digest;

use super::*;
use crate::content::Content;
use crate::support::{Place, Random, bytes_of, every_kind, succeed};
use crate::tree::{ImageTree, Kind, Node, Reason};

/// What stat(2) and readlink(2) say of everything below a folder. Who is not root takes out files that are his own: then
/// owners are not looked at.
fn seen(root: &Path) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    see(root, root, &mut lines);
    lines
}

fn see(root: &Path, at: &Path, lines: &mut BTreeMap<String, String>) {
    let meta = fs::symlink_metadata(at).unwrap();
    let what = match meta.file_type() {
        kind if kind.is_symlink() => format!("-> {}", fs::read_link(at).unwrap().display()),
        kind if kind.is_file() => Digest::of(&fs::read(at).unwrap()).to_string(),
        _ => "folder".to_string(),
    };
    let path = String::from_utf8(at.strip_prefix(root).unwrap().as_os_str().as_bytes().to_vec()).unwrap();
    lines.insert(path, line(meta.mode() as u16, (meta.uid(), meta.gid()), &what));
    if meta.is_dir() {
        for entry in fs::read_dir(at).unwrap() {
            see(root, &entry.unwrap().path(), lines);
        }
    }
}

fn line(mode: u16, (uid, gid): (u32, u32), what: &str) -> String {
    match rustix::process::geteuid().is_root() {
        true => format!("{:o} {uid} {gid} {what}", mode & 0o7777),
        false => format!("{:o} {what}", mode & 0o7777),
    }
}

fn expected(tree: &ImageTree) -> BTreeMap<String, String> {
    let line = |(path, node): (&str, &Node)| {
        let what = match &node.kind {
            Kind::Folder => "folder".to_string(),
            Kind::File(bytes) => bytes.digest().to_string(),
            Kind::Link { target } => format!("-> {target}"),
        };
        (path.to_string(), line(node.mode, (node.uid, node.gid), &what))
    };
    tree.iter().map(line).collect()
}

#[track_caller]
fn is_the_tree(tree: &ImageTree, out: &Path) {
    let (expected, seen) = (expected(tree), seen(out));
    for (path, line) in &expected {
        assert_eq!(seen.get(path), Some(line), "{path:?}");
    }
    let more: Vec<_> = seen.keys().filter(|path| !expected.contains_key(*path)).collect();
    assert!(more.is_empty(), "not in the tree: {more:?}");
}

fn written(place: &Place, write: impl FnOnce(&mut File) -> std::io::Result<()>) -> std::path::PathBuf {
    let path = place.path("image");
    write(&mut File::create(&path).unwrap()).unwrap();
    path
}

#[test]
fn tar_takes_out_what_went_in() {
    let place = Place::new();
    let tree = every_kind(&place, &mut Random(1));
    let image = written(&place, |out| write_tar(&tree, &place.content, out));
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    succeed(
        Command::new("tar")
            .args(["-xp", "--same-owner", "--numeric-owner", "-C"])
            .arg(&out)
            .arg("-f")
            .arg(&image),
    );
    is_the_tree(&tree, &out);
    let listed = succeed(Command::new("tar").args(["--numeric-owner", "--utc", "-tvf"]).arg(&image));
    assert_eq!(listed.lines().count(), tree.len());
    assert!(listed.lines().all(|line| line.contains("2026-01-01 00:00")), "{listed}");
    assert!(listed.contains("-rwsr-xr-x 0/0"), "{listed}");
    assert!(listed.contains("70000/12345"), "{listed}");
}

#[test]
fn cpio_takes_out_what_went_in_and_a_kernel_finds_its_init() {
    let place = Place::new();
    let mut tree = every_kind(&place, &mut Random(2));
    let image = written(&place, |out| write_cpio(&tree, &place.content, out));
    let out = place.path("out");
    fs::create_dir(&out).unwrap();
    let mut cpio = Command::new("cpio");
    cpio.args(["-idm", "--quiet", "--no-absolute-filenames"]).current_dir(&out);
    succeed(cpio.stdin(Stdio::from(File::open(&image).unwrap())));
    tree.insert("init", Node::link("sbin/init", Reason::image("a test"))).unwrap();
    is_the_tree(&tree, &out);
    let listed = Command::new("cpio").arg("-itvn").stdin(Stdio::from(File::open(&image).unwrap())).output();
    assert_eq!(String::from_utf8_lossy(&listed.unwrap().stdout).matches("Jan  1  2026").count(), tree.len());
}

#[test]
fn unsquashfs_takes_out_what_went_in() {
    let place = Place::new();
    let tree = every_kind(&place, &mut Random(3));
    let image = written(&place, |out| write_squashfs(&tree, &place.content, out));
    let out = place.path("out");
    succeed(Command::new("unsquashfs").args(["-n", "-q", "-d"]).arg(&out).arg(&image));
    is_the_tree(&tree, &out);
    let said = succeed(Command::new("unsquashfs").arg("-s").arg(&image));
    assert!(said.contains("Compression zstd") && said.contains("Jan  1"), "{said}");
}

#[test]
fn a_folder_is_as_its_tree_and_is_never_laid_over_another() {
    let place = Place::new();
    let tree = every_kind(&place, &mut Random(4));
    let out = place.path("out");
    let others = write_folder(&tree, &place.content, &out).unwrap();
    is_the_tree(&tree, &out);
    match rustix::process::geteuid().is_root() {
        true => assert_eq!(others, Vec::<String>::new()),
        false => assert!(others.contains(&"owned".to_string())),
    }
    assert_eq!(fs::symlink_metadata(out.join("bin/sh")).unwrap().mtime(), crate::erofs::TIME as i64);
    let again = write_folder(&tree, &place.content, &out).unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
}

/// Each format of the tree, as it is when its parts came in the order that `random` gives.
fn all(place: &Place, random: u64) -> Vec<(&'static str, Digest)> {
    let tree = every_kind(place, &mut Random(random));
    let content: &dyn Content = &place.content;
    let of = |name, write: &dyn Fn(&mut File) -> std::io::Result<()>| {
        let image = written(place, |out| write(out));
        (name, Digest::of(&bytes_of(&image)))
    };
    let orders = format!("{:?} {:?}", order::ext4(&tree), order::erofs(&tree, order::Compression::Zstd));
    vec![
        of("erofs", &|out| crate::write_erofs(&tree, content, out).map(drop)),
        of("tar", &|out| write_tar(&tree, content, out)),
        of("cpio", &|out| write_cpio(&tree, content, out)),
        of("squashfs", &|out| write_squashfs(&tree, content, out)),
        of("orders", &|out| out.write_all(orders.as_bytes())),
    ]
}

#[test]
fn the_same_tree_gives_the_same_bytes_in_whatever_order_it_was_made() {
    let place = Place::new();
    let first = all(&place, 1);
    for random in 2..4 {
        assert_eq!(all(&place, random), first);
    }
}

#[test]
fn content_that_is_not_as_long_as_its_digest_says_is_an_error() {
    for (stored, claimed) in [(5000, 9000), (20, 10)] {
        let place = Place::new();
        let digest = place.store(&vec![1; claimed]);
        fs::write(place.content.0.join(digest.hex()), vec![1; stored]).unwrap();
        let mut tree = ImageTree::default();
        tree.insert("a", Node::stored(digest, 0o644, Reason::image("a test"))).unwrap();
        let content: &dyn Content = &place.content;
        assert!(write_tar(&tree, content, &mut Vec::new()).is_err(), "{stored} {claimed}");
        assert!(write_cpio(&tree, content, &mut Vec::new()).is_err(), "{stored} {claimed}");
        let mut out = std::io::Cursor::new(Vec::new());
        assert!(write_squashfs(&tree, content, &mut out).is_err(), "{stored} {claimed}");
        assert!(write_folder(&tree, content, &place.path("out")).is_err(), "{stored} {claimed}");
    }
}
