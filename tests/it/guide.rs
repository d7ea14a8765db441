//! The guide for recipe authors, run: each `$ …` line of its `console` blocks, in order, in a copy of this tap, and what it
//! shows must be what the guide shows. A block that begins with "```c PATH" is a file that the author writes.
//! `UPDATE_EXPECT=1` writes what came into the guide.
//!
//! Times are masked, and runs of blanks are one. The store is a copy of the user's, so that the guide need not wait for the
//! compiler; what the guide builds itself must not be in the catalogue.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::Ran;

const GUIDE: &str = "docs/recipes.md";

fn house() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The guide's text, parted: what is prose, and the commands with what they show.
#[derive(Debug)]
enum Part {
    Prose(String),
    /// A block that is a file: its path, and what stands in it.
    File {
        path: String,
        head: String,
        content: String,
    },
    /// The line after `$ `, and all lines up to the next one or the end of the block.
    Command {
        line: String,
        shown: String,
    },
}

enum Block {
    None,
    Console,
    File,
    Other,
}

fn parts(text: &str) -> Vec<Part> {
    let mut parts = vec![Part::Prose(String::new())];
    let mut inside = Block::None;
    for line in text.lines() {
        let fence = line.strip_prefix("```");
        if let Some(head) = fence {
            inside = match inside {
                Block::None if head == "console" => Block::Console,
                Block::None => Block::Other,
                _ => Block::None,
            };
            if let (Block::Other, Some((_, path))) = (&inside, head.split_once(' ')) {
                inside = Block::File;
                let (path, head) = (path.to_string(), line.to_string());
                parts.push(Part::File { path, head, content: String::new() });
                continue;
            }
        }
        let shown = fence.is_none().then_some(&inside);
        match (shown, line.strip_prefix("$ "), parts.last_mut()) {
            (Some(Block::Console), Some(command), _) => {
                parts.push(Part::Command { line: command.to_string(), shown: String::new() });
            }
            (Some(Block::Console), None, Some(Part::Command { shown, .. })) => *shown += &format!("{line}\n"),
            (Some(Block::File), _, Some(Part::File { content, .. })) => *content += &format!("{line}\n"),
            (_, _, Some(Part::Prose(prose))) => *prose += &format!("{line}\n"),
            _ => parts.push(Part::Prose(format!("{line}\n"))),
        }
    }
    parts
}

fn text(parts: &[Part]) -> String {
    let one = |part: &Part| match part {
        Part::Prose(prose) => prose.clone(),
        Part::File { head, content, .. } => format!("{head}\n{content}"),
        Part::Command { line, shown } => format!("$ {line}\n{shown}"),
    };
    parts.iter().map(one).collect()
}

/// Where the guide's author sits: a tap under git, a store, a home.
struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Desk {
        let store = user_store();
        // What every C recipe needs, so that the guide begins where an author does who has built before.
        let mut ready = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        Ran::of(ready.args(["build", "zlib", "pkgconf"]).arg("--tap").arg(house())).expect(0);
        let beside = store.parent().expect("a store has a folder");
        let folder = tempfile::Builder::new().prefix("guide").tempdir_in(beside).expect("a temporary folder");
        let desk = Desk { folder };
        let tap = desk.tap();
        fs::create_dir_all(desk.path("store/stage")).expect("a folder for the store");
        fs::create_dir(desk.path("store/locks")).expect("a folder for locks");
        fs::create_dir(&tap).expect("a folder for the tap");
        let kept =
            ["format", "blobs", "kegs", "actions", "roots", "logs", "notes"].map(|part| store.join(part));
        let kept = kept.into_iter().filter(|path| path.exists());
        Ran::of(Command::new("cp").arg("-al").args(kept).arg(desk.path("store"))).expect(0);
        let data = ["recipes", "roles", "seeds", "toolchains", "agent", "host", "Cargo.toml", "Cargo.lock"]
            .map(|part| house().join(part));
        Ran::of(Command::new("cp").arg("-a").args(data).arg(&tap)).expect(0);
        desk.sh("git init -q -b main && git add -A && git commit -q -m 'the tap'").expect(0);
        desk
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn tap(&self) -> PathBuf {
        self.path("tap")
    }

    fn sh(&self, line: &str) -> Ran {
        let program = Path::new(env!("CARGO_BIN_EXE_rootbrew")).parent().expect("the program's folder");
        let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap_or_default());
        let mut sh = Command::new("sh");
        // Talk and data as a terminal shows them: in the order in which they come.
        sh.arg("-c").arg(format!("exec 2>&1\n{line}")).current_dir(self.tap()).env("PATH", path);
        sh.env("HOME", self.folder.path()).env("ROOTBREW_STORE", self.path("store")).env("NO_COLOR", "1");
        // Apt's lists are the machine's and take long to come again.
        sh.env("XDG_CACHE_HOME", user_cache()).env_remove("ROOTBREW_TAP").env("COLUMNS", "120");
        for (name, value) in [("NAME", "An Author"), ("EMAIL", "author@recipes.example")] {
            sh.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        sh.env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z").env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z");
        Ran::of(&mut sh)
    }
}

