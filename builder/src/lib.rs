//! (builder)
pub mod sandbox;
