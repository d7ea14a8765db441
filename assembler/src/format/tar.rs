//! tar: an image tree as an archive, POSIX.1-1988's headers with GNU's long names.
//!
//! ```text
//! 512 bytes a header, bytes filled up to 512, two empty headers
//! | ./ | bin/ | bin/nginx -> ... | kegs/ | ... |           sorted by path, folders before what is in them
//! name over 100 bytes, or a link's target: | ././@LongLink, type L or K | the name, NUL | header |
//! ```
//! Owners are numbers alone; every time is `erofs::TIME`. It is also what tools that make other formats are given.

use std::io::{self, Write};

use tar::{Builder, EntryType, Header};

use crate::content::{Content, copy_whole, open_whole};
use crate::erofs::TIME;
use crate::tree::{Bytes, ImageTree, Kind, Node};

/// Bytes of a header's field for a name.
const NAME: usize = 100;

/// The whole tree, the root first as `./`.
///
/// # Errors
/// The writer's, the content's, and content of another length than its digest says.
pub fn write_tar(tree: &ImageTree, content: &dyn Content, out: &mut impl Write) -> io::Result<()> {
    write_entries(tree.iter(), content, out)
}

/// Some entries of a tree, in the order given.
///
/// # Errors
/// As [`write_tar`].
pub fn write_entries<'t>(
    entries: impl Iterator<Item = (&'t str, &'t Node)>,
    content: &dyn Content,
    out: &mut impl Write,
) -> io::Result<()> {
    let mut archive = Builder::new(out);
    for (path, node) in entries {
        append(&mut archive, path, node, content)?;
    }
    archive.into_inner()?.flush()
}

fn append(
    archive: &mut Builder<impl Write>,
    path: &str,
    node: &Node,
    content: &dyn Content,
) -> io::Result<()> {
    let mut header = Header::new_gnu();
    header.set_mode(node.mode.into());
    header.set_uid(node.uid.into());
    header.set_gid(node.gid.into());
    header.set_mtime(TIME);
    header.set_size(0);
    match &node.kind {
        Kind::Folder => {
            header.set_entry_type(EntryType::Directory);
            let path = if path.is_empty() { "./".to_string() } else { format!("{path}/") };
            named(archive, header, &path)
        }
        Kind::Link { target } => {
            header.set_entry_type(EntryType::Symlink);
            if target.len() > NAME {
                long(archive, EntryType::GNULongLink, target)?;
            }
            gnu(&mut header).linkname[..target.len().min(NAME)]
                .copy_from_slice(&target.as_bytes()[..target.len().min(NAME)]);
            named(archive, header, path)
        }
        Kind::File(bytes) => {
            header.set_entry_type(EntryType::Regular);
            header.set_size(bytes.len());
            file(archive, header, path, bytes, content)
        }
    }
}

fn named(archive: &mut Builder<impl Write>, header: Header, path: &str) -> io::Result<()> {
    let header = with_name(archive, header, path)?;
    archive.append(&header, io::empty())
}

fn file(
    archive: &mut Builder<impl Write>,
    header: Header,
    path: &str,
    bytes: &Bytes,
    content: &dyn Content,
) -> io::Result<()> {
    // Before the header: what can't be read leaves no half entry.
    if let Bytes::Stored(digest) = bytes {
        drop(open_whole(digest, content)?);
    }
    let header = with_name(archive, header, path)?;
    archive.append(&header, io::empty())?;
    let out = archive.get_mut();
    copy_whole(bytes, content, out)?;
    let fill = bytes.len().next_multiple_of(512) - bytes.len();
    out.write_all(&[0; 512][..fill as usize])
}

/// The name as it is: the crate's own setter would take `./` and doubled slashes away.
fn with_name(archive: &mut Builder<impl Write>, mut header: Header, path: &str) -> io::Result<Header> {
    if path.len() > NAME {
        long(archive, EntryType::GNULongName, path)?;
    }
    let kept = path.len().min(NAME);
    gnu(&mut header).name[..kept].copy_from_slice(&path.as_bytes()[..kept]);
    header.set_cksum();
    Ok(header)
}

/// A header of its own, whose bytes are the name of the next.
fn long(archive: &mut Builder<impl Write>, kind: EntryType, name: &str) -> io::Result<()> {
    const LONG: &[u8] = b"././@LongLink";
    let mut header = Header::new_gnu();
    gnu(&mut header).name[..LONG.len()].copy_from_slice(LONG);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_size(name.len() as u64 + 1);
    header.set_cksum();
    archive.append(&header, [name.as_bytes(), b"\0"].concat().as_slice())
}

fn gnu(header: &mut Header) -> &mut tar::GnuHeader {
    match header.as_gnu_mut() {
        Some(gnu) => gnu,
        None => unreachable!("it was made by new_gnu"),
    }
}
