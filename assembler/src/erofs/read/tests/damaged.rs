//! What is damaged is said at its place: one image, hurt by hand.

use std::collections::BTreeMap;
use std::fs;

use expect_test::{Expect, expect};

use crate::erofs::read::*;
use crate::erofs::superblock::seal;
use crate::erofs::tests::write;
use crate::support::Place;
use crate::tree::{ImageTree, Node, Reason};

/// A small image: a file behind its inode, one in blocks, folders in folders, a link.
struct Small {
    bytes: Vec<u8>,
    /// Where each path's inode is.
    at: BTreeMap<String, usize>,
}

impl Small {
    fn new() -> Small {
        let place = Place::new();
        let mut tree = ImageTree::default();
        let because = || Reason::image("unknown");
        tree.insert("a", Node::inline("hello", 0o644, because())).unwrap();
        tree.insert("big", Node::inline([7; 5000], 0o644, because())).unwrap();
        tree.insert("d/e/f", Node::inline("x", 0o644, because())).unwrap();
        tree.insert("d/link", Node::link("../a", because())).unwrap();
        write(&tree, &place, "image");
        let bytes = fs::read(place.path("image")).unwrap();
        let image = Image::open(bytes.as_slice()).unwrap();
        let place = |path: &str| (path.to_string(), image.find(path).unwrap().1.nid as usize * 32);
        let at = tree.iter().map(|(path, _)| place(path)).collect();
        Small { bytes, at }
    }

    fn put(&mut self, path: &str, field: usize, bytes: &[u8]) {
        let at = self.at[path] + field;
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Where these bytes stand, from the folder's own data on.
    fn find(&self, folder: &str, bytes: &[u8]) -> usize {
        let start = self.at[folder] + 32;
        start + self.bytes[start..].windows(bytes.len()).position(|window| window == bytes).unwrap()
    }

    fn nid(&self, path: &str) -> [u8; 8] {
        (self.at[path] as u64 / 32).to_le_bytes()
    }

    fn said(mut self) -> String {
        if self.bytes.len() >= BLOCK {
            seal(&mut self.bytes[..BLOCK]);
        }
        let tree = Image::open(self.bytes.as_slice()).and_then(|image| image.tree());
        tree.map_or_else(|error| error.to_string(), |tree| format!("{} paths", tree.len()))
    }
}

fn check(hurt: impl FnOnce(&mut Small), expected: Expect) {
    let mut small = Small::new();
    hurt(&mut small);
    expected.assert_eq(&small.said());
}

#[test]
fn superblocks_that_lie() {
    let put = |at: usize, bytes: &'static [u8]| {
        move |small: &mut Small| small.bytes[1024 + at..1024 + at + bytes.len()].copy_from_slice(bytes)
    };
    check(|_| (), expect!["7 paths"]);
    check(
        |small| small.bytes.clear(),
        expect!["it is no erofs image: 0 bytes, where a superblock ends at 1152"],
    );
    check(
        |small| small.bytes.truncate(1100),
        expect!["it is no erofs image: 1100 bytes, where a superblock ends at 1152"],
    );
    check(
        |small| small.bytes.truncate(5000),
        expect![
            "it is damaged: its superblock: it says 2 blocks, which are 8192 bytes, and the file has 5000: it is cut short or lies"
        ],
    );
    check(
        put(0, b"\0"),
        expect!["it is no erofs image: e0f5e100 stands at 1024 where it would say e0f5e1e2"],
    );
    check(
        put(12, &[9]),
        expect![
            "its superblock has blocks of 2^9 bytes: that is not read here, and no image of ours holds it"
        ],
    );
    check(
        put(12, &[255]),
        expect![
            "its superblock has blocks of 2^255 bytes: that is not read here, and no image of ours holds it"
        ],
    );
    check(
        put(14, &[0xff, 0xff]),
        expect!["it is damaged: /: its inode 65535 is beyond the image's 8192 bytes"],
    );
    check(put(14, &[0, 0]), expect!["it is damaged: /: its mode 0 is of no kind"]);
    check(
        put(16, &[0xff; 8]),
        expect![
            "it is damaged: its superblock: it says 18446744073709551615 inodes, and there is room for 256"
        ],
    );
    check(put(36, &[0; 4]), expect!["it is damaged: its superblock: it says 0 blocks"]);
    check(
        put(36, &[0xff; 4]),
        expect![
            "it is damaged: its superblock: it says 4294967295 blocks, which are 17592186040320 bytes, and the file has 8192: it is cut short or lies"
        ],
    );
    check(put(40, &[0xff; 4]), expect!["it is damaged: /: its inode 36 is beyond the image's 8192 bytes"]);
    check(
        put(80, &[0x80]),
        expect!["its superblock has the features 0x80: that is not read here, and no image of ours holds it"],
    );
    check(|small| small.bytes.extend([0; 9000]), expect!["7 paths"]);
    let mut unsealed = Small::new();
    unsealed.bytes[1024 + 48] ^= 1;
    let said = Image::open(unsealed.bytes.as_slice()).err().unwrap().to_string();
    expect!["it is damaged: its superblock: its checksum is 1caada6e, and its bytes have 8c986ab4"]
        .assert_eq(&said);
}

