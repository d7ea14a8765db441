//! What is written is read. Judges: mkfs.erofs and dump.erofs.

mod damaged;

use std::fs;
use std::io::Read;
use std::process::Command;

use expect_test::{Expect, expect};
use kegs::Digest;

use super::*;
use crate::erofs::tests::{tree_of, write};
use crate::support::{Place, Random, lay_out, succeed};
use crate::tree::{Bytes, Kind, Node, Reason};

/// The tree as it is known from its image alone.
fn as_read(tree: &ImageTree) -> ImageTree {
    let mut plain = ImageTree::default();
    for (path, node) in tree.iter() {
        let mut node = Node { reason: Reason::image("unknown"), ..node.clone() };
        if let Kind::File(bytes) = &node.kind {
            node.kind = Kind::File(Bytes::Stored(bytes.digest()));
        }
        plain.put(path, node).unwrap();
    }
    plain
}

fn read(path: &Path) -> Result<ImageTree> {
    Image::open_file(path)?.tree()
}

fn assert_same(found: &ImageTree, expected: &ImageTree) {
    for ((found, node), (path, wanted)) in found.iter().zip(expected.iter()) {
        assert_eq!((found, node), (path, wanted));
    }
    assert_eq!(found.len(), expected.len());
}

#[test]
fn what_is_written_is_read() {
    let place = Place::new();
    let tree = tree_of(&place, &mut Random(4));
    write(&tree, &place, "image");
    assert_same(&read(&place.path("image")).unwrap(), &as_read(&tree));
    let image = Image::open_file(&place.path("image")).unwrap();
    for (path, node) in tree.iter() {
        let Kind::File(bytes) = &node.kind else { continue };
        let mut contents = image.contents(path).unwrap();
        assert_eq!(contents.len_bytes(), bytes.len());
        let mut read = Vec::new();
        contents.read_to_end(&mut read).unwrap();
        assert_eq!(Digest::of(&read), bytes.digest(), "{path}");
    }
    for (path, said) in [
        ("/sizes", "/sizes is a folder and no file"),
        ("bin/sh", "/bin/sh is a link and no file"),
        ("bin/sh/x", "/bin/sh/x is not in it"),
        ("/none", "/none is not in it"),
        ("", "/ is a folder and no file"),
    ] {
        assert_eq!(image.contents(path).err().unwrap().to_string(), said);
    }
}

/// A tree that chance made: deep, with long names, sizes about the edges, contents that stand at several places.
fn grown(random: &mut Random) -> ImageTree {
    const SIZES: [usize; 12] = [0, 1, 4031, 4032, 4064, 4095, 4096, 4097, 8191, 8192, 12_300, 65_536];
    let mut tree = ImageTree::default();
    let mut folders = vec![String::new()];
    for _ in 0..random.below(120) {
        let length = if random.below(4) == 0 { 200 + random.below(56) } else { 1 + random.below(9) };
        let letter = char::from(b'a' + random.below(26) as u8).to_string();
        let above = &folders[folders.len() - 1 - random.below(folders.len().min(3) as u64) as usize];
        let path = join(above, &letter.repeat(length as usize));
        let mode = [0o755, 0o644, 0o4711, 0o1777, 0][random.below(5) as usize];
        let because = Reason::image("unknown");
        let content = vec![random.below(3) as u8; SIZES[random.below(SIZES.len() as u64) as usize]];
        let mut node = match random.below(3) {
            0 => Node::folder(mode, because),
            1 => Node::link("../".repeat(1 + random.below(1300) as usize), because),
            _ => Node::stored(Digest::of(&content), mode, because),
        };
        if let Kind::File(_) = node.kind {
            node.kind = Kind::File(Bytes::Inline(content.into()));
        }
        node.uid = [0, 1000, 70_000][random.below(3) as usize];
        let is_folder = node.is_folder();
        if tree.put(&path, node).is_ok() && is_folder {
            folders.push(path);
        }
    }
    tree
}

#[test]
fn whatever_tree_is_written_is_read() {
    let place = Place::new();
    let mut random = Random(9);
    for round in 0..60 {
        let tree = grown(&mut random);
        write(&tree, &place, "image");
        let read = read(&place.path("image")).unwrap_or_else(|error| panic!("round {round}: {error}"));
        let mut expected = as_read(&tree);
        let root = Node { reason: Reason::image("unknown"), ..tree.get("").unwrap().clone() };
        expected.put("", root).unwrap();
        assert_same(&read, &expected);
    }
}

