//! Garbage collection: what no root reaches goes. Planned first, so that a person sees it before.
//!
//! A root is a file `roots/<name>`; each line keeps one thing:
//! ```text
//! action <digest>    its result, log, messages and whole output tree
//! tree <digest>      a tree and its files
//! blob <digest>      one blob
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::store::{Result, Store, StoreError, remove_file, remove_folder, tried};
use crate::{Digest, Node};

/// What a root keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    Action(Digest),
    Tree(Digest),
    Blob(Digest),
}

/// What a collection would remove. `bytes` counts blobs once; laid-out kegs share them.
#[derive(Debug, Default)]
pub struct Garbage {
    pub files: Vec<PathBuf>,
    pub kegs: Vec<PathBuf>,
    pub bytes: u64,
}

impl Store {
    /// Writes a root, whole or not at all. The name is a file's name.
    pub fn set_root(&self, name: &str, kept: &[Kept]) -> Result<()> {
        let mut lines: Vec<String> = kept.iter().map(Kept::line).collect();
        lines.sort();
        lines.dedup();
        let (path, text) = (self.part("roots").join(name), lines.concat());
        // Each command on a role says again what it keeps: what is there already costs no wait for the disk.
        if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
            return Ok(());
        }
        self.replace(&path, text.as_bytes())
    }

    pub fn remove_root(&self, name: &str) -> Result<()> {
        remove_file(&self.part("roots").join(name))
    }

    /// Every root with what it keeps, sorted by name. A line that can't be understood is an error: collecting on a guess
    /// would lose what somebody meant to keep.
    pub fn roots(&self) -> Result<Vec<(String, Vec<Kept>)>> {
        let folder = self.part("roots");
        let mut roots = Vec::new();
        for path in list(&folder)? {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&path).map_err(tried("read", &path))?;
            roots.push((name, parse_root(&path, &text)?));
        }
        Ok(roots)
    }
}

impl Kept {
    fn line(&self) -> String {
        match self {
            Kept::Action(digest) => format!("action {digest}\n"),
            Kept::Tree(digest) => format!("tree {digest}\n"),
            Kept::Blob(digest) => format!("blob {digest}\n"),
        }
    }

    fn parse(line: &str) -> Option<Kept> {
        let (kind, digest) = line.split_once(' ')?;
        let digest = digest.parse().ok()?;
        match kind {
            "action" => Some(Kept::Action(digest)),
            "tree" => Some(Kept::Tree(digest)),
            "blob" => Some(Kept::Blob(digest)),
            _ => None,
        }
    }
}

fn parse_root(path: &Path, text: &str) -> Result<Vec<Kept>> {
    let found = |line: &str| StoreError::NotAStore { path: path.to_path_buf(), found: line.to_string() };
    text.lines().map(|line| Kept::parse(line).ok_or_else(|| found(line))).collect()
}

/// What would go. Reads only.
pub fn plan(store: &Store) -> Result<Garbage> {
    let live = Live::of(store)?;
    let mut garbage = Garbage::default();
    for (part, keep) in [("blobs", &live.blobs), ("actions", &live.actions)] {
        for path in files_two_deep(&store.part(part))? {
            garbage.weigh(path, keep)?;
        }
    }
    let taken = store.part("taken");
    if taken.is_dir() {
        files_two_deep(&taken)?.into_iter().try_for_each(|path| garbage.weigh(path, &live.actions))?;
    }
    let beside = list(&store.part("logs"))?.into_iter().chain(opened(store)?);
    beside.into_iter().try_for_each(|path| garbage.weigh(path, &live.actions))?;
    garbage.kegs = list(&store.part("kegs"))?.into_iter().filter(|path| !live.holds_keg(path)).collect();
    Ok(garbage)
}

/// Notes of what actions opened: they go with their action, and there are none before the first build.
fn opened(store: &Store) -> Result<Vec<PathBuf>> {
    let folder = store.part("notes").join("opened");
    if folder.is_dir() { list(&folder) } else { Ok(Vec::new()) }
}

/// Removes what a plan says, and what dead builders left in the stage. The caller holds the store alone.
pub fn sweep(store: &Store, garbage: &Garbage) -> Result<()> {
    // Kegs and results before blobs: cut short, the store still holds no result without its blobs.
    garbage.kegs.iter().try_for_each(|path| remove_folder(path))?;
    let (actions, others): (Vec<_>, Vec<_>) = garbage
        .files
        .iter()
        .partition(|path| ["actions", "taken"].iter().any(|part| path.starts_with(store.part(part))));
    actions.into_iter().chain(others).try_for_each(|path| remove_file(path))?;
    sweep_stage(store)
}

/// Downloads that can go on stay; what else lies in the stage belongs to nobody, as the caller is alone.
pub fn sweep_stage(store: &Store) -> Result<()> {
    for path in list(&store.part("stage"))? {
        if path.is_dir() {
            remove_folder(&path)?;
        } else if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("partial-")) {
            remove_file(&path)?;
        }
    }
    list(&store.part("locks"))?
        .iter()
        .filter(|path| !path.ends_with("store"))
        .try_for_each(|path| remove_file(path))
}

