//! A tap as a commit of its repository has it, laid out in a folder of its own.
//!
//! Read from the repository's objects: no checkout, index, hook or filter takes part, and the work tree stays as it is.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use git2::{DiffOptions, ObjectType, Oid, Repository};

/// A commit, and where in its tree the tap is.
pub struct Revision {
    repository: Repository,
    tap: Oid,
    /// From the repository's top to the tap.
    inner: PathBuf,
    /// Its whole id.
    pub commit: String,
}

#[derive(Debug, thiserror::Error)]
pub enum RevisionError {
    #[error("no git repository has {0}, so it has no commits")]
    NoRepository(PathBuf),
    #[error("`{rev}` is no commit here: {why}")]
    NoCommit { rev: String, why: String },
    #[error("commit {commit} has no {path}: the tap was not there yet")]
    NoTap { commit: String, path: PathBuf },
    #[error("the commit has an entry `{name}` for {folder}, which is no name of a file")]
    Name { folder: PathBuf, name: String },
    #[error("HEAD is the first commit: name another by --base")]
    First,
    #[error("git: {0}")]
    Git(#[from] git2::Error),
    #[error("cannot write {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

type Result<T> = std::result::Result<T, RevisionError>;

/// What a person calls a commit: an id, a branch, a tag, `HEAD~3`.
pub fn open(tap: &Path, rev: &str) -> Result<Revision> {
    let absent = || RevisionError::NoRepository(tap.to_path_buf());
    let repository = Repository::discover(tap).map_err(|_| absent())?;
    let top = repository.workdir().and_then(|top| top.canonicalize().ok()).ok_or_else(absent)?;
    let here = tap.canonicalize().map_err(|_| absent())?;
    let inner = here.strip_prefix(&top).map_err(|_| absent())?.to_path_buf();
    let (tap, commit) = find(&repository, &inner, rev)?;
    Ok(Revision { repository, tap, inner, commit })
}

/// Where a change began: the commit at which `HEAD` left `rev`, or the main line; on that line itself, the commit before.
///
/// # Errors
/// No such commit, no main line, no commit before.
pub fn fork(tap: &Path, rev: Option<&str>) -> Result<String> {
    let repository = Repository::discover(tap).map_err(|_| RevisionError::NoRepository(tap.to_path_buf()))?;
    let commit = |rev: &str| repository.revparse_single(rev).and_then(|object| object.peel_to_commit());
    let head = commit("HEAD")?;
    let left = |line: git2::Commit| repository.merge_base(head.id(), line.id()).ok();
    if let Some(rev) = rev {
        let line = commit(rev)
            .map_err(|error| RevisionError::NoCommit { rev: rev.into(), why: error.message().to_string() })?;
        let named = line.id();
        return Ok(left(line).unwrap_or(named).to_string());
    }
    let fork = MAIN.iter().find_map(|rev| commit(rev).ok()).and_then(left);
    match fork.filter(|fork| *fork != head.id()) {
        Some(fork) => Ok(fork.to_string()),
        None => head.parent_id(0).map(|id| id.to_string()).map_err(|_| RevisionError::First),
    }
}

/// What a forge's or a person's clone calls the main line.
const MAIN: [&str; 4] = ["origin/HEAD", "origin/main", "origin/master", "main"];

/// The commit that the tap's repository is at, where nothing of its work tree is other: else what stands there has no name.
pub fn clean(tap: &Path) -> Option<String> {
    let repository = Repository::discover(tap).ok()?;
    let mut options = git2::StatusOptions::new();
    options.include_untracked(true).include_ignored(false);
    let is_clean = repository.statuses(Some(&mut options)).ok()?.is_empty();
    let commit = repository.head().ok()?.peel_to_commit().ok()?.id().to_string();
    is_clean.then_some(commit)
}

fn find(repository: &Repository, inner: &Path, rev: &str) -> Result<(Oid, String)> {
    let said = |error: git2::Error| RevisionError::NoCommit {
        rev: rev.to_string(),
        why: error.message().to_string(),
    };
    let commit = repository.revparse_single(rev).and_then(|object| object.peel_to_commit()).map_err(said)?;
    let (name, root) = (commit.id().to_string(), commit.tree()?);
    if inner.as_os_str().is_empty() {
        return Ok((root.id(), name));
    }
    let tap = root.get_path(inner).ok().filter(|entry| entry.kind() == Some(ObjectType::Tree));
    match tap {
        Some(tap) => Ok((tap.id(), name)),
        None => Err(RevisionError::NoTap { commit: name, path: inner.to_path_buf() }),
    }
}

impl Revision {
    /// All of it, into a folder that is empty. A submodule is an empty folder, as in a fresh clone.
    ///
    /// # Errors
    /// A name that leads elsewhere, and the disk's.
    pub fn lay_out(&self, into: &Path) -> Result<()> {
        self.entries(self.tap, into)
    }

    /// One file or folder of it, into a folder that has none there; `false` when the commit has none.
    ///
    /// # Errors
    /// As [`Revision::lay_out`]'s.
    pub fn lay_out_part(&self, path: &str, into: &Path) -> Result<bool> {
        let Ok(entry) = self.repository.find_tree(self.tap)?.get_path(Path::new(path)) else {
            return Ok(false);
        };
        let to = into.join(path);
        let folder = to.parent().unwrap_or(into);
        fs::create_dir_all(folder)
            .map_err(|source| RevisionError::Io { path: folder.to_path_buf(), source })?;
        self.entry(&entry, folder)?;
        Ok(true)
    }

    /// The paths at or below these in which the tap as it stands differs from the commit, sorted; files that git does not
    /// track count. What is the same by git's index is not read.
    ///
    /// # Errors
    /// Git's.
    pub fn differs<'p>(&self, parts: impl IntoIterator<Item = &'p str>) -> Result<BTreeSet<String>> {
        let root = self.repository.find_commit(Oid::from_str(&self.commit)?)?.tree()?;
        let mut options = DiffOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).disable_pathspec_match(true);
        // Ignored files reach a key as well as others do.
        options.include_ignored(true).recurse_ignored_dirs(true).include_typechange(true);
        for part in parts {
            options.pathspec(self.inner.join(part));
        }
        let diff = self.repository.diff_tree_to_workdir_with_index(Some(&root), Some(&mut options))?;
        let files = diff.deltas().flat_map(|delta| {
            [delta.old_file().path(), delta.new_file().path()].map(|path| path.map(Path::to_path_buf))
        });
        let inside = files
            .flatten()
            .filter_map(|path| Some(path.strip_prefix(&self.inner).ok()?.to_str()?.to_string()));
        Ok(inside.collect())
    }

