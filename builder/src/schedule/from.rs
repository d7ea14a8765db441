//! A build from a working tree in place of the archive, again and again: only what changed is made anew.
//!
//! ```text
//! trees/<keg>-<digest12 of the tree's path>/
//!   stamp      the key without the tree: another one, and all begins anew       files   what was copied last
//!   build/     /build of every such build; source/ follows the tree by content
//! ```
//! The tree is read and never written. What comes out is recorded under a key that has the tree's content and a word that
//! no recipe's has, so the recipe's own keg is never mistaken for it.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use kegs::{Digest, Keyed, Node, Outcome, Store, Tree};
use rayon::prelude::*;

use super::action::{Ground, Have, Prepared, prepare};
use super::again::unfollowed;
use super::beside::Came;
use super::execute::{Failure, Manner, Place};
use crate::plan::Plan;
use crate::preset::BUILD;
use crate::recipe::Variant;
use crate::sandbox::{Build, Face, Limits};

/// The word that sets such an action apart.
const WORD: &str = "from a working tree";

/// Left out of a tree: what git keeps, and what another compiler made.
const LEFT_OUT: [&str; 2] = [".git", ".libs"];
const OBJECTS: [&str; 3] = [".o", ".lo", ".obj"];

/// One build of one keg from one tree.
pub struct FromTree<'a> {
    pub store: &'a Store,
    pub ground: &'a Ground,
    pub plan: &'a Plan,
    pub at: usize,
    pub outputs: &'a [Option<Digest>],
    /// Canonical.
    pub tree: &'a Path,
    pub cancel: &'a AtomicBool,
}

/// What came of it.
pub struct Made {
    pub outcome: Outcome,
    pub came: Came,
    /// Files that were copied because they changed.
    pub changed: usize,
}

