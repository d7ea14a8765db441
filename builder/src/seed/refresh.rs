//! `rootbrew seed refresh`: what was asked, resolved by apt against an empty system, pinned anew.
//!
//! Here apt checks the archive's signatures, because this is the moment in which digests are believed.

use std::fmt::Write;
use std::path::Path;

use super::error::SeedError;
use super::text::Seed;
use crate::fetch::{Apt, Listed};

/// The line from which on the text is ours; everything before it (comments too) is the person's and stays.
const PINNED: &str = "[pinned]";

/// The new text of a seed whose text is `old`. `state` is our own apt state. Blocks on the network.
pub fn refresh(old: &str, seed: &Seed, state: &Path) -> Result<String, SeedError> {
    let resolved = Apt::new(state).resolve(&seed.asked, &seed.suite)?;
    let mut lines = Vec::new();
    for listed in &resolved.files {
        lines.push(pin(&resolved.base, listed).ok_or_else(|| SeedError::Named(listed.url.clone()))?);
    }
    // apt's order is an order of installation, which may change from run to run.
    lines.sort();
    Ok(format!("{}{PINNED}\ndebs = [\n{}]\n", by_hand(old), lines.concat()))
}

/// What a person wrote of a seed's text: all but the pins. A refresh reads only that, so that something new may be asked.
pub fn by_hand(old: &str) -> &str {
    let at =
        if old.starts_with(PINNED) { Some(0) } else { old.find(&format!("\n{PINNED}")).map(|at| at + 1) };
    at.map_or(old, |at| &old[..at])
}

/// One `.deb`, one line, so that a refresh reads well as a diff. `None` when apt's line is not as expected.
fn pin(base: &str, listed: &Listed) -> Option<String> {
    // apt writes `+` as `%2b` in URLs; the archive's own names have `%3a` for the colon and nothing else of the kind.
    let path = listed.url.strip_prefix(base)?.replace("%2b", "+").replace("%7e", "~").replace("%253a", "%3a");
    let mut parts = listed.file.strip_suffix(".deb")?.split('_');
    let (name, version) = (parts.next()?, parts.next()?.replace("%3a", ":"));
    let sha256 = hex::encode(listed.sha256?);
    let mut line = String::new();
    let size = listed.size_bytes;
    writeln!(
        line,
        "  {{ name = \"{name}\", version = \"{version}\", path = \"{path}\", sha256 = \"{sha256}\", size = {size} }},"
    )
    .ok()?;
    Some(line)
}
