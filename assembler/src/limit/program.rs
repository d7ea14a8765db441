//! What a file is, by its name and mode: a program, a library, a shell, an interpreter.

use std::collections::BTreeSet;

use crate::resolve::end;
use crate::tree::{ImageTree, Kind, Node};

/// Programs that run what they are told, line by line. In `busybox` and `toybox` one may be asked for by name.
const SHELLS: [&str; 25] = [
    "sh", "ash", "bash", "busybox", "csh", "dash", "elvish", "es", "fish", "hush", "ksh", "loksh", "lksh",
    "mksh", "nu", "oksh", "osh", "posh", "pwsh", "rbash", "rc", "tcsh", "toybox", "yash", "zsh",
];

/// Programs that run programs which are texts, without the version at their name's end.
const INTERPRETERS: [&str; 20] = [
    "awk", "bun", "deno", "expect", "gawk", "guile", "java", "julia", "lua", "luajit", "mawk", "nawk",
    "node", "nodejs", "perl", "php", "pypy", "python", "ruby", "tclsh",
];

/// The files (not links) of a tree that have such a name, or to which a link with such a name leads.
pub struct Named {
    pub shells: BTreeSet<String>,
    pub interpreters: BTreeSet<String>,
}

impl Named {
    /// `logins` are paths that are shells whatever their name is.
    pub fn of(tree: &ImageTree, logins: &[String]) -> Named {
        let mut named = Named { shells: BTreeSet::new(), interpreters: BTreeSet::new() };
        for (path, _) in tree.iter().filter(|(_, node)| !node.is_folder()) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let shell = SHELLS.contains(&name) || logins.iter().any(|login| login == path);
            let interpreter = INTERPRETERS.contains(&without_version(name));
            if shell || interpreter {
                let end = program_at(tree, path);
                named.shells.extend(end.clone().filter(|_| shell));
                named.interpreters.extend(end.filter(|_| interpreter));
            }
        }
        named
    }
}

/// The program at the end of a path.
fn program_at(tree: &ImageTree, path: &str) -> Option<String> {
    let end = end(tree, path).ok()?;
    tree.get(&end).is_some_and(|node| is_program(&end, node)).then_some(end)
}

/// A file that may be started.
pub fn is_program(path: &str, node: &Node) -> bool {
    matches!(node.kind, Kind::File(_)) && node.mode & 0o111 != 0 && !is_library(path)
}

/// By the name that loaders look for: `libz.so`, `libz.so.1.3`, `ld-musl-x86_64.so.1`.
pub fn is_library(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    let version = |rest: &str| rest.is_empty() || rest.starts_with('.') && rest.bytes().all(is_version);
    name.match_indices(".so").any(|(at, so)| version(&name[at + so.len()..]))
}

fn is_version(byte: u8) -> bool {
    byte == b'.' || byte.is_ascii_digit()
}

/// `python3.12` is `python`, `perl5.40.1` is `perl`.
fn without_version(name: &str) -> &str {
    name.trim_end_matches(|c: char| c == '.' || c == '-' || c.is_ascii_digit())
}
