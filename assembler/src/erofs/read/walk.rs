//! The walk: from the root to every path, then the digests of all contents, on all cores.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

use kegs::{Digest, digest::Hasher};
use rayon::prelude::*;

use super::body::{Body, Contents};
use super::budget::Budget;
use super::inode::{self, Inode, InodeKind};
use super::{Image, Result, Source, damaged, folder, join};
use crate::tree::{Bytes, ImageTree, Kind, Node, Reason};

/// Longest target of a link: `PATH_MAX`, with room for a NUL.
const TARGET_MAX_BYTES: u64 = 4095;

/// What a path is while its contents have not been read.
struct Found {
    path: String,
    inode: Inode,
    kind: FoundKind,
}

enum FoundKind {
    Folder,
    Link(String),
    File(Body),
}

pub fn tree<S: Source>(image: &Image<S>) -> Result<ImageTree> {
    let found = paths(image)?;
    let digests = digests(image, &found)?;
    let mut tree = ImageTree::default();
    for Found { path, inode, kind } in found {
        let kind = match kind {
            FoundKind::Folder => Kind::Folder,
            FoundKind::Link(target) => Kind::Link { target },
            FoundKind::File(body) => Kind::File(Bytes::Stored(digests[&body])),
        };
        let Inode { mode, uid, gid, .. } = inode;
        let node = Node { kind, mode, uid, gid, reason: Reason::image("unknown") };
        tree.put(&path, node).map_err(|refused| damaged(&path, refused.to_string()))?;
    }
    Ok(tree)
}

/// Every path of the image, folders before what is in them. A list of what is to do and no recursion: depth is the image's
/// choice.
fn paths<S: Source>(image: &Image<S>) -> Result<Vec<Found>> {
    let mut budget = Budget::of(image.len_bytes());
    let root = image.root()?;
    let mut open = vec![(String::new(), root, root.nid)];
    budget.folder(root.nid, "")?;
    let mut found = vec![Found { path: String::new(), inode: root, kind: FoundKind::Folder }];
    while let Some((path, folder, above)) = open.pop() {
        budget.body(folder.nid, &folder.body(image, &path)?, &path)?;
        for entry in folder::entries(image, &folder, above, &path)? {
            let inside = join(&path, &entry.name);
            budget.path(&inside)?;
            let inode = inode::read(image, entry.nid, &inside)?;
            if let Some(listed) = entry.kind.filter(|listed| *listed != inode.kind) {
                let what = format!("it is listed as a {}, and is a {}", listed.word(), inode.kind.word());
                return Err(damaged(&inside, what));
            }
            let kind = look(image, &inode, &inside, &mut budget)?;
            if inode.kind == InodeKind::Folder {
                open.push((inside.clone(), inode, folder.nid));
            }
            found.push(Found { path: inside, inode, kind });
        }
    }
    Ok(found)
}

fn look<S: Source>(image: &Image<S>, inode: &Inode, path: &str, budget: &mut Budget) -> Result<FoundKind> {
    if inode.kind == InodeKind::Folder {
        budget.folder(inode.nid, path)?;
        return Ok(FoundKind::Folder);
    }
    let body = inode.body(image, path)?;
    budget.body(inode.nid, &body, path)?;
    match inode.kind {
        InodeKind::Link => Ok(FoundKind::Link(target(image, body, path)?)),
        _ => Ok(FoundKind::File(body)),
    }
}

fn target<S: Source>(image: &Image<S>, body: Body, path: &str) -> Result<String> {
    let length = body.len_bytes();
    if !(1..=TARGET_MAX_BYTES).contains(&length) {
        return Err(damaged(
            path,
            format!("its target has {length} bytes, 1 to {TARGET_MAX_BYTES} are possible"),
        ));
    }
    let mut bytes = Vec::new();
    Contents::new(&image.source, body).read_to_end(&mut bytes)?;
    match String::from_utf8(bytes) {
        Ok(target) if target.contains('\0') => Err(damaged(path, "its target holds a NUL")),
        Ok(target) => Ok(target),
        Err(_) => Err(super::unsupported(path, "has a target that is not UTF-8")),
    }
}

/// Of each distinct body. Blocks that several inodes share are read once, whatever tails those have.
fn digests<S: Source>(image: &Image<S>, found: &[Found]) -> Result<HashMap<Body, Digest>> {
    let mut sharing: BTreeMap<(u64, u64), BTreeSet<Body>> = BTreeMap::new();
    for found in found {
        if let FoundKind::File(body) = found.kind {
            sharing.entry(body.read_once()).or_default().insert(body);
        }
    }
    let of_all = |bodies: BTreeSet<Body>| of_sharing(image, bodies);
    let digests: Vec<Vec<(Body, Digest)>> =
        sharing.into_values().par_bridge().map(of_all).collect::<Result<_>>()?;
    Ok(digests.into_iter().flatten().collect())
}

/// Bodies with the same blocks.
fn of_sharing<S: Source>(image: &Image<S>, bodies: BTreeSet<Body>) -> Result<Vec<(Body, Digest)>> {
    let Some(first) = bodies.first() else { return Ok(Vec::new()) };
    let mut blocks = Hasher::default();
    hash(image, Body { tail: 0, ..*first }, &mut blocks)?;
    let mut digests = Vec::new();
    for body in bodies {
        let mut hasher = blocks.clone();
        hash(image, Body { in_blocks: 0, ..body }, &mut hasher)?;
        digests.push((body, hasher.finish()));
    }
    Ok(digests)
}

fn hash<S: Source>(image: &Image<S>, body: Body, hasher: &mut Hasher) -> Result<()> {
    let mut contents = Contents::new(&image.source, body);
    // 128 KiB, as `Digest::of_reader` has it; less for what is smaller.
    let mut buffer = vec![0; body.len_bytes().min(128 << 10) as usize];
    loop {
        match contents.read(&mut buffer)? {
            0 => return Ok(()),
            count => hasher.update(&buffer[..count]),
        }
    }
}
