//! Recipes: text to types.
//!
//! What was written, with the place of each word ([`Recipe`]), then one slot of it with options settled and words
//! expanded ([`Variant`]). Finds every fault of every file in one go. It starts no process, follows no dependency from
//! recipe to recipe (that is `plan`), and writes nothing.

pub mod variant;
pub mod version;

pub use variant::{
    Cargo, Cc, Choice, Debian, Dep, Get, Git, Kconfig, Linkage, OptionValue, Preset, Reach, Runtime, Source,
    Step, Targets, Test, Variant,
};
pub use version::Version;
