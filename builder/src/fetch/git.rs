//! A git source: one commit's tree, by its id.
//!
//! The commit decides, as a sha256 does elsewhere; the tag is only what is asked for and must still mean that commit.
//! It fetches, it never checks out: no hook, filter, attribute or configuration of the repository or the user takes effect.

use std::path::Path;

use git2::{FetchOptions, ObjectType, Oid, Repository, RepositoryInitOptions};
use kegs::{Node, Tree};

use super::Blobs;

/// A whole commit id: 40 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit(Oid);

#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("`{0}` is not a commit id: 40 lower-case hex digits")]
    NotACommit(String),
    #[error("cannot fetch `{tag}` of {url}: {said}")]
    Fetch { url: String, tag: String, said: String },
    #[error("tag `{tag}` of {url} is commit {found} now, expected {expected}: the tag was moved")]
    Moved { url: String, tag: String, expected: String, found: String },
    #[error(
        "`{path}` of {url} is a submodule; submodules are not fetched: name its repository as another source"
    )]
    Submodule { url: String, path: String },
    #[error("`{path}` of {url} {problem}")]
    Entry { url: String, path: String, problem: String },
    #[error("cannot write {url} into the store: {source}")]
    Store { url: String, source: std::io::Error },
}

impl Commit {
    pub fn parse(text: &str) -> Result<Commit, GitError> {
        let is_whole = text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let id = Oid::from_str(text).ok().filter(|_| is_whole);
        id.map(Commit).ok_or_else(|| GitError::NotACommit(text.to_string()))
    }
}

/// Fetches `tag` of `url` (or, where `tag` is the commit's own id, that commit) and gives the tree of `commit`, its files in `into` (sync it before naming the tree).
pub fn fetch_git(url: &str, tag: &str, commit: Commit, into: &dyn Blobs) -> Result<Tree, GitError> {
    let world = |source| GitError::Store { url: url.to_string(), source };
    let staging = into.partial(&[0; 32]);
    let folder = tempfile::tempdir_in(staging.parent().unwrap_or(Path::new("/"))).map_err(world)?;
    let said = |error: git2::Error| GitError::Fetch {
        url: url.to_string(),
        tag: tag.to_string(),
        said: error.message().to_string(),
    };
    let repository = clone(url, tag, folder.path()).map_err(said)?;
    let found = repository.revparse_single(&format!("{WANTED}^{{commit}}")).map_err(said)?.id();
    if found != commit.0 {
        let (expected, found) = (commit.0.to_string(), found.to_string());
        return Err(GitError::Moved { url: url.to_string(), tag: tag.to_string(), expected, found });
    }
    let root = repository.find_commit(found).and_then(|commit| commit.tree()).map_err(said)?;
    let mut tree = Tree::default();
    let walk = Walk { url, repository: &repository, into };
    walk.folder(&root, "", &mut tree)?;
    Ok(tree)
}

/// A tag as a repository lists it: a name that is only data, and the commit that it means (a note on it seen through).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    pub name: String,
    pub commit: String,
}

/// Larger lists are nobody's releases.
const TAGS_MAX: usize = 100_000;

/// The tags of `url`, without fetching anything of it; no program is run.
pub fn tags(url: &str) -> Result<Vec<Tag>, GitError> {
    let said = |error: git2::Error| GitError::Fetch {
        url: url.to_string(),
        tag: "tags".to_string(),
        said: error.message().to_string(),
    };
    super::git_http::install().map_err(said)?;
    let mut remote = git2::Remote::create_detached(url).map_err(said)?;
    let connection = remote.connect_auth(git2::Direction::Fetch, None, None).map_err(said)?;
    let heads = connection.list().map_err(said)?;
    let mut tags = std::collections::BTreeMap::new();
    for head in heads.iter().take(TAGS_MAX) {
        let Some(name) = head.name().strip_prefix("refs/tags/") else { continue };
        // `v1^{}` comes after `v1`: it is the commit that the annotated tag `v1` means.
        tags.insert(name.trim_end_matches("^{}").to_string(), head.oid().to_string());
    }
    Ok(tags.into_iter().map(|(name, commit)| Tag { name, commit }).collect())
}

