//! (builder)

pub mod recipe;
