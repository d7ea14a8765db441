//! Papers of a small image that is made here; the documents are judged by the formats' own validators in tests/it/papers.rs.

use std::collections::BTreeMap;
use std::fmt::Write;

use expect_test::expect;
use kegs::{Digest, Node as KegNode, Tree};

use super::*;
use crate::content::{Content, Folder};
use crate::tree::{ImageTree, Node, Reason};

pub fn part(id: PartId, version: &str) -> Part {
    Part { license: Some("MIT".to_string()), ..Part::new(id, version, "") }
}

fn seed(name: &str, version: &str) -> Part {
    part(PartId::Seed { name: name.into(), version: version.into() }, version)
}

/// An ELF file of sections alone: names and contents.
pub fn elf(sections: &[(&str, &[u8])]) -> Vec<u8> {
    let mut names = vec![0];
    let (mut bytes, mut headers) = (vec![0; 64], vec![vec![0; 64]]);
    let all = sections.iter().map(|(name, data)| (*name, Some(*data))).chain([(".shstrtab", None)]);
    for (name, data) in all {
        let name_at = names.len() as u32;
        names.extend(name.bytes().chain([0]));
        let (kind, data) = data.map_or((3_u32, names.clone()), |data| (1, data.to_vec()));
        let mut header = Vec::new();
        header.extend([name_at, kind].into_iter().flat_map(u32::to_le_bytes));
        header.extend(
            [0, 0, bytes.len() as u64, data.len() as u64, 0, 1, 0].into_iter().flat_map(u64::to_le_bytes),
        );
        headers.push(header);
        bytes.extend(data);
    }
    let table_at = bytes.len() as u64;
    let count = headers.len() as u16;
    bytes.extend(headers.concat());
    bytes[..7].copy_from_slice(&[0x7f, b'E', b'L', b'F', 2, 1, 1]);
    for (at, value) in [(16, 2), (18, 62), (52, 64), (54, 56), (58, 64), (60, count), (62, count - 1)] {
        bytes[at..at + 2].copy_from_slice(&u16::to_le_bytes(value));
    }
    bytes[20] = 1;
    bytes[40..48].copy_from_slice(&table_at.to_le_bytes());
    bytes
}

struct World {
    folder: tempfile::TempDir,
    tree: ImageTree,
    known: BTreeMap<PartId, Known>,
}

impl World {
    fn new() -> World {
        let folder = tempfile::tempdir().unwrap();
        World { folder, tree: ImageTree::default(), known: BTreeMap::new() }
    }

    fn blob(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        std::fs::write(self.folder.path().join(digest.hex()), bytes).unwrap();
        digest
    }

    fn keg(&mut self, name: &str, files: &[(&str, &[u8])], links: &[&str]) -> &mut Known {
        let mut tree = Tree::default();
        for (path, bytes) in files {
            tree.insert(*path, KegNode::File { digest: self.blob(bytes), executable: true });
        }
        let id = PartId::keg(name, "0");
        let links = links.iter().map(|link| PartId::keg(*link, "0")).collect();
        let known = Known {
            part: part(id.clone(), "1.0"),
            tree,
            debug: None,
            links,
            crates: Vec::new(),
            seed: Vec::new(),
        };
        self.known.entry(id).or_insert(known)
    }

    /// As if stripped: other bytes than the keg's.
    fn place(&mut self, path: &str) {
        self.tree.insert(path, Node::inline(path, 0o755, Reason::image("a test"))).unwrap();
    }

    fn papers(&self) -> Papers {
        let image = Image {
            name: "toy",
            summary: "A toy",
            tree: &self.tree,
            digest: Digest::of(b"root"),
            kernel: None,
            agent: None,
        };
        let content: &dyn Content = &Folder(self.folder.path().to_path_buf());
        collect(&image, &self.known, content).unwrap()
    }
}

fn told(papers: &Papers) -> String {
    let mut out = String::new();
    for file in &papers.files {
        let owner = file.owner.as_ref().map_or("role".to_string(), PartId::to_string);
        writeln!(out, "{} {owner}", file.path).unwrap();
        for (id, proof) in &file.holds {
            writeln!(out, "    {id} {proof:?}").unwrap();
        }
    }
    out
}

const GCC: &[u8] = b"GCC: (Debian 12.2.0-14+deb12u1) 12.2.0\0";

/// ar(5): one member.
fn archive(member: &[u8]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    bytes.extend(format!("{:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", "a.o/", 0, 0, 0, 644, member.len()).bytes());
    bytes.extend(member);
    bytes
}

