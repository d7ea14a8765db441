//! The workbench: what a recipe's author works with, beside building.
//!
//! It reads recipes, roles, sources and kegs, and says or writes what an author wants to know or change. It prints
//! nothing, and what it writes are files of the tap: whole, by rename, or not at all.

pub mod archive;
pub mod ask;
pub mod bump;
pub mod cve;
pub mod debug;
pub mod file;
pub mod fmt;
pub mod graph;
pub mod lint;
pub mod new;
pub mod papers;
pub mod revision;
pub mod search;
pub mod test;
