//! The order of keys: what it is, where it comes from, how it is built, what comes of it, what proves it.

/// Whose keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum File {
    Recipe,
    Role,
}

/// The keys of one table, in their order; or names that the author chose, which stay as they are.
#[derive(Debug, Clone)]
pub struct Order {
    file: File,
    keys: &'static [&'static str],
    /// Tables of this kind hold further tables.
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    /// Of tables that an author named, each with this order.
    Names(&'static [&'static str]),
    /// Of a slot, an architecture, an option: what stands in it is as at the root.
    Layer,
    Leaf,
}

pub const RECIPE: &[&str] = &[
    "summary",
    "license",
    "license_files",
    "home",
    "version",
    "source",
    "sha256",
    "preset",
    "cc",
    "linkage",
    "patches",
    "inject",
    "build",
    "link",
    "run",
    "configure",
    "subdir",
    "override",
    "args",
    "args_drop",
    "kconfig",
    "cargo",
    "targets",
    "build_args",
    "env",
    "remove",
    "keep",
    "files",
    "symlinks",
    "static",
    "debug",
    "without",
    "memory",
    "jobs",
    "provides",
    "runtime",
    "cpe",
    "cve",
    "watch",
    "eol",
    "deprecated",
    "allow",
    "owners",
    "archs",
    "default_slot",
    "slot",
    "arch",
    "option",
    "test",
];

const OPTION: &[&str] = &[
    "summary",
    "values",
    "flag",
    "args",
    "args_off",
    "build_args",
    "build",
    "link",
    "run",
    "kconfig",
    "features",
    "patches",
    "remove",
    "license",
    "needs",
    "excludes",
    "default",
];

const SOURCE: &[&str] = &[
    "url",
    "debian",
    "git",
    "tag",
    "commit",
    "file",
    "sha256",
    "size",
    "into",
    "strip",
    "unpack",
    "signature",
    "when",
];

const TEST: &[&str] = &[
    "run", "c", "cxx", "pc", "stdin", "serve", "get", "stdout", "stderr", "regex", "status", "needs", "env",
    "timeout", "upstream",
];

const WATCH: &[&str] = &["series", "stable", "pattern", "github", "git", "page", "debian", "ignore", "hold"];

const ROLE: &[&str] = &[
    "summary", "kegs", "kernel", "linkage", "runtime", "files", "prefer", "options", "virtual", "user",
    "service", "config", "env", "limits", "trial", "check",
];

const SERVICE: &[&str] = &[
    "run",
    "once",
    "timer",
    "check",
    "listen",
    "ready",
    "ready_s",
    "watchdog_s",
    "reload",
    "restart",
    "stop",
    "stop_s",
    "after",
    "user",
    "caps",
    "writes",
    "reads",
    "network",
    "shares",
    "seccomp",
    "memory",
    "tasks",
    "cpu",
    "descriptors",
    "core",
    "console",
    "log",
];

const CONFIG: &[&str] = &["template", "owner", "mode", "keep"];

const VARIABLE: &[&str] = &["type", "default", "required", "secret", "pattern", "range", "summary"];

const LIMITS: &[&str] = &[
    "root_disk",
    "root_wire",
    "kernel",
    "files",
    "executables",
    "libraries",
    "shells",
    "interpreters",
    "setuid",
    "writable",
    "licenses",
    "ports",
    "ram_idle",
    "boot_ms",
];

impl Order {
    /// Of a file's head.
    pub fn of(file: File) -> Order {
        let keys = match file {
            File::Recipe => RECIPE,
            File::Role => ROLE,
        };
        Order { file, keys, place: Place::Root }
    }

    /// Of the table at a path of keys below this one.
    pub fn inside<'k>(&self, path: impl IntoIterator<Item = &'k str>) -> Order {
        path.into_iter().fold(self.clone(), |order, key| order.step(key))
    }

    fn step(&self, key: &str) -> Order {
        match self.place {
            Place::Root | Place::Layer => self.below(key),
            Place::Names(keys) => {
                let place = if keys == RECIPE || keys == OPTION { Place::Layer } else { Place::Leaf };
                Order { file: self.file, keys, place }
            }
            Place::Leaf => Order { file: self.file, keys: &[], place: Place::Leaf },
        }
    }

    fn below(&self, key: &str) -> Order {
        let (keys, place): (&'static [&'static str], Place) = match (self.file, key) {
            (File::Recipe, "slot" | "arch") => (&[], Place::Names(RECIPE)),
            (File::Recipe, "option") => (&[], Place::Names(OPTION)),
            (File::Recipe, "source") => (SOURCE, Place::Leaf),
            (File::Recipe, "test") => (TEST, Place::Leaf),
            (File::Recipe, "watch") => (WATCH, Place::Leaf),
            (File::Recipe, "targets") => (&["build", "install", "check"], Place::Leaf),
            (File::Recipe, "kconfig") => (&["base", "fragments", "set"], Place::Leaf),
            (File::Recipe, "cargo") => (&["bins", "features", "lock"], Place::Leaf),
            (File::Recipe, "runtime") => {
                (&["files", "config", "dlopen", "run", "set", "from", "at"], Place::Leaf)
            }
            (File::Role, "options") => (&[], Place::Names(&[])),
            (File::Role, "service") => (&[], Place::Names(SERVICE)),
            (File::Role, "config") => (&[], Place::Names(CONFIG)),
            (File::Role, "env") => (&[], Place::Names(VARIABLE)),
            (File::Role, "limits") => (LIMITS, Place::Leaf),
            _ => (&[], Place::Leaf),
        };
        Order { file: self.file, keys, place }
    }

    /// Keys that the order does not know stay behind those that it does, as they stand.
    pub fn rank(&self, key: &str) -> usize {
        self.keys.iter().position(|known| *known == key).unwrap_or(self.keys.len())
    }

    /// How wide keys are written: as the longest. One that is much longer than others stands out and pushes none.
    pub fn width(&self, lengths: impl Iterator<Item = usize>) -> usize {
        // `configure`, and `pq_signatures`.
        let longest = if self.keys.is_empty() { 16 } else { 9 };
        lengths.filter(|length| *length <= longest).max().unwrap_or(0)
    }
}