/// Bytes on disk by part of the store; what is hard-linked counts once, in the first part that has it.
#[derive(Debug)]
pub struct Usage {
    pub parts: Vec<(&'static str, u64)>,
}

pub fn usage(store: &Store) -> Result<Usage> {
    let mut seen = BTreeSet::new();
    let mut parts = Vec::new();
    for part in ["blobs", "kegs", "actions", "taken", "logs", "notes", "stage", "failed"] {
        let folder = store.part(part);
        parts.push((part, if folder.is_dir() { weigh(&folder, &mut seen)? } else { 0 }));
    }
    Ok(Usage { parts })
}

fn weigh(folder: &Path, seen: &mut BTreeSet<u64>) -> Result<u64> {
    let mut bytes = 0;
    for path in list(folder)? {
        let metadata = fs::symlink_metadata(&path).map_err(tried("look at", &path))?;
        if metadata.is_dir() {
            bytes += weigh(&path, seen)?;
        } else if seen.insert(metadata.ino()) {
            // 512: the unit of `st_blocks`, whatever the file system's own.
            bytes += metadata.blocks() * 512;
        }
    }
    Ok(bytes)
}

/// What the roots reach, by file name.
#[derive(Default)]
struct Live {
    blobs: BTreeSet<String>,
    actions: BTreeSet<String>,
    trees: BTreeSet<String>,
}

impl Live {
    fn of(store: &Store) -> Result<Live> {
        let mut live = Live::default();
        for kept in store.roots()?.into_iter().flat_map(|(_, kept)| kept) {
            match kept {
                Kept::Blob(digest) => drop(live.blobs.insert(digest.hex())),
                Kept::Tree(root) => live.tree(store, &root)?,
                Kept::Action(key) => live.action(store, &key)?,
            }
        }
        Ok(live)
    }

    fn action(&mut self, store: &Store, key: &Digest) -> Result<()> {
        if let Some(outcome) = store.result(key) {
            self.actions.insert(key.hex());
            self.blobs.extend(store.messages(key).iter().map(Digest::hex));
            let is_taken = store.done(key).is_none();
            // Of what was taken, the trees that are not here are no fault.
            let mut trees = outcome.trees().filter(|root| !(is_taken && store.lacks(root)));
            trees.try_for_each(|root| self.tree(store, &root))?;
        }
        Ok(())
    }

    fn tree(&mut self, store: &Store, root: &Digest) -> Result<()> {
        self.trees.insert(root.short());
        let tree = store.tree_here(root)?;
        self.blobs.extend(tree.merkle().directories.iter().map(|(digest, _)| digest.hex()));
        let files = tree.nodes.values();
        self.blobs.extend(files.filter_map(|node| match node {
            Node::File { digest, .. } => Some(digest.hex()),
            _ => None,
        }));
        Ok(())
    }

    fn holds_keg(&self, path: &Path) -> bool {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.rsplit_once('-').is_some_and(|(_, short)| self.trees.contains(short))
    }
}

impl Garbage {
    fn weigh(&mut self, path: PathBuf, keep: &BTreeSet<String>) -> Result<()> {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let sha256 = name.split('.').next().unwrap_or_default();
        if !keep.contains(sha256) {
            self.bytes += fs::metadata(&path).map_err(tried("look at", &path))?.size();
            self.files.push(path);
        }
        Ok(())
    }
}

pub(crate) fn list(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(tried("list", folder))?;
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<std::io::Result<_>>()
        .map_err(tried("list", folder))?;
    paths.sort();
    Ok(paths)
}

pub(crate) fn files_two_deep(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for part in list(folder)? {
        files.extend(list(&part)?);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyed, Outcome, Tree};

    fn built(store: &Store, text: &str) -> (Keyed, Digest) {
        let mut tree = Tree::default();
        let digest = store.put_bytes(text.as_bytes()).unwrap();
        tree.insert("lib/file", Node::File { digest, executable: false });
        let output = store.put_tree(&tree).unwrap();
        let message = format!("no Action, but a key for {text}").into_bytes();
        let keyed = Keyed { key: Digest::of(&message), messages: vec![(Digest::of(&message), message)] };
        store.put_result(&keyed, &Outcome::new(output, 0.0)).unwrap();
        store.lay_out(text, &output).unwrap();
        (keyed, digest)
    }

    #[test]
    fn what_a_root_reaches_stays_and_the_rest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("store")).unwrap();
        let (kept, kept_blob) = built(&store, "kept");
        let (lost, lost_blob) = built(&store, "lost");
        let source = store.put_bytes(b"source").unwrap();
        store.set_root("web", &[Kept::Action(kept.key), Kept::Blob(source)]).unwrap();
        let garbage = plan(&store).unwrap();
        assert!(store.has(&lost_blob), "a plan only reads");
        sweep(&store, &garbage).unwrap();
        assert!(store.result(&kept.key).is_some() && store.has(&kept_blob) && store.has(&source));
        assert!(store.result(&lost.key).is_none() && !store.has(&lost_blob) && !store.has(&lost.key));
        assert_eq!(list(&store.part("kegs")).unwrap().len(), 1);
        assert_eq!(plan(&store).unwrap().bytes, 0);
    }

    #[test]
    fn a_root_that_cannot_be_read_stops_the_collection() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("store")).unwrap();
        fs::write(store.part("roots").join("web"), "actoin abc\n").unwrap();
        assert!(plan(&store).is_err());
    }
}
