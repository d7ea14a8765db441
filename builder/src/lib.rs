//! (builder)
pub mod fetch;
pub mod seed;
