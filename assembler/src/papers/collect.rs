//! Collecting: the image's files, whose each is, and what is linked into it, by what the file was before it was stripped.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::Mutex;

use kegs::split::splits;
use kegs::{Digest, Node as KegNode};
use rayon::prelude::*;
use sha1::{Digest as _, Sha1};

use super::origin::{self, Origin};
use super::{File, Papers, Part, PartId, Proof};
use crate::content::Content;
use crate::tree::{Bytes, ImageTree, Kind, Node};

/// An image as its papers see it.
pub struct Image<'a> {
    pub name: &'a str,
    pub summary: &'a str,
    /// Stripped, as it is written.
    pub tree: &'a ImageTree,
    /// Of the root image.
    pub digest: Digest,
    pub kernel: Option<(PartId, Digest)>,
    /// Whose program stands at `sbin/init`, and where in its keg it is.
    pub agent: Option<(PartId, &'a str)>,
}

/// A keg of the plan: its facts, its tree as built, and what may be linked into its files.
#[derive(Debug, Clone)]
pub struct Known {
    pub part: Part,
    /// Flat.
    pub tree: kegs::Tree,
    /// What its build split from its files for debuggers, by build-id; the same.
    pub debug: Option<kegs::Tree>,
    /// Kegs that it links, near and far, the C library among them.
    pub links: Vec<PartId>,
    /// Of its lock.
    pub crates: Vec<Part>,
    /// Packages of its seed of which a link may take something.
    pub seed: Vec<Part>,
}

/// The kernel's path: beside the root, not in it.
const KERNEL: &str = "vmlinuz";
const INIT: &str = "sbin/init";

/// # Errors
/// The content's.
pub fn collect(image: &Image, known: &BTreeMap<PartId, Known>, content: &dyn Content) -> io::Result<Papers> {
    let looker = Looker { image, known, content, archives: Mutex::default() };
    let nodes: Vec<(&str, &Node)> = image.tree.iter().collect();
    let files: Vec<Option<File>> =
        nodes.into_par_iter().map(|(path, node)| looker.file(path, node)).collect::<io::Result<_>>()?;
    let mut files: Vec<File> = files.into_iter().flatten().collect();
    files.extend(looker.kernel()?);
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(Papers {
        name: image.name.to_string(),
        summary: image.summary.to_string(),
        digest: image.digest,
        kernel: image.kernel.as_ref().map(|(id, _)| id.clone()),
        parts: parts(&files, known),
        files,
        texts: BTreeMap::new(),
    })
}

struct Looker<'a> {
    image: &'a Image<'a>,
    known: &'a BTreeMap<PartId, Known>,
    content: &'a dyn Content,
    /// Whether a keg's static libraries carry marks: asked once a keg.
    archives: Mutex<BTreeMap<PartId, bool>>,
}

impl Looker<'_> {
    fn file(&self, path: &str, node: &Node) -> io::Result<Option<File>> {
        let Kind::File(bytes) = &node.kind else { return Ok(None) };
        let owner = self.owner(path);
        let holds = match &owner {
            Some((id, inside, original)) => self.holds(&self.known[id], inside, original)?,
            None => BTreeMap::new(),
        };
        let sha1 = match bytes {
            Bytes::Inline(bytes) => sha1(bytes),
            Bytes::Stored(digest) => sha1(&self.content.read(digest)?),
        };
        let owner = owner.map(|(id, ..)| id);
        let executable = node.mode & 0o111 != 0;
        Ok(Some(File { path: path.to_string(), digest: bytes.digest(), sha1, executable, owner, holds }))
    }

    fn kernel(&self) -> io::Result<Option<File>> {
        let Some((id, digest)) = &self.image.kernel else { return Ok(None) };
        Ok(Some(File {
            path: KERNEL.to_string(),
            digest: *digest,
            sha1: sha1(&self.content.read(digest)?),
            executable: false,
            owner: Some(id.clone()),
            holds: BTreeMap::new(),
        }))
    }

    /// The keg that a path is of, the path inside, and what its build gave there.
    fn owner<'a>(&'a self, path: &'a str) -> Option<(PartId, &'a str, Digest)> {
        let (id, inside) = match &self.image.agent {
            Some((id, inside)) if path == INIT => (id.clone(), *inside),
            _ => {
                let (name, rest) = path.strip_prefix("kegs/")?.split_once('/')?;
                let (slot, inside) = rest.split_once('/')?;
                (PartId::keg(name, slot), inside)
            }
        };
        match self.known.get(&id)?.tree.nodes.get(inside)? {
            KegNode::File { digest, .. } => Some((id, inside, *digest)),
            _ => None,
        }
    }

    fn holds(&self, owner: &Known, inside: &str, original: &Digest) -> io::Result<BTreeMap<PartId, Proof>> {
        let Some(origin) = origin::read(&self.content.read(original)?) else { return Ok(BTreeMap::new()) };
        let mut holds = BTreeMap::new();
        let marks: BTreeSet<PartId> =
            origin.marks.iter().map(|(name, slot)| PartId::keg(name, slot)).collect();
        let debug = debug_of(owner, inside).map(|digest| self.content.read(&digest)).transpose()?;
        let compiled = debug.and_then(|bytes| origin::compiled_crates(&bytes));
        holds.extend(crates(&origin, compiled.as_ref(), owner));
        holds.extend(seed(&origin, owner));
        for link in owner.links.iter().filter(|link| !marks.contains(link)) {
            if self.may_be_inside(link, &origin)? {
                holds.insert(link.clone(), Proof::Declared);
            }
        }
        let own = &owner.part.id;
        holds.extend(marks.into_iter().filter(|id| id != own).map(|id| (id, Proof::Mark)));
        Ok(holds)
    }

    /// Where no mark speaks: the keg has static libraries, they carry no marks, and none of its shared ones is loaded
    /// instead.
    fn may_be_inside(&self, id: &PartId, origin: &Origin) -> io::Result<bool> {
        let Some(known) = self.known.get(id) else { return Ok(false) };
        let mut names = known.tree.nodes.keys().map(|path| path.rsplit('/').next().unwrap_or(path));
        let has_archive = known.tree.nodes.keys().any(|path| path.ends_with(".a"));
        let is_loaded = names.any(|name| origin.needed.contains(name));
        Ok(has_archive && !is_loaded && !self.are_marked(id, known)?)
    }

    fn are_marked(&self, id: &PartId, known: &Known) -> io::Result<bool> {
        let held = || self.archives.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(marked) = held().get(id) {
            return Ok(*marked);
        }
        let mut all = true;
        for (_, node) in known.tree.nodes.iter().filter(|(path, _)| path.ends_with(".a")) {
            if let KegNode::File { digest, .. } = node {
                let bytes = self.content.read(digest)?;
                // Libraries that are only there so that `-lpthread` finds something have no object, and no code.
                all = all && (is_empty(&bytes) || origin::is_marked(&bytes));
            }
        }
        held().insert(id.clone(), all);
        Ok(all)
    }
}

