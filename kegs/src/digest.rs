//! A digest: the sha256 of some bytes, and how many they are.
//!
//! The Remote Execution API's `Digest`: the same bytes have the same digest everywhere, and it is the only name
//! that content has in the store.

use std::fmt;
use std::io::{self, Read};
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

/// sha256 and size of a blob. Its text form is `<64 lower-case hex digits>/<size in bytes>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    pub sha256: [u8; 32],
    pub size_bytes: u64,
}

impl Digest {
    pub fn of(bytes: &[u8]) -> Digest {
        Digest { sha256: Sha256::digest(bytes).into(), size_bytes: bytes.len() as u64 }
    }

    /// Reads to the end. Errors are the reader's.
    pub fn of_reader(mut reader: impl Read) -> io::Result<Digest> {
        let mut hasher = Hasher::default();
        // 128 KiB: one read of a page-cached file a time, and small enough for the second-level cache.
        let mut buffer = vec![0; 128 << 10];
        loop {
            match reader.read(&mut buffer)? {
                0 => return Ok(hasher.finish()),
                count => hasher.update(&buffer[..count]),
            }
        }
    }

    pub fn hex(&self) -> String {
        // By slice: `hex::encode` goes digit by digit and was 4 % of a plan of ten thousand.
        let mut digits = [0; 64];
        match hex::encode_to_slice(self.sha256, &mut digits) {
            Ok(()) => String::from_utf8_lossy(&digits).into_owned(),
            Err(_) => unreachable!("64 digits hold 32 bytes"),
        }
    }

    /// The first twelve hex digits: what people see in a folder's name.
    pub fn short(&self) -> String {
        hex::encode(&self.sha256[..6])
    }
}

/// A digest in the making, for bytes that pass by once.
#[derive(Default, Clone)]
pub struct Hasher {
    sha256: Sha256,
    size_bytes: u64,
}

impl Hasher {
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.size_bytes += bytes.len() as u64;
    }

    pub fn finish(self) -> Digest {
        Digest { sha256: self.sha256.finalize().into(), size_bytes: self.size_bytes }
    }
}

/// 64 lower-case hex digits to a sha256; `None` for anything else.
pub fn parse_sha256(text: &str) -> Option<[u8; 32]> {
    let mut sha256 = [0; 32];
    let lower = text.bytes().all(|byte| !byte.is_ascii_uppercase());
    (lower && hex::decode_to_slice(text, &mut sha256).is_ok()).then_some(sha256)
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.hex(), self.size_bytes)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "{}/{}", self.short(), self.size_bytes)
    }
}

/// What a text lacked to be a digest.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a digest: 64 lower-case hex digits, a slash, a size in bytes")]
pub struct NotADigest(pub String);

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Digest, NotADigest> {
        let refuse = || NotADigest(text.to_string());
        let (hash, size) = text.split_once('/').ok_or_else(refuse)?;
        let sha256 = parse_sha256(hash).ok_or_else(refuse)?;
        let size_bytes = size.parse().map_err(|_| refuse())?;
        Ok(Digest { sha256, size_bytes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_form_round_trips() {
        let digest = Digest::of(b"abc");
        let text = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad/3";
        assert_eq!(digest.to_string(), text);
        assert_eq!(text.parse(), Ok(digest));
    }

    #[test]
    fn refuses_what_is_not_a_digest() {
        let upper = Digest::of(b"abc").to_string().to_uppercase();
        for text in ["", "ab/3", upper.as_str(), &"0".repeat(64), &format!("{}/-1", "0".repeat(64))] {
            assert_eq!(text.parse::<Digest>(), Err(NotADigest(text.to_string())));
        }
    }

    #[test]
    fn a_reader_gives_what_its_bytes_give() {
        let bytes = vec![7; 300_000];
        assert_eq!(Digest::of_reader(bytes.as_slice()).unwrap(), Digest::of(&bytes));
    }
}
