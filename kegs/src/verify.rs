//! Verification: every blob is hashed again, every tree followed; what is damaged is named with what needs it.
//!
//! Repair only removes: the damaged blob, the results and laid-out kegs that hold it. Building again puts them back,
//! because the key has not moved.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::collect::{files_two_deep, list};
use crate::store::{Result, Store, StoreError, remove_file, remove_folder, tried};
use crate::{Digest, Node, Taken, digest};

/// One damaged or missing thing, and who holds it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Damage {
    /// The file in the store.
    pub path: PathBuf,
    pub fault: String,
    /// The places in kegs: `<name>-<version>-<digest12>/<path>` where laid out, else `<name>@<slot>/<path>`.
    pub places: Vec<String>,
    /// The keys of the actions that made it.
    pub actions: Vec<Digest>,
}

/// Hashes the whole store on all cores. `seen` is told the bytes of each blob as it is done.
pub fn verify(store: &Store, seen: &(dyn Fn(u64) + Sync)) -> Result<Vec<Damage>> {
    let files = files_two_deep(&store.part("blobs"))?;
    let mut faults: BTreeMap<PathBuf, String> =
        files.par_iter().filter_map(|path| Some((path.clone(), blob_fault(path, seen)?))).collect();
    let holders = Holders::of(store, &mut faults)?;
    let mut damages: Vec<Damage> =
        faults.into_iter().map(|(path, fault)| holders.damage(path, fault)).collect();
    damages.extend(laid_out_damage(store)?);
    Ok(damages)
}

/// Removes what is damaged and whatever rests on it. Returns the keys of the actions that must run again.
pub fn remove_damaged(store: &Store, damages: &[Damage]) -> Result<Vec<Digest>> {
    let actions: BTreeSet<Digest> = damages.iter().flat_map(|damage| damage.actions.clone()).collect();
    for key in &actions {
        if let Some(outcome) = store.result(key) {
            let keg_suffix = format!("-{}", outcome.output.short());
            let holds = |path: &PathBuf| path.to_string_lossy().ends_with(&keg_suffix);
            list(&store.part("kegs"))?.into_iter().filter(holds).try_for_each(|path| remove_folder(&path))?;
        }
        store.forget_result(key)?;
    }
    for damage in damages {
        if damage.path.is_dir() { remove_folder(&damage.path)? } else { remove_file(&damage.path)? }
    }
    Ok(actions.into_iter().collect())
}

/// `None` when a blob's bytes are what its name says.
fn blob_fault(path: &Path, seen: &(dyn Fn(u64) + Sync)) -> Option<String> {
    let name = path.file_name()?.to_string_lossy();
    let Some(sha256) = digest::parse_sha256(name.trim_end_matches(".x")) else {
        return Some("its name is no sha256".into());
    };
    match File::open(path).and_then(Digest::of_reader) {
        Err(error) => Some(format!("it can't be read: {error}")),
        Ok(found) => {
            seen(found.size_bytes);
            (found.sha256 != sha256).then(|| format!("its bytes have sha256 {}", found.hex()))
        }
    }
}

/// Which results hold which blob file.
#[derive(Default)]
struct Holders {
    places: BTreeMap<String, Vec<(String, Digest)>>,
}

impl Holders {
    /// Follows every result; what a tree names and the store lacks joins the faults.
    fn of(store: &Store, faults: &mut BTreeMap<PathBuf, String>) -> Result<Holders> {
        let mut holders = Holders::default();
        for key in store.actions()? {
            let Some(outcome) = store.done(&key) else { continue };
            let keg = keg_name(store, &key);
            outcome.trees().for_each(|root| holders.follow(store, &root, &keg, key, faults));
        }
        // What was taken is here whole or not at all.
        for Taken { key, outcome, .. } in store.taken()? {
            let here = outcome.trees().filter(|root| !store.lacks(root));
            here.for_each(|root| holders.follow(store, &root, &key.short(), key, faults));
        }
        Ok(holders)
    }

