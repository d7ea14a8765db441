//! Changes of inputs: bits, numbers about every edge, parts that move, repeat, go, or come from another input.

/// The same changes each time, by the seed (xorshift64).
pub struct Mutator {
    state: u64,
}

/// Numbers at which parsers err: nothing, signs, powers of two and their neighbours, blocks.
const EDGES: [u64; 20] = [
    0,
    1,
    2,
    7,
    12,
    16,
    31,
    32,
    64,
    127,
    128,
    255,
    256,
    4095,
    4096,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    u64::MAX,
];

const INPUT_MAX_BYTES: usize = 1 << 18;

impl Mutator {
    pub fn new(seed: u64) -> Mutator {
        Mutator { state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    pub fn change(&mut self, pool: &[Vec<u8>]) -> Vec<u8> {
        // Half of the time one of those that came last: they are where something new was.
        let from = if self.below(2) == 0 { 0 } else { pool.len().saturating_sub(20) };
        let mut bytes = pool[from + self.below(pool.len() - from)].clone();
        for _ in 0..1 + self.below(4) {
            self.one(&mut bytes, pool);
        }
        bytes.truncate(INPUT_MAX_BYTES);
        bytes
    }

    fn one(&mut self, bytes: &mut Vec<u8>, pool: &[Vec<u8>]) {
        if bytes.is_empty() {
            bytes.push(self.below(256) as u8);
        }
        let at = self.place(bytes);
        match self.below(10) {
            0 | 1 => bytes[at] ^= 1 << self.below(8),
            2 => bytes[at] = self.below(256) as u8,
            3..=5 => self.put_number(bytes, at),
            6 => bytes.truncate(at),
            7 => drop(bytes.drain(at..(at + 1 + self.below(64)).min(bytes.len()))),
            8 => {
                let part = self.part(bytes);
                self.put_part(bytes, at, &part);
            }
            _ => {
                let other = self.below(pool.len());
                let part = self.part(&pool[other]);
                self.put_part(bytes, at, &part);
            }
        }
    }

    /// Where something stands: headers are at the front, and zeros are mostly nothing's.
    fn place(&mut self, bytes: &[u8]) -> usize {
        let reach = [64, 1 << 11, usize::MAX, usize::MAX][self.below(4)].min(bytes.len());
        let mut at = self.below(reach);
        for _ in 0..8 {
            if bytes[at] != 0 {
                break;
            }
            at = self.below(reach);
        }
        at
    }

    /// An edge, one beside it, or what stands there and a little more; of 1, 2, 4 or 8 bytes, in either order.
    fn put_number(&mut self, bytes: &mut [u8], at: usize) {
        let width = [1, 2, 4, 8][self.below(4)].min(bytes.len() - at);
        let mut there = [0; 8];
        there[..width].copy_from_slice(&bytes[at..at + width]);
        let number = match self.below(3) {
            0 => u64::from_le_bytes(there).wrapping_add(self.below(64) as u64).wrapping_sub(32),
            1 => EDGES[self.below(EDGES.len())].wrapping_add(self.below(3) as u64).wrapping_sub(1),
            _ => EDGES[self.below(EDGES.len())],
        };
        let mut number = number.to_le_bytes();
        if self.below(8) == 0 {
            number[..width].reverse();
        }
        bytes[at..at + width].copy_from_slice(&number[..width]);
    }

    fn part(&mut self, bytes: &[u8]) -> Vec<u8> {
        if bytes.is_empty() {
            return Vec::new();
        }
        let start = self.below(bytes.len());
        let reach = [16, 64, 4096][self.below(3)];
        let length = 1 + self.below(reach);
        bytes[start..(start + length).min(bytes.len())].to_vec()
    }

    /// In place of what stands there, or between.
    fn put_part(&mut self, bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
        let end = if self.below(2) == 0 { at } else { (at + part.len()).min(bytes.len()) };
        bytes.splice(at..end, part.iter().copied());
    }

    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state % end as u64) as usize
    }
}
