//! The image tree: every path of an image, what stands there and why.
//!
//! One sorted map. Folders above a path are made with it, owned by root, so that a tree is always whole: each path's
//! parent is in it and is a folder. It holds no time: every entry of an image has `erofs::TIME`.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use kegs::{Digest, digest::Hasher};

/// Paths without a leading slash (`kegs/nginx/0/bin/nginx`), the root being the empty path, to what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageTree {
    nodes: BTreeMap<String, Node>,
}

/// `mode` holds the twelve permission bits; `uid` and `gid` are numbers, as the image has no other owner's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub kind: Kind,
    pub mode: u16,
    pub uid: u32,
    pub gid: u32,
    pub reason: Reason,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Folder,
    File(Bytes),
    Link { target: String },
}

/// A file's bytes: by name in the store, or here, when the assembler made them (configuration, stripped programs).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bytes {
    Stored(Digest),
    Inline(Arc<[u8]>),
}

/// Why a path is there: who brought it, and in one clause how (`needs libz.so.1`, `holds its children`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    pub by: By,
    pub how: String,
}

/// The next link of the chain of reasons.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum By {
    /// Every image holds it.
    Image,
    /// The role's text asks for it.
    Role,
    /// Another path of the same tree.
    Path(String),
}

/// What a tree refuses to hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error(
        "`{0}` is not a path that an image can hold (empty, `.`, `..`, a NUL, a name over 255 bytes or all over 4095)"
    )]
    Path(String),
    #[error("`{0}` stands in no folder")]
    Homeless(String),
    #[error("`{0}` is there already, as something else")]
    Taken(String),
}

impl Reason {
    pub fn image(how: impl Into<String>) -> Reason {
        Reason { by: By::Image, how: how.into() }
    }

    pub fn role(how: impl Into<String>) -> Reason {
        Reason { by: By::Role, how: how.into() }
    }

    pub fn path(path: impl Into<String>, how: impl Into<String>) -> Reason {
        Reason { by: By::Path(path.into()), how: how.into() }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match &self.by {
            By::Image => write!(f, "image: {}", self.how),
            By::Role => write!(f, "role: {}", self.how),
            By::Path(path) => write!(f, "/{path}: {}", self.how),
        }
    }
}

impl Node {
    pub fn folder(mode: u16, reason: Reason) -> Node {
        Node { kind: Kind::Folder, mode, uid: 0, gid: 0, reason }
    }

    pub fn stored(digest: Digest, mode: u16, reason: Reason) -> Node {
        Node { kind: Kind::File(Bytes::Stored(digest)), mode, uid: 0, gid: 0, reason }
    }

    pub fn inline(bytes: impl AsRef<[u8]>, mode: u16, reason: Reason) -> Node {
        Node { kind: Kind::File(Bytes::Inline(bytes.as_ref().into())), mode, uid: 0, gid: 0, reason }
    }

    pub fn link(target: impl Into<String>, reason: Reason) -> Node {
        Node { kind: Kind::Link { target: target.into() }, mode: 0o777, uid: 0, gid: 0, reason }
    }

    /// Bytes of the file or of the link's target; 0 for a folder.
    pub fn size_bytes(&self) -> u64 {
        match &self.kind {
            Kind::Folder => 0,
            Kind::File(bytes) => bytes.len(),
            Kind::Link { target } => target.len() as u64,
        }
    }
}

impl Kind {
    pub fn word(&self) -> &'static str {
        match self {
            Kind::Folder => "folder",
            Kind::File(_) => "file",
            Kind::Link { .. } => "link",
        }
    }
}

