//! What can go wrong between a pinned `.deb` and a tree.

use std::io;

use crate::fetch::AptError;

#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error(
        "`{deb}` is not in the store; `rootbrew fetch` brings it. If no place has it any more, `rootbrew seed refresh` pins anew"
    )]
    Absent { deb: String },
    #[error("`{deb}`: {source}")]
    Deb { deb: String, source: DebError },
    #[error("`{path}` is in `{first}` and in `{second}`, and they differ")]
    Conflict { path: String, first: String, second: String },
    #[error("`{path}` of `{below}` lies under `{above}`, which `{owner}` has as a file or a link")]
    Under { path: String, below: String, above: String, owner: String },
    #[error("link `{path}` -> `{target}` of the seed: {problem}")]
    Link { path: String, target: String, problem: String },
    #[error("cannot pin the seed anew: {0}")]
    Apt(#[from] AptError),
    #[error("cannot pin the seed anew: apt named `{0}`, which is not understood")]
    Named(String),
}

/// What is wrong with one `.deb`; it is as its digest says, so it was made so.
#[derive(Debug, thiserror::Error)]
pub enum DebError {
    #[error("cannot be read: {0}")]
    Read(#[source] io::Error),
    #[error("is no `.deb`: {0}")]
    NotADeb(String),
    #[error("its {member} is damaged: {source}")]
    Damaged { member: String, source: io::Error },
    #[error("`{path}` {problem}")]
    Entry { path: String, problem: String },
    #[error("unpacks to more than {limit} bytes")]
    Bomb { limit: u64 },
    #[error("cannot write `{path}` into the store: {source}")]
    Store { path: String, source: io::Error },
}
