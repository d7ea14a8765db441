//! Guests that run: each has a socket in a folder that is its user's alone.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use crate::trouble::{Result, Trouble};

const SUFFIX: &str = ".control";
/// Guests of one role, side by side.
const GUESTS_MAX: usize = 100;

/// The socket of a guest by its name.
pub fn socket(name: &str) -> Result<PathBuf> {
    if name.contains('/') {
        return Err(Trouble::Failed(format!("`{name}` names no guest")));
    }
    Ok(folder()?.join(format!("{name}{SUFFIX}")))
}

/// A name that is free: the role's, or that and a number.
pub fn free(role: &str) -> Result<(String, PathBuf)> {
    let names = std::iter::once(role.to_string()).chain((2..GUESTS_MAX).map(|at| format!("{role}.{at}")));
    for name in names {
        let socket = socket(&name)?;
        if UnixStream::connect(&socket).is_err() {
            // What a guest that was killed left.
            fs::remove_file(&socket).ok();
            return Ok((name, socket));
        }
    }
    Err(Trouble::Failed(format!("{GUESTS_MAX} guests of `{role}` run already")))
}

/// Of guests that answer.
pub fn names() -> Vec<String> {
    let entries = folder().ok().and_then(|folder| fs::read_dir(folder).ok());
    let sockets = entries.into_iter().flatten().flatten().map(|entry| entry.path());
    let alive = sockets.filter(|socket| UnixStream::connect(socket).is_ok());
    let mut names: Vec<String> = alive
        .filter_map(|socket| Some(socket.file_name()?.to_str()?.strip_suffix(SUFFIX)?.to_string()))
        .collect();
    names.sort();
    names
}

/// XDG's runtime folder; where there is none, one below the temporary folder that is ours and nobody else's.
fn folder() -> Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute());
    let uid = rustix::process::geteuid().as_raw();
    let folder = match runtime {
        Some(runtime) => runtime.join("rootbrew"),
        None => std::env::temp_dir().join(format!("rootbrew-{uid}")),
    };
    let failed = |error: std::io::Error| Trouble::Failed(format!("cannot use {}: {error}", folder.display()));
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(failed(error)),
        _ => {}
    }
    let found = fs::symlink_metadata(&folder).map_err(failed)?;
    match found.is_dir() && found.uid() == uid && found.mode() & 0o077 == 0 {
        true => Ok(folder),
        false => Err(Trouble::Failed(format!("{} is not this user's alone: remove it", folder.display()))),
    }
}
