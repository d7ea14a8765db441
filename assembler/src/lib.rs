//! A role and its kegs to an image, purely.
//!
//! ```text
//! Asked + kegs ─compose─▶ ImageTree ─strip─▶ ImageTree ─write_erofs─▶ bytes
//!                             │ why · size · diff · treemap · text      │
//!                             └◀──────────────── erofs::read ──────────┘
//! ```
//! Works on trees and never on a mounted file system; needs no root. It knows no sandbox, git, network or terminal,
//! and no time, user or path of this machine reaches what it makes: the same tree gives the same bytes everywhere.

pub mod closure;
pub mod compose;
pub mod content;
pub mod debug;
pub mod diff;
pub mod erofs;
pub mod format;
pub mod limit;
pub mod observed;
pub mod oci;
pub mod papers;
pub mod resolve;
pub mod role;
pub mod size;
pub mod strip;
pub mod text;
pub mod tree;
pub mod treemap;
pub mod user;
pub mod wire;

mod always;
mod ask;
pub mod glob;
#[cfg(test)]
mod support;

pub use closure::keg::{Keg, Runtime};
pub use compose::{Asked, ComposeError, Config, Problem, Program, compose};
pub use content::{Content, Depot};
pub use diff::diff;
pub use erofs::{ImageFacts, read, write_erofs};
pub use size::{Size, size};
pub use strip::strip;
pub use tree::{By, Bytes, ImageTree, Kind, Node, Reason, why};
