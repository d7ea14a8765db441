//! Loading: what the dynamic loader will look for, found as it will find it.
//!
//! A library is looked up in the search folders of the file that needs it, then in those of the file that loaded that
//! one, and so on, as musl's loader does; then in the kegs' `lib`, nearest first. Where only the last finds it, the
//! loader has to be told, or the program would not start.

use super::elf::{Dlopen, Needs, Priority};
use super::{Walk, look};
use crate::compose::Problem;
use crate::tree::{Node, Reason};

/// musl's loader is its C library: whoever it loads has this name already, and it looks for none.
const MUSL: &str = "libc.so";

impl Walk<'_> {
    pub(super) fn follow_elf(&mut self, path: &str, needs: Needs) {
        let mut search: Vec<String> = needs.search.iter().map(|folder| look::expand(folder, path)).collect();
        search.extend(self.search.get(path).into_iter().flatten().cloned());
        if let Some(interpreter) = &needs.interpreter {
            self.need_loader(path, interpreter);
        }
        for soname in needs.needed.iter().filter(|soname| *soname != MUSL) {
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
    pub(super) fn need_library(
        &mut self,
        soname: &str,
        path: &str,
        search: &[String],
        reason: Reason,
    ) -> bool {
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
        let (folder, _) = found.rsplit_once('/')?;
        self.unsearched.entry(folder.to_string()).or_insert_with(|| (soname.to_string(), path.to_string()));
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
    pub(super) fn tell_loaders(&mut self) {
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
}
