//! What `cmake` and `meson` share: both write Ninja files into a folder of their own, outside the source tree.
//!
//! `ninja` gets no `-j`: with one it would not ask the job server that `MAKEFLAGS` names.

use super::OUT;
use super::quote::words;
use super::shell::command;
use crate::recipe::variant::Variant;

/// Where the build's own files are.
pub const FOLDER: &str = "/build/ninja";

/// The seed has a C++ compiler for the seed's C library, which both would find by themselves. This name says what to do.
pub const CXX: &str = "${CXX:-build-lacks-cxx}";

/// `ninja TARGETS` with the recipe's `build_args` in its environment: it knows no variables of its own.
pub fn run(variant: &Variant, targets: &[String]) -> String {
    command([environment(variant), format!("ninja -C {FOLDER}"), words(targets)])
}

/// `install`, or the targets that the recipe names instead.
pub fn install(variant: &Variant) -> String {
    let targets = match variant.targets.install.as_slice() {
        [] => "install".to_string(),
        named => words(named),
    };
    command([
        "env",
        &format!("DESTDIR={OUT}"),
        &words(&variant.build_args),
        &format!("ninja -C {FOLDER}"),
        &targets,
    ])
}

fn environment(variant: &Variant) -> String {
    match variant.build_args.as_slice() {
        [] => String::new(),
        some => command(["env", &words(some)]),
    }
}
