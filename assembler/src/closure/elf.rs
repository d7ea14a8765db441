//! ELF: what the program headers say that a file needs. Sections are not read, so that stripped files do as well.

use object::elf;
use object::read::elf::{Dyn, FileHeader, ProgramHeader};
use object::{Endianness, FileKind, elf::FileHeader32, elf::FileHeader64};

/// What the dynamic loader will look for. Search paths are as written, `$ORIGIN` and all.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub interpreter: Option<String>,
    pub needed: Vec<String>,
    pub search: Vec<String>,
    pub dlopen: Vec<Dlopen>,
    /// The name by which others need it.
    pub soname: Option<String>,
}

/// One entry of `.note.dlopen`: any one of `sonames` will do.
#[derive(Debug, PartialEq, Eq, serde::Deserialize)]
pub struct Dlopen {
    #[serde(rename = "soname")]
    pub sonames: Vec<String>,
    #[serde(default)]
    pub priority: Priority,
}

/// As the note's specification has it; one that is not required may be missing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    Required,
    #[default]
    Recommended,
    Suggested,
}

/// `NT_FDO_DLOPEN_METADATA`, owner `FDO` (systemd.io/ELF_DLOPEN_METADATA).
const NOTE_DLOPEN: u32 = 0x407c_0c0a;

pub fn is_elf(head: &[u8]) -> bool {
    head.starts_with(b"\x7fELF")
}

/// # Errors
/// What is damaged in the file, in a few words. Hostile bytes give an error or nonsense names, never a panic.
pub fn needs(bytes: &[u8]) -> Result<Needs, String> {
    match FileKind::parse(bytes) {
        Ok(FileKind::Elf32) => of::<FileHeader32<Endianness>>(bytes),
        Ok(FileKind::Elf64) => of::<FileHeader64<Endianness>>(bytes),
        Ok(other) => Err(format!("not an ELF file but {other:?}")),
        Err(error) => Err(error.to_string()),
    }
}

fn of<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> Result<Needs, String> {
    let needs = read::<Elf>(bytes).map_err(|error| error.to_string())?;
    needs.ok_or_else(|| "its dynamic section names more than the whole file holds".to_string())
}

/// `None`: names that are longer than the file. Entries may all point into one long string, so that a small file would
/// be gigabytes of names.
fn read<Elf: FileHeader<Endian = Endianness>>(bytes: &[u8]) -> object::read::Result<Option<Needs>> {
    let header = Elf::parse(bytes)?;
    let endian = header.endian()?;
    let segments = header.program_headers(endian, bytes)?;
    let mut needs = Needs::default();
    // A loader takes the first of each; notes are read as far as they are no more than the file.
    let mut has_dynamic = false;
    let mut notes_left = bytes.len() as u64;
    for segment in segments {
        if needs.interpreter.is_none()
            && let Some(path) = segment.interpreter(endian, bytes)?
        {
            needs.interpreter = Some(String::from_utf8_lossy(path).into_owned());
        }
        if !has_dynamic && let Some(entries) = segment.dynamic(endian, bytes)? {
            has_dynamic = true;
            let entries =
                entries.iter().map(|entry| (entry.d_tag(endian).into(), entry.d_val(endian).into()));
            let entries: Vec<(u64, u64)> =
                entries.take_while(|(tag, _)| *tag != u64::from(elf::DT_NULL)).collect();
            let strings = strings::<Elf>(endian, bytes, segments, &entries);
            if needs.read_dynamic(&entries, strings, bytes.len()).is_none() {
                return Ok(None);
            }
        }
        // Notes are advice: damaged ones name nothing, and the file runs without them.
        if let Ok(Some(mut notes)) = segment.notes(endian, bytes) {
            let Some(left) = notes_left.checked_sub(segment.p_filesz(endian).into()) else { continue };
            notes_left = left;
            while let Ok(Some(note)) = notes.next() {
                if note.name() == b"FDO" && note.n_type(endian) == NOTE_DLOPEN {
                    needs.read_note(note.desc());
                }
            }
        }
    }
    Ok(Some(needs))
}

/// The dynamic string table: its address is looked up in the loaded segments. Empty where it lies outside of them.
fn strings<'a, Elf: FileHeader<Endian = Endianness>>(
    endian: Endianness,
    bytes: &'a [u8],
    segments: &[Elf::ProgramHeader],
    entries: &[(u64, u64)],
) -> &'a [u8] {
    let value = |wanted: u32| {
        entries.iter().find(|(tag, _)| *tag == u64::from(wanted)).map_or(0, |(_, value)| *value)
    };
    let (address, size) = (value(elf::DT_STRTAB), value(elf::DT_STRSZ));
    let loaded = segments.iter().filter(|segment| segment.p_type(endian) == elf::PT_LOAD);
    loaded
        .filter_map(|segment| segment.data_range(endian, bytes, address, size).ok().flatten())
        .next()
        .unwrap_or(&[])
}

impl Needs {
    /// `None` where the names come to more bytes than `max`.
    fn read_dynamic(&mut self, entries: &[(u64, u64)], strings: &[u8], max: usize) -> Option<()> {
        let mut left = max;
        let mut all = |wanted: u32| -> Option<Vec<String>> {
            let chosen = entries.iter().filter(|(tag, _)| *tag == u64::from(wanted));
            let found = chosen.filter_map(|(_, offset)| string_at(strings, *offset));
            let named = found.map(|name| {
                left = left.checked_sub(name.len())?;
                Some(String::from_utf8_lossy(name).into_owned())
            });
            named.collect()
        };
        self.needed = all(elf::DT_NEEDED)?;
        self.soname = all(elf::DT_SONAME)?.into_iter().next();
        // A loader that knows DT_RUNPATH passes over DT_RPATH where both stand.
        let (new, old) = (all(elf::DT_RUNPATH)?, all(elf::DT_RPATH)?);
        let paths = if new.is_empty() { old } else { new };
        let folders = paths.iter().flat_map(|paths| paths.split(':'));
        self.search.extend(folders.filter(|folder| !folder.is_empty()).map(str::to_string));
        Some(())
    }

    /// A note that is not the JSON it should be names nothing: it is advice, and the file runs without it.
    fn read_note(&mut self, text: &[u8]) {
        let text = text.split(|byte| *byte == 0).next().unwrap_or(text);
        self.dlopen.extend(serde_json::from_slice::<Vec<Dlopen>>(text).unwrap_or_default());
    }
}

fn string_at(strings: &[u8], offset: u64) -> Option<&[u8]> {
    let rest = strings.get(usize::try_from(offset).ok()?..)?;
    Some(&rest[..rest.iter().position(|byte| *byte == 0)?])
}
