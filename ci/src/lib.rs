//! What CI does beyond a build. Only this crate holds a key; it never builds or composes by itself.

pub mod affected;
pub mod boot;
pub mod channel;
pub mod chaos;
pub mod report;
pub mod site;
