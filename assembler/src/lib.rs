//! (assembler)