impl Bytes {
    pub fn len(&self) -> u64 {
        match self {
            Bytes::Stored(digest) => digest.size_bytes,
            Bytes::Inline(bytes) => bytes.len() as u64,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub fn digest(&self) -> Digest {
        match self {
            Bytes::Stored(digest) => *digest,
            Bytes::Inline(bytes) => Digest::of(bytes),
        }
    }
}

impl Default for ImageTree {
    /// The root and nothing else.
    fn default() -> ImageTree {
        let root = Node::folder(0o755, Reason::image("the root"));
        ImageTree { nodes: BTreeMap::from([(String::new(), root)]) }
    }
}

impl ImageTree {
    pub fn get(&self, path: &str) -> Option<&Node> {
        self.nodes.get(path.trim_start_matches('/'))
    }

    /// Sorted by path, the root first.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.nodes.iter().map(|(path, node)| (path.as_str(), node))
    }

    /// What stands below a path, at any depth, sorted.
    pub fn below(&self, path: &str) -> impl Iterator<Item = (&str, &Node)> {
        let start = format!("{}/", path.trim_matches('/'));
        let range = self.nodes.range(start.clone()..);
        range.take_while(move |(path, _)| path.starts_with(&start)).map(|(path, node)| (path.as_str(), node))
    }

    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Never: the root is always there.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Puts a node at a path, and folders above it where there are none. The same node again is no change (the first
    /// reason stays); a folder over a folder takes the new mode.
    ///
    /// # Errors
    /// A path that cannot be, or that is something else already. The tree is then as it was.
    pub fn insert(&mut self, path: &str, node: Node) -> Result<(), Refused> {
        if !is_path(path) {
            return Err(Refused::Path(path.to_string()));
        }
        if let Some(above) =
            parents(path).find(|above| self.nodes.get(*above).is_some_and(|node| !node.is_folder()))
        {
            return Err(Refused::Taken(above.to_string()));
        }
        match self.nodes.get_mut(path) {
            Some(there) if there.is_folder() && node.is_folder() => there.mode = node.mode,
            Some(there) if there.kind == node.kind && there.mode == node.mode => {}
            Some(_) => return Err(Refused::Taken(path.to_string())),
            None => {
                for above in parents(path) {
                    let holds = || Node::folder(0o755, Reason::path(path, "stands in it"));
                    self.nodes.entry(above.to_string()).or_insert_with(holds);
                }
                self.nodes.insert(path.to_string(), node);
            }
        }
        Ok(())
    }

    /// Puts a node in the place of a folder that was only made to hold its children, or of none.
    ///
    /// # Errors
    /// As `insert`.
    pub fn replace(&mut self, path: &str, node: Node) -> Result<(), Refused> {
        match self.nodes.get_mut(path) {
            Some(there) if there.is_folder() && node.is_folder() => {
                *there = node;
                Ok(())
            }
            _ => self.insert(path, node),
        }
    }

    /// As `insert`, for a walk from above: the folder that the path stands in is there, and nothing else is looked at, so
    /// that a deep tree costs no more than a flat one. The empty path gives the root.
    ///
    /// # Errors
    /// As `insert`, and a path whose folder is not there.
    pub fn put(&mut self, path: &str, node: Node) -> Result<(), Refused> {
        if !is_path(path) {
            return Err(Refused::Path(path.to_string()));
        }
        let above = path.rsplit_once('/').map_or("", |(above, _)| above);
        if !self.nodes.get(above).is_some_and(Node::is_folder) {
            return Err(Refused::Homeless(path.to_string()));
        }
        let taken = if path.is_empty() { !node.is_folder() } else { self.nodes.contains_key(path) };
        if taken {
            return Err(Refused::Taken(path.to_string()));
        }
        self.nodes.insert(path.to_string(), node);
        Ok(())
    }

    /// The same tree with other bytes in some files: what stripping gives.
    pub fn with_bytes(&self, changed: BTreeMap<String, Bytes>) -> ImageTree {
        let mut tree = self.clone();
        for (path, bytes) in changed {
            if let Some(node) = tree.nodes.get_mut(&path) {
                node.kind = Kind::File(bytes);
            }
        }
        tree
    }

    /// What the image's bytes depend on: paths, kinds, modes, owners, contents, and `KEY` for the code that strips and
    /// writes. Reasons are not in it: they change no byte.
    pub fn key(&self) -> Digest {
        let mut hasher = Hasher::default();
        hasher.update(KEY);
        for (path, node) in &self.nodes {
            // Length before bytes, so that ("ab", "c") and ("a", "bc") hash apart.
            for part in [path.as_str(), &node.canonical()] {
                hasher.update(&(part.len() as u64).to_le_bytes());
                hasher.update(part.as_bytes());
            }
        }
        hasher.finish()
    }
}

/// Counted up whenever the same tree would give other image bytes than before.
const KEY: &[u8] = b"rootbrew image 1\0";

impl Node {
    pub fn is_folder(&self) -> bool {
        self.kind == Kind::Folder
    }

    fn canonical(&self) -> String {
        let kind = match &self.kind {
            Kind::Folder => "folder".to_string(),
            Kind::File(bytes) => format!("file {}", bytes.digest()),
            Kind::Link { target } => format!("link {target}"),
        };
        format!("{:o} {} {} {kind}", self.mode, self.uid, self.gid)
    }
}

/// `a/b/c` has ``, `a` and `a/b` above it.
fn parents(path: &str) -> impl Iterator<Item = &str> {
    let root = (!path.is_empty()).then_some("");
    root.into_iter().chain(path.match_indices('/').map(|(at, _)| &path[..at]))
}

fn is_path(path: &str) -> bool {
    path.is_empty() || path.len() <= PATH_MAX_BYTES && path.split('/').all(is_name)
}

/// `PATH_MAX` of Linux without its NUL: no program can name what is deeper.
pub const PATH_MAX_BYTES: usize = 4095;

/// 255 bytes: `EROFS_NAME_LEN`, and every other Linux file system's.
fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | "..") && name.len() <= 255 && !name.contains('\0')
}

