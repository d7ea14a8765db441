//! The ring `keg`: what a build made and did.

use super::Lint;

pub const LINTS: &[Lint] = &[];
