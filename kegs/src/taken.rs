//! Taken outcomes: what an action came to by somebody's word. Its trees come when they are read, or never.
//!
//! ```text
//! taken/ab/<sha256 of the key>
//!     key 895f…/161
//!     output 1c3a…/412
//!     debug 77d0…/96                  where there is one
//!     wall_s 4.250
//!     from https://kegs.example@edge  who said so
//! ```
//! A tree of a taken outcome is here whole, or its root `Directory` is not here: never a part that looks like all. What was
//! done here (`actions/`) goes before what was taken.
//!
//! Who gives is a [`Cache`]: this room asks it for what is not here, and believes nothing of it but which tree an action came
//! to. What can't be had is forgotten, so that the same command builds it.

use std::fmt;
use std::path::PathBuf;

use crate::collect::files_two_deep;
use crate::store::{Result, Store, StoreError, remove_file, rename, write_new};
use crate::{Digest, Keyed, Node, Outcome};

/// Who knows outcomes of actions that were not done here, and brings their trees: a binary cache.
pub trait Cache: Send + Sync + fmt::Debug {
    /// What an action came to, by this one's word; `None`: it knows none, or can't be asked.
    fn outcome(&self, key: &Digest) -> Option<Lent>;

    /// How long the bytes of a sha256 are, by this one's word: a wrong one only makes a key that nobody knows.
    fn size_bytes(&self, _sha256: &[u8; 32]) -> Option<u64> {
        None
    }

    /// Brings trees into the store, whole. Those that can't be had, each with its reason.
    ///
    /// # Errors
    /// It is not the cache's fault: the store can't be written, or somebody said stop.
    fn bring(&self, store: &Store, roots: &[Digest]) -> Result<Vec<(Digest, String)>>;

    /// What it said of this action led nowhere: it is not to say it again.
    fn refuse(&self, key: &Digest, why: &str);
}

/// An outcome from elsewhere.
#[derive(Debug, Clone, PartialEq)]
pub struct Lent {
    pub outcome: Outcome,
    /// For people: who said so.
    pub from: String,
    /// The output's root `Directory`, where keys need it before anything is read: the seed's.
    pub top: Option<Vec<u8>>,
}

/// A record of `taken/`.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    pub key: Digest,
    pub outcome: Outcome,
    pub from: String,
}

impl Store {
    /// What an action came to: done here, taken before, or taken now.
    pub fn ask(&self, keyed: &Keyed) -> Option<Outcome> {
        self.result(&keyed.key).or_else(|| self.take(&keyed.key))
    }

    /// The whole digest of bytes known by their sha256 alone: here, or said by a cache, now or before.
    pub fn size_of(&self, sha256: &[u8; 32]) -> Option<Digest> {
        if let Some(digest) = self.find_sha256(sha256) {
            return Some(digest);
        }
        let name = Digest { sha256: *sha256, size_bytes: 0 }.hex();
        let noted = || std::str::from_utf8(&self.note("sizes", &name)?).ok()?.parse().ok();
        let size_bytes = noted().or_else(|| {
            let said = self.cache()?.size_bytes(sha256)?;
            // Lost, it is asked again.
            self.set_note("sizes", &name, said.to_string().as_bytes()).ok();
            Some(said)
        })?;
        Some(Digest { sha256: *sha256, size_bytes })
    }

    /// A record that can't be written is none: the action runs, and meets what ails the store.
    fn take(&self, key: &Digest) -> Option<Outcome> {
        let lent = self.cache()?.outcome(key)?;
        for root in lent.outcome.trees().filter(|root| !self.lacks(root)) {
            self.drop_half(&root).ok()?;
        }
        if let Some(top) = lent.top.filter(|top| Digest::of(top) == lent.outcome.output) {
            self.set_note("top", &lent.outcome.output.hex(), &top).ok()?;
        }
        let taken = Taken { key: *key, outcome: lent.outcome, from: lent.from };
        self.put_taken(&taken).ok()?;
        Some(taken.outcome)
    }

    /// A root whose tree lost a part (a collection that was killed) is no sign of the whole.
    fn drop_half(&self, root: &Digest) -> Result<()> {
        let is_file_here = |node: &Node| match node {
            Node::File { digest, .. } => self.has(digest),
            _ => true,
        };
        if self.tree_here(root).is_ok_and(|tree| tree.nodes.values().all(is_file_here)) {
            return Ok(());
        }
        [false, true].iter().try_for_each(|twin| remove_file(&self.blob_path(root, *twin)))
    }

    /// The root `Directory` alone, which may have been taken without what is below it.
    pub fn top(&self, root: &Digest) -> Result<Vec<u8>> {
        let bytes = match self.lacks(root) {
            true => self.note("top", &root.hex()).ok_or(StoreError::Missing(*root))?,
            false if root.size_bytes == 0 => Vec::new(),
            false => self.get(root)?,
        };
        match Digest::of(&bytes) == *root {
            true => Ok(bytes),
            false => {
                Err(StoreError::Damaged { digest: *root, fault: "its bytes have another digest".into() })
            }
        }
    }