impl FromTree<'_> {
    /// Whether the recipe's source is one that a tree can stand for.
    ///
    /// # Errors
    /// Why it is not, as a person reads it.
    pub fn check(variant: &Variant) -> Result<(), String> {
        match variant.sources.as_slice() {
            [source] if source.file.is_none() => Ok(()),
            sources => Err(format!(
                "`{}` has {} sources: --from stands for the only archive or commit of a recipe",
                variant.name,
                sources.len()
            )),
        }
    }

    pub fn make(&self) -> Result<Made, Failure> {
        let files = self.files().map_err(|error| world("read", self.tree, error))?;
        let tree = self.hashed(&files).map_err(|error| world("read", self.tree, error))?;
        let (prepared, keyed) = self.prepared(tree.merkle().root)?;
        let folder = self.folder();
        let _held = self.store.lock_action(&Digest::of(folder.to_string_lossy().as_bytes()));
        let _held = _held.map_err(Failure::world)?;
        if let Some(outcome) = self.store.result(&keyed.key) {
            return Ok(Made { outcome, came: Came::Found, changed: 0 });
        }
        self.store.set_note("last", &self.keg(), keyed.key.to_string().as_bytes()).ok();
        let stamp = self.prepared(Digest::of(b""))?.1.key.to_string();
        let is_known = fs::read_to_string(folder.join("stamp")).is_ok_and(|known| known == stamp);
        if !is_known {
            remove(&folder)?;
        }
        let changed = self.follow(&files, &prepared, &keyed, &folder)?;
        let again = !is_known || changed.iter().any(|path| self.configures(path));
        let steps = if again { "configure build install finish" } else { "build install finish" };
        remove(&folder.join("build/out"))?;
        let ran = self.run(&prepared, &keyed, steps, &folder.join("build"));
        let is_configured =
            ran.as_ref().map_or_else(|failure| failure.step.as_deref() != Some("configure"), |_| true);
        if is_configured {
            write(&folder.join("stamp"), stamp.as_bytes())?;
        } else {
            remove(&folder.join("stamp"))?;
        }
        let outcome = ran?;
        self.store.put_result(&keyed, &outcome).map_err(Failure::world)?;
        Ok(Made { outcome, came: Came::Ran, changed: changed.len() })
    }

    fn keg(&self) -> String {
        self.plan.nodes()[self.at].name()
    }

    fn folder(&self) -> PathBuf {
        let place = Digest::of(self.tree.to_string_lossy().as_bytes());
        self.store.folder().join("trees").join(format!("{}-{}", self.keg(), place.short()))
    }

    fn variant(&self) -> &Variant {
        &self.plan.nodes()[self.at].variant
    }

    /// A change of it is not seen by what it configured.
    fn configures(&self, path: &str) -> bool {
        path == self.variant().configure.trim_start_matches("./")
    }

    fn prepared(&self, root: Digest) -> Result<(Prepared, Keyed), Failure> {
        let have = vec![Have::Tree(root); self.variant().sources.len()];
        let prepared = prepare(self.plan, self.at, self.ground, &have, &|dep| self.outputs[dep]);
        let prepared = prepared.map_err(Failure::world)?;
        let mut prepared = prepared.ok_or_else(|| Failure::world("a dependency is not built"))?;
        prepared.action.arguments.push(WORD.into());
        // It lies in /build already.
        prepared.sources.clear();
        let keyed = prepared.action.keyed();
        Ok((prepared, keyed))
    }

    /// Files and links of the tree, sorted.
    fn files(&self) -> io::Result<Vec<String>> {
        let mut files = Vec::new();
        walk(self.tree, "", &mut files)?;
        files.sort();
        Ok(files)
    }

    fn hashed(&self, files: &[String]) -> io::Result<Tree> {
        let node = |path: &String| {
            let from = self.tree.join(path);
            let metadata = fs::symlink_metadata(&from)?;
            let node = if metadata.is_symlink() {
                Node::Link { target: fs::read_link(&from)?.to_string_lossy().into_owned() }
            } else {
                let executable =
                    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o111 != 0;
                Node::File { digest: Digest::of(&fs::read(&from)?), executable }
            };
            Ok((path.clone(), node))
        };
        Ok(Tree { nodes: files.par_iter().map(node).collect::<io::Result<_>>()? })
    }

    /// Brings `source` to what the tree is, patched; the paths that changed.
    fn follow(
        &self,
        files: &[String],
        prepared: &Prepared,
        keyed: &Keyed,
        folder: &Path,
    ) -> Result<Vec<String>, Failure> {
        let fresh = self.store.stage_path("tree");
        let result = self.patched(files, prepared, keyed, &fresh).and_then(|()| {
            let (from, to) = (fresh.join("source"), folder.join("build/source"));
            bring(&from, &to, &folder.join("files")).map_err(|error| world("copy to", &to, error))
        });
        // Swept with the stage where it can't be removed.
        fs::remove_dir_all(&fresh).ok();
        result
    }

    fn patched(
        &self,
        files: &[String],
        prepared: &Prepared,
        keyed: &Keyed,
        fresh: &Path,
    ) -> Result<(), Failure> {
        let into = self.variant().sources.first().and_then(|source| source.into.clone()).unwrap_or_default();
        let source = fresh.join("source").join(into);
        for path in files {
            copy(&self.tree.join(path), &source.join(path))
                .map_err(|error| world("copy", &self.tree.join(path), error))?;
        }
        fs::create_dir_all(&source).map_err(|error| world("create", &source, error))?;
        if self.variant().patches.is_empty() && self.variant().inject.is_empty() {
            return Ok(());
        }
        // The recipe's patches belong to its archive's bytes; a tree that has them already is told so by `patch`.
        let patched = self.step(prepared, keyed, "patch", fresh);
        patched.map(drop)
    }

    /// Steps that leave no keg.
    fn step(&self, prepared: &Prepared, keyed: &Keyed, steps: &str, build: &Path) -> Result<(), Failure> {
        let mut prepared = prepared.clone();
        let own = prepared.action.environment.get("KEG").cloned().unwrap_or_default();
        let line = format!("STEPS={steps} /bin/sh /steps/run && mkdir -p {BUILD}/out{own}");
        prepared.action.arguments = vec!["/bin/sh".into(), "-c".into(), line];
        self.execute(&prepared, keyed, build).map(drop)
    }

    fn run(&self, prepared: &Prepared, keyed: &Keyed, steps: &str, build: &Path) -> Result<Outcome, Failure> {
        let mut prepared = prepared.clone();
        prepared.action.environment.insert("STEPS".into(), steps.into());
        self.execute(&prepared, keyed, build)
    }

    fn execute(&self, prepared: &Prepared, keyed: &Keyed, build: &Path) -> Result<Outcome, Failure> {
        let manner = Manner {
            face: Face::default(),
            build: Place::Disk,
            jobs: super::JOBS_WORD,
            limits: Limits::default(),
        };
        let keg = self.keg();
        let execution = unfollowed(self.store, self.ground, (prepared, keyed), &keg, &manner, self.cancel);
        execution.run_in(Build::Folder(build.to_path_buf())).map(|ran| ran.outcome)
    }
}

