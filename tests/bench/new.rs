//! `rootbrew new` on ten sources that no recipe has: how many build as they were written, with nobody's hand on them.
//!
//! Real builds, one at a time, of Debian's upstream archives; in a copy of this tap, in the store that is given (and kept
//! by no root). The recipes stay in the folder that is named at the end, to be looked at.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::table::figure;
use crate::{Result, Wish};

/// By Debian's names and versions: the first ten of the list that are in no catalogue.
const SOURCES: [(&str, &str); 10] = [
    ("jansson", "jansson=2.14-2/trixie"),
    ("libyaml", "libyaml=0.2.5-2/trixie"),
    ("popt", "popt=1.19+dfsg-2/trixie"),
    ("gawk", "gawk=1:5.3.2-1/sid"),
    ("sed", "sed=4.9-3/sid"),
    ("less", "less=668-1/trixie"),
    ("nettle", "nettle=3.10.2-1/sid"),
    ("jq", "jq=1.8.2-1/sid"),
    ("libpsl", "libpsl=0.23.3-1/sid"),
    ("hiredis", "hiredis=1.2.0-6/trixie"),
];

pub fn run(wish: &Wish) -> Result<()> {
    let tap = copy()?;
    let mut good = 0;
    for (name, pin) in SOURCES {
        let begun = Instant::now();
        let said = one(wish, &tap, name, pin)?;
        good += usize::from(said.is_none());
        let text =
            said.unwrap_or_else(|| format!("builds unchanged, {:.0} s", begun.elapsed().as_secs_f64()));
        figure(&format!("    {name}"), "", &text);
    }
    figure("build as `rootbrew new` wrote them", "", &format!("{good} of {}", SOURCES.len()));
    println!("  recipes: {}", tap.display());
    Ok(())
}

/// This repository's tap, without what the sources would clash with.
fn copy() -> Result<PathBuf> {
    let house = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("the workspace")?;
    let tap = tempfile::Builder::new().prefix("rootbrew-new-").tempdir()?.keep();
    for part in ["recipes", "roles", "toolchains", "seeds", "agent", "Cargo.toml", "Cargo.lock"] {
        let status = Command::new("cp").arg("-a").arg(house.join(part)).arg(&tap).status()?;
        status.success().then_some(()).ok_or("cannot copy the tap")?;
    }
    for (name, _) in SOURCES {
        let recipe = tap.join("recipes").join(name);
        if recipe.exists() {
            std::fs::remove_dir_all(recipe)?;
        }
    }
    Ok(tap)
}

/// Why it does not build; `None`: it does.
fn one(wish: &Wish, tap: &Path, name: &str, pin: &str) -> Result<Option<String>> {
    let pin = format!("debian={pin}");
    for words in [vec!["new", name, pin.as_str()], vec!["build", name]] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(words).arg("--store").arg(&wish.store).arg("--tap").arg(tap);
        let output =
            command.args(wish.sources.iter().flat_map(|folder| [Path::new("--sources"), folder])).output()?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            let failed = said.lines().find(|line| line.starts_with("failed") || line.starts_with("error"));
            return Ok(Some(failed.unwrap_or("failed").split_whitespace().collect::<Vec<_>>().join(" ")));
        }
    }
    Ok(None)
}