    /// Whether a tree's contents are not here.
    pub fn lacks(&self, root: &Digest) -> bool {
        // The empty tree is the empty message.
        root.size_bytes != 0 && !self.has(root)
    }

    /// Brings the trees that are not here, several at once.
    ///
    /// # Errors
    /// `NotHad`, of the first that can't be had. Whatever outcomes named such trees are forgotten.
    pub fn bring(&self, roots: &[Digest]) -> Result<()> {
        let mut lacking: Vec<Digest> = roots.iter().copied().filter(|root| self.lacks(root)).collect();
        lacking.sort();
        lacking.dedup();
        if lacking.is_empty() {
            return Ok(());
        }
        let Some(cache) = self.cache() else { return Err(StoreError::Missing(lacking[0])) };
        let mut faults = cache.bring(self, &lacking)?;
        for root in lacking.into_iter().filter(|root| self.lacks(root)) {
            if !faults.iter().any(|(fault, _)| *fault == root) {
                faults.push((root, "it did not come".into()));
            }
        }
        let forgotten = self.forget_trees(cache, &faults)?;
        match faults.into_iter().next() {
            None => Ok(()),
            Some((root, _)) if forgotten == 0 => Err(StoreError::Missing(root)),
            Some((root, why)) => Err(StoreError::NotHad { root, why }),
        }
    }

    /// Forgets the outcomes that named trees which can't be had; how many.
    fn forget_trees(&self, cache: &dyn Cache, faults: &[(Digest, String)]) -> Result<usize> {
        let mut forgotten = 0;
        for taken in if faults.is_empty() { Vec::new() } else { self.taken()? } {
            let mut trees = taken.outcome.trees();
            if let Some((_, why)) = trees.find_map(|tree| faults.iter().find(|(root, _)| *root == tree)) {
                cache.refuse(&taken.key, why);
                self.forget_taken(&taken.key)?;
                forgotten += 1;
            }
        }
        Ok(forgotten)
    }

    fn taken_path(&self, key: &Digest) -> PathBuf {
        let hex = key.hex();
        self.part("taken").join(&hex[..2]).join(hex)
    }

    /// Not synced: a record that is lost is asked for again, and a torn one is none.
    fn put_taken(&self, taken: &Taken) -> Result<()> {
        let staged = self.stage_path("taken");
        write_new(&staged, taken.print().as_bytes(), 0o644)?;
        rename(&staged, &self.taken_path(&taken.key))
    }

    /// The outcome of an action that was taken and not done here.
    pub fn taken_outcome(&self, key: &Digest) -> Option<Taken> {
        let bytes = crate::store::read_small(&self.taken_path(key)).ok()?;
        Taken::parse(std::str::from_utf8(&bytes).ok()?).filter(|taken| taken.key == *key)
    }

    /// All that was taken, sorted by key. What can't be read is none.
    pub fn taken(&self) -> Result<Vec<Taken>> {
        let folder = self.part("taken");
        if !folder.is_dir() {
            return Ok(Vec::new());
        }
        let texts =
            files_two_deep(&folder)?.into_iter().filter_map(|path| std::fs::read_to_string(path).ok());
        let mut taken: Vec<Taken> = texts.filter_map(|text| Taken::parse(&text)).collect();
        taken.sort_by_key(|taken| taken.key);
        Ok(taken)
    }

    pub(crate) fn forget_taken(&self, key: &Digest) -> Result<()> {
        remove_file(&self.taken_path(key))
    }
}

impl Taken {
    fn print(&self) -> String {
        let debug = self.outcome.debug.map_or(String::new(), |debug| format!("debug {debug}\n"));
        format!(
            "key {}\noutput {}\n{debug}wall_s {:.3}\nfrom {}\n",
            self.key,
            self.outcome.output,
            self.outcome.wall_s,
            self.from.replace(char::is_control, "?")
        )
    }

