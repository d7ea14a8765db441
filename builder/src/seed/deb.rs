//! One `.deb` to entries: `ar`, inside it `data.tar.{xz,zst,gz}`, inside that files, folders and links.
//!
//! The `tar` crate is only trusted to cut a stream into entries (facts/measured.md names its traps). Checked here:
//! every path, every kind, every length against a limit and against the bytes that came, and the compressed stream to its
//! very end, since its checksum stands there.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use kegs::{Digest, Node};
use tar::EntryType;

use super::error::DebError;
use super::path;
use crate::fetch::Blobs;

/// Of all that one `.deb` unpacks to: the largest of a compiler is 170 MB.
const UNPACKED_MAX_BYTES: u64 = 2 << 30;
/// And of one file: the largest of a compiler, its LLVM, is 140 MB.
const FILE_MAX_BYTES: u64 = 512 << 20;
/// More than nine files in ten have.
const SMALL_BYTES: u64 = 1 << 20;
/// Deeper than any real path; keeps what is quadratic in depth small.
const DEPTH_MAX: usize = 64;

/// What a `.deb` has at a path. `Same` is a hard link, resolved against the same `.deb`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    Node(Node),
    Same { as_path: String },
}

/// Clean paths with what is there, in the archive's order. File contents are in `blobs`.
pub fn unpack(path: &Path, blobs: &dyn Blobs) -> Result<Vec<(String, Entry)>, DebError> {
    let file = BufReader::with_capacity(128 << 10, File::open(path).map_err(DebError::Read)?);
    let not_a_deb = |error: io::Error| DebError::NotADeb(error.to_string());
    let mut archive = super::ar::Archive::open(file).map_err(not_a_deb)?;
    let mut is_first = true;
    while let Some(mut member) = archive.next().map_err(not_a_deb)? {
        let name = member.name.clone();
        if is_first && name != "debian-binary" {
            return Err(DebError::NotADeb(format!("its first member is `{name}` and not `debian-binary`")));
        }
        is_first = false;
        if name.starts_with("data.tar") {
            let entries = data(&name, &mut member.content, blobs)?;
            member.skip().map_err(not_a_deb)?;
            return Ok(entries);
        }
        member.skip().map_err(not_a_deb)?;
    }
    Err(DebError::NotADeb("it has no `data.tar`".to_string()))
}

fn data(name: &str, content: &mut dyn Read, blobs: &dyn Blobs) -> Result<Vec<(String, Entry)>, DebError> {
    let damaged = |source| DebError::Damaged { member: name.to_string(), source };
    let plain: Box<dyn Read + '_> = match name {
        "data.tar.xz" => Box::new(xz2::read::XzDecoder::new_multi_decoder(content)),
        "data.tar.zst" => Box::new(zstd::Decoder::new(content).map_err(damaged)?),
        "data.tar.gz" => Box::new(flate2::read::MultiGzDecoder::new(content)),
        "data.tar" => Box::new(content),
        _ => return Err(DebError::NotADeb(format!("`{name}` is packed in a way that is not known"))),
    };
    // One byte more than the limit is the proof that it is exceeded.
    let mut bounded = plain.take(UNPACKED_MAX_BYTES + 1);
    let entries = entries(name, &mut bounded, blobs)?;
    // The tar ends before the stream does, and the stream's checksum is at its end.
    io::copy(&mut bounded, &mut io::sink()).map_err(damaged)?;
    if bounded.limit() == 0 { Err(DebError::Bomb { limit: UNPACKED_MAX_BYTES }) } else { Ok(entries) }
}

fn entries(member: &str, plain: &mut dyn Read, blobs: &dyn Blobs) -> Result<Vec<(String, Entry)>, DebError> {
    let damaged = |source| DebError::Damaged { member: member.to_string(), source };
    let mut archive = tar::Archive::new(plain);
    let mut found = Vec::new();
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let raw = entry.path_bytes().into_owned();
        let told = |problem| match problem {
            Problem::Refused(problem) => {
                let path = String::from_utf8_lossy(&raw).into_owned();
                DebError::Entry { path, problem: problem.to_string() }
            }
            Problem::Damaged(source) => damaged(source),
            Problem::Store(source) => {
                DebError::Store { path: String::from_utf8_lossy(&raw).into_owned(), source }
            }
        };
        let path = path::clean(&raw).map_err(Problem::Refused).map_err(told)?;
        if let Some(value) = value(&path, &mut entry, blobs).map_err(told)? {
            found.push((path, value));
        }
    }
    Ok(found)
}

