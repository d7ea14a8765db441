//! What a role offers to a channel: its image, and beside it everything that tells what it is.
//!
//! ```text
//! root.erofs vmlinuz tree.txt facts.json      the image, as `rootbrew image` writes it
//! image.spdx.json image.cdx.json              its papers
//! diff.json                                   against the line's image before it
//! debug/<build-id>.debug                      what a debugger asks for
//! provenance.json                             how it was made: signed by who publishes
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use assembler::papers::{Papers, cyclonedx, spdx};
use assembler::{ImageTree, diff};
use ci::channel::{Content, Item, Made, Material};
use kegs::Digest;
use kegs::split::splits;

use super::composed::{Composed, composed};
use super::image::Image;
use super::{lend, papers, pid1};
use crate::context::Context;
use crate::trouble::{Result, Trouble};

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub struct Offer {
    composed: Composed,
    pub kernel_sha256: String,
}

/// A role's image, whatever has to be built for it.
///
/// # Errors
/// It is over its role's limits: that is not published.
pub fn offer(context: &Context, role: &str) -> Result<Offer> {
    let composed = composed(context, role)?.within_limits()?;
    let kernel = composed.image.kernel();
    let digest = File::open(&kernel).and_then(Digest::of_reader);
    let digest =
        digest.map_err(|error| Trouble::Failed(format!("cannot read {}: {error}", kernel.display())))?;
    Ok(Offer { composed, kernel_sha256: digest.hex() })
}

impl Offer {
    pub fn composed(&self) -> &Composed {
        &self.composed
    }

    pub fn image(&self) -> &Image {
        &self.composed.image
    }

    /// All of it, as it is published; `before` is the line's image until now.
    pub fn item(&self, context: &Context, commit: Option<&str>, before: Option<&ImageTree>) -> Result<Item> {
        let Composed { target, image, .. } = &self.composed;
        let role = &target.name;
        let raw = image.root();
        let root = match image.packed() {
            Some(packed) => Content::Packed { raw, packed },
            None => Content::File(raw),
        };
        let mut parts = vec![("root.erofs".to_string(), "application/vnd.rootbrew.erofs".to_string(), root)];
        let told = papers::of(context, &self.composed)?;
        let tree = image.tree()?;
        for (name, media) in [
            ("vmlinuz", "application/octet-stream"),
            ("tree.txt", "text/plain"),
            ("facts.json", "application/json"),
        ] {
            parts.push((name.to_string(), media.to_string(), Content::File(image.folder.join(name))));
        }
        let texts = [
            (
                "image.spdx.json",
                "application/spdx+json",
                spdx::print(&told.papers, &format!("rootbrew-{VERSION}")),
            ),
            ("image.cdx.json", "application/vnd.cyclonedx+json", cyclonedx::print(&told.papers, VERSION)),
        ];
        let differs = before.map(|before| ("diff.json", "application/json", difference(before, &tree)));
        for (name, media, text) in texts.into_iter().chain(differs) {
            parts.push((name.to_string(), media.to_string(), Content::Bytes(text.into_bytes())));
        }
        parts.extend(self.debug(&tree)?);
        Ok(Item {
            role: role.clone(),
            root_sha256: image.facts.root_sha256.clone(),
            kernel_sha256: self.kernel_sha256.clone(),
            commit: commit.map(str::to_string),
            parts,
            statement: Some(self.statement(context, commit, &told.papers)),
        })
    }

    /// The debug files of what is in the image, by build-id.
    fn debug(&self, tree: &ImageTree) -> Result<Vec<(String, String, Content)>> {
        let Composed { store, target, built, .. } = &self.composed;
        let agent = pid1::place(&target.plan);
        let mut parts = BTreeMap::new();
        for (at, key) in built.keys.iter().enumerate() {
            let Some(debug) = store.result(key).and_then(|outcome| outcome.debug) else { continue };
            let is_in =
                |program: &str| agent == Some(at) || tree.get(program.trim_start_matches('/')).is_some();
            for split in splits(&store.tree(&debug)?).filter(|split| split.program.is_some_and(is_in)) {
                let paths = [false, true].map(|x| store.blob_path(&split.debug, x));
                let blob = paths.into_iter().find(|path| path.exists());
                parts.extend(blob.map(|blob| (format!("debug/{}.debug", split.id), blob)));
            }
        }
        let media = "application/x-elf".to_string();
        Ok(parts.into_iter().map(|(name, blob)| (name, media.clone(), Content::File(blob))).collect())
    }

    fn statement(&self, context: &Context, commit: Option<&str>, papers: &Papers) -> Vec<u8> {
        let Composed { target, built, image, .. } = &self.composed;
        let nodes = target.plan.nodes().iter().zip(&built.keys);
        let actions = nodes.map(|(node, key)| (node.name(), key.hex())).collect();
        let sources = papers.parts.values().flat_map(|part| &part.sources);
        let materials: BTreeSet<Material> = sources
            .map(|source| Material {
                place: source.url.clone().unwrap_or_else(|| source.place.clone()),
                sha256: source.sha256.clone(),
            })
            .collect();
        let materials: Vec<Material> = materials.into_iter().collect();
        ci::channel::statement(&Made {
            role: &target.name,
            toolchain: &context.toolchain,
            subjects: &[("root.erofs", &image.facts.root_sha256), ("vmlinuz", &self.kernel_sha256)],
            commit,
            actions: &actions,
            taken: &lend::taken(&self.composed),
            materials: &materials,
            version: VERSION,
        })
    }
}

/// Path by path, as `rootbrew diff --json` says it.
fn difference(before: &ImageTree, now: &ImageTree) -> String {
    let diff = diff(before, now);
    let changes: Vec<_> = diff
        .changes()
        .map(|change| {
            serde_json::json!({
                "path": format!("/{}", change.path), "what": change.what.word(), "old_bytes": change.old_bytes,
                "new_bytes": change.new_bytes, "how": change.how,
            })
        })
        .collect();
    let sum = |sum: assembler::diff::Sum| serde_json::json!({ "files": sum.files, "bytes": sum.bytes });
    serde_json::json!({ "old": sum(diff.old), "new": sum(diff.new), "changes": changes }).to_string()
}
