//! What one file says of another, held against it: numbers, lengths, digests; and times against the clock.

use crate::metadata::{Meta, Signed};
use crate::refusal::Refusal;

/// That a publisher's clock may be ahead of ours.
const CLOCKS_APART_S: u64 = 3600;

/// What need be read of a file at most.
pub fn most(meta: &Meta, max: u64) -> u64 {
    meta.length.map_or(max, |length| length.min(max))
}

/// A number that was seen is never followed by a smaller one.
pub fn not_older(file: &str, what: &str, known: u64, found: u64) -> Result<(), Refusal> {
    match found < known {
        true => Err(Refusal::Replayed { file: file.into(), what: what.into(), known, found }),
        false => Ok(()),
    }
}

/// It is the version that the other file names.
pub fn same_version(file: &str, by: &str, meta: &Meta, found: u64) -> Result<(), Refusal> {
    match found == meta.version {
        true => Ok(()),
        false => Err(Refusal::Mixed { file: file.into(), by: by.into(), wanted: meta.version, found }),
    }
}

/// They are the bytes that the other file names, where it does.
pub fn same_bytes(file: &str, by: &str, meta: &Meta, bytes: &[u8]) -> Result<(), Refusal> {
    let changed = |what, wanted: String, found: String| {
        Err(Refusal::Changed { file: file.into(), by: by.into(), what, wanted, found })
    };
    let length = bytes.len() as u64;
    if let Some(wanted) = meta.length.filter(|&wanted| wanted != length) {
        return changed("its length", wanted.to_string(), length.to_string());
    }
    let Some(wanted) = &meta.sha256 else { return Ok(()) };
    let found = crate::sha256(bytes);
    if *wanted == found { Ok(()) } else { changed("its sha256", wanted.clone(), found) }
}

/// It has not expired.
pub(crate) fn fresh(file: &str, document: &impl Signed, now_s: u64) -> Result<(), Refusal> {
    let expired_s = document.expires_s();
    match now_s >= expired_s {
        true => Err(Refusal::Expired { file: file.into(), expired_s, now_s }),
        false => Ok(()),
    }
}

/// Off-spec: a clock from before the signature hides every expiry, so it is refused too.
pub fn possible(file: &str, signed_s: Option<u64>, now_s: u64) -> Result<(), Refusal> {
    match signed_s {
        Some(signed_s) if now_s.saturating_add(CLOCKS_APART_S) < signed_s => {
            Err(Refusal::Clock { file: file.into(), now_s, signed_s })
        }
        _ => Ok(()),
    }
}
