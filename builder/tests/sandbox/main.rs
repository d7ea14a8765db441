//! The sandbox from within: real processes, a real kernel, a static probe in C and a static busybox.
//!
//! Needs `gcc` and Debian's `busybox-static`; without them these tests fail. Run by root, all of them are run once more by
//! an ordinary user ([`user`]).

mod ends;
mod inside;
mod opened;
mod outputs;
mod terminal;
mod toy;
mod user;

builder::sandbox_in_tests!();