    fn follow(
        &mut self,
        store: &Store,
        root: &Digest,
        keg: &str,
        key: Digest,
        faults: &mut BTreeMap<PathBuf, String>,
    ) {
        self.note(root, keg, key);
        let tree = match store.tree_here(root) {
            Ok(tree) => tree,
            // A damaged `Directory` in it: which one, the reading says; its keg is built again whole.
            Err(StoreError::Damaged { digest, .. } | StoreError::Missing(digest)) => {
                self.note(&digest, keg, key);
                faults.entry(store.blob_path(&digest, false)).or_insert("it is missing".into());
                return;
            }
            Err(_) => return,
        };
        for (path, node) in &tree.nodes {
            let Node::File { digest, .. } = node else { continue };
            self.note(digest, &format!("{keg}/{path}"), key);
            if !store.has(digest) {
                faults.insert(store.blob_path(digest, false), "it is missing".into());
            }
        }
        for (digest, _) in tree.merkle().directories {
            self.note(&digest, keg, key);
        }
    }

    fn note(&mut self, digest: &Digest, place: &str, key: Digest) {
        self.places.entry(digest.hex()).or_default().push((place.to_string(), key));
    }

    fn damage(&self, path: PathBuf, fault: String) -> Damage {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let held = self.places.get(name.trim_end_matches(".x")).cloned().unwrap_or_default();
        let mut places: Vec<String> = held.iter().map(|(place, _)| place.clone()).collect();
        places.dedup();
        let actions: BTreeSet<Digest> = held.into_iter().map(|(_, key)| key).collect();
        Damage { path, fault, places, actions: actions.into_iter().collect() }
    }
}

/// `name@slot` of the keg that an action built, else the key's first digits.
fn keg_name(store: &Store, key: &Digest) -> String {
    let environment = store.environment(key).unwrap_or_default();
    match environment
        .get("KEG")
        .and_then(|keg| keg.strip_prefix("/kegs/"))
        .and_then(|keg| keg.split_once('/'))
    {
        Some((name, slot)) => format!("{name}@{slot}"),
        None => key.short(),
    }
}

/// Laid-out kegs: each must hold its tree's files as the blobs themselves, or as whole copies, and nothing else.
fn laid_out_damage(store: &Store) -> Result<Vec<Damage>> {
    let mut damages = Vec::new();
    let roots = outputs_by_short(store)?;
    for path in list(&store.part("kegs"))? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let short = name.rsplit_once('-').map_or("", |(_, short)| short);
        let Some((root, key)) = roots.get(short) else { continue };
        if let Some(fault) = keg_fault(store, &path, root)? {
            damages.push(Damage { path, fault, places: vec![name], actions: vec![*key] });
        }
    }
    Ok(damages)
}

fn outputs_by_short(store: &Store) -> Result<BTreeMap<String, (Digest, Digest)>> {
    let done = store.actions()?.into_iter().filter_map(|key| Some((store.done(&key)?.output, key)));
    let taken = store.taken()?.into_iter().map(|taken| (taken.outcome.output, taken.key));
    Ok(taken.chain(done).map(|(root, key)| (root.short(), (root, key))).collect())
}

fn keg_fault(store: &Store, keg: &Path, root: &Digest) -> Result<Option<String>> {
    let Ok(tree) = store.tree_here(root) else { return Ok(None) };
    for (name, node) in &tree.nodes {
        let path = keg.join(name);
        let whole = match node {
            Node::File { digest, executable } => same_file(store, &path, digest, *executable)?,
            Node::Link { target } => fs::read_link(&path).is_ok_and(|found| found.to_str() == Some(target)),
            Node::Folder | Node::Tree { .. } => path.is_dir(),
        };
        if !whole {
            return Ok(Some(format!("`{name}` is not what its tree says")));
        }
    }
    Ok(None)
}

