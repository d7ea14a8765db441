//! Trust: The Update Framework's metadata (specification 1.0.33), read, verified and, with `sign`, written.
//!
//! ```text
//! N.root.json ── keys and thresholds of ──▶ timestamp.json ─▶ N.snapshot.json ─▶ N.targets.json ─▶ N.<role>.json ─▶ a target
//!      │  each signs the next                 the pointer       which versions      who signs what      what its bytes are
//! ```
//! [`Update`] is the taker's workflow (section 5): it says which file it wants and is given its bytes, so it runs in PID 1
//! as it does in a command. It has no I/O, no clock (a time is given), no thread; it prints nothing, and whatever it is given
//! may be an attacker's: sizes and counts are bounded, and what is refused is refused with its reason.

mod agree;
mod json;
mod key;
mod metadata;
mod path;
mod refusal;
mod time;
mod update;

#[cfg(feature = "sign")]
pub mod dsse;
#[cfg(feature = "sign")]
pub mod sign;
#[cfg(feature = "sign")]
mod write;

#[cfg(all(test, feature = "sign"))]
mod tests;

pub use json::canonical;
pub use key::{Key, KeyId};
pub use metadata::{Delegation, Grant, Meta, Root, Snapshot, Target, Targets, Timestamp};
pub use path::{is_role_name, is_target_path, matches};
pub use refusal::Refusal;
pub use time::{print as print_time, read as read_time};
pub use update::{Kept, Update, Want, Wish};

/// The sha256 of bytes, in lower-case hex: how metadata say it.
pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}
