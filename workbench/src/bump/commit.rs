//! Bumps as commits on a branch of their own, ready for a pull request.
//!
//! Trees and commits are made in the repository's own store of objects: no checkout, no index, no hook, so the user's work
//! tree and what they have staged stay as they are.

use std::path::{Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{FileMode, Oid, Repository};

use super::Bumped;

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    pub name: String,
    /// The commit that it stands on, and its own, the oldest first.
    pub base: String,
    pub commits: Vec<String>,
}

/// One commit to be.
#[derive(Debug, Clone)]
pub struct Proposal<'a> {
    pub message: String,
    pub bumped: &'a Bumped,
}

#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    #[error("git: {0}")]
    Git(#[from] git2::Error),
    #[error("git does not know who you are ({0}): `git config user.name …`, `git config user.email …`")]
    Nobody(git2::Error),
    #[error("there is a branch `{0}` already: remove it, or give --branch NAME")]
    Exists(String),
    #[error("`{0}` is no name for a branch")]
    Name(String),
    #[error("{0} has changes that are not committed: commit or stash them first")]
    Dirty(PathBuf),
    #[error("the repository has no commit yet")]
    Unborn,
}

impl<'a> Proposal<'a> {
    /// `zlib: 1.3.1 → 1.3.2`, then where it was found, the bytes, the patches.
    pub fn new(bumped: &'a Bumped) -> Proposal<'a> {
        let slot = if bumped.slot == "0" { String::new() } else { format!("@{}", bumped.slot) };
        let mut lines =
            vec![format!("{}{slot}: {} → {}", bumped.recipe, bumped.from, bumped.to), String::new()];
        lines.push(format!("Found: {}.", bumped.found));
        lines.extend(bumped.digests.iter().map(|digest| format!("Source: {digest}.")));
        lines.extend(bumped.patches.iter().map(|(name, fate)| format!("Patch {name} {fate}.")));
        lines.extend(bumped.notes.iter().map(|note| format!("Note: {note}.")));
        Proposal { message: lines.join("\n") + "\n", bumped }
    }
}

/// The repository that has the tap, and the tap's path in it. `None`: there is none, or it does not track the recipes.
fn repository(tap: &Path) -> Option<(Repository, PathBuf)> {
    let repository = Repository::discover(tap).ok()?;
    let top = repository.workdir()?.canonicalize().ok()?;
    let inner = tap.canonicalize().ok()?.strip_prefix(&top).ok()?.to_path_buf();
    let tracked = repository.head().and_then(|head| head.peel_to_tree()).ok();
    let tracked = tracked.is_some_and(|tree| tree.get_path(&inner.join("recipes")).is_ok());
    tracked.then_some((repository, inner))
}

/// Whether bumps of this tap become commits.
pub fn is_tracked(tap: &Path) -> bool {
    repository(tap).is_some()
}

/// A new branch on the present commit with one commit a proposal; on an error there is no branch.
pub fn commit(tap: &Path, branch: &str, proposals: &[Proposal]) -> Result<Branch, CommitError> {
    let (repository, inner) = repository(tap).ok_or(CommitError::Unborn)?;
    let reference = format!("refs/heads/{branch}");
    if !git2::Reference::is_valid_name(&reference) || branch.starts_with('-') {
        return Err(CommitError::Name(branch.to_string()));
    }
    if repository.find_reference(&reference).is_ok() {
        return Err(CommitError::Exists(branch.to_string()));
    }
    let base = repository.head()?.peel_to_commit()?;
    let author = repository.signature().map_err(CommitError::Nobody)?;
    let mut parent = base.clone();
    let mut commits = Vec::new();
    for proposal in proposals {
        is_clean(&repository, tap, &inner, &base.tree()?, proposal.bumped)?;
        let tree = repository.find_tree(tree(&repository, &inner, &parent.tree()?, proposal.bumped)?)?;
        let id = repository.commit(None, &author, &author, &proposal.message, &tree, &[&parent])?;
        commits.push(id.to_string());
        parent = repository.find_commit(id)?;
    }
    repository.reference(&reference, parent.id(), false, "rootbrew bump")?;
    Ok(Branch { name: branch.to_string(), base: base.id().to_string(), commits })
}

/// What was bumped is what is committed: an author's own changes do not slip into our commit, nor are they lost.
fn is_clean(
    repository: &Repository,
    tap: &Path,
    inner: &Path,
    base: &git2::Tree,
    bumped: &Bumped,
) -> Result<(), CommitError> {
    for file in bumped.files.keys() {
        let path = Path::new("recipes").join(&bumped.recipe).join(file);
        let committed = base.get_path(&inner.join(&path)).and_then(|entry| repository.find_blob(entry.id()));
        let here = std::fs::read(tap.join(&path)).ok();
        if committed.ok().map(|blob| blob.content().to_vec()) != here {
            return Err(CommitError::Dirty(path));
        }
    }
    Ok(())
}

fn tree(
    repository: &Repository,
    inner: &Path,
    parent: &git2::Tree,
    bumped: &Bumped,
) -> Result<Oid, CommitError> {
    let mut update = TreeUpdateBuilder::new();
    for (file, content) in &bumped.files {
        let path = inner.join("recipes").join(&bumped.recipe).join(file);
        match content {
            Some(bytes) => update.upsert(path, repository.blob(bytes)?, FileMode::Blob),
            None => update.remove(path),
        };
    }
    Ok(update.create_updated(repository, parent)?)
}