#[test]
fn inodes_that_lie() {
    let put = |path: &'static str, at: usize, bytes: &'static [u8]| {
        move |small: &mut Small| small.put(path, at, bytes)
    };
    check(
        put("a", 0, &[2]),
        expect!["/a is compressed: that is not read here, and no image of ours holds it"],
    );
    check(
        put("a", 0, &[6]),
        expect!["/a is compressed: that is not read here, and no image of ours holds it"],
    );
    check(
        put("a", 0, &[8]),
        expect!["/a is in chunks: that is not read here, and no image of ours holds it"],
    );
    check(
        put("a", 0, &[0x10]),
        expect!["/a has an inode of format 0x10: that is not read here, and no image of ours holds it"],
    );
    check(
        put("a", 2, &[1]),
        expect!["/a has extended attributes: that is not read here, and no image of ours holds it"],
    );
    check(put("a", 4, &[0, 0]), expect!["it is damaged: /a: its mode 0 is of no kind"]);
    check(
        put("a", 4, &[0o044, 0o021]),
        expect!["/a is a fifo: that is not read here, and no image of ours holds it"],
    );
    check(put("a", 4, &[0xed, 0o100]), expect!["it is damaged: /a: it is listed as a file, and is a folder"]);
    check(
        put("a", 8, &[0xff; 4]),
        expect![
            "it is damaged: /a: its 4294967295 bytes from block 4294967295 on are more than the image's 2 blocks"
        ],
    );
    check(
        put("a", 8, &[0, 0x10, 0, 0]),
        expect!["it is damaged: /a: its last 4096 bytes, behind its inode, cross a block"],
    );
    check(
        put("a", 8, &[0xff, 0x0f, 0, 0]),
        expect!["it is damaged: /a: its last 4095 bytes, behind its inode, cross a block"],
    );
    check(
        put("big", 16, &[0xff; 4]),
        expect![
            "it is damaged: /big: its 5000 bytes from block 4294967295 on are more than the image's 2 blocks"
        ],
    );
    check(
        put("big", 16, &[0xff, 0xff, 0xff, 0x7f]),
        expect![
            "it is damaged: /big: its 5000 bytes from block 2147483647 on are more than the image's 2 blocks"
        ],
    );
    check(
        put("big", 0, &[1]),
        expect!["it is damaged: /big: its 5000 bytes from block 1 on are more than the image's 2 blocks"],
    );
    check(
        put("d/link", 8, &[0, 0, 0, 0]),
        expect!["it is damaged: /d/link: its target has 0 bytes, 1 to 4095 are possible"],
    );
    check(put("d/link", 32, &[0]), expect!["it is damaged: /d/link: its target holds a NUL"]);
    check(
        put("d/link", 32, &[0xff]),
        expect![
            "/d/link has a target that is not UTF-8: that is not read here, and no image of ours holds it"
        ],
    );
    check(put("", 4, &[0xa4, 0x81]), expect!["it is damaged: /: the root is not a folder"]);
}

