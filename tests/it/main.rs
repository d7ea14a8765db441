//! The built program on real directories.
