//! What a role offers to a channel: its image, and beside it everything that tells what it is.
//!
//! ```text
//! root.erofs vmlinuz tree.txt facts.json      the image, as `rootbrew image` writes it
//! image.spdx.json image.cdx.json              its papers
//! figures.json boot.log                       what its boots came to, and the last of them said
//! diff.json                                   against the line's image before it
//! debug/<build-id>.debug                      what a debugger asks for
//! roles/<role>.toml roles/<role>/…            the role as it is written
//! provenance.json                             how it was made: signed by who publishes
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;

use assembler::papers::{Papers, cyclonedx, spdx};
use assembler::role::Role;
use assembler::{ImageTree, diff};
use ci::channel::{Content, Item, Made, Material};
use kegs::Digest;
use kegs::split::splits;

use super::composed::{Composed, composed};
use super::image::{self, Image};
use super::proof::{self, Boots};
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

/// What an image does not say of itself.
#[derive(Clone, Copy)]
pub struct Beside<'a> {
    /// The tap's, where it stands clean at one.
    pub commit: Option<&'a str>,
    /// The line's image until now.
    pub before: Option<&'a ImageTree>,
    /// Nobody wants it proven.
    pub no_boot: bool,
}

impl Offer {
    pub fn composed(&self) -> &Composed {
        &self.composed
    }

    pub fn image(&self) -> &Image {
        &self.composed.image
    }

    /// All of it, as it is published.
    ///
    /// # Errors
    /// It has to be proven, and does not boot, answer or keep its limits.
    pub fn item(&self, context: &Context, beside: &Beside) -> Result<Item> {
        let Composed { store, target, image, .. } = &self.composed;
        let Beside { commit, before, no_boot } = *beside;
        let role = image::role(target)?;
        let boots = (!no_boot).then(|| proof::of(context, store, role, image)).transpose()?;
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
        let proofs = boots.iter().flat_map(proofs);
        for (name, media, text) in texts.into_iter().chain(differs).chain(proofs) {
            parts.push((name.to_string(), media.to_string(), Content::Bytes(text.into_bytes())));
        }
        parts.extend(self.debug(&tree)?);
        parts.extend(written(role)?);
        Ok(Item {
            role: role.name.clone(),
            root_sha256: image.facts.root_sha256.clone(),
            kernel_sha256: self.kernel_sha256.clone(),
            commit: commit.map(str::to_string),
            parts,
            statement: Some(self.statement(context, commit, &told.papers)?),
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

    fn statement(&self, context: &Context, commit: Option<&str>, papers: &Papers) -> Result<Vec<u8>> {
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
        Ok(ci::channel::statement(&Made {
            role: &target.name,
            toolchain: &context.toolchain,
            subjects: &[("root.erofs", &image.facts.root_sha256), ("vmlinuz", &self.kernel_sha256)],
            commit,
            actions: &actions,
            taken: &lend::taken(&self.composed)?,
            materials: &materials,
            version: VERSION,
        }))
    }
}

/// The role as it is written, laid out as in a tap: who takes the image can ask what its authors asked.
fn written(role: &Role) -> Result<Vec<(String, String, Content)>> {
    let media = || "text/plain".to_string();
    let text = Content::Bytes(role.text.content.as_bytes().to_vec());
    let mut parts = vec![(format!("roles/{}.toml", role.name), media(), text)];
    let failed = |error| Trouble::Failed(format!("cannot list {}: {error}", role.folder.display()));
    let entries = match std::fs::read_dir(&role.folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(parts),
        entries => entries.map_err(failed)?,
    };
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_file() {
            parts.push((format!("roles/{}/{name}", role.name), media(), Content::File(path)));
        }
    }
    Ok(parts)
}

/// What its boots came to, and the last of them said.
fn proofs(boots: &Boots) -> [(&'static str, &'static str, String); 2] {
    let Boots { ready_ms, ram_bytes, ports, console, .. } = boots;
    let figures = serde_json::json!({ "ready_ms": ready_ms, "ram_bytes": ram_bytes, "ports": ports });
    let log = console.iter().map(|line| format!("{line}\n")).collect();
    [("figures.json", "application/json", figures.to_string()), ("boot.log", "text/plain", log)]
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
