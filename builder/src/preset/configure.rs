//! Preset `configure`: a configure program that is not autoconf's (zlib, openssl, nginx, perl). It gets the prefix and
//! the recipe's arguments, and nothing else.

use super::make;
use super::quote::{word, words};
use super::shell::{Steps, command};
use crate::recipe::variant::Variant;

pub fn steps(variant: &Variant) -> Steps {
    let prefix = word(&format!("--prefix={}", variant.keg()));
    let configure = command([word(&variant.configure), prefix, words(&variant.args), "\"$@\"".to_string()]);
    Steps { configure: vec![configure], ..make::with_make(variant, "") }
}
