//! What ends a channel's command, by what its reader would do next.

use std::io;
use std::path::PathBuf;

use trust::Refusal;
use trust::sign::SignError;

#[derive(Debug, thiserror::Error)]
pub enum ChannelError {
    #[error("{place} is refused: {refusal}")]
    Refused { place: String, refusal: Refusal },
    #[error("{place}: {what}")]
    Wrong { place: String, what: String },
    #[error("cannot {tried} {path}: {source}")]
    Io { tried: &'static str, path: PathBuf, source: io::Error },
    #[error("{place} can't be asked: {why}")]
    Unreachable { place: String, why: String },
    #[error("the key {path}: {source}")]
    Key { path: PathBuf, source: SignError },
    #[error("{0}")]
    NoKey(String),
    #[error("{0}")]
    Asked(String),
    #[error(
        "another publisher was first: the channel moved on from its timestamp {version}; what was put is there, and the same \
         command goes on from it"
    )]
    Lost { version: u64 },
    #[error("stopped; the same command goes on from here")]
    Cancelled,
}

pub type Result<T> = std::result::Result<T, ChannelError>;

pub fn tried(tried: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> ChannelError {
    let path = path.into();
    move |source| ChannelError::Io { tried, path, source }
}

pub fn wrong(place: impl Into<String>, what: impl Into<String>) -> ChannelError {
    ChannelError::Wrong { place: place.into(), what: what.into() }
}