#[test]
fn who_is_inside_whom() {
    let mut world = World::new();
    let marked = elf(&[(origin::SECTION, b"zlib@0\0")]);
    world.keg("zlib", &[("lib/libz.a", &archive(&marked))], &[]);
    world.keg("unused", &[("lib/libunused.a", &archive(&marked))], &[]);
    world.keg("old", &[("lib/libold.a", &archive(&elf(&[(".text", b"x")])))], &[]);
    world.keg("headers", &[("include/x.h", b"x")], &[]);
    world.keg("loaded", &[("lib/libloaded.so.1", b"x"), ("lib/libloaded.a", &archive(b"x"))], &[]);
    let program = elf(&[(origin::SECTION, b"web@0\0zlib@0\0../x@0\0"), (".comment", GCC)]);
    let web = world.keg("web", &[("bin/web", &program)], &["zlib", "unused", "old", "headers"]);
    web.seed = vec![seed("libgcc-12-dev", "12.2.0-14+deb12u1"), seed("libc6-dev", "2.36-9")];
    let text = b"x vendor/memchr-2.8.3/src/lib.rs x GNU C Library (Debian GLIBC 2.43-7) stable";
    let rust = elf(&[(".rodata", text), (".comment", b"rustc version 1.97.1 (x)\0")]);
    let rg = world.keg("rg", &[("bin/rg", &rust)], &[]);
    rg.seed = vec![seed("libc6-dev", "2.43-7"), seed("libstd-rust-dev", "1.97.1+dfsg1-1")];
    let krate = |name: &str| part(PartId::Crate { name: name.into(), version: "2.8.3".into() }, "2.8.3");
    rg.crates = vec![krate("memchr"), krate("cfg-if")];
    world.keg("bare", &[("bin/bare", &elf(&[(".text", b"x")]))], &[]).seed =
        vec![seed("libgcc-12-dev", "12.2.0-14+deb12u1")];
    for path in ["kegs/web/0/bin/web", "kegs/rg/0/bin/rg", "kegs/bare/0/bin/bare", "etc/passwd"] {
        world.place(path);
    }
    let papers = world.papers();
    expect![[r#"
        etc/passwd role
        kegs/bare/0/bin/bare bare
            seed libgcc-12-dev 12.2.0-14+deb12u1 Declared
        kegs/rg/0/bin/rg rg
            seed libc6-dev 2.43-7 Named
            seed libstd-rust-dev 1.97.1+dfsg1-1 Named
            crate cfg-if 2.8.3 Lock
            crate memchr 2.8.3 Named
        kegs/web/0/bin/web web
            old Declared
            zlib Mark
            seed libgcc-12-dev 12.2.0-14+deb12u1 Named
    "#]]
    .assert_eq(&told(&papers));
    let parts: Vec<String> = papers.parts.keys().map(PartId::to_string).collect();
    assert_eq!(parts.len(), 10, "{parts:?}");
    // The same in, the same out.
    assert_eq!(spdx::print(&papers, "rootbrew-1"), spdx::print(&world.papers(), "rootbrew-1"));
    assert_eq!(cyclonedx::print(&papers, "1"), cyclonedx::print(&world.papers(), "1"));
}

/// A lock allows two crates: one left a line of code, as the debug keg says, and the other none.
#[test]
fn of_a_lock_there_is_what_left_code() {
    let mut world = World::new();
    let rust = elf(&[(".comment", b"rustc version 1.97.1 (x)\0")]);
    let debug = elf(&[(".debug_line", b"lines"), (".debug_line_str", b"x/vendor/bytes-2.8.3/src\0")]);
    let (file, broken) = (world.blob(&debug), world.blob(&elf(&[(".debug_line", b"")])[..90]));
    for (name, digest) in [("rg", Some(file)), ("bad", Some(broken)), ("none", None)] {
        let keg = world.keg(name, &[("bin/rg", &rust)], &[]);
        let krate = |name: &str| part(PartId::Crate { name: name.into(), version: "2.8.3".into() }, "2.8.3");
        keg.crates = vec![krate("memchr"), krate("bytes")];
        keg.debug = digest.map(|digest| {
            let mut tree = Tree::default();
            tree.insert(".build-id/7c/1e", KegNode::Link { target: format!("/kegs/{name}/0/bin/rg") });
            tree.insert(".build-id/7c/1e.debug", KegNode::File { digest, executable: false });
            tree
        });
        world.place(&format!("kegs/{name}/0/bin/rg"));
    }
    expect![[r#"
        kegs/bad/0/bin/rg bad
            crate bytes 2.8.3 Lock
            crate memchr 2.8.3 Lock
        kegs/none/0/bin/rg none
            crate bytes 2.8.3 Lock
            crate memchr 2.8.3 Lock
        kegs/rg/0/bin/rg rg
            crate bytes 2.8.3 Named
    "#]]
    .assert_eq(&told(&world.papers()));
}

#[test]
fn a_mark_that_no_plan_knows_is_said() {
    let mut world = World::new();
    world.keg("web", &[("bin/web", &elf(&[(origin::SECTION, b"gone@7\0")]))], &[]);
    world.place("kegs/web/0/bin/web");
    let papers = world.papers();
    let part = &papers.parts[&PartId::keg("gone", "7")];
    assert_eq!((part.license.clone(), part.version.as_str()), (None, ""));
}

#[test]
fn a_verification_code_is_of_the_files() {
    let mut world = World::new();
    world.keg("web", &[("a", b"1"), ("b", b"2")], &[]);
    world.place("kegs/web/0/a");
    world.place("kegs/web/0/b");
    let document: serde_json::Value = serde_json::from_str(&spdx::print(&world.papers(), "x-1")).unwrap();
    let code = &document["packages"][1]["packageVerificationCode"]["packageVerificationCodeValue"];
    // printf 'kegs/web/0/a' | sha1sum, and b's; sorted, joined, sha1sum.
    assert_eq!(code, "3eca550ebccab81719c2f9f5ee35bef9fcb9b93e");
}
