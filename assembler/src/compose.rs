//! Compose: what a role asks and the kegs it has, to the tree of its image. Pure but for reading contents.

use std::collections::BTreeMap;
use std::fmt;

use crate::always;
use crate::closure::{Walk, elf, keg::Keg};
use crate::content::Content;
use crate::tree::ImageTree;
use crate::user::{self, Login};

/// A role, as far as its image is concerned. `text` is the role's file, verbatim.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    pub role: String,
    pub text: String,
    /// As the role writes them: `nginx`, `openssl@3`.
    pub kegs: Vec<String>,
    pub programs: Vec<Program>,
    pub configs: Vec<Config>,
    /// Globs with their place in the image: `/kegs/openssl/3/etc/ssl/cert.pem`.
    pub files: Vec<String>,
    /// Users that services run as, or somebody logs in as.
    pub users: Vec<String>,
    /// Those of them that have a shell or a home.
    pub logins: BTreeMap<String, Login>,
    /// Path in the image (`bin/sh`) to the keg that has it.
    pub prefer: BTreeMap<String, String>,
    /// Sets of a keg's `[runtime]`: `openssl/legacy`.
    pub runtime: Vec<String>,
}

/// A program that the role runs, and what for (`service nginx`).
#[derive(Debug, Clone)]
pub struct Program {
    pub name: String,
    pub by: String,
}

/// A template, verbatim, its file's name, and where the agent renders it to.
#[derive(Debug, Clone)]
pub struct Config {
    pub path: String,
    pub template: String,
    pub text: String,
}

/// Everything that keeps a role from being an image, at once.
#[derive(Debug, thiserror::Error)]
pub struct ComposeError {
    pub problems: Vec<Problem>,
}

/// One of them: a variant for each thing that the reader would do next.
#[derive(Debug, thiserror::Error)]
pub enum Problem {
    #[error("{by} needs {what}, and no keg of the role has it")]
    Missing { what: String, by: String },
    #[error("`{path}` is in {}; name one under `[prefer]` in roles/{role}.toml: `\"{path}\" = \"{}\"`", all_of(kegs), kegs.first().map_or("", String::as_str))]
    Clash { path: String, kegs: Vec<String>, role: String },
    #[error("{by} needs `/{path}`, which {why}")]
    Lost { path: String, why: &'static str, by: String },
    #[error("{by} names `{glob}`, and nothing is there")]
    Nothing { glob: String, by: String },
    #[error(
        "`/{path}` needs `{soname}`, and no search path of it or of what loads it leads there: link it with -rpath"
    )]
    Unsearched { soname: String, path: String },
    #[error("`/{path}` is a damaged ELF file: {why}")]
    Damaged { path: String, why: String },
    #[error("`/{path}` can't be read: {why}")]
    Unreadable { path: String, why: String },
    #[error(
        "`/{one}` and `/{two}` differ by case only: whoever unpacks the image on a system that knows no case loses one; leave one out by the recipe's `remove`"
    )]
    Case { one: String, two: String },
    #[error("users `{one}` and `{two}` have the same id {uid}, which is made from the name: rename one")]
    SameId { one: String, two: String, uid: u32 },
    #[error("`{0}` is not a user's name: lower-case letters, digits, `_` and `-`, at most 32")]
    User(String),
    #[error("config `{0}` can't be written, as the root is read-only: put it under /run, /tmp or /data")]
    ConfigPlace(String),
    #[error("the agent is not a static program: nothing could load it as PID 1")]
    AgentNotStatic,
    #[error("{why}")]
    Refused { why: String },
}

/// The image's tree: everything that the role reaches, each path with its reason, and what every image holds.
///
/// # Errors
/// All problems at once, in the order in which they were met.
pub fn compose(
    asked: &Asked,
    kegs: &[Keg],
    content: &dyn Content,
    agent: &[u8],
) -> Result<ImageTree, ComposeError> {
    let mut problems = check(asked, agent);
    let mut walk = Walk::new(asked, kegs, content);
    walk.run();
    let mut tree = walk.tree;
    problems.append(&mut walk.problems);
    always::place(asked, agent, &mut tree, &mut problems);
    problems.extend(same_but_for_case(&tree));
    if problems.is_empty() { Ok(tree) } else { Err(ComposeError { problems }) }
}

/// Paths that are one where case does not count; of a folder's contents only the folder is told.
fn same_but_for_case(tree: &ImageTree) -> Vec<Problem> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    let mut problems = Vec::new();
    for (path, _) in tree.iter() {
        match seen.insert(path.to_lowercase(), path) {
            Some(other) if folder_of(other) == folder_of(path) => {
                problems.push(Problem::Case { one: other.to_string(), two: path.to_string() });
            }
            _ => {}
        }
    }
    problems
}

fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What can be said before any keg is looked at.
fn check(asked: &Asked, agent: &[u8]) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(asked.users.iter().filter(|name| !user::is_name(name)).cloned().map(Problem::User));
    let same = user::collisions(&asked.users).into_iter();
    problems.extend(same.map(|(one, two, uid)| Problem::SameId { one, two, uid }));
    let writable = |path: &str| ["/run/", "/tmp/", "/data/"].iter().any(|place| path.starts_with(place));
    let fixed = asked.configs.iter().filter(|config| !writable(&config.path));
    problems.extend(fixed.map(|config| Problem::ConfigPlace(config.path.clone())));
    // Anything but ELF is left to the kernel: it runs what it can run.
    if elf::is_elf(agent) && elf::needs(agent).is_ok_and(|needs| needs.interpreter.is_some()) {
        problems.push(Problem::AgentNotStatic);
    }
    problems
}

/// "`a` and `b`", "`a`, `b` and `c`".
fn all_of(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

impl fmt::Display for ComposeError {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let lines: Vec<String> = self.problems.iter().map(Problem::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
