//! The channel: lines of published images, as static files that any web server serves (`docs/channel.md`).
//!
//! ```text
//! metadata/root.json N.root.json                keys and thresholds           trust::Root
//! metadata/timestamp.json                       the pointer, moved last       trust::Timestamp
//! metadata/N.snapshot.json N.targets.json N.<role>.json
//! targets/<line>/<role>/<sha256>.image.json     an image: its parts           line::Image
//! targets/<line>/<role>/<sha256>.history.json   what the line held, and holds line::History
//! targets/<line>/kegs/<sha256>.index.json       what actions came to        kegs::Index
//! blobs/ab/<sha256>                             the parts' bytes, and packs of kegs
//! ```
//! Whoever publishes puts blobs, then documents, then metadata under numbers of their own, and swaps the pointer; killed at
//! any instant, it leaves what nobody points to. Nothing is believed that a root of trust, kept elsewhere, does not sign.

mod bucket;
mod change;
mod error;
mod folder;
mod hold;
mod kegs;
mod keyring;
mod line;
mod place;
mod provenance;
mod prune;
mod publish;
mod pull;
mod rotate;
mod shelf;
mod shift;
mod state;
mod verify;

#[cfg(test)]
mod tests;

pub use bucket::Bucket;
pub use error::ChannelError;
pub use folder::Folder;
pub use kegs::{Index, Lendable, Lending, Lent, Taker, Tally, Told, lend};
pub use keyring::{Keyring, Passphrase};
pub use line::{Entry, History, Image, Packed, Part};
pub use place::{Place, Web};
pub use provenance::{Made, Material, statement};
pub use prune::{Policy, Pruned, lines, prune};
pub use publish::{Content, Desk, Item, Moved, history};
pub use pull::{Pulled, Pulling, newest, pull};
pub use rotate::{Rotated, Turn, cosign, rotate};
pub use shelf::{Filed, Held, Shelf};
pub use shift::{hold, promote, refresh, rollback};
pub use state::{Life, State, init, is_channel, trusted};
pub use verify::{Report, verify};

/// Seconds since 1970, by this machine's clock.
pub fn now_s() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
