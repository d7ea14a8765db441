//! The parts of a 64-bit little-endian ELF file that stripping reads and writes, by their offsets in elf(5).
//! Every read is checked: `None` is a damaged or foreign file.

use std::io::{self, Read};

const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const PT_LOAD: u32 = 1;
const SHT_STRTAB: u32 = 3;
const SHT_RELA: u32 = 4;
const SHT_NOBITS: u32 = 8;
const SHT_REL: u32 = 9;
const SHF_ALLOC: u64 = 2;
const SHF_INFO_LINK: u64 = 0x40;

const HEADER_BYTES: usize = 64;
const SEGMENT_BYTES: usize = 56;
const SECTION_BYTES: usize = 64;

/// 64-bit, little-endian, version 1.
const MAGIC: [u8; 7] = [0x7f, b'E', b'L', b'F', 2, 1, 1];

/// Of the file header, where its two tables are.
pub struct Header {
    segments_at: u64,
    segments: u16,
    sections_at: u64,
    sections: u16,
    pub names_at: u16,
}

/// One section header.
#[derive(Clone, Copy)]
pub struct Section {
    pub name: u32,
    kind: u32,
    flags: u64,
    address: u64,
    offset: u64,
    size: u64,
    link: u32,
    info: u32,
    align: u64,
    entry: u64,
}

/// Whether a file starts as the ELF files that we strip do.
pub fn starts(file: &mut impl Read) -> io::Result<bool> {
    let mut head = Vec::new();
    file.take(MAGIC.len() as u64).read_to_end(&mut head)?;
    Ok(head == MAGIC)
}

fn part(bytes: &[u8], offset: u64, size: usize) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    bytes.get(start..start.checked_add(size)?)
}

fn u16_at(bytes: &[u8], at: u64) -> Option<u16> {
    Some(u16::from_le_bytes(part(bytes, at, 2)?.try_into().ok()?))
}

fn u32_at(bytes: &[u8], at: u64) -> Option<u32> {
    Some(u32::from_le_bytes(part(bytes, at, 4)?.try_into().ok()?))
}

fn u64_at(bytes: &[u8], at: u64) -> Option<u64> {
    Some(u64::from_le_bytes(part(bytes, at, 8)?.try_into().ok()?))
}

impl Header {
    /// Of a program or a shared library that has sections.
    pub fn read(bytes: &[u8]) -> Option<Header> {
        let kind = u16_at(bytes, 16)?;
        let sizes = (u16_at(bytes, 54)? as usize, u16_at(bytes, 58)? as usize);
        let ours = bytes.starts_with(&MAGIC)
            && matches!(kind, ET_EXEC | ET_DYN)
            && sizes == (SEGMENT_BYTES, SECTION_BYTES);
        let header = Header {
            segments_at: u64_at(bytes, 32)?,
            sections_at: u64_at(bytes, 40)?,
            segments: u16_at(bytes, 56)?,
            sections: u16_at(bytes, 60)?,
            names_at: u16_at(bytes, 62)?,
        };
        (ours && header.sections > 0 && header.segments > 0).then_some(header)
    }

    pub fn sections(&self, bytes: &[u8]) -> Option<Vec<Section>> {
        (0..u64::from(self.sections))
            .map(|at| Section::read(bytes, self.sections_at.checked_add(at * SECTION_BYTES as u64)?))
            .collect()
    }

    /// End of the section headers' table.
    pub fn table_end(&self) -> Option<u64> {
        self.sections_at.checked_add(u64::from(self.sections) * SECTION_BYTES as u64)
    }

    fn segments_end(&self) -> Option<u64> {
        self.segments_at.checked_add(u64::from(self.segments) * SEGMENT_BYTES as u64)
    }

    fn segment_fields(&self) -> impl Iterator<Item = Option<u64>> {
        let start = self.segments_at;
        (0..u64::from(self.segments)).map(move |at| start.checked_add(at * SEGMENT_BYTES as u64))
    }

