//! The binary cache: what actions came to, beside the images of a line, under the same signatures.
//!
//! ```text
//! targets/<line>/kegs/<sha256>.index.json    key -> outcome, tree -> pack; a target of the role `kegs`     index::Index
//! blobs/ab/<sha256>                          packs: a whole tree each, as zstd                             kegs::Store::write_pack
//! ```
//! Who takes (`take`) believes the index, which the channel's root of trust signs, in one thing: which tree an action came to.
//! Every byte of a tree is hashed before it is in the store. Who lends (`lend`) puts packs that are not there, then the index.

mod index;
mod lend;
mod take;

#[cfg(test)]
mod tests;

pub use index::Index;
pub use lend::{Lendable, Lending, Lent, lend};
pub(super) use lend::{forget, named, verify};
pub use take::{Taker, Tally, Told};

/// The role that signs indexes: a keg's name is never in a path.
pub const ROLE: &str = "kegs";
const INDEX: &str = "index";
