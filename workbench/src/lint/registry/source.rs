//! The ring `source`: what the sources' bytes and places tell.

use super::Lint;

pub const LINTS: &[Lint] = &[];
