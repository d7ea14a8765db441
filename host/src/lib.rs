//! A host, as words: what it makes of its role and its environment, and what a change of it does.
//!
//! ```text
//! role.toml ─┐
//! sources  ──┴─ environment::check ─▶ Environment ── render::all ─▶ Files ─┐
//!                                                    the Files before ─────┴─ change::plan ─▶ reload, restart, stay
//! ```
//! PID 1 links it, and `rootbrew env` on an author's desk: both say the same. It reads no file, asks no clock, starts nothing.

pub mod build_id;
pub mod calendar;
pub mod change;
pub mod environment;
pub mod error;
pub mod listen;
pub mod network;
pub mod render;
pub mod role;
pub mod seccomp;
pub mod service;
pub mod signed;
pub mod words;

pub use environment::{Environment, Source};
pub use error::{Error, Result};
pub use role::Role;
