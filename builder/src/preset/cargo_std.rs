//! Preset `cargo` with `cc = "profile"`: programs of the profile's C library, for which nobody has compiled Rust's own. So it
//! is compiled with them, from the seed's source, for size.
//!
//! ```text
//! /usr/lib/rustlib/src/rust/library/     the seed's `rust-src`, and in `vendor` the crates of its own lock
//! /build/std/libunwind.a                 what it asks of an unwinder, answered: there is nothing to unwind
//! ```
//! Programs made so are static, and end where they panic: no frame is unwound, so no table of frames is needed.

use super::BUILD;
use super::quote::word;

/// rustc takes words of its next release from who says this; Debian's is a stable one.
pub const UNSTABLE: (&str, &str) = ("RUSTC_BOOTSTRAP", "1");

const SOURCE: &str = "/usr/lib/rustlib/src/rust/library";

const UNWIND: &str = include_str!("unwind.c");

/// The profile's compiler links, by its own start files and C library.
pub fn rustflags() -> Vec<String> {
    vec![
        "-Ctarget-feature=+crt-static".to_string(),
        "-Clink-self-contained=no".to_string(),
        "-Cforce-unwind-tables=no".to_string(),
        format!("-L{BUILD}/std"),
    ]
}

/// Lines of `config.toml`. Programs that run here, build scripts and macros, stay the seed's own.
pub fn config(arch: &str) -> Vec<String> {
    vec![
        "linker = \"cc\"".to_string(),
        format!("[target.{arch}-unknown-linux-gnu]"),
        "linker = \"/usr/bin/gcc\"".to_string(),
        "[unstable]".to_string(),
        "build-std = [\"std\", \"panic_abort\"]".to_string(),
        "build-std-features = [\"optimize_for_size\"]".to_string(),
    ]
}

/// A crate that both locks name is there already.
pub fn configure() -> Vec<String> {
    vec![
        format!("mkdir -p {BUILD}/std {BUILD}/vendor"),
        format!("for crate in {SOURCE}/vendor/*; do"),
        format!("\t[ -e \"{BUILD}/vendor/${{crate##*/}}\" ] || ln -s \"$crate\" {BUILD}/vendor/"),
        "done".to_string(),
        format!("printf '%s' {} >{BUILD}/std/unwind.c", word(UNWIND)),
        format!("$CC $CFLAGS -c -o {BUILD}/std/unwind.o {BUILD}/std/unwind.c"),
        format!("ar rcD {BUILD}/std/libunwind.a {BUILD}/std/unwind.o"),
    ]
}
