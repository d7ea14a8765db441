//! Real things to test on: a folder of contents, programs that the host's gcc makes, and the host's judges.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use kegs::{Digest, tree::Node};
use tempfile::TempDir;

use crate::content::{Content, Folder};
use crate::tree::{Bytes, ImageTree, Kind, Node as Made, Reason};

/// A temporary folder and the contents in it.
pub struct Place {
    pub temp: TempDir,
    pub content: Folder,
}

impl Place {
    pub fn new() -> Place {
        let temp = TempDir::new().unwrap();
        let content = Folder(temp.path().join("blobs"));
        fs::create_dir(&content.0).unwrap();
        Place { temp, content }
    }

    pub fn store(&self, bytes: &[u8]) -> Digest {
        let digest = Digest::of(bytes);
        fs::write(self.content.0.join(digest.hex()), bytes).unwrap();
        digest
    }

    pub fn program(&self, bytes: &[u8]) -> Node {
        Node::File { digest: self.store(bytes), executable: true }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    /// Compiles C text with these arguments; the file's path.
    pub fn gcc(&self, name: &str, text: &str, arguments: &[&str]) -> PathBuf {
        let (source, out) = (self.path(&format!("{name}.c")), self.path(name));
        fs::write(&source, text).unwrap();
        let mut gcc = Command::new("gcc");
        gcc.arg(&source).arg("-o").arg(&out).arg("-L").arg(self.temp.path()).args(arguments);
        succeed(&mut gcc);
        out
    }
}

/// Lays a tree out on the host, as its image would show it, but for owners.
pub fn lay_out(tree: &ImageTree, content: &dyn Content, root: &Path) {
    for (path, node) in tree.iter() {
        let at = root.join(path);
        match &node.kind {
            Kind::Folder => fs::create_dir_all(&at).unwrap(),
            Kind::Link { target } => symlink(target, &at).unwrap(),
            Kind::File(Bytes::Inline(bytes)) => fs::write(&at, bytes).unwrap(),
            Kind::File(Bytes::Stored(digest)) => fs::write(&at, content.read(digest).unwrap()).unwrap(),
        }
        if !matches!(node.kind, Kind::Link { .. }) {
            fs::set_permissions(&at, fs::Permissions::from_mode(node.mode.into())).unwrap();
        }
    }
}

/// Runs it; its standard output.
///
/// # Panics
/// When it cannot start or fails, with all that it said.
pub fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}\n{text}\n{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// Random numbers that are the same each time (xorshift64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

pub fn bytes_of(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

/// A tree with everything that a format may stumble over, put together in the order that `random` gives: sizes about a
/// block's edges, setuid and sticky bits, owners that need more bits, long and odd names, a large folder, equal contents.
pub fn every_kind(place: &Place, random: &mut Random) -> ImageTree {
    let because = || Reason::image("a test");
    let mut nodes: Vec<(String, Made)> = Vec::new();
    for size in [0, 1, 511, 512, 513, 4095, 4096, 4097, 131_071, 131_072, 131_073, 1_500_000] {
        let bytes: Vec<u8> = (0..size).map(|at| (at / 3 * 7 + size) as u8).collect();
        nodes.push((format!("sizes/{size}"), Made::stored(place.store(&bytes), 0o644, because())));
        nodes.push((format!("inline/{size}"), Made::inline(&bytes, 0o755, because())));
    }
    for at in 0..700 {
        let name = format!("many/{}-{at}", "n".repeat(at % 250));
        nodes.push((name, Made::inline(format!("{at}"), 0o600, because())));
    }
    let deep = vec!["d".repeat(60); 8].join("/");
    nodes.push((format!("{deep}/file"), Made::inline("deep", 0o444, because())));
    nodes.push((format!("{deep}/link"), Made::link(format!("{}/x", "t".repeat(150)), because())));
    for name in ["a b", "a\"b", "a'b", "a\\b", "a#b", "ä€", "-dash", "a\tb", "a*b"] {
        nodes.push((format!("odd/{name}"), Made::inline(name, 0o644, because())));
    }
    nodes.push(("sbin/init".to_string(), Made::inline("#!/bin/sh\n", 0o755, because())));
    nodes.push(("bin/sh".to_string(), Made::link("../sizes/4097", because())));
    nodes.push(("bin/setuid".to_string(), Made::inline("s", 0o4755, because())));
    nodes.push(("bin/setgid".to_string(), Made::inline("g", 0o2711, because())));
    nodes.push(("tmp".to_string(), Made::folder(0o1777, because())));
    nodes.push(("proc".to_string(), Made::folder(0o555, because())));
    let owned = |node: Made| Made { uid: 70_000, gid: 12_345, ..node };
    nodes.push(("owned".to_string(), owned(Made::inline("x".repeat(5000), 0o640, because()))));
    nodes.push(("home".to_string(), owned(Made::folder(0o700, because()))));
    let mut tree = ImageTree::default();
    while !nodes.is_empty() {
        let (path, node) = nodes.swap_remove(random.below(nodes.len() as u64) as usize);
        tree.insert(&path, node).unwrap();
    }
    tree
}
