//! What the tests of the built program stand on: a toy tap, runs of the program, what they leave.

pub mod event;
pub mod leftover;
pub mod ran;
pub mod seed;
pub mod site;
pub mod toy;

pub use event::Events;
pub use ran::Ran;
pub use site::Site;
pub use toy::Toy;