/// The chain of reasons from the role (or the image) down to `path`, that path last; `None` if the tree has no such path.
pub fn why<'a>(tree: &'a ImageTree, path: &str) -> Option<Vec<(&'a str, &'a Reason)>> {
    let mut at = path.trim_start_matches('/');
    let mut chain: Vec<(&str, &Reason)> = Vec::new();
    loop {
        let (path, node) = tree.nodes.get_key_value(at)?;
        // A reason that leads back to itself would be our bug; the chain then ends rather than the program.
        if chain.iter().any(|(seen, _)| seen == path) {
            break;
        }
        chain.push((path, &node.reason));
        match &node.reason.by {
            By::Path(from) => at = from,
            By::Image | By::Role => break,
        }
    }
    chain.reverse();
    Some(chain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Node {
        Node::inline(text, 0o644, Reason::role("asks"))
    }

    #[test]
    fn a_tree_is_whole_and_sorted() {
        let mut tree = ImageTree::default();
        tree.insert("b/c/d", file("x")).unwrap();
        tree.insert("a", file("y")).unwrap();
        let paths: Vec<_> = tree.iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["", "a", "b", "b/c", "b/c/d"]);
    }

    #[test]
    fn what_a_tree_refuses() {
        let mut tree = ImageTree::default();
        tree.insert("a", file("x")).unwrap();
        for path in ["..", "a//b", "/a", "b/", "b/../c", &"n".repeat(256)] {
            assert_eq!(tree.insert(path, file("x")), Err(Refused::Path(path.to_string())));
        }
        let deep = "n/".repeat(2049);
        assert!(tree.clone().insert(&deep[..4095], file("x")).is_ok());
        assert!(tree.insert(&deep[..4097], file("x")).is_err());
        assert_eq!(tree.insert("a/b", file("x")), Err(Refused::Taken("a".to_string())));
        assert_eq!(tree.insert("a", file("other")), Err(Refused::Taken("a".to_string())));
        assert_eq!(tree.len(), 2);
    }

    #[test]
    fn the_key_is_of_content_and_not_of_reasons_or_order() {
        let (mut one, mut two) = (ImageTree::default(), ImageTree::default());
        one.insert("a", file("x")).unwrap();
        one.insert("b", file("y")).unwrap();
        two.insert("b", Node::inline("y", 0o644, Reason::image("other"))).unwrap();
        two.insert("a", Node::stored(Digest::of(b"x"), 0o644, Reason::image("other"))).unwrap();
        assert_eq!(one.key(), two.key());
        two.insert("c", file("")).unwrap();
        assert_ne!(one.key(), two.key());
    }
}
