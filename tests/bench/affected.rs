//! `rootbrew ci affected` on a generated tap of which 100 commits edited a recipe each: both sides loaded, planned, compared.
//!
//! Half of the edits are comments and facts, which affect nothing; the rest reach what needs them. The store is empty: what CI
//! has before it fetched anything.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::table::{Times, figure, row};
use crate::{Result, Wish, generate, warm};

const COMMITS: usize = 100;

pub fn run(wish: &Wish, count: usize, goal: &str) -> Result<()> {
    let tap = tempfile::tempdir()?;
    generate::tap(tap.path(), warm::tap(), count)?;
    git(tap.path(), &["init", "-q", "-b", "main"])?;
    commit(tap.path())?;
    for at in 0..COMMITS {
        edit(tap.path(), at * count / COMMITS, at)?;
        commit(tap.path())?;
    }
    let store = tempfile::tempdir()?;
    let base = format!("HEAD~{COMMITS}");
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["ci", "affected", "--base", &base]).arg("--tap").arg(tap.path());
        command.arg("--store").arg(store.path().join("none")).stdin(Stdio::null());
        command
    };
    let said = String::from_utf8(warm::succeed(&mut command())?.stderr)?;
    let sum = said.lines().find(|line| line.starts_with("sum")).ok_or("no sum")?;
    figure(sum.trim_start_matches("sum").trim(), "", "");
    let mut times = Times::default();
    for _ in 0..wish.rounds(20) {
        times.time(|| warm::succeed(&mut command()))?;
    }
    row(&format!("ci affected, {count} recipes, {COMMITS} commits"), goal, &times, &times);
    Ok(())
}

fn edit(tap: &Path, recipe: usize, at: usize) -> Result<()> {
    let path = tap.join(format!("recipes/g{recipe:05}/recipe.toml"));
    let text = fs::read_to_string(&path)?;
    let edited = match at % 4 {
        0 => format!("# Edited.\n{text}"),
        1 => text.replace("which stands for", "that stands for"),
        2 => text.replace("size = ", "size = 1"),
        _ => text.replace("version = \"1.", "version = \"2."),
    };
    Ok(fs::write(path, edited)?)
}

fn commit(tap: &Path) -> Result<()> {
    git(tap, &["add", "-A"])?;
    git(tap, &["-c", "user.name=A", "-c", "user.email=a@host", "commit", "-q", "-m", "an edit"])
}

fn git(tap: &Path, words: &[&str]) -> Result<()> {
    warm::succeed(Command::new("git").arg("-C").arg(tap).args(words)).map(drop)
}
