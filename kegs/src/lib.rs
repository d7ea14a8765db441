//! The store room: what was built, by content.
//!
//! Blobs, trees, actions and their results, in the messages of the Remote Execution API v2.
//! Content-addressed; only this room writes the store's folder. It knows no recipe and no role,
//! starts no process, and prints nothing.
//!
//! Verbs: [`Store::open`], [`Store::put_tree`], [`Store::lay_out`], [`Store::action_result`],
//! [`verify::verify`], [`collect::plan`].

pub mod digest;
pub mod fault;
pub mod reader;
pub mod reapi;
pub mod tree;

pub use digest::Digest;
pub use fault::{Fault, Faults};
pub use tree::{Node, Tree};