fn user_cache() -> PathBuf {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    cache.unwrap_or_else(|| PathBuf::from(std::env::var_os("HOME").expect("HOME")).join(".cache"))
}

fn user_store() -> PathBuf {
    std::env::var_os("ROOTBREW_STORE").map_or_else(|| user_cache().join("rootbrew/store"), PathBuf::from)
}

/// What may differ between two machines that do the same, taken away.
fn masked(text: &str, desk: &Path) -> String {
    let text = text.replace(&desk.display().to_string(), "~");
    let lines = text.lines().map(|line| {
        let words: Vec<String> = line.split_whitespace().map(str::to_string).collect();
        let number = |word: &str| word.trim_start_matches('(').parse::<f64>().is_ok();
        let mut shown = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let next = words.get(at + 1).map(|next| next.trim_end_matches([',', ')', ';']));
            let time = matches!(next, Some("s" | "ms" | "min" | "cores"));
            shown.push(if number(word) && time { "N".to_string() } else { word.clone() });
        }
        shown.join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_guide_shows_what_comes() {
    let path = house().join(GUIDE);
    let mut parts = parts(&fs::read_to_string(&path).expect("the guide"));
    let desk = Desk::new();
    let mut wrong = Vec::new();
    for part in &mut parts {
        let (line, shown) = match part {
            Part::Prose(_) => continue,
            Part::File { path, content, .. } => {
                let path = desk.tap().join(&*path);
                fs::create_dir_all(path.parent().expect("a file has a folder")).expect("its folder");
                fs::write(&path, content).expect("the author's file");
                continue;
            }
            Part::Command { line, shown } => (line, shown),
        };
        let ran = desk.sh(line);
        let came: String = ran.out.lines().map(|line| format!("{}\n", line.trim_end())).collect();
        let came = came.replace(&desk.folder.path().display().to_string(), "~");
        if masked(&came, desk.folder.path()) != masked(shown, desk.folder.path()) {
            wrong.push(format!("$ {line}\nthe guide shows:\n{shown}\nthis came:\n{came}"));
            *shown = came;
        }
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, text(&parts)).expect("the guide is written");
        return;
    }
    assert!(wrong.is_empty(), "{}\nUPDATE_EXPECT=1 rewrites {GUIDE}", wrong.join("\n"));
}

#[test]
fn a_guide_without_commands_would_prove_nothing() {
    let text = fs::read_to_string(house().join(GUIDE)).expect("the guide");
    let parts = parts(&text);
    let commands = parts.iter().filter(|part| matches!(part, Part::Command { .. })).count();
    assert!(commands >= 10, "{commands} commands");
    assert_eq!(self::text(&parts), text, "what is read is what is written back");
}
