//! folder: an image tree laid out below a path, as its root would look.
//!
//! Owners other than the caller's only root can set: who is not gets a list of the paths that belong to somebody else than
//! they should, and no setuid bit on those. It never writes into a folder that is there.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::Path;

use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, utimensat};

use crate::content::{Content, copy_whole};
use crate::erofs::TIME;
use crate::tree::{Bytes, ImageTree, Kind, Node};

const SETUID_OR_SETGID: u16 = 0o6000;

/// Lays the tree out at `to`, which is made. Returns the paths whose owner could not be set.
///
/// # Errors
/// Something stands at `to`; what can't be written; the content's.
pub fn write_folder(tree: &ImageTree, content: &dyn Content, to: &Path) -> io::Result<Vec<String>> {
    for (path, node) in tree.iter() {
        let at = to.join(path);
        match &node.kind {
            // Nobody looks in before modes are set.
            Kind::Folder => DirBuilder::new().mode(0o700).create(&at),
            Kind::Link { target } => symlink(target, &at),
            Kind::File(bytes) => file(bytes, content, &at),
        }
        .map_err(|error| told(&at, error))?;
    }
    let mut others = Vec::new();
    // What is in a folder before the folder: its mode may shut us out, and its time would move.
    for (path, node) in tree.iter().collect::<Vec<_>>().into_iter().rev() {
        let at = to.join(path);
        let owned = own(&at, node).map_err(|error| told(&at, error))?;
        finish(&at, node, owned).map_err(|error| told(&at, error))?;
        if owned == Owned::Other {
            others.push(path.to_string());
        }
    }
    others.reverse();
    Ok(others)
}

fn file(bytes: &Bytes, content: &dyn Content, at: &Path) -> io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(at)?;
    copy_whole(bytes, content, &mut file)?;
    file.flush()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Owned {
    AsSaid,
    Other,
}

fn own(at: &Path, node: &Node) -> io::Result<Owned> {
    let there = fs::symlink_metadata(at)?;
    if (there.uid(), there.gid()) == (node.uid, node.gid) {
        return Ok(Owned::AsSaid);
    }
    match lchown(at, Some(node.uid), Some(node.gid)) {
        // EPERM: not root. EINVAL: root of a user namespace that has no such id.
        Err(error)
            if matches!(error.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput) =>
        {
            Ok(Owned::Other)
        }
        done => done.map(|()| Owned::AsSaid),
    }
}

fn finish(at: &Path, node: &Node, owned: Owned) -> io::Result<()> {
    if !matches!(node.kind, Kind::Link { .. }) {
        // A setuid program of another owner would be another program.
        let kept = if owned == Owned::Other && !node.is_folder() { !SETUID_OR_SETGID } else { !0 };
        fs::set_permissions(at, fs::Permissions::from_mode((node.mode & kept).into()))?;
    }
    let time = Timespec { tv_sec: TIME as i64, tv_nsec: 0 };
    let times = Timestamps { last_access: time, last_modification: time };
    Ok(utimensat(CWD, at, &times, AtFlags::SYMLINK_NOFOLLOW)?)
}

fn told(at: &Path, error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", at.display()))
}
