//! The archive of a container image: its layout as one tar, which `docker load`, `podman load` and `skopeo` read, with the
//! list that docker had before there was a specification.
//!
//! ```text
//! manifest.json   [{"Config":"blobs/sha256/<hex>","RepoTags":["web:latest"],"Layers":["blobs/sha256/<hex>", …]}]
//! ```

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use kegs::Digest;
use serde::Serialize;

use super::layout::{Image, TAG, json};
use crate::content::Folder;
use crate::format::tar;
use crate::tree::{ImageTree, Node, Reason};

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Docker {
    config: String,
    repo_tags: Vec<String>,
    layers: Vec<String>,
}

/// Writes a layout as one archive; `name` is what it is called after `docker load`.
///
/// # Errors
/// A layout that can't be read, and the writer's.
pub fn write_archive(layout: &Path, image: &Image, name: &str, out: &mut impl Write) -> io::Result<()> {
    let blob = |digest: &Digest| format!("blobs/sha256/{}", digest.hex());
    let docker = Docker {
        config: blob(&image.config),
        repo_tags: vec![format!("{name}:{TAG}")],
        layers: image.layers.iter().map(|layer| blob(&layer.digest)).collect(),
    };
    let mut tree = ImageTree::default();
    let why = || Reason::image("of the layout");
    let mut put = |path: &str, node: Node| tree.insert(path, node).map_err(io::Error::other);
    put("manifest.json", Node::inline(json(&[docker])?, 0o644, why()))?;
    for name in ["index.json", "oci-layout"] {
        put(name, Node::inline(fs::read(layout.join(name))?, 0o644, why()))?;
    }
    let own = [image.config, image.manifest];
    for digest in image.layers.iter().map(|layer| layer.digest).chain(own) {
        put(&blob(&digest), Node::stored(digest, 0o644, why()))?;
    }
    let entries = tree.iter().filter(|(path, _)| !path.is_empty());
    tar::write_entries(entries, &Folder(layout.join("blobs/sha256")), out)
}
