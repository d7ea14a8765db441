//! Strip: an ELF file without what is not loaded (symbols, comments, debug information).
//!
//! What is loaded stays byte for byte where it is, so the program headers stay too. Behind it come the names and the
//! headers of the sections that are loaded:
//!
//! ```text
//! before   | header, program headers, loaded sections | .comment .debug_… .symtab .strtab .shstrtab | section headers |
//! after    | the same                                 | .shstrtab | section headers: loaded ones, .shstrtab |
//! ```
//! Never touched: what is not 64-bit little-endian ELF, objects (`ET_REL`: kernel modules are, and need their symbols),
//! kernels, files with something behind the ELF parts (programs that unpack themselves), and whatever is damaged: the
//! loader knows best what it takes, and a file left alone is right if it was right.

mod elf64;

use std::collections::BTreeMap;
use std::io;

use kegs::Digest;
use rayon::prelude::*;

use crate::content::Depot;
use crate::tree::{Bytes, ImageTree, Kind};
use elf64::{Header, Section};

/// The tree with every program and library in it stripped, on all cores; their new bytes are put into the depot. One file
/// a core is held in memory.
///
/// # Errors
/// The depot's.
pub fn strip(tree: &ImageTree, depot: &dyn Depot) -> io::Result<ImageTree> {
    let files: Vec<(&str, &Bytes)> = tree
        .iter()
        .filter_map(|(path, node)| match &node.kind {
            Kind::File(bytes) => Some((path, bytes)),
            _ => None,
        })
        .collect();
    let stripped: Vec<Option<(String, Bytes)>> = files
        .into_par_iter()
        .map(|(path, bytes)| Ok(strip_bytes(bytes, depot)?.map(|stripped| (path.to_string(), stripped))))
        .collect::<io::Result<_>>()?;
    Ok(tree.with_bytes(stripped.into_iter().flatten().collect::<BTreeMap<_, _>>()))
}

fn strip_bytes(bytes: &Bytes, depot: &dyn Depot) -> io::Result<Option<Bytes>> {
    let digest = match bytes {
        Bytes::Inline(bytes) => return Ok(strip_elf(bytes).map(|stripped| Bytes::Inline(stripped.into()))),
        Bytes::Stored(digest) => digest,
    };
    if !elf64::starts(&mut depot.open(digest)?)? {
        return Ok(None);
    }
    let stripped = match depot.stripped(digest) {
        Some(stripped) => stripped,
        None => strip_stored(digest, depot)?,
    };
    Ok(Some(stripped).filter(|stripped| stripped != digest).map(Bytes::Stored))
}

fn strip_stored(digest: &Digest, depot: &dyn Depot) -> io::Result<Digest> {
    let stripped = strip_elf(&depot.read(digest)?).map(|bytes| depot.put(&bytes)).transpose()?;
    let stripped = stripped.unwrap_or(*digest);
    depot.remember_stripped(digest, &stripped);
    Ok(stripped)
}

/// The stripped file; `None` where it is to be left as it is. Hostile bytes are left as they are.
pub fn strip_elf(bytes: &[u8]) -> Option<Vec<u8>> {
    let header = Header::read(bytes)?;
    let sections = header.sections(bytes)?;
    let loaded_end = header.loaded_end(bytes, &sections)?;
    if header.is_kernel(bytes)? || has_more(bytes, &header, &sections)? {
        return None;
    }
    let kept = kept(&sections)?;
    let (names, offsets) = names(bytes, &header, &sections, kept)?;
    let mut out = bytes[..loaded_end].to_vec();
    let names_at = out.len() as u64;
    out.extend(&names);
    out.resize(out.len().next_multiple_of(8), 0);
    let table_at = out.len() as u64;
    for (section, name) in sections[..kept].iter().zip(offsets) {
        out.extend(section.kept_as(name, kept).encode());
    }
    let own_name = (names.len() - SHSTRTAB.len() - 1) as u32;
    out.extend(Section::names(own_name, names_at, names.len() as u64).encode());
    elf64::point_to_sections(&mut out, table_at, kept as u16 + 1);
    (out.len() < bytes.len()).then_some(out)
}

const SHSTRTAB: &str = ".shstrtab";

/// How many of the sections, from the first, hold all loaded ones. Those between that go leave an empty header, since
/// symbols name their section by its place.
fn kept(sections: &[Section]) -> Option<usize> {
    let last = sections.iter().rposition(Section::is_loaded)?;
    // 0xff00 and up mean other things than places (`SHN_LORESERVE`).
    (last + 2 < 0xff00).then_some(last + 1)
}

/// The new string table of names, and where in it each kept section's name is.
fn names(bytes: &[u8], header: &Header, sections: &[Section], kept: usize) -> Option<(Vec<u8>, Vec<u32>)> {
    let old = sections.get(header.names_at as usize)?.data(bytes)?;
    let mut names = vec![0];
    let mut offsets = Vec::new();
    for section in &sections[..kept] {
        if !section.is_loaded() {
            offsets.push(0);
            continue;
        }
        let name = old.get(section.name as usize..)?;
        let name = &name[..name.iter().position(|byte| *byte == 0)?];
        // Headers may all name one long string: what becomes longer than the file is not worth stripping.
        if names.len() + name.len() > bytes.len() {
            return None;
        }
        if name.is_empty() {
            offsets.push(0);
            continue;
        }
        offsets.push(names.len() as u32);
        names.extend(name);
        names.push(0);
    }
    names.extend(SHSTRTAB.as_bytes());
    names.push(0);
    Some((names, offsets))
}

/// Whether bytes stand behind all that the headers speak of.
fn has_more(bytes: &[u8], header: &Header, sections: &[Section]) -> Option<bool> {
    let ends = sections.iter().map(Section::file_end).collect::<Option<Vec<u64>>>()?;
    let end =
        ends.into_iter().chain([header.table_end()?, header.loaded_end(bytes, sections)? as u64]).max()?;
    Some(end < bytes.len() as u64)
}

#[cfg(test)]
mod tests;
