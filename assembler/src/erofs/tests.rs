//! The judges: erofs-utils' own reader and maker, and the running kernel's.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::support::{Place, Random, lay_out, succeed};
use crate::tree::{Kind, Node, Reason};

fn because() -> Reason {
    Reason::image("a test")
}

/// Sizes about every edge: nothing, one slot, just behind an inode and just not, whole blocks, many.
const SIZES: [usize; 14] = [0, 1, 31, 32, 2000, 2943, 2944, 2945, 4063, 4064, 4065, 4096, 4097, 70_001];

/// A tree with every kind of thing in it, put together in the order that `random` gives.
pub fn tree_of(place: &Place, random: &mut Random) -> ImageTree {
    let mut nodes: Vec<(String, Node)> = Vec::new();
    for size in SIZES {
        let bytes: Vec<u8> = (0..size).map(|at| (at * 7 + size) as u8).collect();
        nodes.push((format!("sizes/{size}"), Node::stored(place.store(&bytes), 0o644, because())));
        nodes.push((format!("inline/{size}"), Node::inline(&bytes, 0o755, because())));
    }
    for at in 0..700 {
        nodes.push((
            format!("many/{}-{at}", "n".repeat(at % 250)),
            Node::inline(format!("{at}"), 0o600, because()),
        ));
    }
    nodes.push(("bin/sh".to_string(), Node::link("../sizes/4097", because())));
    nodes.push(("bin/long".to_string(), Node::link("x/".repeat(2000), because())));
    nodes.push(("tmp".to_string(), Node::folder(0o1777, because())));
    nodes.push(("many/-first".to_string(), Node::folder(0o755, because())));
    nodes.push(("a/b/c/d/e".to_string(), Node::inline("deep", 0o444, because())));
    let owned = Node { uid: 70_000, gid: 12_345, ..Node::inline("x".repeat(5000), 0o640, because()) };
    nodes.push(("owned".to_string(), owned));
    let mut tree = ImageTree::default();
    while !nodes.is_empty() {
        let (path, node) = nodes.swap_remove(random.below(nodes.len() as u64) as usize);
        tree.insert(&path, node).unwrap();
    }
    tree
}

pub fn write(tree: &ImageTree, place: &Place, name: &str) -> ImageFacts {
    write_erofs(tree, &place.content, &mut File::create(place.path(name)).unwrap()).unwrap()
}

/// Paths to what stat(2) and read(2) say of them.
fn read_back(root: &Path, at: &Path, into: &mut BTreeMap<String, String>) {
    let meta = fs::symlink_metadata(at).unwrap();
    let what = match meta.file_type() {
        kind if kind.is_symlink() => fs::read_link(at).unwrap().display().to_string(),
        kind if kind.is_file() => Digest::of(&fs::read(at).unwrap()).to_string(),
        _ => format!("{} links", meta.nlink()),
    };
    let path = at.strip_prefix(root).unwrap().display().to_string();
    into.insert(path, format!("{:o} {} {} {} {what}", meta.mode(), meta.uid(), meta.gid(), meta.mtime()));
    if meta.is_dir() {
        for entry in fs::read_dir(at).unwrap() {
            read_back(root, &entry.unwrap().path(), into);
        }
    }
}

/// The same from the tree.
fn expected(tree: &ImageTree) -> BTreeMap<String, String> {
    let folders_in = |path: &str| {
        let direct = |below: &str| {
            let (parent, _) = below.rsplit_once('/').unwrap_or(("", below));
            !below.is_empty() && parent == path
        };
        tree.iter().filter(|(below, node)| node.is_folder() && direct(below)).count() + 2
    };
    let line = |(path, node): (&str, &Node)| {
        let (kind, what) = match &node.kind {
            Kind::Folder => (0o040000, format!("{} links", folders_in(path))),
            Kind::File(bytes) => (0o100000, bytes.digest().to_string()),
            Kind::Link { target } => (0o120000, target.clone()),
        };
        let mode = kind | u32::from(node.mode);
        (path.to_string(), format!("{mode:o} {} {} {TIME} {what}", node.uid, node.gid))
    };
    tree.iter().map(line).collect()
}