fn walk(tree: &Path, at: &str, files: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(tree.join(at))? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|name| {
            io::Error::new(io::ErrorKind::InvalidData, format!("{} is not UTF-8", name.display()))
        })?;
        let kind = entry.file_type()?;
        if LEFT_OUT.contains(&name.as_str())
            || (kind.is_file() && OBJECTS.iter().any(|end| name.ends_with(end)))
        {
            continue;
        }
        let path = if at.is_empty() { name } else { format!("{at}/{name}") };
        if kind.is_dir() {
            walk(tree, &path, files)?;
        } else if kind.is_file() || kind.is_symlink() {
            files.push(path);
        }
    }
    Ok(())
}

/// Copies what differs from what was brought before, so that a file that is as it was keeps its time, and one that the build
/// wrote over (a Makefile) keeps that; removes what is gone from the tree and leaves what the build made.
fn bring(from: &Path, to: &Path, list: &Path) -> io::Result<Vec<String>> {
    let mut files = Vec::new();
    walk(from, "", &mut files)?;
    let now: BTreeMap<String, String> = files
        .into_par_iter()
        .map(|path| Ok((path.clone(), content(&from.join(path))?)))
        .collect::<io::Result<_>>()?;
    let known = fs::read_to_string(list).unwrap_or_default();
    let before: BTreeMap<&str, &str> = known
        .lines()
        .filter_map(|line| line.split_once(' '))
        .map(|(content, path)| (path, content))
        .collect();
    for gone in before.keys().filter(|path| !now.contains_key(**path)) {
        absent(&to.join(gone))?;
    }
    let mut changed = Vec::new();
    for (path, content) in &now {
        if before.get(path.as_str()) != Some(&content.as_str()) || !to.join(path).exists() {
            copy(&from.join(path), &to.join(path))?;
            changed.push(path.clone());
        }
    }
    fs::create_dir_all(to)?;
    fs::write(list, now.iter().map(|(path, content)| format!("{content} {path}\n")).collect::<String>())?;
    Ok(changed)
}

/// Kind and bytes of a file in one word.
fn content(path: &Path) -> io::Result<String> {
    let metadata = fs::symlink_metadata(path)?;
    if metadata.is_symlink() {
        let target = fs::read_link(path)?;
        return Ok(format!("link:{}", Digest::of(target.as_os_str().as_encoded_bytes()).hex()));
    }
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
    Ok(format!("{mode:o}:{}", Digest::of(&fs::read(path)?).hex()))
}

/// Removes a file that may be gone.
fn absent(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    to.parent().map_or(Ok(()), fs::create_dir_all)?;
    absent(to)?;
    if fs::symlink_metadata(from)?.is_symlink() {
        return std::os::unix::fs::symlink(fs::read_link(from)?, to);
    }
    fs::copy(from, to).map(drop)
}

fn remove(path: &Path) -> Result<(), Failure> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(world("remove", path, error)),
        _ => Ok(()),
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| world("write", path, error))
}

fn world(tried: &str, path: &Path, error: io::Error) -> Failure {
    Failure::world(format!("cannot {tried} {}: {error}", path.display()))
}