/// The reference that a fetch leaves in our own repository.
const WANTED: &str = "refs/rootbrew/wanted";

fn clone(url: &str, tag: &str, folder: &Path) -> Result<Repository, git2::Error> {
    super::git_http::install()?;
    let mut options = RepositoryInitOptions::new();
    options.bare(true).external_template(false);
    let repository = Repository::init_opts(folder, &options)?;
    let mut fetch = FetchOptions::new();
    fetch.download_tags(git2::AutotagOption::None);
    // A tree without its history, where the transport can: libgit2 knows no shallow fetch from a path.
    if url.contains("://") && !url.starts_with("file://") {
        fetch.depth(1);
    }
    let commit = Oid::from_str(tag).ok().filter(|_| Commit::parse(tag).is_ok());
    let asked = if commit.is_some() { tag.to_string() } else { format!("refs/tags/{tag}") };
    let mut remote = repository.remote_anonymous(url)?;
    let fetched = remote.fetch(&[format!("+{asked}:{WANTED}")], Some(&mut fetch), None);
    if let Some(commit) = commit.filter(|_| fetched.is_err() || repository.find_reference(WANTED).is_err()) {
        // Not every server gives a bare commit: then all branches, with their history.
        fetch.depth(0);
        remote.fetch(&["+refs/heads/*:refs/rootbrew/heads/*"], Some(&mut fetch), None)?;
        repository.reference(WANTED, commit, true, "wanted")?;
    } else {
        fetched?;
    }
    drop(remote);
    if repository.find_reference(WANTED).is_err() {
        return Err(git2::Error::from_str("it has no such tag"));
    }
    Ok(repository)
}

struct Walk<'a> {
    url: &'a str,
    repository: &'a Repository,
    into: &'a dyn Blobs,
}

impl Walk<'_> {
    fn folder(&self, folder: &git2::Tree, prefix: &str, tree: &mut Tree) -> Result<(), GitError> {
        for entry in folder {
            let name = entry.name().ok_or_else(|| self.entry(prefix, "holds a name that is not UTF-8"))?;
            let path = format!("{prefix}{name}");
            if matches!(name, "" | "." | "..") || name.contains('/') || name.eq_ignore_ascii_case(".git") {
                return Err(self.entry(&path, "has a name that no file may have"));
            }
            match entry.kind() {
                Some(ObjectType::Tree) => {
                    let inner =
                        self.repository.find_tree(entry.id()).map_err(|error| self.git(&path, error))?;
                    self.folder(&inner, &format!("{path}/"), tree)?;
                }
                Some(ObjectType::Commit) => {
                    return Err(GitError::Submodule { url: self.url.to_string(), path });
                }
                _ => {
                    let node = self.leaf(&path, &entry)?;
                    tree.insert(path, node);
                }
            }
        }
        Ok(())
    }

    fn leaf(&self, path: &str, entry: &git2::TreeEntry) -> Result<Node, GitError> {
        let blob = self.repository.find_blob(entry.id()).map_err(|error| self.git(path, error))?;
        if entry.filemode() == 0o120000 {
            let target = std::str::from_utf8(blob.content());
            let target = target.map_err(|_| self.entry(path, "is a link whose target is not UTF-8"))?;
            return Ok(Node::Link { target: target.to_string() });
        }
        let digest = self.into.put_bytes(blob.content());
        let digest = digest.map_err(|source| GitError::Store { url: self.url.to_string(), source })?;
        Ok(Node::File { digest, executable: entry.filemode() & 0o100 != 0 })
    }

    fn entry(&self, path: &str, problem: &str) -> GitError {
        GitError::Entry { url: self.url.to_string(), path: path.to_string(), problem: problem.to_string() }
    }

    fn git(&self, path: &str, error: git2::Error) -> GitError {
        self.entry(path, &format!("cannot be read: {}", error.message()))
    }
}
