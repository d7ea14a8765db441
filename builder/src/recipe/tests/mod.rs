//! Bad recipes beside what they are told, and the examples of the catalogue in every slot and with every option.

mod document;
mod examples;
mod form;
mod lock;
mod resolve;
mod sense;

use std::fs;
use std::path::Path;

use expect_test::Expect;

use super::*;

const EXAMPLES: [(&str, &str); 8] = [
    ("busybox", include_str!("../examples/busybox.toml")),
    ("dropbear", include_str!("../examples/dropbear.toml")),
    ("linux", include_str!("../examples/linux.toml")),
    ("nginx", include_str!("../examples/nginx.toml")),
    ("openssl", include_str!("../examples/openssl.toml")),
    ("pcre2", include_str!("../examples/pcre2.toml")),
    ("ripgrep", include_str!("../examples/ripgrep.toml")),
    ("zlib", include_str!("../examples/zlib.toml")),
];

/// Files that the examples name.
const BESIDE: [&str; 14] = [
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
    "ripgrep/Cargo.lock",
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

/// What a recipe `t` is told; files `there.patch` and `tests/there.c` stand beside it.
fn check(text: impl AsRef<[u8]>, expect: Expect) {
    let tap = tempfile::tempdir().unwrap();
    put(tap.path(), "t/recipe.toml", text.as_ref());
    put(tap.path(), "t/there.patch", b"--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n");
    put(tap.path(), "t/tests/there.c", b"");
    expect.assert_eq(&load(tap.path()).map_or_else(|faults| faults.to_string(), |_| "right".to_string()));
}

const SHA256: &str = "bb329a0a2cd0274d05519d61c667c062e06990d72e125ee2dfa8de64f0119d16";

/// A recipe that is right but for what `more` says, from line 7 on.
fn check_more(more: &str, expect: Expect) {
    let head = "summary = \"s\"\nlicense = \"MIT\"\nversion = \"1.2\"\nsource = \"https://x.org/x-{version}.tar.gz\"";
    check(format!("{head}\nsha256 = \"{SHA256}\"\npreset = \"autotools\"\n{more}\n"), expect);
}