/// ar(5): a magic of eight bytes, then members.
fn is_empty(archive: &[u8]) -> bool {
    archive.len() <= 8
}

fn sha1(bytes: &[u8]) -> String {
    hex::encode(Sha1::digest(bytes))
}

/// The debug information of a keg's file, by the link that stands beside it; asked only where a lock has crates to look for.
fn debug_of(owner: &Known, inside: &str) -> Option<Digest> {
    if owner.crates.is_empty() {
        return None;
    }
    let PartId::Keg { name, slot } = &owner.part.id else { return None };
    let path = format!("/kegs/{name}/{slot}/{inside}");
    let mut all = splits(owner.debug.as_ref()?);
    all.find(|split| split.program == Some(path.as_str())).map(|split| split.debug)
}

/// The crates of a lock, in a program of Rust: those of which code was `compiled` into it, where that is known.
fn crates<'a>(
    origin: &'a Origin,
    compiled: Option<&'a BTreeSet<String>>,
    owner: &'a Known,
) -> impl Iterator<Item = (PartId, Proof)> + 'a {
    let is_rust = origin.compilers.iter().any(|comment| origin::rustc(comment).is_some());
    owner.crates.iter().filter(move |_| is_rust).filter_map(move |part| {
        let folder = format!("{}-{}", part.id.name(), part.version);
        let is_seen = origin.crates.contains(&folder) || compiled.is_some_and(|all| all.contains(&folder));
        let proof = if is_seen { Proof::Named } else { Proof::Lock };
        (is_seen || compiled.is_none()).then(|| (part.id.clone(), proof))
    })
}

/// What compilers leave is of the seed's own version: by the text in the file and the version that the seed pins. Whoever
/// took the compiler's name out of a program has its start files in it all the same.
fn seed<'a>(origin: &'a Origin, owner: &'a Known) -> impl Iterator<Item = (PartId, Proof)> + 'a {
    let gcc: BTreeSet<&str> = origin.compilers.iter().filter_map(|text| origin::debian_gcc(text)).collect();
    let rustc: BTreeSet<&str> = origin.compilers.iter().filter_map(|text| origin::rustc(text)).collect();
    owner.seed.iter().filter_map(move |part| {
        let (name, version) = (part.id.name(), part.version.as_str());
        let upstream = version.split(['+', '-']).next().unwrap_or(version);
        let is_libgcc = name.starts_with("libgcc-");
        let inside = match name {
            _ if is_libgcc => gcc.contains(version),
            _ if name.starts_with("libstd-rust") => rustc.contains(upstream),
            _ => origin.glibc.as_deref() == Some(version),
        };
        match inside {
            true => Some((part.id.clone(), Proof::Named)),
            false => (is_libgcc && origin.compilers.is_empty()).then(|| (part.id.clone(), Proof::Declared)),
        }
    })
}

fn parts(files: &[File], known: &BTreeMap<PartId, Known>) -> BTreeMap<PartId, Part> {
    let ids: BTreeSet<&PartId> =
        files.iter().flat_map(|file| file.owner.iter().chain(file.holds.keys())).collect();
    let others = || known.values().flat_map(|known| known.crates.iter().chain(&known.seed));
    let others: BTreeMap<&PartId, &Part> = others().map(|part| (&part.id, part)).collect();
    let find = |id: &PartId| known.get(id).map(|known| &known.part).or(others.get(id).copied()).cloned();
    ids.into_iter().map(|id| (id.clone(), find(id).unwrap_or_else(|| unknown(id)))).collect()
}

/// A mark that names no keg of the plan: said as it stands.
fn unknown(id: &PartId) -> Part {
    Part::new(id.clone(), "", "named by a mark, and no keg of this plan")
}
