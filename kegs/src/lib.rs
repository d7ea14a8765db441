//! The store room: what was built, by content.
//!
//! Blobs, trees, actions and their results, in the messages of the Remote Execution API v2.
//! Content-addressed; only this room writes the store's folder. It knows no recipe and no role,
//! starts no process, and prints nothing.
//!
//! Verbs: [`Store::create`], [`Store::open`], [`Store::put_folder`], [`Store::lay_out`], [`Store::result`],
//! [`verify::verify`], [`collect::plan`].

pub mod action;
mod blob;
pub mod collect;
pub mod digest;
pub mod fault;
mod keg;
mod lock;
mod pack;
pub mod reader;
pub mod reapi;
pub mod split;
mod store;
mod taken;
pub mod tree;
pub mod verify;

pub use action::{Action, Keyed, Outcome};
pub use digest::Digest;
pub use fault::{Fault, Faults, Text};
pub use keg::EPOCH_S;
pub use lock::Held;
pub use store::{Store, StoreError, read_small};
pub use taken::{Cache, Lent, Taken};
pub use tree::{Node, Tree};
