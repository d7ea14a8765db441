//! This repository's tap, to be edited: its recipes are links, its roles and the agent's sources are copies.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Ran;

pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

pub fn copy() -> tempfile::TempDir {
    let tap = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    for part in ["recipes", "toolchains", "seeds"] {
        std::os::unix::fs::symlink(repository().join(part), tap.path().join(part)).expect("a link");
    }
    // What the agent is made of: a link would be no source.
    let copied = ["agent", "Cargo.toml", "Cargo.lock", "roles"].map(|part| repository().join(part));
    Ran::of(Command::new("cp").arg("-a").args(copied).arg(tap.path())).expect(0);
    tap
}
