//! The built program on real directories: a toy tap, the real store, the real sandbox. Nothing is mocked.
//!
//! A test that cannot run where it stands fails and says why.

mod build;
mod download;
mod fail;
mod hostile;
mod kill;
mod limits;
mod store;
mod support;
mod written;
