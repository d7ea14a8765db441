//! Looking into a source archive without unpacking it: names, and the beginnings of the files that are wanted.
//!
//! The archive is hostile until read: a bomb, a path that climbs out, a kind that its name denies are errors. Nothing is
//! written, no link is followed, and memory is bounded by what is kept.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// The kernel is 1.5 GB; what unpacks to more is none of ours.
const UNPACKED_MAX_BYTES: u64 = 4 << 30;
const ENTRIES_MAX: usize = 500_000;
/// Of everything that is kept together.
const KEPT_MAX_BYTES: usize = 128 << 20;
/// What `xz -9` needs is 65 MiB; a header that asks for more than this is not a source's.
const XZ_MEMORY_MAX_BYTES: u64 = 512 << 20;
/// 128 MiB: what `zstd` itself takes without being told otherwise.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;

#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    #[error("{0}")]
    NotAnArchive(String),
    #[error("its name says {name}, it is {content}")]
    OtherKind { name: &'static str, content: &'static str },
    #[error("the archive is broken: {0}")]
    Broken(io::Error),
    #[error("the archive holds nothing")]
    Empty,
    #[error("`{0}` climbs out of the folder that it is unpacked in")]
    Climbs(String),
    #[error("it unpacks to {0}: no source is like that")]
    Bomb(String),
    #[error("cannot read it: {0}")]
    Unreadable(io::Error),
}

/// What an archive holds, by path without its first folder.
#[derive(Debug, Clone, Default)]
pub struct Archive {
    /// How many leading folders all of its files share: 1 as a rule, else 0.
    pub strip: usize,
    pub names: BTreeSet<String>,
    /// The wanted ones, perhaps only their beginnings.
    pub files: BTreeMap<String, Vec<u8>>,
}