    /// `None` of what was cut, too.
    fn parse(text: &str) -> Option<Taken> {
        let text = text.strip_suffix('\n')?;
        let value = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        let debug = value("debug").map(|debug| debug.parse().ok());
        Some(Taken {
            key: value("key")?.parse().ok()?,
            outcome: Outcome {
                output: value("output")?.parse().ok()?,
                debug: debug.map_or(Some(None), |debug| debug.map(Some))?,
                wall_s: value("wall_s")?.parse().ok()?,
            },
            from: value("from")?.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::{Tree, collect, verify};

    /// Another store as a cache: what the real one is, without its way.
    #[derive(Debug)]
    struct Other {
        store: Store,
        refused: Mutex<Vec<Digest>>,
        lies: bool,
    }

    impl Cache for Other {
        fn outcome(&self, key: &Digest) -> Option<Lent> {
            let refused = self.refused.lock().unwrap().contains(key);
            let outcome = self.store.result(key).filter(|_| !refused)?;
            Some(Lent { outcome, from: "other".into(), top: None })
        }

        fn bring(&self, store: &Store, roots: &[Digest]) -> Result<Vec<(Digest, String)>> {
            let mut faults = Vec::new();
            for root in roots {
                let mut pack = Vec::new();
                self.store.write_pack(root, &mut pack).unwrap();
                if self.lies {
                    let last = pack.len() - 1;
                    pack[last] ^= 1;
                }
                if let Err(error) = store.read_pack(root, pack.as_slice()) {
                    faults.push((*root, error.to_string()));
                }
            }
            Ok(faults)
        }

        fn refuse(&self, key: &Digest, _: &str) {
            self.refused.lock().unwrap().push(*key);
        }
    }

    fn keyed() -> Keyed {
        let message = b"no Action, but a key".to_vec();
        Keyed { key: Digest::of(&message), messages: vec![(Digest::of(&message), message)] }
    }

    fn other(folder: &std::path::Path, lies: bool) -> (Other, Digest) {
        let store = Store::create(&folder.join("other")).unwrap();
        let mut tree = Tree::default();
        for (path, text) in
            [("bin/tool", "#!/bin/sh\n"), ("lib/a", "same"), ("lib/b", "same"), ("lib/none", "")]
        {
            let digest = store.put_bytes(text.as_bytes()).unwrap();
            tree.insert(path, Node::File { digest, executable: path == "bin/tool" });
        }
        tree.insert("empty", Node::Folder);
        tree.insert("link", Node::Link { target: "bin/tool".into() });
        let output = store.put_tree(&tree).unwrap();
        store.put_result(&keyed(), &Outcome::new(output, 4.25)).unwrap();
        (Other { store, refused: Mutex::default(), lies }, output)
    }

    #[test]
    fn an_outcome_is_taken_and_its_tree_comes_when_it_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let (other, output) = other(folder.path(), false);
        let tree = other.store.tree(&output).unwrap();
        let plain = Store::create(&folder.path().join("store")).unwrap();
        let store = Store::open(plain.folder()).unwrap().with_cache(Arc::new(other));
        assert_eq!(store.ask(&keyed()), Some(Outcome::new(output, 4.25)));
        assert_eq!(plain.result(&keyed().key), Some(Outcome::new(output, 4.25)), "it is remembered");
        assert_eq!(plain.taken().unwrap()[0].from, "other");
        assert!(plain.lacks(&output) && plain.tree(&output).is_err());
        assert_eq!(verify::verify(&plain, &|_| ()).unwrap(), []);
        assert_eq!(store.tree(&output).unwrap(), tree);
        assert!(plain.lay_out("tool-1", &output).unwrap().join("bin/tool").exists());
        assert_eq!(verify::verify(&plain, &|_| ()).unwrap(), []);
        plain.set_root("tool", &[collect::Kept::Action(keyed().key)]).unwrap();
        assert_eq!(collect::plan(&plain).unwrap().bytes, 0);
        plain.remove_root("tool").unwrap();
        collect::sweep(&plain, &collect::plan(&plain).unwrap()).unwrap();
        assert!(plain.taken().unwrap().is_empty() && plain.lacks(&output));
    }

    #[test]
    fn a_tree_that_lies_is_forgotten_and_leaves_no_root() {
        let folder = tempfile::tempdir().unwrap();
        let (other, output) = other(folder.path(), true);
        let store = Store::create(&folder.path().join("store")).unwrap().with_cache(Arc::new(other));
        assert!(store.ask(&keyed()).is_some());
        let said = store.tree(&output).unwrap_err().to_string();
        assert!(said.contains("is damaged") && said.contains("the same command builds it"), "{said}");
        assert_eq!((store.ask(&keyed()), store.lacks(&output)), (None, true));
        assert_eq!(verify::verify(&store, &|_| ()).unwrap(), []);
        assert_eq!(std::fs::read_dir(store.folder().join("stage")).unwrap().count(), 0);
    }

    /// A collection that was killed left the root `Directory` and not the files.
    #[test]
    fn half_a_tree_is_not_taken_for_all_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let (other, output) = other(folder.path(), false);
        let store = Store::create(&folder.path().join("store")).unwrap();
        other.store.tree(&output).unwrap();
        store.put_bytes(&other.store.get(&output).unwrap()).unwrap();
        let store = store.with_cache(Arc::new(other));
        assert!(store.ask(&keyed()).is_some() && store.lacks(&output));
        assert_eq!(store.tree(&output).unwrap().nodes.len(), 6);
    }

    #[test]
    fn a_record_that_was_cut_is_none() {
        let taken =
            Taken { key: Digest::of(b"k"), outcome: Outcome::new(Digest::of(b"o"), 1.5), from: "x".into() };
        let text = taken.print();
        assert_eq!(Taken::parse(&text), Some(taken));
        for cut in 0..text.len() {
            assert_eq!(Taken::parse(&text[..cut]), None, "{cut}");
        }
    }
}
