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
use ci::channel::{Content, Item, Made, Material, packing};
use kegs::{Digest, Node, Store};

use super::build::{self, Built};
use super::image::{self, Image};
use super::{Target, ground, papers, pid1, role_target};
use crate::context::Context;
use crate::trouble::{Result, Trouble};

const VERSION: &str = env!("CARGO_PKG_VERSION");

pub struct Offer {
    pub target: Target,
    built: Built,
    store: Store,
    pub image: Image,
    pub kernel_sha256: String,
}

/// A role's image, whatever has to be built for it.
pub fn offer(context: &Context, role: &str) -> Result<Offer> {
    let profile = ground::profile(context)?;
    let target = role_target(context, role, &ground::implied(&profile))?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let ground = ground::ground(context, &store, profile, [&target.plan])?;
    let built = build::build(context, &store, &ground, &target)?;
    let image = image::image(&store, &target, &built)?;
    let kernel = image.kernel();
    let digest = File::open(&kernel).and_then(Digest::of_reader);
    let digest =
        digest.map_err(|error| Trouble::Failed(format!("cannot read {}: {error}", kernel.display())))?;
    Ok(Offer { target, built, store, image, kernel_sha256: digest.hex() })
}

impl Offer {
    /// All of it, as it is published; `before` is the line's image until now.
    pub fn item(&self, context: &Context, commit: Option<&str>, before: Option<&ImageTree>) -> Result<Item> {
        let role = &self.target.name;
        let root = packing(self.image.root());
        let mut parts = vec![("root.erofs".to_string(), "application/vnd.rootbrew.erofs".to_string(), root)];
        let told = papers::of(context, role)?;
        let tree = self.image.tree()?;
        for (name, media) in [
            ("vmlinuz", "application/octet-stream"),
            ("tree.txt", "text/plain"),
            ("facts.json", "application/json"),
        ] {
            parts.push((name.to_string(), media.to_string(), Content::File(self.image.folder.join(name))));
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
            root_sha256: self.image.facts.root_sha256.clone(),
            kernel_sha256: self.kernel_sha256.clone(),
            commit: commit.map(str::to_string),
            parts,
            statement: Some(self.statement(context, commit, &told.papers)),
        })
    }

    /// The debug files of what is in the image, by build-id.
    fn debug(&self, tree: &ImageTree) -> Result<Vec<(String, String, Content)>> {
        let agent = pid1::place(&self.target.plan);
        let mut parts = BTreeMap::new();
        for (at, key) in self.built.keys.iter().enumerate() {
            let Some(debug) = self.store.result(key).and_then(|outcome| outcome.debug) else { continue };
            let debug = self.store.tree(&debug)?;
            for (path, node) in &debug.nodes {
                let Node::Link { target } = node else { continue };
                let is_in = agent == Some(at) || tree.get(target.trim_start_matches('/')).is_some();
                if let (true, Some(Node::File { digest, .. })) =
                    (is_in, debug.nodes.get(&format!("{path}.debug")))
                {
                    let id: String = path.trim_start_matches(".build-id/").replace('/', "");
                    let Some(blob) = [false, true]
                        .map(|x| self.store.blob_path(digest, x))
                        .into_iter()
                        .find(|path| path.exists())
                    else {
                        continue;
                    };
                    parts.insert(format!("debug/{id}.debug"), blob);
                }
            }
        }
        let media = "application/x-elf".to_string();
        Ok(parts.into_iter().map(|(name, blob)| (name, media.clone(), Content::File(blob))).collect())
    }

    fn statement(&self, context: &Context, commit: Option<&str>, papers: &Papers) -> Vec<u8> {
        let nodes = self.target.plan.nodes().iter().zip(&self.built.keys);
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
            role: &self.target.name,
            toolchain: &context.toolchain,
            subjects: &[("root.erofs", &self.image.facts.root_sha256), ("vmlinuz", &self.kernel_sha256)],
            commit,
            actions: &actions,
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
