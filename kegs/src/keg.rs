//! Kegs: trees on their way in (a folder becomes blobs and `Directory` messages) and out (laid out as hard links).
//!
//! What comes in is canonical by construction: a tree has no times, owners or modes to carry. What is laid out has fixed
//! ones, so that a build which reads them reads the same everywhere.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use prost::Message;
use rayon::prelude::*;

use crate::blob::{Mode, Staged};
use crate::reapi::Directory;
use crate::store::{Result, Store, StoreError, remove_folder, rename, set_mode, tried};
use crate::{Digest, Node, Tree};

/// 2026-01-01T00:00:00Z in seconds: the time on everything laid out, and `SOURCE_DATE_EPOCH` in every sandbox.
/// Not 0: some archivers and `make` treat the epoch's first second as "no time".
pub const EPOCH_S: i64 = 1_767_225_600;

/// One file, folder or link found in a folder that is to become a tree.
struct Found {
    path: String,
    kind: Kind,
}

enum Kind {
    Folder,
    File { executable: bool },
    Link { target: String },
}

impl Store {
    /// Takes a folder in as a tree: its files are copied and hashed on all cores. On disk when this returns.
    ///
    /// Devices, sockets, fifos and names that are not UTF-8 are refused by their path.
    pub fn put_folder(&self, folder: &Path) -> Result<(Digest, Tree)> {
        self.put_written(folder, &BTreeMap::new())
    }

    /// The same of a folder in the stage some of whose files the caller hashed while it wrote them, by their paths: those
    /// are neither read nor copied again but renamed out of the folder. On disk when this returns.
    pub fn put_written(&self, folder: &Path, written: &BTreeMap<String, Digest>) -> Result<(Digest, Tree)> {
        let mut found = Vec::new();
        walk(folder, "", &mut found)?;
        let nodes: Vec<(Found, Option<Staged>)> = found
            .into_par_iter()
            .map(|found| self.stage_found(folder, found, written))
            .collect::<Result<_>>()?;
        let mut tree = Tree::default();
        let mut staged = Vec::new();
        for (found, blob) in nodes {
            tree.insert(found.path, node(found.kind, blob.as_ref()));
            staged.extend(blob);
        }
        let merkle = tree.merkle();
        // Files and folders with one wait for the disk.
        staged.extend(
            self.stage_all(merkle.directories.iter().map(|(digest, bytes)| (*digest, bytes.as_slice())))?,
        );
        self.commit(staged)?;
        Ok((merkle.root, tree))
    }

    fn stage_found(
        &self,
        folder: &Path,
        found: Found,
        written: &BTreeMap<String, Digest>,
    ) -> Result<(Found, Option<Staged>)> {
        let Kind::File { executable } = found.kind else { return Ok((found, None)) };
        let path = folder.join(&found.path);
        if let Some(&digest) = written.get(&found.path) {
            set_mode(&path, Mode::of(executable).bits())?;
            return Ok((found, Some(Staged { digest, path, executable })));
        }
        let file = File::open(&path).map_err(tried("open", &path))?;
        let staged = self.stage_reader(file, Mode::of(executable))?;
        Ok((found, Some(staged)))
    }

    /// Puts a tree's `Directory` messages; its files are blobs already. Returns the root's digest.
    pub fn put_tree(&self, tree: &Tree) -> Result<Digest> {
        let merkle = tree.merkle();
        self.put_all(merkle.directories.iter().map(|(digest, bytes)| (*digest, bytes.as_slice())))?;
        Ok(merkle.root)
    }

    /// Puts one executable file's bytes, for trees that are composed by hand.
    pub fn put_executable(&self, bytes: &[u8]) -> Result<Digest> {
        let staged = self.stage_reader(bytes, Mode::Executable)?;
        let digest = staged.digest;
        self.commit(vec![staged])?;
        Ok(digest)
    }

    /// The whole tree under a root `Directory`, flat. A message that is not one, or names a path out, is `Damaged`.
    ///
    /// One that was taken and is not here comes now.
    pub fn tree(&self, root: &Digest) -> Result<Tree> {
        if self.cache().is_some() {
            self.bring(&[*root])?;
        }
        self.tree_here(root)
    }

