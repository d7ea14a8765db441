//! (assembler)

pub mod role;