/// What stands at `path`; nothing for the root, and for what is dropped. Refused is refused wherever it lies.
fn value(
    path: &str,
    entry: &mut tar::Entry<&mut dyn Read>,
    blobs: &dyn Blobs,
) -> Result<Option<Entry>, Problem> {
    if path.matches('/').count() > DEPTH_MAX {
        return Err(Problem::Refused("is nested too deep"));
    }
    let value = match entry.header().entry_type() {
        EntryType::Directory => Entry::Node(Node::Folder),
        EntryType::Symlink => Entry::Node(Node::Link { target: path::target(path, &link(entry)?)? }),
        EntryType::Link => {
            let as_path = path::clean(&link(entry)?);
            Entry::Same {
                as_path: as_path.map_err(|_| Problem::Refused("is a hard link that leaves the archive"))?,
            }
        }
        // Not read at all; a hard link elsewhere that names it is then refused, and none in Debian does.
        EntryType::Regular | EntryType::Continuous if path::is_dropped(path) => return Ok(None),
        EntryType::Regular | EntryType::Continuous => Entry::Node(file(path, entry, blobs)?),
        EntryType::Block | EntryType::Char => return Err(Problem::Refused("is a device")),
        EntryType::Fifo => return Err(Problem::Refused("is a fifo")),
        EntryType::GNUSparse => return Err(Problem::Refused("is a sparse file")),
        _ => return Err(Problem::Refused("is of a kind that is not known")),
    };
    Ok((!path.is_empty() && !path::is_dropped(path)).then_some(value))
}

fn link(entry: &tar::Entry<&mut dyn Read>) -> Result<Vec<u8>, Problem> {
    entry.link_name_bytes().map(|target| target.into_owned()).ok_or(Problem::Refused("is a link to nothing"))
}

impl From<&'static str> for Problem {
    fn from(problem: &'static str) -> Problem {
        Problem::Refused(problem)
    }
}

enum Problem {
    Refused(&'static str),
    Damaged(io::Error),
    Store(io::Error),
}

fn file(path: &str, entry: &mut tar::Entry<&mut dyn Read>, blobs: &dyn Blobs) -> Result<Node, Problem> {
    if path.is_empty() {
        return Err(Problem::Refused("is the root and not a folder"));
    }
    let size_bytes = entry.size();
    if size_bytes > FILE_MAX_BYTES {
        return Err(Problem::Refused("is too large"));
    }
    let mode = entry.header().mode().map_err(Problem::Damaged)?;
    let digest = match size_bytes {
        0..=SMALL_BYTES => small(entry, blobs)?,
        _ => large(entry, blobs)?,
    };
    if digest.size_bytes != size_bytes {
        return Err(Problem::Refused("is cut short"));
    }
    Ok(Node::File { digest, executable: mode & 0o111 != 0 })
}

/// Most files: hashed in memory, so that what is in the store already is not written again.
fn small(entry: &mut tar::Entry<&mut dyn Read>, blobs: &dyn Blobs) -> Result<Digest, Problem> {
    // Not `with_capacity(size)`: the size is only what the header says.
    let mut bytes = Vec::new();
    entry.read_to_end(&mut bytes).map_err(Problem::Damaged)?;
    blobs.put_bytes(&bytes).map_err(Problem::Store)
}

/// Through the store's stage: memory is the same for any size.
fn large(entry: &mut tar::Entry<&mut dyn Read>, blobs: &dyn Blobs) -> Result<Digest, Problem> {
    let mut noted = Noted { entry, error: None };
    let put = blobs.put_reader(&mut noted);
    match noted.error {
        Some(error) => Err(Problem::Damaged(error)),
        None => put.map_err(Problem::Store),
    }
}

/// Keeps an error of the archive's apart from those of the store that reads it.
struct Noted<R> {
    entry: R,
    error: Option<io::Error>,
}

impl<R: Read> Read for Noted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.entry.read(buffer).map_err(|error| {
            let told = io::Error::new(error.kind(), error.to_string());
            self.error = Some(error);
            told
        })
    }
}
