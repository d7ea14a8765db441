//! The closure: from what the role runs to every file that it reaches, each with the reason that it is there.
//!
//! A walk in rounds: the files reached in one round are read and taken apart in parallel, then what they need is
//! looked up one by one, in order, which reaches the next round's. So reasons are the shortest chains, and the same
//! each time. It never guesses from names or from what a keg happens to hold: what nothing reaches stays out.

pub mod elf;
pub mod keg;
pub mod link;
pub mod look;
pub mod python;
pub mod script;

mod at;
mod declared;
mod load;
mod module;
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use kegs::Digest;
use rayon::prelude::*;

use crate::compose::{Asked, Problem};
use crate::content::Content;
use crate::tree::{ImageTree, Node, Reason};
use elf::Needs;
use keg::Keg;
use link::{End, Found, Laid};
use python::Import;
use script::Interpreter;

/// A walk under way; `tree` and `problems` are its outcome.
pub struct Walk<'a> {
    asked: &'a Asked,
    kegs: &'a [Keg],
    content: &'a dyn Content,
    laid: Laid<'a>,
    pub tree: ImageTree,
    pub problems: Vec<Problem>,
    /// Files of the next round.
    reached: BTreeMap<String, Digest>,
    /// Kegs whose `[runtime]` has been followed.
    kegs_reached: BTreeSet<usize>,
    /// Search folders of a file and of those that loaded it, as a loader inherits them.
    search: BTreeMap<String, Vec<String>>,
    /// Loaders' paths, as programs have them.
    loaders: BTreeSet<String>,
    /// Folders of libraries that no search path of a file names, each with one of them and who needs it.
    unsearched: BTreeMap<String, (String, String)>,
}

/// What a file says that it needs.
enum Asks {
    Nothing,
    Elf(Needs),
    Script(Interpreter),
    /// A Python file, a script as a rule only if it stands in `bin`.
    Python(Option<Interpreter>, Vec<Import>),
}

impl<'a> Walk<'a> {
    pub fn new(asked: &'a Asked, kegs: &'a [Keg], content: &'a dyn Content) -> Walk<'a> {
        Walk {
            asked,
            kegs,
            content,
            laid: Laid::of(kegs),
            tree: ImageTree::default(),
            problems: Vec::new(),
            reached: BTreeMap::new(),
            kegs_reached: BTreeSet::new(),
            search: BTreeMap::new(),
            loaders: BTreeSet::new(),
            unsearched: BTreeMap::new(),
        }
    }

    /// To the end: nothing reached is left unread.
    pub fn run(&mut self) {
        self.start_from_role();
        while !self.reached.is_empty() {
            let round = std::mem::take(&mut self.reached);
            let content = self.content;
            let asks: Vec<_> =
                round.into_par_iter().map(|(path, digest)| (ask(content, &path, &digest), path)).collect();
            for (asks, path) in asks {
                match asks {
                    Ok(asks) => self.follow(&path, asks),
                    Err(problem) => self.problems.push(problem),
                }
            }
        }
        self.tell_loaders();
    }

    fn start_from_role(&mut self) {
        let asked = self.asked;
        let own = self.role_kegs();
        for program in &asked.programs {
            let reason = Reason::role(format!("{} runs {}", program.by, program.name));
            self.need_program(&program.name, &own, reason, &program.by);
        }
        for glob in &asked.files {
            self.reach_in_image(glob, Reason::role(format!("files names {glob}")), "the role");
        }
        for keg in own {
            self.reach_keg(keg, Reason::role(format!("names the keg {}", self.kegs[keg].called())));
        }
        for set in &asked.runtime {
            self.reach_set(set);
        }
        for config in &asked.configs {
            let reason = Reason::role(format!("template {} names it", config.template));
            self.reach_paths_in(&config.text, &reason, &format!("the template {}", config.template));
        }
    }

    /// The kegs that the role names; one that nobody has is a problem.
    fn role_kegs(&mut self) -> Vec<usize> {
        let mut own = Vec::new();
        for name in &self.asked.kegs {
            match self.kegs.iter().position(|keg| keg.is_called(name)) {
                Some(at) => own.push(at),
                None => self.miss(format!("the keg `{name}`"), "the role"),
            }
        }
        own
    }

    fn follow(&mut self, path: &str, asks: Asks) {
        match asks {
            Asks::Nothing => {}
            Asks::Elf(needs) => self.follow_elf(path, needs),
            Asks::Script(interpreter) => self.follow_script(path, &interpreter),
            Asks::Python(interpreter, imports) => {
                if let Some(interpreter) = &interpreter {
                    self.follow_script(path, interpreter);
                }
                self.follow_imports(path, &imports);
            }
        }
        if let Some(keg) = self.laid.keg_at(path) {
            self.reach_from(keg, path);
            self.reach_keg(keg, Reason::path(path, format!("the keg {} is used", self.kegs[keg].called())));
        }
    }

    fn near(&self, path: &str) -> Vec<usize> {
        match self.laid.keg_at(path) {
            Some(keg) => look::nearest_first(self.kegs, keg),
            None => (0..self.kegs.len()).collect(),
        }
    }

    /// Puts the file at the end of `path` into the tree, with the links on the way to it, and reads it next round.
    /// The path it ends at; `None` where it leads nowhere.
    fn reach(&mut self, path: &str, reason: Reason) -> Option<String> {
        let End { links, path: end, found } = self.laid.end(path)?;
        let mut reason = reason;
        for link in links {
            let target = self.laid.target(&link).unwrap_or_default();
            self.put(&link, Node::link(target, reason));
            reason = Reason::path(link, "points to it");
        }
        match found {
            Found::Folder => self.put(&end, Node::folder(0o755, reason)),
            Found::File { digest, executable } => {
                if self.tree.get(&end).is_none() {
                    self.reached.insert(end.clone(), digest);
                    let mode = if executable { 0o755 } else { 0o644 };
                    self.put(&end, Node::stored(digest, mode, reason));
                }
            }
        }
        Some(end)
    }

    fn put(&mut self, path: &str, node: Node) {
        if let Err(refused) = self.tree.insert(path, node) {
            self.problems.push(Problem::Refused { why: refused.to_string() });
        }
    }

    fn miss(&mut self, what: String, by: &str) {
        self.problems.push(Problem::Missing { what, by: by.to_string() });
    }
}

/// Reads as much of a file as says what it needs: all of an ELF or Python file, the first line of the others.
fn ask(content: &dyn Content, path: &str, digest: &Digest) -> Result<Asks, Problem> {
    let unreadable =
        |error: io::Error| Problem::Unreadable { path: path.to_string(), why: error.to_string() };
    let mut head = Vec::new();
    let mut file = content.open(digest).map_err(unreadable)?;
    (&mut file).take(script::LINE_MAX_BYTES as u64).read_to_end(&mut head).map_err(unreadable)?;
    if !elf::is_elf(&head) {
        let interpreter = script::interpreter(&head);
        if !python::is_python(path, interpreter.as_ref()) {
            return Ok(interpreter.map_or(Asks::Nothing, Asks::Script));
        }
        file.take(python::TEXT_MAX_BYTES).read_to_end(&mut head).map_err(unreadable)?;
        return Ok(Asks::Python(interpreter, python::imports(&String::from_utf8_lossy(&head))));
    }
    file.read_to_end(&mut head).map_err(unreadable)?;
    match elf::needs(&head) {
        Ok(needs) => Ok(Asks::Elf(needs)),
        Err(why) => Err(Problem::Damaged { path: path.to_string(), why }),
    }
}

#[cfg(test)]
mod tests;
