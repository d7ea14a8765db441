//! Origin: what a linked file says itself of where its code comes from.
//!
//! ```text
//! .rootbrew.origin   PROGBITS, flags MS, not loaded:  "nginx@0\0" "openssl@3\0" "zlib@0\0"     the link's own record
//! .comment           "GCC: (Debian 12.2.0-14+deb12u1) 12.2.0\0" "rustc version 1.97.1 …\0"      whose compiler, so whose start files
//! anywhere           "vendor/memchr-2.8.3/src/…"    "GNU C Library (Debian GLIBC 2.43-7) …"     crates that can panic; a static glibc
//! ```
//! Each object of C, C++ or assembler that a recipe compiles carries its recipe's name in the section. The linker joins
//! those of the objects that it takes, and drops equal ones: so the section lists the kegs whose code is in the file, and no
//! other. It must be read before a file is stripped. Hostile bytes give nothing or nonsense names, and never a panic.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;

use memchr::memmem;
use object::read::archive::ArchiveFile;
use object::{CompressionFormat, Object, ObjectSection};

use crate::closure::elf;

/// Its name is ours alone; `.comment` has the same form.
pub const SECTION: &str = ".rootbrew.origin";

/// A program of the catalogue links some thirty; who lists more lies.
const MARKS_MAX: usize = 4096;
/// A recipe's name and slot together; crates' names have 64 and versions not many more.
const NAME_MAX_BYTES: usize = 256;

/// What one ELF file tells. Sorted, each once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Origin {
    /// The section is there: `marks` is what the linker took.
    pub marked: bool,
    /// Name and slot.
    pub marks: BTreeSet<(String, String)>,
    /// The strings of `.comment`.
    pub compilers: BTreeSet<String>,
    /// `2.43-7`: the Debian version of a glibc that is inside.
    pub glibc: Option<String>,
    /// `memchr-2.8.3`, as folders of the build were called.
    pub crates: BTreeSet<String>,
    /// Libraries that are loaded when it starts, so not inside.
    pub needed: BTreeSet<String>,
}

/// `None` for what is no ELF file.
pub fn read(bytes: &[u8]) -> Option<Origin> {
    if !elf::is_elf(bytes) {
        return None;
    }
    let mut origin = Origin { glibc: glibc(bytes), crates: crates(bytes), ..Origin::default() };
    origin.needed = elf::needs(bytes).map(|needs| needs.needed.into_iter().collect()).unwrap_or_default();
    let Ok(file) = object::File::parse(bytes) else { return Some(origin) };
    if let Some(section) = file.section_by_name(SECTION).and_then(|section| section.data().ok()) {
        origin.marked = true;
        origin.marks = strings(section).filter_map(mark).collect();
    }
    let comment = file.section_by_name(".comment").and_then(|section| section.data().ok());
    origin.compilers = comment.into_iter().flat_map(strings).map(str::to_string).collect();
    Some(origin)
}

/// Whether each object of a static library carries the mark, so that a file without this one's mark has none of it.
pub fn is_marked(archive: &[u8]) -> bool {
    let Ok(file) = ArchiveFile::parse(archive) else { return false };
    let mut members = file.members().peekable();
    members.peek().is_some()
        && members.all(|member| {
            let data = member.and_then(|member| member.data(archive));
            data.is_ok_and(|data| read(data).is_some_and(|origin| origin.marked))
        })
}

fn strings(section: &[u8]) -> impl Iterator<Item = &str> {
    let all =
        section.split(|byte| *byte == 0).filter(|text| !text.is_empty() && text.len() <= NAME_MAX_BYTES);
    all.filter_map(|text| std::str::from_utf8(text).ok()).take(MARKS_MAX)
}

/// `openssl@3`: both parts as names of folders are.
fn mark(text: &str) -> Option<(String, String)> {
    let (name, slot) = text.split_once('@')?;
    let right = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.chars().all(|c| c.is_ascii_alphanumeric() || "+-._".contains(c))
    };
    (right(name) && right(slot)).then(|| (name.to_string(), slot.to_string()))
}

/// The crates whose code is in a program, by the debug information that was split from it: the lines of each piece of code
/// name its source (DWARF 5, 6.2). `None`: nothing of that is there, or it is not as it should be.
pub fn compiled_crates(debug: &[u8]) -> Option<BTreeSet<String>> {
    let file = object::File::parse(debug).ok()?;
    let mut found = BTreeSet::new();
    for name in LINE_NAMES {
        let Some(section) = file.section_by_name(name) else { continue };
        found.extend(crates(&plain(&section)?));
    }
    file.section_by_name(".debug_line").map(|_| found)
}

/// Where line tables have the names of files, before DWARF 5 and since.
const LINE_NAMES: [&str; 2] = [".debug_line", ".debug_line_str"];

/// The names of a whole kernel are a few MB.
const LINES_MAX_BYTES: u64 = 256 << 20;

fn plain<'d>(section: &impl ObjectSection<'d>) -> Option<Cow<'d, [u8]>> {
    let packed = section.compressed_data().ok()?;
    match packed.format {
        CompressionFormat::None => Some(Cow::Borrowed(packed.data)),
        CompressionFormat::Zlib => {
            let mut bytes = Vec::new();
            let limited = flate2::read::ZlibDecoder::new(packed.data).take(LINES_MAX_BYTES);
            { limited }.read_to_end(&mut bytes).ok()?;
            Some(Cow::Owned(bytes))
        }
        _ => None,
    }
}

/// Where a crate may panic, its source's path stands in the file, without what is before the build's folder.
fn crates(bytes: &[u8]) -> BTreeSet<String> {
    let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-._".contains(byte);
    let mut found = BTreeSet::new();
    for at in memmem::find_iter(bytes, b"vendor/") {
        let rest = &bytes[at + b"vendor/".len()..];
        let length = rest.iter().take(NAME_MAX_BYTES).take_while(is_part).count();
        if rest.get(length) == Some(&b'/') && found.len() < MARKS_MAX {
            found.insert(String::from_utf8_lossy(&rest[..length]).into_owned());
        }
    }
    found
}

/// glibc says its version in a text that every static program has (`version.c`).
fn glibc(bytes: &[u8]) -> Option<String> {
    let start = memmem::find(bytes, b"GNU C Library (Debian GLIBC ")? + b"GNU C Library (Debian GLIBC ".len();
    let rest = &bytes[start..bytes.len().min(start + NAME_MAX_BYTES)];
    let end = rest.iter().position(|byte| *byte == b')')?;
    String::from_utf8(rest[..end].to_vec()).ok()
}

/// `12.2.0-14+deb12u1` of `GCC: (Debian 12.2.0-14+deb12u1) 12.2.0`.
pub fn debian_gcc(comment: &str) -> Option<&str> {
    Some(comment.strip_prefix("GCC: (Debian ")?.split_once(')')?.0)
}

/// `1.97.1` of `rustc version 1.97.1 (8bab26f4f 2026-07-14) …`.
pub fn rustc(comment: &str) -> Option<&str> {
    comment.strip_prefix("rustc version ")?.split(' ').next()
}

#[cfg(test)]
mod tests;
