//! A warm store to measure on: a copy by hard links, beside the given one, which is left as it is.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::{Result, Wish};

/// Copies a store by links. What lives only while somebody works (stage, locks) is not taken: a lock is a file's, not
/// a name's, and would be shared.
pub fn copy(store: &Path) -> Result<TempDir> {
    if !store.join("format").is_file() {
        let text = "no store at {}: `rootbrew build web` makes one, --store DIR names another";
        return Err(text.replace("{}", &store.display().to_string()).into());
    }
    // Beside it: hard links do not leave a file system.
    let copy =
        tempfile::Builder::new().prefix("rootbrew-bench-").tempdir_in(store.parent().unwrap_or(store))?;
    let parts = ["format", "blobs", "kegs", "actions", "roots", "logs", "notes"];
    let from = parts.iter().map(|part| store.join(part)).filter(|path| path.exists());
    let copied = Command::new("cp").arg("-al").args(from).arg(copy.path()).status()?;
    if !copied.success() {
        return Err(format!("cp -al of {}: {copied}", store.display()).into());
    }
    ["stage", "locks"].iter().try_for_each(|part| fs::create_dir(copy.path().join(part)))?;
    Ok(copy)
}

/// The built program on a store, silent.
pub fn rootbrew(wish: &Wish, store: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.args(words).arg("--store").arg(store).arg("--tap").arg(tap()).stdin(Stdio::null());
    if let Some(sources) = &wish.sources {
        command.arg("--sources").arg(sources);
    }
    command
}

pub fn tap() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Runs to its end; what it said is the error when it failed.
pub fn succeed(command: &mut Command) -> Result<Output> {
    let output = command.output()?;
    match output.status.success() {
        true => Ok(output),
        false => {
            Err(format!("{command:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
        }
    }
}
