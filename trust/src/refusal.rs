//! Refusals: why what a channel offers is not taken. Each says the file, what is wrong, and what that may mean.

use crate::time;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{file}: {what}")]
    Malformed { file: String, what: String },
    #[error("{file}: {bytes} bytes, of at most {max}: a channel that never ends is not followed")]
    Endless { file: String, bytes: u64, max: u64 },
    #[error("{file}: cut short or changed: {what} is {found}, and {by} says {wanted}")]
    Changed { file: String, by: String, what: &'static str, wanted: String, found: String },
    #[error("{file}: {valid} of {threshold} signatures are there that must be{}", why(.unknown, .wrong))]
    Unsigned { file: String, threshold: u64, valid: u64, unknown: u64, wrong: u64 },
    #[error(
        "{file}: expired at {}, and it is {}: whoever signs this channel has stopped, or somebody holds back what is newer, \
         or this clock is wrong", time::print(*.expired_s), time::print(*.now_s)
    )]
    Expired { file: String, expired_s: u64, now_s: u64 },
    #[error(
        "{file}: {what} has version {found}, and {known} is known here already: something old was replayed"
    )]
    Replayed { file: String, what: String, known: u64, found: u64 },
    #[error("{file}: version {found}, where {by} says {wanted}: files of two states are mixed")]
    Mixed { file: String, by: String, wanted: u64, found: u64 },
    #[error("{file}: {what}, which {by} had before, is gone: files of two states are mixed")]
    Gone { file: String, by: String, what: String },
    #[error("{file}: is not there")]
    Missing { file: String },
    #[error("no {path} in this channel that its roles sign")]
    NoTarget { path: String },
    #[error("{file}: more than {max} delegations: a channel that never ends is not followed")]
    Crowded { file: String, max: usize },
    #[error(
        "the clock says {}, and {file} was signed at {}: set the clock first, since by a wrong one nothing ever expires",
        time::print(*.now_s), time::print(*.signed_s)
    )]
    Clock { file: String, now_s: u64, signed_s: u64 },
}

fn why(unknown: &u64, wrong: &u64) -> String {
    let told: Vec<String> = [(unknown, "by keys that are not this role's"), (wrong, "wrong")]
        .iter()
        .filter(|(count, _)| **count > 0)
        .map(|(count, what)| format!("{count} more {what}"))
        .collect();
    if told.is_empty() { String::new() } else { format!(" ({})", told.join(", ")) }
}
