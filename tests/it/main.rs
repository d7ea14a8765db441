//! The built program on real directories: a toy tap, the real store, the real sandbox. Nothing is mocked.
//!
//! A test that cannot run where it stands fails and says why.

mod arrows;
mod build;
mod command;
mod download;
mod fail;
mod hostile;
mod kill;
mod limits;
mod lint;
mod lint_elf;
mod lint_kegs;
mod lint_sources;
mod needs;
mod ordinary;
mod pool;
mod reproducible;
mod store;
mod support;
mod web;
mod written;