/// As deep as a path can be: 2048 folders of one letter each.
#[test]
fn the_deepest_tree_is_read() {
    let place = Place::new();
    let mut tree = ImageTree::default();
    let path = "d/".repeat(2048);
    for depth in 1..=2048 {
        let folder = Node::folder(0o755, Reason::image("unknown"));
        tree.put(&path[..2 * depth - 1], folder).unwrap();
    }
    write(&tree, &place, "image");
    assert_same(&read(&place.path("image")).unwrap(), &as_read(&tree));
}

/// Another's image of the same files, and what another takes out of ours.
#[test]
fn we_read_what_mkfs_erofs_writes() {
    let place = Place::new();
    let mut tree = ImageTree::default();
    for (path, node) in tree_of(&place, &mut Random(5)).iter() {
        // All is root's there.
        tree.put(path, Node { uid: 0, gid: 0, ..node.clone() }).unwrap();
    }
    lay_out(&tree, &place.content, &place.path("laid"));
    let mut mkfs = Command::new("mkfs.erofs");
    succeed(mkfs.args(["-T0", "-x-1", "--all-root"]).arg(place.path("image")).arg(place.path("laid")));
    assert_same(&read(&place.path("image")).unwrap(), &as_read(&tree));
}

/// What dump.erofs says of a path: its number and its size.
fn dumped(image: &Path, path: &str) -> (u64, u64) {
    let mut dump = Command::new("dump.erofs");
    let said = succeed(dump.arg(format!("--path=/{path}")).arg(image));
    let after = |word: &str| {
        let rest = said.split(word).nth(1).unwrap_or_else(|| panic!("no {word} in {said}"));
        let digits: String = rest.trim_start().chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| panic!("no number after {word} in {said}"))
    };
    (after("NID:"), after("Size:"))
}

#[test]
fn dump_erofs_finds_what_we_find() {
    let place = Place::new();
    write(&tree_of(&place, &mut Random(6)), &place, "image");
    let image = Image::open_file(&place.path("image")).unwrap();
    for path in ["sizes/4096", "inline/2944", "bin/long", "many", "owned", "a/b/c/d/e"] {
        let (_, inode) = image.find(path).unwrap();
        assert_eq!(dumped(&place.path("image"), path), (inode.nid, inode.size_bytes), "{path}");
    }
}

/// What others may put into an image, and no tree of ours holds.
#[test]
fn what_is_not_read_is_said_with_its_path() {
    let check = |make: &dyn Fn(&Path), options: &[&str], expected: Expect| {
        let place = Place::new();
        let laid = place.path("laid");
        fs::create_dir(&laid).unwrap();
        make(&laid);
        let mut mkfs = Command::new("mkfs.erofs");
        succeed(mkfs.args(["-T0", "--all-root"]).args(options).arg(place.path("image")).arg(&laid));
        expected.assert_eq(&read(&place.path("image")).unwrap_err().to_string());
    };
    let text = |laid: &Path| fs::write(laid.join("text"), "the same again ".repeat(5000)).unwrap();
    check(
        &text,
        &["-x-1", "-zlz4"],
        expect!["/text is compressed: that is not read here, and no image of ours holds it"],
    );
    check(
        &text,
        &["-x-1", "--chunksize=4096"],
        expect!["/text is in chunks: that is not read here, and no image of ours holds it"],
    );
    let fifo = |laid: &Path| {
        succeed(Command::new("mkfifo").arg(laid.join("fifo")));
    };
    check(&fifo, &["-x-1"], expect!["/fifo is a fifo: that is not read here, and no image of ours holds it"]);
    let socket = |laid: &Path| drop(std::os::unix::net::UnixListener::bind(laid.join("socket")).unwrap());
    check(
        &socket,
        &["-x-1"],
        expect!["/socket is a socket: that is not read here, and no image of ours holds it"],
    );
    let latin = |laid: &Path| {
        use std::os::unix::ffi::OsStrExt;
        fs::write(laid.join(std::ffi::OsStr::from_bytes(b"caf\xe9")), "x").unwrap();
    };
    check(
        &latin,
        &["-x-1"],
        expect!["/caf� has a name that is not UTF-8: that is not read here, and no image of ours holds it"],
    );
}
