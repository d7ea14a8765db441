//! Recipes to kegs: what is written becomes a plan, the plan becomes actions, actions become trees in the store.
//!
//! ```text
//! recipe   text with spans -> variants        plan      names -> an ordered graph
//! fetch    places -> bytes                    seed      a pinned seed -> a tree
//! preset   a variant -> a build script        sandbox   an action -> outputs
//! schedule a plan -> kegs: ready queue, one job pool, the store's answer first
//! ```
//! It knows no role, prints nothing, and runs no recipe's code outside the sandbox.

pub mod fetch;
pub mod plan;
pub mod preset;
pub mod recipe;
pub mod sandbox;
pub mod schedule;
pub mod seed;
