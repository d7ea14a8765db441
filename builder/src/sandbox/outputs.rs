//! What came out of a sandbox, looked at before anything else touches it.
//!
//! The tree is hostile: it is walked by file descriptors, no link is followed, nothing is opened but folders. What no
//! keg may hold is refused with the file named. Nothing is changed; times, owners and attributes are not even read,
//! since the store keeps none.

use std::ffi::CStr;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat};

use super::links;

/// Deeper than any software installs; each level holds a file descriptor while it is walked.
const DEPTH_MAX: usize = 256;

/// One thing of the tree. `path` is relative, without `.`, `..` or a leading slash.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    pub path: String,
    pub kind: Kind,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    File { executable: bool, size_bytes: u64 },
    Folder,
    Link { target: String },
}

/// Why a tree cannot be a keg. `path` is relative to the tree; what is not UTF-8 in it is shown escaped.
#[derive(Debug, thiserror::Error)]
pub enum OutputError {
    #[error("`{path}` is {what}; a keg holds files, folders and links")]
    Kind { path: String, what: &'static str },
    #[error("`{path}` is setuid or setgid (mode {mode:o}); install it without")]
    SetId { path: String, mode: u32 },
    #[error("`{path}` is a link to `{target}`, which leaves the keg")]
    Escape { path: String, target: String },
    #[error("`{path}`: a name that is not UTF-8")]
    Name { path: String },
    #[error("`{path}` lies deeper than {DEPTH_MAX} folders")]
    Deep { path: String },
    #[error("`{path}`: {source}")]
    Io { path: String, source: io::Error },
}

/// All that is in the tree at `root`, sorted by path, when it may be the keg whose prefix is `own` (`/kegs/zlib/0`).
///
/// `declared` are the prefixes that absolute links may name besides `own`: the kegs that the build was given.
/// Errors: [`OutputError`], at the first thing that no keg may hold.
pub fn check_outputs(root: impl AsFd, own: &str, declared: &[String]) -> Result<Vec<Entry>, OutputError> {
    let mut entries = Vec::new();
    walk(root.as_fd(), "", 0, &mut |at| {
        let entry = Entry { kind: at.kind()?, path: at.path()? };
        entries.push(entry);
        Ok(())
    })?;
    entries.sort();
    links::check(&entries, own, declared)?;
    Ok(entries)
}

/// Bytes on disk below a folder, counted until `enough`. What vanishes meanwhile is not there; what is too deep is a lot.
pub(super) fn disk_bytes(root: impl AsFd, enough: u64) -> u64 {
    let mut bytes = 0;
    let walked = walk(root.as_fd(), "", 0, &mut |at| {
        bytes += at.stat.st_blocks as u64 * 512;
        if bytes < enough { Ok(()) } else { Err(OutputError::Deep { path: String::new() }) }
    });
    match walked {
        Err(OutputError::Deep { .. }) => enough.max(bytes),
        _ => bytes,
    }
}

/// One thing as the walk meets it.
struct Met<'a> {
    folder: BorrowedFd<'a>,
    folder_path: &'a str,
    name: &'a CStr,
    stat: Stat,
}

impl Met<'_> {
    fn shown(&self) -> String {
        below(self.folder_path, &self.name.to_string_lossy())
    }

    fn path(&self) -> Result<String, OutputError> {
        let name = self.name.to_str();
        let path = name.map(|name| below(self.folder_path, name));
        path.map_err(|_| OutputError::Name {
            path: below(self.folder_path, &self.name.to_bytes().escape_ascii().to_string()),
        })
    }

    fn kind(&self) -> Result<Kind, OutputError> {
        let refused = |what| Err(OutputError::Kind { path: self.shown(), what });
        let mode = self.stat.st_mode;
        match FileType::from_raw_mode(mode) {
            FileType::RegularFile if mode & 0o6000 != 0 => {
                Err(OutputError::SetId { path: self.shown(), mode: mode & 0o7777 })
            }
            // A folder's setgid bit is inherited from where it was made (BSD groups): it means nothing in a keg.
            FileType::Directory => Ok(Kind::Folder),
            FileType::RegularFile => {
                Ok(Kind::File { executable: mode & 0o111 != 0, size_bytes: self.stat.st_size as u64 })
            }
            FileType::Symlink => Ok(Kind::Link { target: self.target()? }),
            FileType::Fifo => refused("a fifo"),
            FileType::Socket => refused("a socket"),
            FileType::CharacterDevice | FileType::BlockDevice => refused("a device"),
            FileType::Unknown => refused("of an unknown kind"),
        }
    }

    fn target(&self) -> Result<String, OutputError> {
        let target = rustix::fs::readlinkat(self.folder, self.name, Vec::new());
        let target = target.map_err(|error| told(&self.shown(), error))?;
        target.into_string().map_err(|_| OutputError::Name { path: format!("{} (its target)", self.shown()) })
    }
}

/// Calls `meet` for everything below a folder, folders before what is in them.
fn walk(
    folder: BorrowedFd,
    path: &str,
    depth: usize,
    meet: &mut impl FnMut(&Met) -> Result<(), OutputError>,
) -> Result<(), OutputError> {
    if depth > DEPTH_MAX {
        return Err(OutputError::Deep { path: path.to_string() });
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    // Opened anew: an O_PATH fd can't be read, and a shared one has one position for all readers.
    let opened = rustix::fs::openat(folder, c".", flags, Mode::empty()).map_err(|error| told(path, error))?;
    let entries = Dir::read_from(&opened).map_err(|error| told(path, error))?;
    for entry in entries {
        let entry = entry.map_err(|error| told(path, error))?;
        let name = entry.file_name();
        if name != c"." && name != c".." {
            meet_one(&opened, path, name, depth, meet)?;
        }
    }
    Ok(())
}

fn meet_one(
    folder: &OwnedFd,
    folder_path: &str,
    name: &CStr,
    depth: usize,
    meet: &mut impl FnMut(&Met) -> Result<(), OutputError>,
) -> Result<(), OutputError> {
    let shown = below(folder_path, &name.to_string_lossy());
    let stat =
        rustix::fs::statat(folder, name, AtFlags::SYMLINK_NOFOLLOW).map_err(|error| told(&shown, error))?;
    meet(&Met { folder: folder.as_fd(), folder_path, name, stat })?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Ok(());
    }
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let below =
        rustix::fs::openat(folder, name, flags, Mode::empty()).map_err(|error| told(&shown, error))?;
    walk(below.as_fd(), &shown, depth + 1, meet)
}

fn below(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_string() } else { format!("{folder}/{name}") }
}

fn told(path: &str, error: rustix::io::Errno) -> OutputError {
    OutputError::Io { path: path.to_string(), source: error.into() }
}
