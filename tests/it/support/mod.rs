//! What the tests of the built program stand on: a toy tap, runs of the program, what they leave; and judges.

pub mod ceph;
pub mod chance;
pub mod event;
pub mod judge;
pub mod leftover;
pub mod ran;
pub mod seed;
pub mod site;
pub mod tap;
pub mod texts;
pub mod toy;

pub use ceph::ceph;
pub use chance::Chance;
pub use event::Events;
pub use ran::Ran;
pub use site::Site;
pub use toy::Toy;

/// The store that the built program uses when it is told none.
pub fn usual_store() -> std::path::PathBuf {
    let of = |name: &str| std::env::var_os(name).map(std::path::PathBuf::from);
    let cache = || of("XDG_CACHE_HOME").or_else(|| Some(of("HOME")?.join(".cache")));
    of("ROOTBREW_STORE").or_else(|| Some(cache()?.join("rootbrew/store"))).expect("a store")
}
