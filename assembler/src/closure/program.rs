//! Programs: what is started by name or by a script's first line, and the link that stands where it is looked for.

use super::script::Interpreter;
use super::{Walk, look};
use crate::compose::Problem;
use crate::tree::{Kind, Node, Reason};

impl Walk<'_> {
    pub(super) fn follow_script(&mut self, path: &str, interpreter: &Interpreter) {
        let by = format!("/{path}");
        let near = self.near(path);
        let reason = Reason::path(path, format!("starts with #!{}", interpreter.path));
        self.need_program_at(&interpreter.path, &near, reason, &by);
        if let Some(name) = &interpreter.by_env {
            self.need_program(name, &near, Reason::path(path, format!("asks env for {name}")), &by);
        }
    }

    /// A program by bare name or by path; a bare one gets a link in `bin`.
    pub(super) fn need_program(&mut self, name: &str, among: &[usize], reason: Reason, by: &str) {
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
            None if found.is_empty() => match look::link(&self.laid, self.kegs, among, name) {
                None => self.miss(format!("the program `{name}`"), by),
                Some(path) => {
                    let why = self.laid.lost(&path);
                    self.problems.push(Problem::Lost { path, why, by: by.to_string() });
                }
            },
            None => self.clash(path, found.iter().map(|(keg, _)| *keg).collect()),
        }
    }

    /// The only one, or the one that `prefer` names.
    pub(super) fn choose(&self, path: &str, found: &[(usize, String)]) -> Option<String> {
        if let [(_, only)] = found {
            return Some(only.clone());
        }
        let name = path.rsplit('/').next().unwrap_or(path);
        let preferred = [path, name].iter().find_map(|key| self.asked.prefer.get(*key))?;
        found.iter().find(|(keg, _)| self.kegs[*keg].is_called(preferred)).map(|(_, program)| program.clone())
    }

    /// Reaches `found`, and puts a link to it at `path` where that is another path.
    pub(super) fn reach_as(&mut self, path: &str, found: &str, reason: Reason) {
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
            Kind::Link { target } => self.laid.keg_at(target.trim_start_matches('/')),
            _ => None,
        });
        let kegs = there.into_iter().chain(self.laid.keg_at(found)).collect();
        self.clash(path, kegs);
    }

    pub(super) fn clash(&mut self, path: &str, kegs: Vec<usize>) {
        let mut kegs: Vec<String> = kegs.iter().map(|keg| self.kegs[*keg].called()).collect();
        kegs.sort();
        kegs.dedup();
        self.problems.push(Problem::Clash { path: path.to_string(), kegs, role: self.asked.role.clone() });
    }
}