impl Archive {
    /// As text, where it is some: other bytes become replacement characters.
    pub fn text(&self, path: &str) -> Option<String> {
        self.files.get(path).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    pub fn has(&self, path: &str) -> bool {
        self.names.contains(path)
    }

    pub fn has_folder(&self, folder: &str) -> bool {
        let inside = format!("{folder}/");
        self.names.range(inside.clone()..).next().is_some_and(|name| name.starts_with(&inside))
    }

    /// As another part of the tree would see it: only what is below `folder`.
    pub fn below(&self, folder: &str) -> Archive {
        let inner = |name: &str| name.strip_prefix(folder)?.strip_prefix('/').map(str::to_string);
        Archive {
            strip: self.strip,
            names: self.names.iter().filter_map(|name| inner(name)).collect(),
            files: self
                .files
                .iter()
                .filter_map(|(name, bytes)| Some((inner(name)?, bytes.clone())))
                .collect(),
        }
    }
}

/// Reads the archive at `path`, which a person knows as `name`. `wanted` says of each file, by its path without the
/// first folder, how many bytes of it to keep.
pub fn look(path: &Path, name: &str, wanted: &dyn Fn(&str) -> usize) -> Result<Archive, ArchiveError> {
    let mut reader = BufReader::new(File::open(path).map_err(ArchiveError::Unreadable)?);
    let start = reader.fill_buf().map_err(ArchiveError::Unreadable)?;
    let kind = Kind::of(start)?;
    if let Some(said) = Kind::said_by(name).filter(|said| *said != kind) {
        return Err(ArchiveError::OtherKind { name: said.name(), content: kind.name() });
    }
    let limited =
        Limited { inner: kind.open(reader).map_err(ArchiveError::Broken)?, left: UNPACKED_MAX_BYTES };
    read(limited, wanted).map_err(|error| match error {
        ArchiveError::Broken(error) if error.to_string() == BOMB => {
            ArchiveError::Bomb(format!("more than {} GiB", UNPACKED_MAX_BYTES >> 30))
        }
        other => other,
    })
}

fn read(bytes: impl Read, wanted: &dyn Fn(&str) -> usize) -> Result<Archive, ArchiveError> {
    let mut tar = tar::Archive::new(bytes);
    let mut whole: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    let (mut names, mut kept) = (BTreeSet::new(), 0);
    for entry in tar.entries().map_err(ArchiveError::Broken)? {
        let mut entry = entry.map_err(ArchiveError::Broken)?;
        let path = plain(&String::from_utf8_lossy(&entry.path_bytes()))?;
        // `git archive` puts a header for all files first, under a name of its own.
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() || path.is_empty() {
            continue;
        }
        if names.len() >= ENTRIES_MAX {
            return Err(ArchiveError::Bomb(format!("more than {ENTRIES_MAX} files")));
        }
        let most = wanted(first_folder(&path).1).max(wanted(&path)).min(KEPT_MAX_BYTES - kept);
        if most > 0 && kind.is_file() {
            let mut content = Vec::new();
            entry.by_ref().take(most as u64).read_to_end(&mut content).map_err(ArchiveError::Broken)?;
            kept += content.len();
            whole.insert(path.clone(), content);
        }
        names.insert(path);
    }
    if names.is_empty() {
        return Err(ArchiveError::Empty);
    }
    Ok(stripped(names, whole))
}

/// Without `./` and doubled slashes. What climbs is refused, though we write nothing: nobody's source does it.
fn plain(path: &str) -> Result<String, ArchiveError> {
    let parts: Vec<&str> = path.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if path.starts_with('/') || parts.contains(&"..") {
        return Err(ArchiveError::Climbs(path.escape_default().to_string()));
    }
    Ok(parts.join("/"))
}

fn first_folder(path: &str) -> (&str, &str) {
    path.split_once('/').unwrap_or((path, ""))
}

fn stripped(names: BTreeSet<String>, files: BTreeMap<String, Vec<u8>>) -> Archive {
    let mut roots = names.iter().map(|name| first_folder(name));
    let root = roots.next().map(|(root, _)| root.to_string()).unwrap_or_default();
    let shared = names.iter().all(|name| first_folder(name).0 == root && name.contains('/'));
    if !shared {
        return Archive { strip: 0, names, files };
    }
    let inner = |name: &str| first_folder(name).1.to_string();
    Archive {
        strip: 1,
        names: names.iter().map(|name| inner(name)).collect(),
        files: files.into_iter().map(|(name, bytes)| (inner(&name), bytes)).collect(),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Tar,
    Gzip,
    Bzip2,
    Xz,
    Zstd,
}

impl Kind {
    /// By the first bytes.
    fn of(start: &[u8]) -> Result<Kind, ArchiveError> {
        let no = |what: &str| Err(ArchiveError::NotAnArchive(what.to_string()));
        match start {
            [] => no("an empty file"),
            [0x1f, 0x8b, ..] => Ok(Kind::Gzip),
            [b'B', b'Z', b'h', ..] => Ok(Kind::Bzip2),
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Ok(Kind::Xz),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Ok(Kind::Zstd),
            _ if start.get(257..262) == Some(b"ustar") => Ok(Kind::Tar),
            [b'P', b'K', 3, 4, ..] => {
                no("a zip archive: builds unpack tar archives; upstream usually has one")
            }
            [0x7f, b'E', b'L', b'F', ..] => no("a program and no source archive"),
            _ if start.iter().all(|byte| *byte == 0) => no("only zeros and no archive"),
            _ if is_page(start) => no("an HTML page and no archive"),
            _ if start.iter().take(512).all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => {
                no("a text and no archive")
            }
            _ => no("no archive: neither tar nor one packed by gzip, bzip2, xz or zstd"),
        }
    }

    fn said_by(name: &str) -> Option<Kind> {
        let ends = |ends: &[&str]| ends.iter().any(|end| name.ends_with(end));
        match () {
            () if ends(&[".tar"]) => Some(Kind::Tar),
            () if ends(&[".tar.gz", ".tgz"]) => Some(Kind::Gzip),
            () if ends(&[".tar.bz2", ".tbz", ".tbz2"]) => Some(Kind::Bzip2),
            () if ends(&[".tar.xz", ".txz"]) => Some(Kind::Xz),
            () if ends(&[".tar.zst", ".tzst"]) => Some(Kind::Zstd),
            () => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Kind::Tar => "tar",
            Kind::Gzip => "gzip",
            Kind::Bzip2 => "bzip2",
            Kind::Xz => "xz",
            Kind::Zstd => "zstd",
        }
    }

    fn open<'r>(self, reader: impl BufRead + 'r) -> io::Result<Box<dyn Read + 'r>> {
        Ok(match self {
            Kind::Tar => Box::new(reader),
            Kind::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(reader)),
            Kind::Bzip2 => Box::new(bzip2::bufread::MultiBzDecoder::new(reader)),
            Kind::Xz => {
                let stream =
                    xz2::stream::Stream::new_stream_decoder(XZ_MEMORY_MAX_BYTES, xz2::stream::CONCATENATED);
                Box::new(xz2::bufread::XzDecoder::new_stream(reader, stream.map_err(io::Error::other)?))
            }
            Kind::Zstd => {
                let mut decoder = zstd::Decoder::with_buffer(reader)?;
                decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
                Box::new(decoder)
            }
        })
    }
}

fn is_page(start: &[u8]) -> bool {
    let text = String::from_utf8_lossy(&start[..start.len().min(512)]).to_lowercase();
    ["<!doctype", "<html", "<head", "<?xml"].iter().any(|opening| text.trim_start().starts_with(opening))
}

const BOMB: &str = "more than the limit";

/// Ends a bomb by an error, where `take` would end it as if it were whole.
struct Limited<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| io::Error::other(BOMB))?;
        Ok(count)
    }
}

#[cfg(test)]
#[path = "archive_tests.rs"]
mod tests;
