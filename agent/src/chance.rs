//! Changed bytes for the fuzzing of what comes from outside: the same each time. Of tests only.

/// xorshift64
pub struct Chance(pub u64);

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
