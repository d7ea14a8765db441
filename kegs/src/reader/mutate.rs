//! Texts with something wrong in them, for the tests of every reader: no input may make one panic.

/// Bytes that mean something in TOML or in our own small forms, or break UTF-8.
const SIGNS: &[u8] = b"\"'[]{}=.,#\n\\@/-+<>:0x \0\xff\xc3";

/// `count` variations of `bytes`, the same ones each time: each with one to four bytes changed, added or taken, or cut.
pub fn each(bytes: &[u8], count: usize, mut visit: impl FnMut(&[u8])) {
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    // xorshift64: any fixed sequence does, and it needs no crate.
    let mut random = |below: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % below.max(1) as u64) as usize
    };
    for _ in 0..count {
        let mut changed = bytes.to_vec();
        for _ in 0..=random(4) {
            change(&mut changed, &mut random);
        }
        visit(&changed);
    }
}

fn change(bytes: &mut Vec<u8>, random: &mut impl FnMut(usize) -> usize) {
    let at = random(bytes.len());
    let sign = SIGNS[random(SIGNS.len())];
    match random(5) {
        0 if at < bytes.len() => bytes[at] = sign,
        1 => bytes.insert(at, sign),
        2 if at < bytes.len() => drop(bytes.remove(at)),
        3 if at < bytes.len() => bytes[at] ^= 1 << random(8),
        4 if random(10) == 0 => bytes.truncate(at),
        _ => bytes.push(sign),
    }
}
