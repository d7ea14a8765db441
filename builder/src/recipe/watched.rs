//! What a bump reads of one slot: version, sources, watch and patches as written, with words still in braces.
//!
//! It settles no option and looks at no architecture: a version is the same on all.

use std::ops::Range;

use super::facts::Watch;
use super::layer::Layer;
use super::phrase::Words;
use super::variant::{Preset, Source};
use super::version::Version;
use super::written::Recipe;

/// One slot, as a bump sees it.
#[derive(Debug, Clone)]
pub struct Watched {
    pub slot: String,
    pub version: Version,
    /// Where it stands in the recipe's text.
    pub version_span: Range<usize>,
    pub watch: Option<Watch>,
    pub preset: Option<Preset>,
    pub sources: Vec<Source>,
    /// In the order in which they are applied: the slot's, then those of each option that has some.
    pub patches: Vec<String>,
    pub option_patches: Vec<(String, Vec<String>)>,
}

impl Recipe {
    /// `None`: no such slot, or one without a version.
    pub fn watched(&self, slot: &str) -> Option<Watched> {
        let layer = match self.slots.get(slot) {
            Some(over) => self.layer.clone().under(&over.value),
            None if self.has_slot(slot) => self.layer.clone(),
            None => return None,
        };
        let option_patches = self.options().map(|(name, option)| {
            let patches = option.patches.iter().map(|patch| patch.raw.clone());
            (name.to_string(), patches.collect::<Vec<_>>())
        });
        Some(Watched {
            slot: slot.to_string(),
            version: layer.version.as_ref()?.value.clone(),
            version_span: layer.version.as_ref()?.span.clone(),
            watch: layer.watch.clone(),
            preset: layer.preset.as_ref().map(|preset| preset.value),
            sources: sources(&layer),
            patches: layer.patches.iter().map(|patch| patch.raw.clone()).collect(),
            option_patches: option_patches.filter(|(_, patches)| !patches.is_empty()).collect(),
        })
    }

    /// `raw` with its words as they are in `slot` at `version`.
    pub fn expand(&self, raw: &str, slot: &str, version: &Version) -> String {
        Words { name: &self.name, version, slot, arch: std::env::consts::ARCH }.expand(raw)
    }
}

/// A recipe's own `sha256` belongs to its single source.
fn sources(layer: &Layer) -> Vec<Source> {
    let written = layer.source.iter().flat_map(|sources| &sources.value.0);
    let mut sources: Vec<Source> = written.map(|written| written.source.clone()).collect();
    if let (Some(sha256), [only]) = (&layer.sha256, sources.as_mut_slice()) {
        only.sha256 = only.sha256.or(Some(sha256.value.0));
    }
    sources
}