    fn entries(&self, tree: Oid, into: &Path) -> Result<()> {
        let tree = self.repository.find_tree(tree)?;
        tree.iter().try_for_each(|entry| self.entry(&entry, into))
    }

    fn entry(&self, entry: &git2::TreeEntry, into: &Path) -> Result<()> {
        let Some(name) = entry.name().filter(|name| is_name(name)) else {
            let name = String::from_utf8_lossy(entry.name_bytes()).escape_debug().to_string();
            return Err(RevisionError::Name { folder: into.to_path_buf(), name });
        };
        let path = into.join(name);
        let failed = |source| RevisionError::Io { path: path.clone(), source };
        match (entry.kind(), entry.filemode()) {
            (Some(ObjectType::Tree), _) => {
                fs::create_dir(&path).map_err(failed)?;
                self.entries(entry.id(), &path)
            }
            (Some(ObjectType::Blob), 0o120000) => {
                let blob = self.repository.find_blob(entry.id())?;
                let target = String::from_utf8_lossy(blob.content()).into_owned();
                symlink(target, &path).map_err(failed)
            }
            (Some(ObjectType::Blob), mode) => {
                let blob = self.repository.find_blob(entry.id())?;
                write(&path, blob.content(), if mode & 0o111 != 0 { 0o755 } else { 0o644 }).map_err(failed)
            }
            _ => fs::create_dir(&path).map_err(failed),
        }
    }
}

/// A new file: a name that stands there already is a repository that lies.
fn write(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    // Whatever the umask is: modes are in keys.
    file.set_permissions(Permissions::from_mode(mode))
}

