//! Real things to test on: a folder of contents, programs that the host's gcc makes, and the host's judges.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use kegs::{Digest, tree::Node};
use tempfile::TempDir;

use crate::content::{Content, Folder};
use crate::tree::{Bytes, ImageTree, Kind};

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
