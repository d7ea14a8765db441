//! (size)
