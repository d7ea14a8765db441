//! Modules: where what a Python file imports stands, as its interpreter would look for it (`sys.path`).

use super::python::Import;
use super::{Walk, look};
use crate::tree::Reason;

/// Modules written in C that an interpreter may hold itself, or that every one does: found nowhere, and no fault.
const BUILT_IN: &str = "array atexit audioop binascii builtins cmath errno faulthandler fcntl gc grp itertools marshal math mmap msvcrt \
    nis nt operator ossaudiodev parser posix pwd pyexpat readline resource select spwd sys syslog termios time unicodedata winreg \
    winsound xxlimited xxsubtype zlib __main__";

impl Walk<'_> {
    /// What a file imports is reached; what is certainly imported and nowhere is a problem, but for the standard library,
    /// whose files know which of theirs another system has.
    pub(super) fn follow_imports(&mut self, path: &str, imports: &[Import]) {
        let roots = self.module_roots(path);
        for import in imports {
            let bases = match import.up {
                0 => roots.clone(),
                up => above(path, up).into_iter().collect(),
            };
            if !self.reach_module(path, &bases, import) && import.always && !self.may_miss(path, import) {
                self.miss(format!("the Python module `{}`", import.module), &format!("/{path}"));
            }
        }
    }

    /// Folders of modules: the file's own, then `lib/python3.*` of what its keg links, of all others last.
    fn module_roots(&self, path: &str) -> Vec<String> {
        let mut roots: Vec<String> = above(path, 1).into_iter().collect();
        for keg in self.near(path) {
            let lib = format!("{}/lib", self.kegs[keg].place());
            let versions = self.laid.folders_in(&lib).filter(|name| name.starts_with("python3"));
            let both =
                versions.flat_map(|name| [format!("{lib}/{name}/site-packages"), format!("{lib}/{name}")]);
            roots.extend(both.collect::<Vec<_>>());
        }
        roots
    }

    /// Whether the module is in one of these folders; all that it stands for is reached then.
    fn reach_module(&mut self, path: &str, bases: &[String], import: &Import) -> bool {
        let inside = import.module.replace('.', "/");
        let reason = Reason::path(path, format!("imports {}", called(import)));
        let found = bases.iter().find(|base| self.is_module(&join(base, &inside)));
        let Some(base) = found.cloned() else { return false };
        let mut package = base;
        for part in inside.split('/').filter(|part| !part.is_empty()) {
            package = join(&package, part);
            self.reach_one(&package, &reason);
        }
        if inside.is_empty() {
            self.reach_one(&package, &reason);
        }
        for name in import.names.iter().filter(|name| *name != "*") {
            self.reach_one(&join(&package, name), &reason);
        }
        true
    }

    /// A file, a package, or a folder of modules.
    fn is_module(&self, place: &str) -> bool {
        self.module_file(place).is_some() || self.laid.is_folder(place)
    }

    fn module_file(&self, place: &str) -> Option<String> {
        let plain = [format!("{place}/__init__.py"), format!("{place}.py")];
        let plain = plain.into_iter().find(|path| look::is_file(&self.laid, path));
        plain.or_else(|| {
            let (folder, name) = place.rsplit_once('/')?;
            let mut files = self.laid.files_in(folder);
            files
                .find(|file| file.strip_prefix(name).is_some_and(is_extension))
                .map(|file| join(folder, file))
        })
    }

    /// The file of a module and what was compiled of it; nothing where it is a mere folder, or no module.
    fn reach_one(&mut self, place: &str, reason: &Reason) {
        let Some(file) = self.module_file(place) else { return };
        self.reach(&file, reason.clone());
        let Some((folder, name)) = file.rsplit_once('/') else { return };
        let Some(stem) = name.strip_suffix(".py") else { return };
        let cache = format!("{folder}/__pycache__");
        let is_its_own = |name: &&str| {
            name.strip_prefix(stem).is_some_and(|rest| {
                rest.starts_with(".cpython-") && rest.ends_with(".pyc") && !rest.contains(".opt-")
            })
        };
        let compiled: Vec<String> =
            self.laid.files_in(&cache).filter(is_its_own).map(|name| join(&cache, name)).collect();
        for path in compiled {
            self.reach(&path, Reason::path(&file, "is compiled to it"));
        }
    }

    /// The standard library imports what other systems have, and what is built in has no file.
    fn may_miss(&self, path: &str, import: &Import) -> bool {
        let first = import.module.split('.').next().unwrap_or_default();
        let is_library = path.contains("/lib/python3") && !path.contains("/site-packages/");
        is_library || first.starts_with('_') || BUILT_IN.split_whitespace().any(|name| name == first)
    }
}

/// `.cpython-313-x86_64-linux-musl.so`, `.abi3.so`, `.so`.
fn is_extension(rest: &str) -> bool {
    rest.starts_with('.') && rest.ends_with(".so") && rest.matches('.').count() <= 2
}

/// The folder `up` steps above a file.
fn above(path: &str, up: usize) -> Option<String> {
    let mut folder = path;
    for _ in 0..up {
        folder = folder.rsplit_once('/')?.0;
    }
    Some(folder.to_string())
}

fn called(import: &Import) -> String {
    format!("{}{}", ".".repeat(import.up), import.module)
}

fn join(folder: &str, name: &str) -> String {
    if name.is_empty() { folder.to_string() } else { format!("{folder}/{name}") }
}
