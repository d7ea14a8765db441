//! What the tests of the built program stand on: a toy tap, runs of the program, what they leave.

pub mod event;
pub mod leftover;
pub mod ran;
pub mod seed;
pub mod toy;

pub use event::Events;
pub use ran::Ran;
pub use toy::Toy;
