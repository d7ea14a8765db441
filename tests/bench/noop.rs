//! `rootbrew build web` with nothing to do, beside a process that does nothing, and beside GNU make that looks at as
//! many files as the tap has.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::table::{Times, row};
use crate::{Result, Wish, warm};

pub fn run(wish: &Wish) -> Result<()> {
    let store = warm::copy(&wish.store)?;
    let build = || warm::succeed(&mut warm::rootbrew(wish, store.path(), &["build", "web"]));
    build()?;
    let said = String::from_utf8(build()?.stderr)?;
    if !said.contains("nothing to build") {
        return Err(format!("a second build of web built something:\n{said}").into());
    }
    let tree = tempfile::tempdir()?;
    let count = lay_out_makefile(tree.path())?;
    let (mut ours, mut make, mut nothing) = (Times::default(), Times::default(), Times::default());
    for _ in 0..wish.rounds(50) {
        ours.time(build)?;
        make.time(|| warm::succeed(Command::new("make").arg("-q").arg("-C").arg(tree.path())))?;
        nothing.time(|| warm::succeed(&mut Command::new("true")))?;
    }
    row("rootbrew build web, nothing to do", "50 ms", &ours, &ours);
    row(&format!("make -q, {count} inputs of the same names"), "", &make, &ours);
    row("true", "", &nothing, &ours);
    Ok(())
}

/// One up-to-date target for each file of the tap that a build may read.
fn lay_out_makefile(folder: &Path) -> Result<usize> {
    let mut files = Vec::new();
    for part in ["recipes", "roles", "seeds", "toolchains"] {
        list(&warm::tap().join(part), &mut files)?;
    }
    let mut makefile = String::from("all:");
    (0..files.len()).for_each(|at| makefile += &format!(" out{at}"));
    for (at, file) in files.iter().enumerate() {
        fs::copy(file, folder.join(format!("in{at}")))?;
        makefile += &format!("\nout{at}: in{at}\n\tcp $< $@");
    }
    for at in 0..files.len() {
        fs::write(folder.join(format!("out{at}")), "")?;
    }
    fs::write(folder.join("all"), "")?;
    fs::write(folder.join("Makefile"), makefile + "\n")?;
    Ok(files.len())
}

fn list(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() { list(&path, files)? } else { files.push(path) }
    }
    Ok(())
}
