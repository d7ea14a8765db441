//! Recipes: text to types.
//!
//! What was written, with the place of each word ([`Recipe`]), then one slot of it with options settled and words
//! expanded ([`Variant`]). Finds every fault of every file in one go. It starts no process, follows no dependency from
//! recipe to recipe (that is `plan`), and writes nothing.

//!
//! ```text
//! recipe.toml --parse--> Recipe (layers, options, places) --variant--> Variant --place_kegs--> what a preset reads
//!                        check, beside: all faults          layers merged, options settled, words expanded
//! ```

mod beside;
pub mod catalogue;
mod check;
pub mod crates;
pub mod dep;
pub mod facts;
mod layer;
pub mod lock;
pub mod option;
mod own;
pub mod patch;
mod path;
pub mod phrase;
mod resolve;
mod runtime;
mod source;
mod test;
#[cfg(test)]
mod tests;
pub mod variant;
pub mod version;
pub mod watched;
mod words;
mod written;

pub use catalogue::{Catalogue, Provider, load, load_partly};
pub use kegs::reader::nearest;
pub use option::Refusal;
pub use resolve::GivenUp;
pub use variant::{
    Cargo, Cc, Choice, Crate, Debian, Dep, Get, Git, Kconfig, Linkage, OptionValue, Preset, Reach, Runtime,
    Source, Step, Targets, Test, Variant,
};
pub use version::Version;
pub use watched::Watched;
pub use written::Recipe;
