//! Changed bytes for the fuzzing of what comes from outside: the same each time, but where `ROOTBREW_FUZZ_S` (seconds a
//! parser) and `ROOTBREW_FUZZ_SEED` ask for more and for others. Of tests only.

use std::time::{Duration, Instant};

/// xorshift64
pub struct Chance(pub u64);

/// `count` rounds, or as many as last for `ROOTBREW_FUZZ_S`.
pub fn rounds(seed: u64, count: usize, mut round: impl FnMut(&mut Chance)) {
    let number = |name: &str| std::env::var(name).ok()?.parse::<u64>().ok();
    let mut chance = Chance(seed + number("ROOTBREW_FUZZ_SEED").unwrap_or(0));
    let end = number("ROOTBREW_FUZZ_S").map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let mut done = 0;
    while end.map_or(done < count, |end| Instant::now() < end) {
        round(&mut chance);
        done += 1;
    }
    if end.is_some() {
        eprintln!("{done} rounds");
    }
}

impl Chance {
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }

    /// Up to four changes from `from` on: a byte, a cut, a piece again.
    pub fn change(&mut self, bytes: &[u8], from: usize) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let room = bytes.len().saturating_sub(from);
            let at = (from + self.below(room)).min(bytes.len().saturating_sub(1));
            match self.below(8) {
                0 => bytes.truncate(at),
                1 => {
                    let piece = bytes[at..(at + 8).min(bytes.len())].to_vec();
                    bytes.splice(at..at, piece);
                }
                2 => bytes[at] = [0, 1, 255, 4, 52][self.below(5)],
                _ => bytes[at] = self.below(256) as u8,
            }
            if bytes.is_empty() {
                break;
            }
        }
        bytes
    }
}