    /// End of everything that is loaded or that says how: nothing behind it is seen by a running program.
    pub fn loaded_end(&self, bytes: &[u8], sections: &[Section]) -> Option<usize> {
        let mut end = self.segments_end()?.max(HEADER_BYTES as u64);
        for at in self.segment_fields() {
            let at = at?;
            end = end.max(u64_at(bytes, at + 8)?.checked_add(u64_at(bytes, at + 32)?)?);
        }
        for section in sections.iter().filter(|section| section.is_loaded()) {
            end = end.max(section.file_end()?);
        }
        usize::try_from(end).ok().filter(|end| *end <= bytes.len())
    }

    /// A kernel is loaded in the upper half of the address space, where no program can be.
    pub fn is_kernel(&self, bytes: &[u8]) -> Option<bool> {
        for at in self.segment_fields() {
            let at = at?;
            if u32_at(bytes, at)? == PT_LOAD && u64_at(bytes, at + 16)? >> 63 == 1 {
                return Some(true);
            }
        }
        Some(false)
    }
}

impl Section {
    const EMPTY: Section = Section {
        name: 0,
        kind: 0,
        flags: 0,
        address: 0,
        offset: 0,
        size: 0,
        link: 0,
        info: 0,
        align: 0,
        entry: 0,
    };

    fn read(bytes: &[u8], at: u64) -> Option<Section> {
        let bytes = part(bytes, at, SECTION_BYTES)?;
        Some(Section {
            name: u32_at(bytes, 0)?,
            kind: u32_at(bytes, 4)?,
            flags: u64_at(bytes, 8)?,
            address: u64_at(bytes, 16)?,
            offset: u64_at(bytes, 24)?,
            size: u64_at(bytes, 32)?,
            link: u32_at(bytes, 40)?,
            info: u32_at(bytes, 44)?,
            align: u64_at(bytes, 48)?,
            entry: u64_at(bytes, 56)?,
        })
    }

    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(SECTION_BYTES);
        bytes.extend([self.name, self.kind].into_iter().flat_map(u32::to_le_bytes));
        bytes.extend(
            [self.flags, self.address, self.offset, self.size].into_iter().flat_map(u64::to_le_bytes),
        );
        bytes.extend([self.link, self.info].into_iter().flat_map(u32::to_le_bytes));
        bytes.extend([self.align, self.entry].into_iter().flat_map(u64::to_le_bytes));
        bytes
    }

    /// The header of the names themselves.
    pub fn names(name: u32, offset: u64, size: u64) -> Section {
        Section { name, kind: SHT_STRTAB, offset, size, align: 1, ..Section::EMPTY }
    }

    pub fn is_loaded(&self) -> bool {
        self.flags & SHF_ALLOC != 0
    }

    /// Where its bytes in the file end.
    pub fn file_end(&self) -> Option<u64> {
        let size = if matches!(self.kind, 0 | SHT_NOBITS) { 0 } else { self.size };
        if size == 0 { Some(0) } else { self.offset.checked_add(size) }
    }

    pub fn data<'a>(&self, bytes: &'a [u8]) -> Option<&'a [u8]> {
        part(bytes, self.offset, usize::try_from(self.size).ok()?)
    }

    /// The same under its new name; what it refers to beyond the first `kept` sections is gone. Empty if not loaded.
    pub fn kept_as(&self, name: u32, kept: usize) -> Section {
        if !self.is_loaded() {
            return Section::EMPTY;
        }
        let place = |at: u32| if (at as usize) < kept { at } else { 0 };
        let info_is_place = self.flags & SHF_INFO_LINK != 0 || matches!(self.kind, SHT_REL | SHT_RELA);
        let info = if info_is_place { place(self.info) } else { self.info };
        Section { name, link: place(self.link), info, ..*self }
    }
}

/// Writes into a file's header where its section headers are now; the names' is the last of them.
pub fn point_to_sections(bytes: &mut [u8], table_at: u64, sections: u16) {
    bytes[40..48].copy_from_slice(&table_at.to_le_bytes());
    bytes[60..62].copy_from_slice(&sections.to_le_bytes());
    bytes[62..64].copy_from_slice(&(sections - 1).to_le_bytes());
}