    /// The same of what is here.
    pub(crate) fn tree_here(&self, root: &Digest) -> Result<Tree> {
        let mut tree = Tree::default();
        self.read_directory(root, "", &mut tree.nodes)?;
        Ok(tree)
    }

    /// The first level of a tree alone; folders stand as `Node::Tree`, to be grafted where they are wanted.
    pub fn shallow(&self, root: &Digest) -> Result<Tree> {
        let bytes = self.top(root)?;
        let whole = Directory::decode(bytes.as_slice()).map_err(|error| StoreError::Damaged {
            digest: *root,
            fault: format!("no Directory message: {error}"),
        })?;
        let mut tree = Tree::default();
        for folder in &whole.directories {
            let digest = folder.digest.as_ref().and_then(|digest| digest.checked());
            let fault = format!("`{}` has no digest", folder.name);
            let root = digest.ok_or(StoreError::Damaged { digest: *root, fault })?;
            tree.insert(folder.name.as_str(), Node::Tree { root });
        }
        let level = Directory { directories: Vec::new(), ..whole };
        self.read_nodes(root, &level, "", &mut tree.nodes)?;
        Ok(tree)
    }

    fn read_directory(&self, digest: &Digest, at: &str, nodes: &mut BTreeMap<String, Node>) -> Result<()> {
        self.read_nodes(digest, &self.directory(digest)?, at, nodes)
    }

    fn read_nodes(
        &self,
        digest: &Digest,
        directory: &Directory,
        at: &str,
        nodes: &mut BTreeMap<String, Node>,
    ) -> Result<()> {
        let damaged = |fault: String| StoreError::Damaged { digest: *digest, fault };
        let path = |name: &str| {
            let good = !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\0']);
            good.then(|| join(at, name))
                .ok_or_else(|| damaged(format!("a tree can't hold the name {name:?}")))
        };
        let checked = |digest: &Option<crate::reapi::Digest>| {
            digest
                .as_ref()
                .and_then(|digest| digest.checked())
                .ok_or_else(|| damaged("a node has no digest".into()))
        };
        for file in &directory.files {
            let (digest, executable) = (checked(&file.digest)?, file.is_executable);
            nodes.insert(path(&file.name)?, Node::File { digest, executable });
        }
        for link in &directory.symlinks {
            nodes.insert(path(&link.name)?, Node::Link { target: link.target.clone() });
        }
        for folder in &directory.directories {
            let (path, digest) = (path(&folder.name)?, checked(&folder.digest)?);
            if digest.size_bytes == 0 {
                nodes.insert(path, Node::Folder);
            } else {
                self.read_directory(&digest, &path, nodes)?;
            }
        }
        Ok(())
    }

    pub(crate) fn directory(&self, digest: &Digest) -> Result<Directory> {
        if digest.size_bytes == 0 {
            return Ok(Directory::default());
        }
        let bytes = self.get(digest)?;
        // Trees are small and steer what is bound and hashed: a flipped bit is found here, before it is used.
        if Digest::of(&bytes) != *digest {
            return Err(StoreError::Damaged {
                digest: *digest,
                fault: "its bytes have another digest".into(),
            });
        }
        Directory::decode(bytes.as_slice()).map_err(|error| StoreError::Damaged {
            digest: *digest,
            fault: format!("no Directory message: {error}"),
        })
    }

    /// Where a keg is laid out, or would be.
    pub fn keg_path(&self, label: &str, root: &Digest) -> PathBuf {
        self.part("kegs").join(format!("{label}-{}", root.short()))
    }

    /// Lays a tree out under `kegs/<label>-<digest12>`, once; `label` is `<name>-<version>`.
    pub fn lay_out(&self, label: &str, root: &Digest) -> Result<PathBuf> {
        let path = self.keg_path(label, root);
        if path.is_dir() {
            return Ok(path);
        }
        let staged = self.stage_path("keg");
        fs::create_dir(&staged).map_err(tried("create", &staged))?;
        let tree = self.tree(root)?;
        self.make_twins(&tree)?;
        self.lay_out_at(&staged, &tree)?;
        match rename(&staged, &path) {
            // Another builder won the race: its keg has our digest, so ours is spare.
            Err(_) if path.is_dir() => remove_folder(&staged)?,
            renamed => renamed?,
        }
        Ok(path)
    }