fn same_file(store: &Store, path: &Path, digest: &Digest, executable: bool) -> Result<bool> {
    let Ok(metadata) = fs::symlink_metadata(path) else { return Ok(false) };
    let blob = fs::metadata(store.blob_path(digest, executable));
    // One inode with its blob: hashed already, as the blob.
    if blob.is_ok_and(|blob| (blob.ino(), blob.dev()) == (metadata.ino(), metadata.dev())) {
        return Ok(true);
    }
    if !metadata.is_file() {
        return Ok(false);
    }
    let found = File::open(path).and_then(Digest::of_reader).map_err(tried("read", path))?;
    Ok(found == *digest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Action, Outcome, Tree};

    fn built() -> (tempfile::TempDir, Store, Digest, Digest) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::create(&folder.path().join("store")).unwrap();
        let mut tree = Tree::default();
        let blob = store.put_bytes(b"a library").unwrap();
        tree.insert("lib/libz.a", Node::File { digest: blob, executable: false });
        let output = store.put_tree(&tree).unwrap();
        let keyed = Action {
            arguments: vec!["/run".into()],
            environment: [("KEG".to_string(), "/kegs/zlib/0".to_string())].into(),
            working_directory: "build".into(),
            output: "out".into(),
            platform: BTreeMap::new(),
            input: Tree::default(),
        }
        .keyed();
        store.put_result(&keyed, &Outcome::new(output, 0.0)).unwrap();
        store.lay_out("zlib-1", &output).unwrap();
        (folder, store, keyed.key, blob)
    }

    fn overwrite(path: &Path, bytes: &[u8]) {
        crate::store::set_mode(path, 0o644).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn a_whole_store_has_no_damage_and_every_byte_is_seen() {
        let (_folder, store, _, _) = built();
        let total = std::sync::atomic::AtomicU64::new(0);
        let seen = |bytes| {
            total.fetch_add(bytes, std::sync::atomic::Ordering::Relaxed);
        };
        assert_eq!(verify(&store, &seen).unwrap(), []);
        assert!(total.into_inner() > 9);
    }

    #[test]
    fn a_flipped_bit_is_named_with_its_keg_and_action_and_repair_forgets_both() {
        let (_folder, store, key, blob) = built();
        overwrite(&store.blob_path(&blob, false), b"a librarz");
        let damages = verify(&store, &|_| ()).unwrap();
        assert_eq!(damages.len(), 1);
        assert_eq!(
            (damages[0].places.clone(), damages[0].actions.clone()),
            (vec!["zlib@0/lib/libz.a".into()], vec![key])
        );
        assert_eq!(remove_damaged(&store, &damages).unwrap(), [key]);
        assert!(store.result(&key).is_none() && !store.has(&blob));
        assert_eq!(list(&store.part("kegs")).unwrap(), Vec::<PathBuf>::new());
        assert_eq!(verify(&store, &|_| ()).unwrap(), []);
    }

    #[test]
    fn a_lost_blob_a_bad_directory_and_a_changed_keg_are_found() {
        let (_folder, store, key, blob) = built();
        fs::remove_file(store.blob_path(&blob, false)).unwrap();
        assert_eq!(verify(&store, &|_| ()).unwrap()[0].fault, "it is missing");

        let (_folder, store, _, _) = built();
        let root = store.result(&key).unwrap().output;
        overwrite(&store.blob_path(&root, false), b"junk");
        let damages = verify(&store, &|_| ()).unwrap();
        assert!(damages.iter().any(|damage| damage.actions == [key]), "{damages:?}");

        let (_folder, store, _, _) = built();
        let keg = list(&store.part("kegs")).unwrap().remove(0);
        fs::remove_file(keg.join("lib/libz.a")).unwrap();
        fs::write(keg.join("lib/libz.a"), "other").unwrap();
        assert_eq!(verify(&store, &|_| ()).unwrap()[0].fault, "`lib/libz.a` is not what its tree says");
    }
}
