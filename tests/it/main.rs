//! The built program on real directories: a toy tap, the real store, the real sandbox. Nothing is mocked.
//!
//! A test that cannot run where it stands fails and says why.

mod arrows;
mod build;
mod bump;
mod byhand;
mod channel;
mod ci;
mod ci_web;
mod command;
mod containers;
mod crates;
mod debug;
mod download;
mod fail;
mod formats;
mod guide;
mod hostile;
mod image_limits;
mod images;
mod kill;
mod limits;
mod line;
mod lint;
mod lint_elf;
mod lint_kegs;
mod lint_sources;
mod needs;
mod new;
mod observe;
mod ordinary;
mod papers;
mod places;
mod pool;
mod proof;
mod reproducible;
mod roles;
mod same;
mod site;
mod store;
mod support;
mod web;
mod written;
