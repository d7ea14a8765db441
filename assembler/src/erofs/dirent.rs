//! A folder's data: blocks that each hold whole entries, sorted by the bytes of their names, `.` and `..` among them.
//!
//! ```text
//! one block   | entry entry … entry | name name … name | zeros, but in the last block, which ends with its last name |
//! an entry    0 inode number (64)   8 where its name starts in this block (16)   10 type   11 0
//! ```
//! The first entry's name starts where the entries end, and that says how many they are.

use super::BLOCK;
use crate::tree::Kind;

const ENTRY: usize = 12;

/// What a folder lists: a name, and the place of its inode among the layout's inodes.
pub struct Entry<'a> {
    pub name: &'a str,
    pub inode: usize,
    pub kind: EntryKind,
}

/// `FT_*` of the kernel.
#[derive(Clone, Copy)]
pub enum EntryKind {
    File = 1,
    Folder = 2,
    Link = 7,
}

impl EntryKind {
    pub fn of(kind: &Kind) -> EntryKind {
        match kind {
            Kind::Folder => EntryKind::Folder,
            Kind::File(_) => EntryKind::File,
            Kind::Link { .. } => EntryKind::Link,
        }
    }
}

/// Bytes of a folder with these names, known before any inode has its number.
pub fn size<'a>(names: impl Iterator<Item = &'a str>) -> u64 {
    let (mut blocks, mut used) = (0, 0);
    for name in names {
        let need = ENTRY + name.len();
        if used + need > BLOCK {
            blocks += 1;
            used = 0;
        }
        used += need;
    }
    (blocks * BLOCK + used) as u64
}

/// The folder's data; `number` gives an inode's number by its place. `entries` are sorted by name.
pub fn encode(entries: &[Entry], number: impl Fn(usize) -> u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = entries;
    while !rest.is_empty() {
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        let (block, next) = rest.split_at(fitting(rest));
        encode_block(block, &number, &mut bytes);
        rest = next;
    }
    bytes
}

/// How many of the entries go into one block.
fn fitting(entries: &[Entry]) -> usize {
    let mut used = 0;
    let fits = |entry: &&Entry| {
        used += ENTRY + entry.name.len();
        used <= BLOCK
    };
    entries.iter().take_while(fits).count()
}

fn encode_block(entries: &[Entry], number: impl Fn(usize) -> u64, bytes: &mut Vec<u8>) {
    let mut name_at = entries.len() * ENTRY;
    for entry in entries {
        bytes.extend(number(entry.inode).to_le_bytes());
        bytes.extend((name_at as u16).to_le_bytes());
        bytes.extend([entry.kind as u8, 0]);
        name_at += entry.name.len();
    }
    for entry in entries {
        bytes.extend(entry.name.as_bytes());
    }
}