#[test]
fn folders_that_lie() {
    /// Entry `at` of the root, whose entries are `.`, `..`, a, big, d.
    fn entry(at: usize, field: usize) -> usize {
        32 + 12 * at + field
    }
    let put = |at: usize, field: usize, bytes: &'static [u8]| {
        move |small: &mut Small| small.put("", entry(at, field), bytes)
    };
    check(put(0, 8, &[0, 0]), expect!["it is damaged: /: its entries would end at 0 of a block of 68"]);
    check(put(0, 8, &[13, 0]), expect!["it is damaged: /: its entries would end at 13 of a block of 68"]);
    check(
        put(0, 8, &[0xfc, 0xff]),
        expect!["it is damaged: /: its entries would end at 65532 of a block of 68"],
    );
    check(
        put(1, 8, &[0xff, 0xff]),
        expect!["it is damaged: /: it has a name at 60..65535 of a block of 68 whose entries end at 60"],
    );
    check(
        put(1, 8, &[0, 0]),
        expect!["it is damaged: /: it has a name at 60..0 of a block of 68 whose entries end at 60"],
    );
    check(
        put(2, 8, &[60, 0]),
        expect!["it is damaged: /: it has a name at 61..60 of a block of 68 whose entries end at 60"],
    );
    check(
        put(2, 0, &[0xff; 8]),
        expect!["it is damaged: /a: its inode 18446744073709551615 is beyond the image's 8192 bytes"],
    );
    check(
        put(2, 0, &[0xff, 0xff, 0, 0]),
        expect!["it is damaged: /a: its inode 65535 is beyond the image's 8192 bytes"],
    );
    check(put(2, 10, &[2]), expect!["it is damaged: /a: it is listed as a folder, and is a file"]);
    check(put(2, 10, &[3]), expect!["/a is a device: that is not read here, and no image of ours holds it"]);
    check(put(2, 10, &[99]), expect!["it is damaged: /a: it is listed as of type 99, which is none"]);
    check(put(0, 0, &[0]), expect!["it is damaged: /: its entry `.` is inode 0, another folder"]);
    check(put(1, 0, &[0]), expect!["it is damaged: /: its entry `..` is inode 0, another folder"]);
    let rename = |from: &'static [u8], to: &'static [u8]| {
        move |small: &mut Small| {
            let at = small.find("", from);
            small.bytes[at..at + to.len()].copy_from_slice(to);
        }
    };
    check(rename(b"...abig", b"...zbig"), expect!["it is damaged: /: it lists `big` behind `z`"]);
    check(rename(b"...abig", b"...a/ig"), expect!["it is damaged: /: it lists `/ig` behind `a`"]);
    check(
        rename(b"...abig", b"...ab\0g"),
        expect![[r#"it is damaged: /: it lists `b\0g`, which can't be a name"#]],
    );
    check(
        rename(b"...abig", b"...ab\xffg"),
        expect!["/b�g has a name that is not UTF-8: that is not read here, and no image of ours holds it"],
    );
    check(rename(b"...abig", b".../big"), expect!["it is damaged: /: it lists `/`, which can't be a name"]);
    check(
        |small| small.put("d", 8, &[3, 0]),
        expect!["it is damaged: /d: its entries end in a block of 3 bytes"],
    );
    let twice = |small: &mut Small| {
        let at = small.find("d", b"elink");
        small.bytes[at..at + 5].copy_from_slice(b"ee\0\0\0");
    };
    check(twice, expect!["it is damaged: /d: it lists `e` twice"]);
}

#[test]
fn folders_in_a_circle_or_at_two_places() {
    /// The entry `at` of a folder becomes this path's inode, a folder.
    fn becomes(folder: &'static str, at: usize, path: &'static str) -> impl FnOnce(&mut Small) {
        move |small: &mut Small| {
            let nid = small.nid(path);
            small.put(folder, 32 + 12 * at, &nid);
            small.put(folder, 32 + 12 * at + 10, &[2]);
        }
    }
    check(
        becomes("d/e", 2, "d"),
        expect!["it is damaged: /d/e/f: the folder of inode 70 stands at another place already"],
    );
    check(
        becomes("d/e", 2, ""),
        expect!["it is damaged: /d/e/f: the folder of inode 36 stands at another place already"],
    );
    check(
        becomes("", 2, "d/e"),
        expect!["it is damaged: /d/e: the folder of inode 73 stands at another place already"],
    );
}

/// Each of these would be a tree or hours of reading without end.
#[test]
fn small_images_of_endless_contents() {
    // All folders are one block, and each file is all of the image.
    let place = Place::new();
    let mut tree = ImageTree::default();
    for at in 0..200 {
        let name = format!("{at:03}{}", "n".repeat(60));
        tree.insert(&format!("large/{name}"), Node::inline([1; 8192], 0o644, Reason::image("x"))).unwrap();
        tree.insert(&format!("many/{at}/{name}"), Node::inline("x", 0o644, Reason::image("x"))).unwrap();
    }
    write(&tree, &place, "image");
    let whole = fs::read(place.path("image")).unwrap();
    let said = |bytes: &[u8]| Image::open(bytes).unwrap().tree().map(|_| ()).unwrap_err().to_string();
    let image = Image::open(whole.as_slice()).unwrap();
    let blocks = (image.len_bytes() / BLOCK as u64) as u32;
    let nid = |path: &str| image.find(path).unwrap().1.nid as usize * 32;
    let mut overlapping = whole.clone();
    for (at, (path, _)) in tree.iter().filter(|(path, _)| path.starts_with("large/")).enumerate() {
        let start = (at as u32 % (blocks / 2)).to_le_bytes();
        let size = (blocks / 2 * 4096 - at as u32).to_le_bytes();
        let inode = nid(path);
        overlapping[inode] = 0;
        overlapping[inode + 8..inode + 12].copy_from_slice(&size);
        overlapping[inode + 16..inode + 20].copy_from_slice(&start);
    }
    seal(&mut overlapping[..BLOCK]);
    expect!["it is damaged: /large/001nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn: the contents down to here are more than the image's 81920 bytes: they overlap"].assert_eq(&said(&overlapping));
}
