//! Records out of files: JSON with one record, a list or one a line; a zip of such files; a folder of such files.
//!
//! A file is cut into its outermost objects without being parsed, so that one record is in memory at a time, whatever the
//! size of the export. What is larger than a record can be, or ends in the midst of one, is an error.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};

/// The largest record known (a kernel's, of many versions) has under 4 MB.
const RECORD_MAX_BYTES: usize = 32 << 20;
/// OSV's whole export has 400,000 records.
const FILES_MAX: usize = 4_000_000;
const DEPTH_MAX: usize = 8;

#[derive(Debug, thiserror::Error)]
pub enum RecordsError {
    #[error("cannot read {path}: {source}")]
    Read { path: PathBuf, source: io::Error },
    #[error("{place}: {what}")]
    Form { place: String, what: String },
}

/// Where a record stands (`all.zip: CVE-1.json`), and its bytes.
pub type Take<'a> = dyn FnMut(&str, &[u8]) + 'a;

pub fn each(path: &Path, take: &mut Take) -> Result<(), RecordsError> {
    in_folder(path, 0, take)
}

fn in_folder(path: &Path, depth: usize, take: &mut Take) -> Result<(), RecordsError> {
    let failed = |source| RecordsError::Read { path: path.to_path_buf(), source };
    if !path.is_dir() {
        let place = path.display().to_string();
        let mut file = BufReader::new(File::open(path).map_err(failed)?);
        let start = file.fill_buf().map_err(failed)?;
        return if start.starts_with(b"PK\x03\x04") {
            in_zip(file, &place, take)
        } else {
            cut(file, &place, take)
        };
    }
    if depth >= DEPTH_MAX {
        return Err(form(&path.display().to_string(), format!("folders are {DEPTH_MAX} deep")));
    }
    let mut entries: Vec<PathBuf> = Vec::new();
    for entry in path.read_dir().map_err(failed)? {
        entries.push(entry.map_err(failed)?.path());
    }
    entries.sort();
    for entry in entries {
        // What git or an editor keeps beside the records is none.
        let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_record =
            entry.extension().is_some_and(|end| ["json", "jsonl", "zip"].iter().any(|known| end == *known));
        if !is_hidden && !entry.is_symlink() && (entry.is_dir() || is_record) {
            in_folder(&entry, depth + 1, take)?;
        }
    }
    Ok(())
}

fn form(place: &str, what: impl Into<String>) -> RecordsError {
    RecordsError::Form { place: place.to_string(), what: what.into() }
}

fn in_zip(file: impl Read + Seek, place: &str, take: &mut Take) -> Result<(), RecordsError> {
    let broken = |error: zip::result::ZipError| form(place, format!("the zip archive is broken: {error}"));
    let mut archive = zip::ZipArchive::new(file).map_err(broken)?;
    if archive.len() > FILES_MAX {
        return Err(form(place, format!("more than {FILES_MAX} files")));
    }
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(broken)?;
        let name = entry.name().map_err(broken)?.to_string();
        if entry.is_file() && (name.ends_with(".json") || name.ends_with(".jsonl")) {
            let name = name.escape_debug().to_string();
            cut(BufReader::new(entry), &format!("{place}: {name}"), take)?;
        }
    }
    Ok(())
}

/// Where in a text the cutter is.
#[derive(Default)]
struct Cutter {
    record: Vec<u8>,
    depth: usize,
    in_string: bool,
    escaped: bool,
    count: u64,
}

/// Cuts a stream into its outermost objects. Lists around them, commas and space between them are no matter.
fn cut(mut reader: impl BufRead, place: &str, take: &mut Take) -> Result<(), RecordsError> {
    let mut cutter = Cutter::default();
    loop {
        let bytes = reader.fill_buf().map_err(|error| form(place, format!("cannot be read: {error}")))?;
        if bytes.is_empty() {
            break;
        }
        for byte in bytes {
            cutter.byte(*byte, place, take)?;
        }
        let length = bytes.len();
        reader.consume(length);
    }
    match cutter.depth {
        0 if cutter.count == 0 => Err(form(place, "no record of OSV is in it: they are objects of JSON")),
        0 => Ok(()),
        _ => Err(form(place, format!("cut short in the midst of record {}", cutter.count + 1))),
    }
}

impl Cutter {
    fn byte(&mut self, byte: u8, place: &str, take: &mut Take) -> Result<(), RecordsError> {
        if self.depth == 0 && byte != b'{' {
            let between = byte.is_ascii_whitespace() || b"[],\xef\xbb\xbf".contains(&byte);
            return if between { Ok(()) } else { Err(form(place, "it is no JSON, or no list of records")) };
        }
        self.record.push(byte);
        if self.record.len() > RECORD_MAX_BYTES {
            return Err(form(
                place,
                format!("record {} has more than {RECORD_MAX_BYTES} bytes", self.count + 1),
            ));
        }
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' if self.in_string => self.escaped = true,
            b'"' => self.in_string = !self.in_string,
            b'{' if !self.in_string => self.depth += 1,
            b'}' if !self.in_string => self.depth -= 1,
            _ => {}
        }
        if self.depth == 0 {
            self.count += 1;
            let at =
                if self.count == 1 { place.to_string() } else { format!("{place}, record {}", self.count) };
            take(&at, &self.record);
            self.record.clear();
        }
        Ok(())
    }
}
