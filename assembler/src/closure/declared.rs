//! Declared: what a recipe's `[runtime]` and the role name, where no file shows it.

use std::collections::BTreeSet;

use super::keg::{Keg, Runtime};
use super::link::{End, Found};
use super::{Walk, look};
use crate::compose::Problem;
use crate::glob;
use crate::tree::Reason;

impl Walk<'_> {
    /// A keg of which something is used: its `[runtime]`, and that of what it links, since a static program holds the
    /// code of those and not their files.
    pub(super) fn reach_keg(&mut self, keg: usize, reason: Reason) {
        for at in look::link_closure(self.kegs, keg) {
            if self.kegs_reached.insert(at) {
                let runtime = self.kegs[at].runtime.clone();
                self.reach_runtime(at, &runtime, &reason);
            }
        }
    }

    /// What goes with one file of a keg (`[runtime] from."bin/git"`).
    pub(super) fn reach_from(&mut self, keg: usize, path: &str) {
        let place = self.kegs[keg].place();
        let inside = path.strip_prefix(&place).unwrap_or(path).trim_start_matches('/');
        if let Some(runtime) = self.kegs[keg].runtime.from.get(inside).cloned() {
            self.reach_runtime(keg, &runtime, &Reason::path(path, "is used"));
        }
    }

    /// `openssl/legacy`: the set `legacy` of the keg `openssl`.
    pub(super) fn reach_set(&mut self, asked: &str) {
        let (name, set) = asked.split_once('/').unwrap_or((asked, ""));
        let keg = self.kegs.iter().position(|keg| keg.is_called(name) && keg.runtime.set.contains_key(set));
        let Some(keg) = keg else {
            return self.miss(format!("the runtime files `{asked}`"), "the role");
        };
        let runtime = self.kegs[keg].runtime.set[set].clone();
        self.reach_runtime(keg, &runtime, &Reason::role(format!("asks for {asked}")));
    }

    fn reach_runtime(&mut self, keg: usize, runtime: &Runtime, reason: &Reason) {
        let kegs = self.kegs;
        let Keg { name, .. } = &kegs[keg];
        let place = kegs[keg].place();
        let by = format!("[runtime] of {name}");
        let because =
            |what: &str| Reason { by: reason.by.clone(), how: format!("{}, {by} {what}", reason.how) };
        for glob in &runtime.files {
            let reason = because(&format!("names {glob}"));
            match glob.starts_with('/') {
                true => self.reach_in_image(glob, reason, &by),
                false => drop(self.reach_glob(&format!("{place}/{glob}"), reason, &by)),
            }
        }
        for inside in &runtime.config {
            let glob = format!("{place}/{inside}");
            let texts = self.reach_glob(&glob, because(&format!("names {inside}")), &by);
            texts.iter().for_each(|path| self.reach_named(path));
        }
        for soname in &runtime.dlopen {
            if !self.need_library(soname, &place, &[], because(&format!("opens {soname}"))) {
                self.miss(format!("the library `{soname}`"), &by);
            }
        }
        let near = look::nearest_first(kegs, keg);
        for program in &runtime.run {
            self.need_program(program, &near, because(&format!("runs {program}")), &by);
        }
    }

    /// Every path of a keg that the text at `path` names.
    fn reach_named(&mut self, path: &str) {
        let Some(End { found: Found::File { digest, .. }, .. }) = self.laid.end(path) else { return };
        match self.content.read(&digest) {
            Ok(text) => self.reach_paths_in(
                &String::from_utf8_lossy(&text),
                &Reason::path(path, "names it"),
                &format!("/{path}"),
            ),
            Err(error) => {
                self.problems.push(Problem::Unreadable { path: path.to_string(), why: error.to_string() })
            }
        }
    }

    /// Paths of kegs in a text: what is named and not there is a problem.
    pub(super) fn reach_paths_in(&mut self, text: &str, reason: &Reason, by: &str) {
        for path in named_paths(text) {
            if self.reach(path.trim_start_matches('/'), reason.clone()).is_none() {
                self.miss(format!("the file `{path}`"), by);
            }
        }
    }

    /// Every file and link that matches, and everything in a folder that does; what matched. None is a problem.
    pub(super) fn reach_glob(&mut self, glob: &str, reason: Reason, by: &str) -> Vec<String> {
        let mut matched: Vec<String> = Vec::new();
        if let Some(Found::Folder) = self.laid.end(glob).map(|end| end.found) {
            matched.extend(self.laid.end(glob).map(|end| end.path));
        }
        let literal: Vec<&str> = glob.split('/').take_while(|name| !name.contains(['*', '?'])).collect();
        let start = literal[..literal.len().min(glob.matches('/').count())].join("/");
        matched.extend(self.laid.below(&start).filter(|path| glob::matches(glob, path)).map(str::to_string));
        let mut seen = BTreeSet::new();
        for path in &matched {
            self.reach_all(path, &reason, by, &mut seen);
        }
        if matched.is_empty() {
            self.problems.push(Problem::Nothing { glob: glob.to_string(), by: by.to_string() });
        }
        matched
    }

    /// `seen`, since a link may lead to a folder above it.
    fn reach_all(&mut self, path: &str, reason: &Reason, by: &str, seen: &mut BTreeSet<String>) {
        if !seen.insert(path.to_string()) {
            return;
        }
        let Some(end) = self.reach(path, reason.clone()) else {
            let why = self.laid.lost(path);
            return self.problems.push(Problem::Lost { path: path.to_string(), why, by: by.to_string() });
        };
        let below: Vec<String> = self.laid.below(&end).map(str::to_string).collect();
        for path in below {
            self.reach_all(&path, reason, by, seen);
        }
    }
}

/// `/kegs/…`, as far as a path goes: up to what no path of a keg holds.
fn named_paths(text: &str) -> impl Iterator<Item = &str> {
    let is_path = |c: char| c.is_ascii_alphanumeric() || "/._+-@".contains(c);
    text.match_indices("/kegs/").filter_map(move |(at, _)| {
        // `https://x/kegs/` and `{{ root }}/kegs/` are no paths of ours.
        let begins = text[..at].chars().next_back().is_none_or(|before| !is_path(before) && before != '}');
        let path = text[at..].split(|c| !is_path(c)).next()?.trim_end_matches(['.', '/']);
        begins.then_some(path)
    })
}
