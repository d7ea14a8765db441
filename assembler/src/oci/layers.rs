//! Layers: a container's tree as compressed tars. Facts: OCI image specification, `layer.md`.
//!
//! One, or one a keg: files of `kegs/<name>/<slot>` with the folders above them, then a last one of all the rest. Links in
//! kegs stand in the last one, as they differ by role (`bin/sh`, `bin/httpd` of one busybox) and cost nothing: so a keg of
//! which two roles reach the same files is the same layer in both.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use flate2::write::GzEncoder;
use kegs::{Digest, digest::Hasher};

use crate::content::Content;
use crate::format::tar;
use crate::tree::{ImageTree, Kind, Node};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Layers {
    #[default]
    One,
    Keg,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Compression {
    /// Level 9, no name and no time in its header: every engine reads it.
    #[default]
    Gzip,
    /// Level 19, one thread: smaller, for engines since 2020 or so.
    Zstd,
}

/// A layer on disk: `digest` is of the compressed bytes, `diff` of the tar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    pub what: String,
    pub digest: Digest,
    pub diff: Digest,
}

impl Compression {
    pub(super) fn media_type(self) -> &'static str {
        match self {
            Compression::Gzip => "application/vnd.oci.image.layer.v1.tar+gzip",
            Compression::Zstd => "application/vnd.oci.image.layer.v1.tar+zstd",
        }
    }
}

/// Writes the layers of a tree as `blobs/<sha256>`, the lowest first.
pub fn write(
    tree: &ImageTree,
    content: &dyn Content,
    (layers, compression): (Layers, Compression),
    blobs: &Path,
) -> io::Result<Vec<Layer>> {
    let split = match layers {
        Layers::One => vec![("everything".to_string(), all(tree))],
        Layers::Keg => by_keg(tree),
    };
    split.into_iter().map(|(what, entries)| one(what, &entries, content, compression, blobs)).collect()
}

type Entries<'t> = BTreeMap<&'t str, &'t Node>;

/// All but the root: what is unpacked into has its own.
fn all(tree: &ImageTree) -> Entries<'_> {
    tree.iter().filter(|(path, _)| !path.is_empty()).collect()
}

fn by_keg(tree: &ImageTree) -> Vec<(String, Entries<'_>)> {
    let mut kegs: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    let mut rest = BTreeSet::new();
    for (path, node) in tree.iter() {
        match (keg_of(path), &node.kind) {
            (Some(keg), Kind::File(_)) => drop(kegs.entry(keg).or_default().insert(path)),
            // It comes with what is in it, unless that is nothing.
            (_, Kind::Folder) if has_children(tree, path) => {}
            _ => drop(rest.insert(path)),
        }
    }
    let with_parents = |paths: BTreeSet<&str>| -> Entries<'_> {
        let above =
            |(path, _): &(&str, &Node)| !path.is_empty() && (paths.contains(path) || is_above(path, &paths));
        tree.iter().filter(above).collect()
    };
    let mut layers: Vec<_> = kegs.into_iter().map(|(keg, paths)| (keg, with_parents(paths))).collect();
    layers.push(("the role".to_string(), with_parents(rest)));
    layers
}

/// `nginx 0` of `kegs/nginx/0/bin/nginx`.
fn keg_of(path: &str) -> Option<String> {
    let mut parts = path.splitn(4, '/');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("kegs"), Some(name), Some(slot), Some(_)) => Some(format!("{name} {slot}")),
        _ => None,
    }
}

fn has_children(tree: &ImageTree, path: &str) -> bool {
    path.is_empty() || tree.below(path).next().is_some()
}

fn is_above(path: &str, paths: &BTreeSet<&str>) -> bool {
    let below = format!("{path}/");
    paths.range(below.as_str()..).next().is_some_and(|first| first.starts_with(&below))
}

fn one(
    what: String,
    entries: &Entries,
    content: &dyn Content,
    compression: Compression,
    blobs: &Path,
) -> io::Result<Layer> {
    let aside = blobs.join("layer");
    let file = Hashed::new(BufWriter::new(File::create_new(&aside)?));
    let entries = entries.iter().map(|(path, node)| (*path, *node));
    let (diff, mut file) = match compression {
        Compression::Gzip => {
            let mut tar = Hashed::new(GzEncoder::new(file, flate2::Compression::best()));
            tar::write_entries(entries, content, &mut tar)?;
            let (encoder, diff) = tar.finish();
            (diff, encoder.finish()?)
        }
        Compression::Zstd => {
            let mut tar = Hashed::new(zstd::Encoder::new(file, 19)?);
            tar::write_entries(entries, content, &mut tar)?;
            let (encoder, diff) = tar.finish();
            (diff, encoder.finish()?)
        }
    };
    file.flush()?;
    let (_, digest) = file.finish();
    // Two layers of the same bytes are one blob.
    fs::rename(&aside, blobs.join(digest.hex()))?;
    Ok(Layer { what, digest, diff })
}

/// Hashes what passes by.
struct Hashed<W> {
    out: W,
    hasher: Hasher,
}

impl<W> Hashed<W> {
    fn new(out: W) -> Hashed<W> {
        Hashed { out, hasher: Hasher::default() }
    }

    fn finish(self) -> (W, Digest) {
        (self.out, self.hasher.finish())
    }
}

impl<W: Write> Write for Hashed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.out.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
