//! (builder)

pub mod preset;
pub mod recipe;
