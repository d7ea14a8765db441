//! Bytes that nobody should send, by a seed. Never a word that ends the machine, changes it, or causes a fault: those are
//! asked for elsewhere.

use super::chance::Chance;
use super::fault::Stuff;

const WORDS: [&str; 14] = [
    "status",
    "figures",
    "top",
    "env",
    "log -n 99999999999999999999",
    "log -n -1 nobody",
    "log -f -f",
    "events -f",
    "reload",
    "restart nobody",
    "kill nobody KILL 0",
    "env put\n.",
    ".reset",
    "poweroffs now",
];

pub fn make(stuff: Stuff, seed: u64, count: usize) -> Vec<u8> {
    let mut chance = Chance::new(seed, 0);
    match stuff {
        Stuff::Bytes => chance.bytes(count),
        Stuff::Line => vec![b'a' + chance.between(0, 25) as u8; count],
        Stuff::Words => words(&mut chance, count),
        Stuff::Put => [b"env put\n", chance.bytes(count).as_slice()].concat(),
        // An answer is longer than its word.
        Stuff::Deaf => b"events\nlog\nenv\n".repeat(count / 64 + 1),
    }
}

fn words(chance: &mut Chance, count: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < count {
        bytes.extend(chance.of(&WORDS).map_or("", |word| word).bytes());
        let length = chance.between(0, 8) as usize;
        bytes.extend(chance.bytes(length));
        bytes.push(b'\n');
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_were_asked_for_and_the_same_each_time() {
        for stuff in [Stuff::Bytes, Stuff::Line, Stuff::Words, Stuff::Put, Stuff::Deaf] {
            assert_eq!(make(stuff, 5, 1000), make(stuff, 5, 1000));
            assert!(!make(stuff, 5, 1).is_empty());
        }
        assert_eq!(make(Stuff::Line, 5, 1000).len(), 1000);
    }
}
