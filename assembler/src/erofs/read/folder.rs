//! A folder's entries, read: drawn in the writer's `dirent.rs`.

use std::io::Read;

use super::inode::{Inode, InodeKind};
use super::{BLOCK, Contents, Image, Result, Source, damaged, join, u16_at, u64_at, unsupported};

/// What a folder lists, without `.` and `..`.
#[derive(Debug)]
pub struct Entry {
    pub name: String,
    pub nid: u64,
    pub kind: Option<InodeKind>,
}

const ENTRY: usize = 12;

/// All of them, sorted by the bytes of their names, each once. `path` is the folder's, `above` the inode of the one that
/// it stands in (the root stands in itself).
pub fn entries<S: Source>(image: &Image<S>, folder: &Inode, above: u64, path: &str) -> Result<Vec<Entry>> {
    let mut contents = Contents::new(&image.source, folder.body(image, path)?);
    let mut entries = Vec::new();
    let mut last: Vec<u8> = Vec::new();
    let mut left = contents.len_bytes();
    while left > 0 {
        let mut block = vec![0; left.min(BLOCK as u64) as usize];
        contents.read_exact(&mut block)?;
        left -= block.len() as u64;
        for (at, name) in names(&block, path)? {
            in_order(&last, name, path)?;
            last = name.to_vec();
            match (name, u64_at(&block, at)) {
                (b".", nid) if nid == folder.nid => {}
                (b"..", nid) if nid == above => {}
                (b"." | b"..", nid) => {
                    let name = String::from_utf8_lossy(name);
                    return Err(damaged(path, format!("its entry `{name}` is inode {nid}, another folder")));
                }
                _ => entries.push(entry(&block, at, name, path)?),
            }
        }
    }
    Ok(entries)
}

/// The entries of one block, by their place in it and their name. The first name begins where the entries end.
fn names<'a>(block: &'a [u8], path: &str) -> Result<Vec<(usize, &'a [u8])>> {
    let wrong = |what: String| Err(damaged(path, what));
    if block.len() < ENTRY {
        return wrong(format!("its entries end in a block of {} bytes", block.len()));
    }
    let first: usize = u16_at(block, 8).into();
    if first == 0 || first % ENTRY != 0 || first > block.len() {
        return wrong(format!("its entries would end at {first} of a block of {}", block.len()));
    }
    let starts: Vec<usize> = (0..first).step_by(ENTRY).map(|at| u16_at(block, at + 8).into()).collect();
    let ends = starts[1..].iter().copied().map(Some).chain([None]);
    let mut names = Vec::new();
    for (at, (start, end)) in starts.iter().zip(ends).enumerate() {
        let room = *start..end.unwrap_or(block.len());
        let Some(name) = block.get(room.clone()).filter(|_| *start >= first) else {
            return wrong(format!(
                "it has a name at {room:?} of a block of {} whose entries end at {first}",
                block.len()
            ));
        };
        // Only the last one may be shorter than its room: zeros fill the block.
        let name = if end.is_none() { name.split(|byte| *byte == 0).next().unwrap_or(name) } else { name };
        names.push((at * ENTRY, name));
    }
    Ok(names)
}

/// The kernel looks names up by halves, so one out of order would be found by some and not by others.
fn in_order(last: &[u8], name: &[u8], path: &str) -> Result<()> {
    let shown = |name: &[u8]| String::from_utf8_lossy(name).escape_debug().to_string();
    match last.cmp(name) {
        std::cmp::Ordering::Less => Ok(()),
        std::cmp::Ordering::Equal if name.is_empty() => Err(damaged(path, "it lists a name without letters")),
        std::cmp::Ordering::Equal => Err(damaged(path, format!("it lists `{}` twice", shown(name)))),
        std::cmp::Ordering::Greater => {
            Err(damaged(path, format!("it lists `{}` behind `{}`", shown(name), shown(last))))
        }
    }
}

fn entry(block: &[u8], at: usize, name: &[u8], path: &str) -> Result<Entry> {
    let Ok(text) = str::from_utf8(name) else {
        let shown = String::from_utf8_lossy(name).escape_debug().to_string();
        return Err(unsupported(&join(path, &shown), "has a name that is not UTF-8"));
    };
    if name.len() > 255 || name.contains(&b'/') || name.contains(&0) {
        return Err(damaged(path, format!("it lists `{}`, which can't be a name", text.escape_debug())));
    }
    let inside = join(path, text);
    let kind = match block[at + 10] {
        0 => None,
        1 => Some(InodeKind::File),
        2 => Some(InodeKind::Folder),
        3 | 4 => return Err(unsupported(&inside, "is a device")),
        5 => return Err(unsupported(&inside, "is a fifo")),
        6 => return Err(unsupported(&inside, "is a socket")),
        7 => Some(InodeKind::Link),
        other => return Err(damaged(&inside, format!("it is listed as of type {other}, which is none"))),
    };
    Ok(Entry { name: text.to_string(), nid: u64_at(block, at), kind })
}
