//! The closure: from what the role runs to every file that it reaches, each with the reason that it is there.
//!
//! A walk in rounds: the files reached in one round are read and taken apart in parallel, then what they need is
//! looked up one by one, in order, which reaches the next round's. So reasons are the shortest chains, and the same
//! each time. It never guesses from names or from what a keg happens to hold: what nothing reaches stays out.

pub mod elf;
pub mod keg;
pub mod link;
pub mod look;
pub mod script;

mod declared;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read};

use kegs::Digest;
use rayon::prelude::*;

use crate::compose::{Asked, Problem};
use crate::content::Content;
use crate::tree::{ImageTree, Node, Reason};
use elf::{Dlopen, Needs, Priority};
use keg::Keg;
use link::{End, Found, Laid};
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
            self.reach_glob(
                glob.trim_start_matches('/'),
                Reason::role(format!("files names {glob}")),
                "the role",
            );
        }
        for keg in own {
            self.reach_keg(keg, Reason::role(format!("names the keg {}", self.kegs[keg].called())));
        }
        for set in &asked.runtime {
            self.reach_set(set);
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
        }
        if let Some(keg) = self.laid.keg_at(path) {
            self.reach_from(keg, path);
            self.reach_keg(keg, Reason::path(path, format!("the keg {} is used", self.kegs[keg].called())));
        }
    }

    fn follow_elf(&mut self, path: &str, needs: Needs) {
        let mut search: Vec<String> = needs.search.iter().map(|folder| look::expand(folder, path)).collect();
        search.extend(self.search.get(path).into_iter().flatten().cloned());
        if let Some(interpreter) = &needs.interpreter {
            self.need_loader(path, interpreter);
        }
        for soname in &needs.needed {
            let reason = Reason::path(path, format!("needs {soname}"));
            if !self.need_library(soname, path, &search, reason) {
                self.miss(format!("the library `{soname}`"), &format!("/{path}"));
            }
        }
        for dlopen in &needs.dlopen {
            self.follow_dlopen(path, dlopen, &search);
        }
    }

    /// The first of the names that is to be had; none is a problem only where the note says `required`.
    fn follow_dlopen(&mut self, path: &str, dlopen: &Dlopen, search: &[String]) {
        if dlopen.priority == Priority::Suggested {
            return;
        }
        let mut sonames = dlopen.sonames.iter();
        let found = sonames.any(|soname| {
            let reason = Reason::path(path, format!("opens {soname} (.note.dlopen)"));
            self.need_library(soname, path, search, reason)
        });
        if !found && dlopen.priority == Priority::Required {
            self.miss(format!("the library `{}`", dlopen.sonames.join("` or `")), &format!("/{path}"));
        }
    }

    /// In the search folders, then in the kegs' `lib`, nearest first. Whether it was found.
    fn need_library(&mut self, soname: &str, path: &str, search: &[String], reason: Reason) -> bool {
        let found = if soname.contains('/') {
            Some(soname.to_string()).filter(|path| look::is_file(&self.laid, path))
        } else {
            look::in_folders(&self.laid, search, soname).or_else(|| self.need_unsearched(soname, path))
        };
        let Some(end) = found.and_then(|found| self.reach(&found, reason)) else { return false };
        self.search.entry(end).or_insert_with(|| search.to_vec());
        true
    }

    fn need_unsearched(&mut self, soname: &str, path: &str) -> Option<String> {
        let found = look::in_folders(&self.laid, &self.libraries_near(path), soname)?;
        let folder = found.trim_end_matches(soname).trim_end_matches('/').to_string();
        self.unsearched.entry(folder).or_insert_with(|| (soname.to_string(), path.to_string()));
        Some(found)
    }

    fn libraries_near(&self, path: &str) -> Vec<String> {
        self.near(path).into_iter().map(|at| format!("{}/lib", self.kegs[at].place())).collect()
    }

    /// The dynamic loader stands at a fixed path that is written into the file.
    fn need_loader(&mut self, path: &str, loader: &str) {
        let name = loader.rsplit('/').next().unwrap_or(loader);
        let inside = loader.trim_start_matches('/').to_string();
        let found = Some(inside.clone())
            .filter(|inside| look::is_file(&self.laid, inside))
            .or_else(|| look::in_folders(&self.laid, &self.libraries_near(path), name));
        match found {
            Some(found) => {
                self.reach_as(&inside, &found, Reason::path(path, "is loaded by it"));
                self.loaders.insert(inside);
            }
            None => self.miss(format!("the loader `{loader}`"), &format!("/{path}")),
        }
    }

    /// Loaders learn of the folders that no file names: musl's from a file, others not at all.
    fn tell_loaders(&mut self) {
        if self.unsearched.is_empty() {
            return;
        }
        let folders: String = self.unsearched.keys().map(|folder| format!("/{folder}\n")).collect();
        for loader in self.loaders.clone() {
            match look::musl_path_file(&loader) {
                Some(file) => {
                    let reason = Reason::path(loader, "searches the folders in it");
                    self.put(&file, Node::inline(&folders, 0o644, reason));
                }
                None => {
                    let unseen = self.unsearched.values().cloned();
                    let unseen = unseen.map(|(soname, path)| Problem::Unsearched { soname, path });
                    self.problems.extend(unseen);
                }
            }
        }
    }

    fn follow_script(&mut self, path: &str, interpreter: &Interpreter) {
        let by = format!("/{path}");
        let near = self.near(path);
        let reason = Reason::path(path, format!("starts with #!{}", interpreter.path));
        self.need_program_at(&interpreter.path, &near, reason, &by);
        if let Some(name) = &interpreter.by_env {
            self.need_program(name, &near, Reason::path(path, format!("asks env for {name}")), &by);
        }
    }

    fn near(&self, path: &str) -> Vec<usize> {
        match self.laid.keg_at(path) {
            Some(keg) => look::nearest_first(self.kegs, keg),
            None => (0..self.kegs.len()).collect(),
        }
    }

    /// A program by bare name or by path; a bare one gets a link in `bin`.
    fn need_program(&mut self, name: &str, among: &[usize], reason: Reason, by: &str) {
        match name.contains('/') {
            true => self.need_program_at(name, among, reason, by),
            false => self.need_program_at(&format!("/bin/{name}"), among, reason, by),
        }
    }

    /// A program at a path of the image: a keg's own, or else one of that name, with a link at the path.
    fn need_program_at(&mut self, path: &str, among: &[usize], reason: Reason, by: &str) {
        let path = path.trim_start_matches('/');
        if look::is_file(&self.laid, path) {
            self.reach(path, reason);
            return;
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let found = look::programs(&self.laid, self.kegs, among, name);
        match self.choose(path, &found) {
            Some(program) => self.reach_as(path, &program, reason),
            None if found.is_empty() => self.miss(format!("the program `{name}`"), by),
            None => self.clash(path, found.iter().map(|(keg, _)| *keg).collect()),
        }
    }

    /// The only one, or the one that `prefer` names.
    fn choose(&self, path: &str, found: &[(usize, String)]) -> Option<String> {
        if let [(_, only)] = found {
            return Some(only.clone());
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let preferred = [path, name].iter().find_map(|key| self.asked.prefer.get(*key))?;
        found.iter().find(|(keg, _)| self.kegs[*keg].is_called(preferred)).map(|(_, program)| program.clone())
    }

    /// Reaches `found`, and puts a link to it at `path` where that is another path.
    fn reach_as(&mut self, path: &str, found: &str, reason: Reason) {
        if path == found {
            self.reach(found, reason);
            return;
        }
        let link = Node::link(format!("/{found}"), reason);
        match self.tree.insert(path, link) {
            Ok(()) => {
                self.reach(found, Reason::path(path, "points to it"));
            }
            Err(_) => self.clash_with_link(path, found),
        }
    }

    fn clash_with_link(&mut self, path: &str, found: &str) {
        let there = self.tree.get(path).and_then(|node| match &node.kind {
            crate::tree::Kind::Link { target } => self.laid.keg_at(target.trim_start_matches('/')),
            _ => None,
        });
        let kegs = there.into_iter().chain(self.laid.keg_at(found)).collect();
        self.clash(path, kegs);
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

    fn clash(&mut self, path: &str, kegs: Vec<usize>) {
        let mut kegs: Vec<String> = kegs.iter().map(|keg| self.kegs[*keg].called()).collect();
        kegs.sort();
        kegs.dedup();
        self.problems.push(Problem::Clash { path: path.to_string(), kegs, role: self.asked.role.clone() });
    }
}

/// Reads as much of a file as says what it needs: all of an ELF file, the first line of the others.
fn ask(content: &dyn Content, path: &str, digest: &Digest) -> Result<Asks, Problem> {
    let unreadable =
        |error: io::Error| Problem::Unreadable { path: path.to_string(), why: error.to_string() };
    let mut head = Vec::new();
    let mut file = content.open(digest).map_err(unreadable)?;
    (&mut file).take(script::LINE_MAX_BYTES as u64).read_to_end(&mut head).map_err(unreadable)?;
    if !elf::is_elf(&head) {
        return Ok(script::interpreter(&head).map_or(Asks::Nothing, Asks::Script));
    }
    file.read_to_end(&mut head).map_err(unreadable)?;
    match elf::needs(&head) {
        Ok(needs) => Ok(Asks::Elf(needs)),
        Err(why) => Err(Problem::Damaged { path: path.to_string(), why }),
    }
}

#[cfg(test)]
mod tests;