    fn lay_out_at(&self, folder: &Path, tree: &Tree) -> Result<()> {
        for (name, node) in &tree.nodes {
            let path = folder.join(name);
            let parent = path.parent().unwrap_or(folder);
            fs::create_dir_all(parent).map_err(tried("create", parent))?;
            match node {
                Node::Folder => fs::create_dir_all(&path).map_err(tried("create", &path))?,
                Node::Link { target } => symlink(target, &path).map_err(tried("link", &path))?,
                Node::File { digest, executable } => self.link_blob(digest, *executable, &path)?,
                Node::Tree { .. } => unreachable!("a tree read from the store is flat"),
            }
        }
        fix_times(folder)
    }

    /// Blobs that are here only in the other form (plain, executable) get the form wanted; one wait for the disk for all.
    fn make_twins(&self, tree: &Tree) -> Result<()> {
        let mut wanted: Vec<(Digest, bool)> = tree
            .nodes
            .values()
            .filter_map(|node| match node {
                Node::File { digest, executable } => Some((*digest, *executable)),
                _ => None,
            })
            .collect();
        wanted.sort();
        wanted.dedup();
        wanted.retain(|(digest, executable)| !self.blob_path(digest, *executable).exists());
        let twin = |(digest, executable): &(Digest, bool)| {
            self.stage_reader(self.open_blob(digest)?, Mode::of(*executable))
        };
        self.commit(wanted.par_iter().map(twin).collect::<Result<_>>()?)
    }

    fn link_blob(&self, digest: &Digest, executable: bool, path: &Path) -> Result<()> {
        let blob = self.blob_path(digest, executable);
        match fs::hard_link(&blob, path) {
            // A file system's limit of names for one file (65,000 on ext4: the empty blob reaches it).
            Err(error) if error.raw_os_error() == Some(rustix::io::Errno::MLINK.raw_os_error()) => {
                fs::copy(&blob, path).map(drop).map_err(tried("copy", path))
            }
            linked => linked.map_err(tried("link", path)),
        }
    }
}

fn node(kind: Kind, blob: Option<&Staged>) -> Node {
    match (kind, blob) {
        (Kind::Folder, _) => Node::Folder,
        (Kind::Link { target }, _) => Node::Link { target },
        (Kind::File { executable }, Some(blob)) => Node::File { digest: blob.digest, executable },
        (Kind::File { .. }, None) => unreachable!("every file found was staged"),
    }
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_string() } else { format!("{at}/{name}") }
}

/// Everything below a folder, sorted, so that the same folder is staged in the same order everywhere.
fn walk(folder: &Path, at: &str, found: &mut Vec<Found>) -> Result<()> {
    let here = folder.join(at);
    let mut names = Vec::new();
    for entry in fs::read_dir(&here).map_err(tried("list", &here))? {
        let name = entry.map_err(tried("list", &here))?.file_name();
        let refused = |path| StoreError::Refused { path, why: "its name is not UTF-8" };
        names.push(name.into_string().map_err(|name| refused(here.join(name)))?);
    }
    names.sort();
    if names.is_empty() && !at.is_empty() {
        found.push(Found { path: at.to_string(), kind: Kind::Folder });
    }
    names.into_iter().try_for_each(|name| walk_one(folder, join(at, &name), found))
}

fn walk_one(folder: &Path, path: String, found: &mut Vec<Found>) -> Result<()> {
    let full = folder.join(&path);
    let metadata = fs::symlink_metadata(&full).map_err(tried("look at", &full))?;
    if metadata.is_dir() {
        return walk(folder, &path, found);
    }
    let kind = if metadata.is_file() {
        Kind::File { executable: metadata.mode() & 0o111 != 0 }
    } else if metadata.is_symlink() {
        let target = fs::read_link(&full).map_err(tried("read the link", &full))?.into_os_string();
        let why = "its target is not UTF-8";
        Kind::Link { target: target.into_string().map_err(|_| StoreError::Refused { path: full, why })? }
    } else {
        return Err(StoreError::Refused { path: full, why: "it is no file, folder or link" });
    };
    found.push(Found { path, kind });
    Ok(())
}