#[test]
fn fsck_reads_all_of_it_and_takes_out_what_went_in() {
    let place = Place::new();
    let tree = tree_of(&place, &mut Random(1));
    let facts = write(&tree, &place, "image");
    assert_eq!(facts.bytes, place.path("image").metadata().unwrap().len());
    assert_eq!(facts.digest, Digest::of(&fs::read(place.path("image")).unwrap()));
    let out = place.path("out");
    let mut fsck = Command::new("fsck.erofs");
    fsck.arg(format!("--extract={}", out.display())).arg(place.path("image"));
    succeed(&mut fsck);
    for (path, node) in tree.iter() {
        if let Kind::File(bytes) = &node.kind {
            assert_eq!(Digest::of(&fs::read(out.join(path)).unwrap()), bytes.digest(), "{path}");
        }
    }
}

#[test]
fn the_kernel_mounts_it_and_sees_the_tree() {
    let place = Place::new();
    let tree = tree_of(&place, &mut Random(2));
    write(&tree, &place, "image");
    let (image, out) = (place.path("image"), place.path("out"));
    fs::create_dir(&out).unwrap();
    // A private mount namespace: the mount ends with the shell, whatever the test does.
    let script = "mount -t erofs -o loop,ro \"$0\" \"$1\" && exec tar -C \"$1\" -cf \"$2\" .";
    let mut mount = Command::new("unshare");
    mount.args(["-m", "sh", "-c", script]).arg(&image).arg(&out).arg(place.path("tar"));
    let output = mount.output().unwrap();
    if !output.status.success() {
        assert!(
            std::env::var_os("CI").is_none(),
            "no erofs mount in CI: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        eprintln!(
            "SKIPPED: this machine does not mount erofs here: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        return;
    }
    let copy = place.path("copy");
    fs::create_dir(&copy).unwrap();
    succeed(Command::new("tar").arg("-C").arg(&copy).arg("-xpf").arg(place.path("tar")));
    let mut seen = BTreeMap::new();
    read_back(&copy, &copy, &mut seen);
    // The host's own file system counts a folder's links in its own way.
    let files_only = |all: BTreeMap<String, String>| {
        all.into_iter().filter(|(_, line)| !line.ends_with(" links")).collect::<Vec<_>>()
    };
    assert_eq!(files_only(seen), files_only(expected(&tree)));
}

#[test]
fn the_same_tree_gives_the_same_bytes_in_whatever_order_it_was_made() {
    let place = Place::new();
    let digests: Vec<_> =
        (1..4).map(|seed| write(&tree_of(&place, &mut Random(seed)), &place, "image").digest).collect();
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

#[test]
fn it_is_not_larger_than_what_mkfs_erofs_makes() {
    let place = Place::new();
    let tree = tree_of(&place, &mut Random(3));
    let ours = write(&tree, &place, "image").bytes;
    lay_out(&tree, &place.content, &place.path("laid"));
    succeed(
        Command::new("mkfs.erofs")
            .args(["-T0", "--all-root"])
            .arg(place.path("theirs"))
            .arg(place.path("laid")),
    );
    let theirs = place.path("theirs").metadata().unwrap().len();
    assert!(ours * 100 <= theirs * 101, "ours {ours}, mkfs.erofs {theirs}");
}

#[test]
fn content_that_is_not_as_long_as_its_digest_says_is_an_error() {
    for (stored, claimed) in [(5000, 9000), (10, 20), (20, 10), (0, 4096), (9000, 4096)] {
        let place = Place::new();
        let bytes = vec![1; claimed];
        let digest = place.store(&bytes);
        fs::write(place.content.0.join(digest.hex()), vec![1; stored]).unwrap();
        let mut tree = ImageTree::default();
        tree.insert("a", Node::stored(digest, 0o644, because())).unwrap();
        let error = write_erofs(&tree, &place.content, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{stored} {claimed}");
    }
}

#[test]
fn content_with_other_bytes_than_its_digest_says_is_in_no_image() {
    let place = Place::new();
    for size in [10, 4096, 70_001] {
        let digest = place.store(&vec![1; size]);
        let mut tree = ImageTree::default();
        tree.insert("a", Node::stored(digest, 0o644, because())).unwrap();
        write_erofs(&tree, &place.content, &mut Vec::new()).unwrap();
        let mut bytes = vec![1; size];
        bytes[size - 1] = 2;
        fs::write(place.content.0.join(digest.hex()), &bytes).unwrap();
        let error = write_erofs(&tree, &place.content, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains(&format!("content {} has the sha256", digest.hex())), "{size}: {error}");
        assert!(error.contains("rootbrew store verify --repair"), "{error}");
    }
}
