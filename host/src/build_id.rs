//! The build-id of a program: the linker's name for what it made, in the file itself and in its debug information.
//!
//! ```text
//! ELF header ─▶ program headers ─▶ PT_NOTE: name "GNU", type 3, the id
//! ```
//! 64 bits, little-endian. What is anything else has none; nothing that stands in a file makes it read much or without end.

/// The longest that a linker makes is sha1's 20 bytes; by hand it may be more.
const ID_MAX_BYTES: usize = 64;
const HEADERS_MAX: usize = 64;
const NOTES_MAX_BYTES: usize = 64 << 10;
const PT_NOTE: u64 = 4;
const NT_GNU_BUILD_ID: u64 = 3;

/// In lower-case hex. `read` gives so many bytes from an offset on, `None` where there are fewer.
pub fn build_id(read: &dyn Fn(u64, usize) -> Option<Vec<u8>>) -> Option<String> {
    let head = read(0, 64)?;
    // 64 bits, little-endian.
    if !head.starts_with(b"\x7fELF\x02\x01") {
        return None;
    }
    let (table, size, count) = (number(&head, 32, 8)?, number(&head, 54, 2)?, number(&head, 56, 2)?);
    (0..count.min(HEADERS_MAX as u64)).find_map(|at| {
        let header = read(table.checked_add(at * size)?, 56)?;
        let notes = number(&header, 0, 4)? == PT_NOTE;
        let (from, bytes) = (number(&header, 8, 8)?, number(&header, 32, 8)? as usize);
        let notes = (notes && bytes <= NOTES_MAX_BYTES).then(|| read(from, bytes))??;
        of_notes(&notes)
    })
}

fn of_notes(mut notes: &[u8]) -> Option<String> {
    loop {
        let (name, id, kind) = (number(notes, 0, 4)?, number(notes, 4, 4)? as usize, number(notes, 8, 4)?);
        let start = 12 + (name as usize).next_multiple_of(4);
        let of_gnu = name == 4 && notes.get(12..16)? == b"GNU\0";
        if of_gnu && kind == NT_GNU_BUILD_ID && (1..=ID_MAX_BYTES).contains(&id) {
            let bytes = notes.get(start..start + id)?;
            return Some(bytes.iter().map(|byte| format!("{byte:02x}")).collect());
        }
        notes = notes.get(start + id.next_multiple_of(4)..)?;
    }
}

fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let bytes = bytes.get(at..at + size)?;
    Some(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8]) -> Option<String> {
        build_id(&|from, size| {
            let from = usize::try_from(from).ok()?;
            Some(bytes.get(from..from.checked_add(size)?)?.to_vec())
        })
    }

    /// One program header, one other note, the id.
    fn program() -> Vec<u8> {
        let mut bytes = b"\x7fELF\x02\x01".to_vec();
        bytes.resize(200, 0);
        let mut put = |at: usize, value: u64, size: usize| {
            bytes[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
        };
        [(32, 64, 8), (54, 56, 2), (56, 1, 2), (64, 4, 4), (72, 120, 8), (96, 40, 8)]
            .into_iter()
            .for_each(|(at, value, size)| put(at, value, size));
        for (at, kind, size) in [(120, 1, 1), (140, 3, 4)] {
            [(at, 4), (at + 4, size), (at + 8, kind)].into_iter().for_each(|(at, value)| put(at, value, 4));
            put(at + 12, u64::from_le_bytes(*b"GNU\0\0\0\0\0"), 4);
        }
        put(156, 0xc1b2_a37c, 4);
        bytes
    }

    #[test]
    fn an_id_stands_in_a_note() {
        assert_eq!(of(&program()).as_deref(), Some("7ca3b2c1"));
        assert_eq!(of(b"#!/bin/sh\n"), None);
        let own = std::fs::read("/proc/self/exe").expect("this program");
        assert_eq!(of(&own).map(|id| id.len()), Some(40));
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let whole = program();
        (0..whole.len()).for_each(|end| assert_eq!(of(&whole[..end.min(159)]), None));
        for at in 0..whole.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = whole.clone();
                bytes[at] = value;
                assert!(of(&bytes).is_none_or(|id| id.len() <= 2 * ID_MAX_BYTES));
            }
        }
    }
}
