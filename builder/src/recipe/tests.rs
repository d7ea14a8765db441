//! Bad recipes beside what they are told, and the examples of the catalogue in every slot and with every option.

use std::fs;
use std::path::Path;

use expect_test::{Expect, expect};

use super::*;

const EXAMPLES: [(&str, &str); 8] = [
    ("busybox", include_str!("examples/busybox.toml")),
    ("dropbear", include_str!("examples/dropbear.toml")),
    ("linux", include_str!("examples/linux.toml")),
    ("nginx", include_str!("examples/nginx.toml")),
    ("openssl", include_str!("examples/openssl.toml")),
    ("pcre2", include_str!("examples/pcre2.toml")),
    ("ripgrep", include_str!("examples/ripgrep.toml")),
    ("zlib", include_str!("examples/zlib.toml")),
];

/// Files that the examples name.
const BESIDE: [&str; 13] = [
    "busybox/tools.config",
    "busybox/ash.config",
    "busybox/net.config",
    "dropbear/localoptions.h",
    "linux/base.config",
    "linux/virtio.config",
    "linux/x86_64.config",
    "linux/aarch64.config",
    "linux/modules.config",
    "linux/verity.config",
    "linux/wireguard.config",
    "zlib/tests/zpipe.c",
    "zlib/recipe.toml",
];

fn put(tap: &Path, path: &str, bytes: &[u8]) {
    let path = tap.join("recipes").join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

fn examples() -> tempfile::TempDir {
    let tap = tempfile::tempdir().unwrap();
    BESIDE.iter().for_each(|path| put(tap.path(), path, b""));
    EXAMPLES.iter().for_each(|(name, text)| put(tap.path(), &format!("{name}/recipe.toml"), text.as_bytes()));
    tap
}

#[test]
fn the_examples_resolve_in_every_slot_and_with_every_option() {
    let tap = examples();
    let catalogue = load(tap.path()).unwrap_or_else(|faults| panic!("{faults}"));
    assert_eq!(catalogue.recipes.len(), EXAMPLES.len());
    for recipe in catalogue.recipes.values() {
        for slot in recipe.slots() {
            for arch in ["x86_64", "aarch64"] {
                recipe
                    .variant(Some(slot), &Choice::default(), arch)
                    .unwrap_or_else(|faults| panic!("{faults}"));
            }
            for (option, _) in recipe.options() {
                for value in [OptionValue::On, OptionValue::Off] {
                    let choice = Choice([(option.to_string(), value.clone())].into());
                    let variant = recipe
                        .variant(Some(slot), &choice, "x86_64")
                        .unwrap_or_else(|faults| panic!("{faults}"));
                    assert_eq!(variant.options[option], value);
                }
            }
        }
    }
}