fn is_name(name: &str) -> bool {
    !matches!(name, "" | "." | ".." | ".git") && !name.contains(['/', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository with one commit: `tap/recipes/a/run` (executable), a link, and a file beside the tap.
    fn repository() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path()).unwrap();
        let blob = |text: &str| repository.blob(text.as_bytes()).unwrap();
        let tree = |entries: &[(&str, Oid, i32)]| {
            let mut tree = repository.treebuilder(None).unwrap();
            entries.iter().for_each(|(name, id, mode)| drop(tree.insert(name, *id, *mode).unwrap()));
            tree.write().unwrap()
        };
        let a = tree(&[("run", blob("#!x"), 0o100755), ("link", blob("run"), 0o120000)]);
        let tap = tree(&[("recipes", tree(&[("a", a, 0o040000)]), 0o040000), ("plain", blob("y"), 0o100644)]);
        let root =
            repository.find_tree(tree(&[("tap", tap, 0o040000), ("beside", blob("z"), 0o100644)])).unwrap();
        let who = git2::Signature::now("a", "a@host").unwrap();
        repository.commit(Some("HEAD"), &who, &who, "first", &root, &[]).unwrap();
        fs::create_dir(folder.path().join("tap")).unwrap();
        folder
    }

    #[test]
    fn a_tap_below_its_repositorys_top_as_it_was() {
        let (here, there) = (repository(), tempfile::tempdir().unwrap());
        let revision = open(&here.path().join("tap"), "HEAD").unwrap();
        assert_eq!(revision.commit.len(), 40);
        revision.lay_out(there.path()).unwrap();
        let path = |name: &str| there.path().join(name);
        assert_eq!(fs::read_to_string(path("recipes/a/link")).unwrap(), "#!x");
        assert_eq!(fs::metadata(path("recipes/a/run")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(path("plain")).unwrap().permissions().mode() & 0o777, 0o644);
        assert!(!path("beside").exists());
    }

    #[test]
    fn parts_of_a_commit_and_what_differs_from_it() {
        let (here, there) = (repository(), tempfile::tempdir().unwrap());
        let tap = here.path().join("tap");
        let revision = open(&tap, "HEAD").unwrap();
        revision.lay_out(&tap).unwrap();
        // As a checkout leaves it.
        let mut index = revision.repository.index().unwrap();
        let head = revision.repository.head().unwrap().peel_to_tree().unwrap();
        index.read_tree(&head).unwrap();
        index.write().unwrap();
        assert!(revision.lay_out_part("recipes/a", there.path()).unwrap());
        assert!(!revision.lay_out_part("recipes/b", there.path()).unwrap());
        assert_eq!(fs::read_to_string(there.path().join("recipes/a/run")).unwrap(), "#!x");
        assert!(!there.path().join("plain").exists());
        let differs =
            |parts: &[&str]| revision.differs(parts.iter().copied()).unwrap().into_iter().collect::<Vec<_>>();
        assert!(differs(&["recipes"]).is_empty());
        fs::write(tap.join("recipes/a/run"), "#!y").unwrap();
        fs::write(tap.join("recipes/a/new"), "").unwrap();
        fs::remove_file(tap.join("plain")).unwrap();
        assert_eq!(differs(&["recipes"]), ["recipes/a/new", "recipes/a/run"]);
        assert_eq!(differs(&["plain", "rec"]), ["plain"]);
        assert!(fork(&tap, None).unwrap_err().to_string().contains("is the first commit"));
        assert_eq!(fork(&tap, Some("HEAD")).unwrap(), revision.commit);
    }

    #[test]
    fn what_is_no_commit() {
        let here = repository();
        let said = |tap: &Path, rev: &str| open(tap, rev).err().unwrap().to_string();
        assert!(said(&here.path().join("tap"), "none").contains("`none` is no commit here"));
        assert!(said(&here.path().join("tap"), "--help").contains("is no commit here"));
        fs::create_dir(here.path().join("other")).unwrap();
        assert!(said(&here.path().join("other"), "HEAD").contains("has no other"));
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(said(elsewhere.path(), "HEAD").contains("no git repository has"));
    }
}
