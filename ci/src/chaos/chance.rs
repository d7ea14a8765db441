//! Numbers by chance that are the same for the same seed, in every version and on every machine: SplitMix64 (Steele, Lea,
//! Flood 2014). A crate's generator may be another one in its next release, and a seed in a report would mean nothing.

#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    /// Of a seed and what it is for, so that one round's draws move no other's.
    pub fn new(seed: u64, of: u64) -> Chance {
        let mut chance = Chance(seed);
        let mixed = chance.next() ^ of.wrapping_mul(0xA076_1D64_78BD_642F);
        Chance(mixed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From `least` to `most`, both of them too.
    pub fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least + 1)
    }

    /// `None` of nothing.
    pub fn of<'t, T>(&mut self, things: &'t [T]) -> Option<&'t T> {
        things.get(self.between(0, things.len().max(1) as u64 - 1) as usize)
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        let words = (0..count.div_ceil(8)).flat_map(|_| self.next().to_le_bytes());
        words.take(count).collect()
    }

    pub fn shuffle<T>(&mut self, things: &mut [T]) {
        for at in (1..things.len()).rev() {
            things.swap(at, self.between(0, at as u64) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_seed() {
        // The reference's first number for seed 0.
        assert_eq!(Chance(0).next(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(Chance::new(7, 1).bytes(20), Chance::new(7, 1).bytes(20));
        assert_ne!(Chance::new(7, 1).next(), Chance::new(7, 2).next());
        assert_ne!(Chance::new(7, 1).next(), Chance::new(8, 1).next());
        assert_eq!(Chance::new(7, 1).of::<u8>(&[]), None);
        let mut deck: Vec<u8> = (0..8).collect();
        Chance::new(7, 1).shuffle(&mut deck);
        deck.sort();
        assert_eq!(deck, (0..8).collect::<Vec<u8>>());
    }
}
