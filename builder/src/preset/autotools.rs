//! Preset `autotools`: autoconf's configure, with what every build of ours wants said once.
//!
//! `--build` alone: it names the C library and leaves `--host` the same, so that configure runs its tests. Dependency
//! tracking serves a second build, and there is none.

use super::Place;
use super::make;
use super::quote::{word, words};
use super::shell::{Steps, command};
use crate::recipe::variant::{Linkage, Variant};

pub fn steps(variant: &Variant, place: &Place) -> Steps {
    let prefix = word(&format!("--prefix={}", variant.keg()));
    let build = word(&format!("--build={}", place.profile.triplet(variant)));
    let configure = command([
        word(&variant.configure),
        prefix,
        build,
        "--disable-dependency-tracking".to_string(),
        "--enable-static".to_string(),
        shared(variant.linkage).to_string(),
        words(&variant.args),
        "\"$@\"".to_string(),
    ]);
    Steps { configure: vec![configure], ..make::with_make(variant, "") }
}

// Measured on pcre2: each object is compiled twice where both forms are asked for.
fn shared(linkage: Linkage) -> &'static str {
    match linkage {
        Linkage::Static => "--disable-shared",
        Linkage::Shared => "--enable-shared",
    }
}
