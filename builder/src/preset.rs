//! Presets: a settled recipe to the text of its build script, and the environment that script runs in.
//!
//! Pure: the same variant and place give the same bytes, for they are part of the action's key. It never reads a file,
//! starts no process, and knows neither the sandbox nor the job pool (`MAKEFLAGS` is put in after the key is made).
//! A recipe is hostile text: every string of it passes through [`quote`] on its way into the script.
//!
//! ```text
//! /build-script          what `script` writes: unpack patch configure build [check] install finish
//! /steps/origin.*        how objects are marked, from `origin`
//! /recipe/               the recipe's own files: patches, fragments, steps.sh
//! /src/<n>/              the n-th source, under its file's name
//! /build/source/         the source tree
//! /build/out/kegs/...    what is kept
//! ```

mod autotools;
mod cargo;
mod cargo_std;
#[cfg(test)]
mod cargo_tests;
mod cmake;
mod configure;
mod environment;
mod finish;
mod kbuild;
mod make;
mod meson;
mod ninja;
mod origin;
mod perl;
mod profile;
mod python;
mod quote;
mod script;
mod shell;
#[cfg(test)]
mod tests;
mod unpack;

pub use environment::environment;
pub use origin::origin;
pub use profile::{Brought, Flags, Profile, profile};
pub use quote::word;
pub use script::script;

use crate::recipe::variant::Preset;

/// Where the recipe's own files stand in the sandbox.
pub const RECIPE: &str = "/recipe";
/// The n-th source stands in `SOURCES/n/`.
pub const SOURCES: &str = "/src";
/// The writable folder; builds start here.
pub const BUILD: &str = "/build";
/// What is installed stands below, under the keg's own prefix.
pub const OUT: &str = "/build/out";
/// Below the output: what is split off for debuggers, each keg at its own prefix.
pub const DEBUG: &str = "/debug";

/// A keg that a build sees, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KegAt {
    pub name: String,
    pub slot: String,
    /// `/kegs/<name>/<slot>`.
    pub prefix: String,
}

/// What the sandbox shows of the other kegs, and whose compiler.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Headers and libraries are used; nearest first, with what they link to in turn.
    pub link: &'a [KegAt],
    /// Programs run here, in the order of `PATH`: who provides `cc`, the preset's [`tools`], then the recipe's own.
    pub build: &'a [KegAt],
    pub profile: &'a Profile,
}

/// The recipes whose programs a preset runs, besides the profile's compiler. No recipe writes them.
pub fn tools(preset: Preset) -> &'static [&'static str] {
    match preset {
        Preset::Autotools | Preset::Configure | Preset::Make | Preset::Kbuild => &["make"],
        Preset::Cmake => &["cmake", "ninja"],
        Preset::Meson => &["meson", "ninja"],
        Preset::Python => &["python"],
        Preset::Perl => &["make", "perl"],
        // Rust is in the seed that the profile says for this preset.
        Preset::Cargo | Preset::Script => &[],
    }
}