/// Fixed times and modes on the folders of something laid out; its files got theirs as blobs and share them.
fn fix_times(folder: &Path) -> Result<()> {
    let time = rustix::fs::Timespec { tv_sec: EPOCH_S, tv_nsec: 0 };
    let times = rustix::fs::Timestamps { last_access: time, last_modification: time };
    let mut stack = vec![folder.to_path_buf()];
    while let Some(path) = stack.pop() {
        for entry in fs::read_dir(&path).map_err(tried("list", &path))? {
            let entry = entry.map_err(tried("list", &path))?;
            if entry.file_type().map_err(tried("look at", &path))?.is_dir() {
                stack.push(entry.path());
            }
            let flags = rustix::fs::AtFlags::SYMLINK_NOFOLLOW;
            rustix::fs::utimensat(rustix::fs::CWD, entry.path(), &times, flags)
                .map_err(|error| tried("set the time of", &entry.path())(error.into()))?;
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755))
            .map_err(tried("set the mode of", &path))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("store")).unwrap();
        (folder, store)
    }

    fn sample(folder: &Path) -> PathBuf {
        let sample = folder.join("sample");
        fs::create_dir_all(sample.join("bin/empty")).unwrap();
        fs::write(sample.join("bin/tool"), "#!/bin/sh\n").unwrap();
        fs::set_permissions(sample.join("bin/tool"), fs::Permissions::from_mode(0o775)).unwrap();
        fs::write(sample.join("same"), "#!/bin/sh\n").unwrap();
        symlink("bin/tool", sample.join("link")).unwrap();
        sample
    }

    #[test]
    fn what_was_hashed_while_it_was_written_is_renamed_and_gives_the_same_tree() {
        let (folder, store) = store();
        let other = Store::create(&folder.path().join("other")).unwrap();
        let (root, _) = other.put_folder(&sample(folder.path())).unwrap();
        let staged = store.stage_path("test");
        fs::rename(folder.path().join("sample"), &staged).unwrap();
        let written = ["bin/tool", "same"].map(|path| (path.to_string(), Digest::of(b"#!/bin/sh\n")));
        assert_eq!(store.put_written(&staged, &written.into()).unwrap().0, root);
        assert!(!staged.join("same").exists() && !staged.join("bin/tool").exists());
        assert_eq!(crate::verify::verify(&store, &|_| ()).unwrap(), []);
        assert_eq!(store.put_folder(&store.lay_out("same", &root).unwrap()).unwrap().0, root);
    }

    #[test]
    fn a_folder_goes_in_and_comes_out() {
        let (folder, store) = store();
        let (root, tree) = store.put_folder(&sample(folder.path())).unwrap();
        assert_eq!(store.tree(&root).unwrap(), tree);
        let laid = store.lay_out("sample-1", &root).unwrap();
        assert_eq!(store.put_folder(&laid).unwrap().0, root);
        assert_eq!(store.lay_out("sample-1", &root).unwrap(), laid);
        let tool = fs::metadata(laid.join("bin/tool")).unwrap();
        assert_eq!((tool.mode() & 0o7777, tool.mtime()), (0o555, EPOCH_S));
        assert_eq!(fs::metadata(laid.join("same")).unwrap().mode() & 0o7777, 0o444);
    }

    #[test]
    fn a_socket_is_refused_by_name() {
        let (folder, store) = store();
        let sample = sample(folder.path());
        let _socket = std::os::unix::net::UnixListener::bind(sample.join("bin/s")).unwrap();
        let message = store.put_folder(&sample).unwrap_err().to_string();
        assert!(message.ends_with("bin/s can't be in a keg: it is no file, folder or link"), "{message}");
    }

    #[test]
    fn a_directory_message_with_a_way_out_is_damaged() {
        let (_folder, store) = store();
        for name in ["..", "a/b", "", "."] {
            let link = crate::reapi::SymlinkNode { name: name.into(), target: "x".into() };
            let bytes = Directory { symlinks: vec![link], ..Directory::default() }.encode_to_vec();
            let root = store.put_bytes(&bytes).unwrap();
            assert!(matches!(store.tree(&root), Err(StoreError::Damaged { .. })), "{name:?}");
        }
    }
}
