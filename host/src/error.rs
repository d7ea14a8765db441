//! The one error of the agent: what a person wrote, or what the world refused.
//!
//! Its text goes to the console behind `not ready:`. It never holds the value of a secret.

use std::io;

/// A variant for each thing that the operator would do next.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A role, template or environment to mend; all faults at once.
    #[error("{}", .0.join("; "))]
    Input(Vec<String>),
    /// What was tried, and why the kernel refused it.
    #[error("{tried}: {cause}")]
    World { tried: String, cause: io::Error },
    /// A service to look at: its name and what it did.
    #[error("{service}: {did}")]
    Service { service: String, did: String },
}

pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    pub fn input(fault: impl Into<String>) -> Error {
        Error::Input(vec![fault.into()])
    }

    /// For `map_err`: `fs::read(path).map_err(Error::world(format!("read {path}")))`.
    pub fn world<E: Into<io::Error>>(tried: impl Into<String>) -> impl FnOnce(E) -> Error {
        let tried = tried.into();
        move |cause| Error::World { tried, cause: cause.into() }
    }
}
