//! A tree: paths to nodes, and its Merkle form.
//!
//! In memory a tree is one sorted map, so that whoever composes trees (keg, seed, input root) thinks in paths. On disk
//! it is the Remote Execution API's `Directory` messages, each a blob, the root's digest naming the whole:
//!
//! ```text
//! Directory ""          -> files bin? no: only direct children, each sorted by name
//!   directories: bin    -> Directory "bin"
//!                            files: nginx (digest, executable)
//!   symlinks:    lib64 -> lib
//! ```
//! A tree holds no time, owner or mode but the executable bit: nothing else of a file can reach a key.

use std::collections::BTreeMap;

use prost::Message;

use crate::Digest;
use crate::reapi;

/// One thing in a tree. Folders that hold something need no entry of their own; empty ones do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Node {
    Folder,
    File {
        digest: Digest,
        executable: bool,
    },
    Link {
        target: String,
    },
    /// A whole tree that is already in Merkle form, named by its root `Directory`: composing costs nothing.
    Tree {
        root: Digest,
    },
}

/// Relative paths (`bin/nginx`; no leading or trailing slash, no `.` or `..`, UTF-8) to nodes, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    pub nodes: BTreeMap<String, Node>,
}

/// A tree in Merkle form: the root's digest and every `Directory` message of it, encoded.
pub struct Merkle {
    pub root: Digest,
    pub directories: Vec<(Digest, Vec<u8>)>,
}

impl Tree {
    pub fn insert(&mut self, path: impl Into<String>, node: Node) {
        self.nodes.insert(path.into(), node);
    }

    /// The canonical `Directory` messages, children before parents.
    ///
    /// # Panics
    /// When one path is both a file and a folder: composers check what comes from outside before.
    pub fn merkle(&self) -> Merkle {
        let mut folder = Folder::default();
        for (path, node) in &self.nodes {
            folder.place(path, node);
        }
        let mut directories = Vec::new();
        let root = folder.encode(&mut directories);
        Merkle { root, directories }
    }

    /// Bytes of all files, each counted where it stands.
    pub fn size_bytes(&self) -> u64 {
        self.nodes
            .values()
            .map(|node| if let Node::File { digest, .. } = node { digest.size_bytes } else { 0 })
            .sum()
    }
}

/// Names to children, while a flat map becomes folders.
#[derive(Default)]
struct Folder<'a> {
    folders: BTreeMap<&'a str, Folder<'a>>,
    leaves: BTreeMap<&'a str, &'a Node>,
}

impl<'a> Folder<'a> {
    fn place(&mut self, path: &'a str, node: &'a Node) {
        match (path.split_once('/'), node) {
            (Some((first, rest)), _) => {
                assert!(!self.leaves.contains_key(first), "`{first}` of `{path}` is a file and a folder");
                self.folders.entry(first).or_default().place(rest, node);
            }
            (None, Node::Folder) => {
                self.folders.entry(path).or_default();
            }
            (None, _) => {
                assert!(!self.folders.contains_key(path), "`{path}` is a file and a folder");
                self.leaves.insert(path, node);
            }
        }
    }

    fn encode(&self, into: &mut Vec<(Digest, Vec<u8>)>) -> Digest {
        let mut directory = reapi::Directory::default();
        for (name, folder) in &self.folders {
            let digest = Some(folder.encode(into).into());
            directory.directories.push(reapi::DirectoryNode { name: name.to_string(), digest });
        }
        for (name, leaf) in &self.leaves {
            let name = name.to_string();
            match leaf {
                Node::File { digest, executable } => directory.files.push(reapi::FileNode {
                    name,
                    digest: Some((*digest).into()),
                    is_executable: *executable,
                }),
                Node::Link { target } => {
                    directory.symlinks.push(reapi::SymlinkNode { name, target: target.clone() });
                }
                Node::Tree { root } => {
                    directory.directories.push(reapi::DirectoryNode { name, digest: Some((*root).into()) });
                }
                Node::Folder => unreachable!("folders are not leaves"),
            }
        }
        directory.directories.sort_by(|a, b| a.name.cmp(&b.name));
        let bytes = directory.encode_to_vec();
        let digest = Digest::of(&bytes);
        into.push((digest, bytes));
        digest
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Node {
        Node::File { digest: Digest::of(text.as_bytes()), executable: false }
    }

    #[test]
    fn a_tree_grafted_by_digest_is_the_tree_written_out() {
        let mut inner = Tree::default();
        inner.insert("lib/libz.a", file("z"));
        inner.insert("empty", Node::Folder);
        let mut whole = Tree::default();
        whole.insert("kegs/zlib/0/lib/libz.a", file("z"));
        whole.insert("kegs/zlib/0/empty", Node::Folder);
        let mut grafted = Tree::default();
        grafted.insert("kegs/zlib/0", Node::Tree { root: inner.merkle().root });
        assert_eq!(whole.merkle().root, grafted.merkle().root);
    }

    #[test]
    fn the_empty_tree_is_the_empty_message() {
        assert_eq!(Tree::default().merkle().root, Digest::of(b""));
    }

    #[test]
    #[should_panic(expected = "is a file and a folder")]
    fn a_path_is_one_thing() {
        let mut tree = Tree::default();
        tree.insert("a", file("x"));
        tree.insert("a/b", file("y"));
        tree.merkle();
    }
}
