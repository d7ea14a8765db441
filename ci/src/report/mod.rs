//! The report of a change: what an author reads, and what a program reads.
//!
//! ```text
//! Report ─markdown─▶ verdict, a table a role, folds; at most as long as a forge's comment
//!        └─json────▶ report.json: all of it
//! ```
//! Pure: it is told figures, it takes none. Every name in it may come from a stranger's archive: a name is always code,
//! never Markdown (`escape.rs`). A section that has nothing to say is not there.

mod cut;
pub(crate) mod escape;
pub(crate) mod figure;
mod fold;
mod markdown;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::affected::Affected;
pub use figure::{Figure, Noise, Unit, bytes, seconds};

/// The longest comment that GitHub takes; GitLab and Forgejo take more. Counted in bytes, which are never fewer.
pub const COMMENT_MAX: usize = 65_536;

/// One run over one change.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Nothing failed.
    pub good: bool,
    /// Commit ids; of the head, where the tap is as it has it.
    pub base: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    pub wall_s: f64,
    pub failures: Vec<Failure>,
    /// In files of the change.
    pub findings: Vec<Finding>,
    /// In others, which can't fail it.
    pub findings_elsewhere: usize,
    pub roles: Vec<Role>,
    /// Roles that no key of the change reaches, or that came out as they were.
    pub same_roles: usize,
    pub kegs: Vec<Keg>,
    /// Of all targets, each once.
    pub kegs_in_all: usize,
    pub tests: Tests,
    pub cache: Cache,
    pub affected: Affected,
}

/// Why it is not good.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Failure {
    /// `nginx 1.26.3`, or `role web`.
    pub subject: String,
    /// `install step`, `test zpipe.c`, `limits`, `boot`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    pub end: String,
    /// The last lines.
    pub tail: Vec<String>,
    /// One command that shows more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// Kegs and roles that need it.
    pub not_tried: Vec<String>,
    pub on_base: OnBase,
}

/// Whether the base fails too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnBase {
    Yes,
    No,
    /// The base has no such thing.
    New,
    /// Nobody could try, and why.
    Unknown(String),
    /// It is no question here.
    #[default]
    NotAsked,
}

/// What a lint says of a file of the change.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    pub id: String,
    pub name: String,
    /// `error`, `warning`, `info`.
    pub severity: String,
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
}

/// A keg of the change.
#[derive(Debug, Clone, Serialize)]
pub struct Keg {
    pub keg: String,
    pub version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_version: Option<String>,
    pub why: String,
    pub became: Became,
    /// Of the build, whenever it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wall_s: Option<f64>,
    /// It ran now.
    pub ran: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Became {
    /// Early cutoff: what needs it is not touched.
    SameBytes,
    OtherBytes,
    /// There was none.
    New,
    /// What the base has is not known.
    Built,
    Failed,
    /// It needs one that failed.
    NotTried,
}

#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Tests {
    pub passed: usize,
    pub failed: usize,
    /// Of those that passed: they had before.
    pub in_store: usize,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct Cache {
    pub actions: usize,
    pub found: usize,
    /// The longest chain of those that ran, `a → b → c`; nothing where none ran.
    pub critical: Vec<String>,
    pub critical_s: f64,
}

/// A role of the change.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Role {
    pub role: String,
    pub why: Vec<String>,
    /// Root and kernel are the base's.
    pub same_bytes: bool,
    /// The base has its image too.
    pub has_base: bool,
    pub asked: Asked,
    /// By limit's key: `root_disk`, `boot_ms`, …
    pub figures: Vec<Figure>,
    pub ports: Sides,
    pub capabilities: Sides,
    pub licenses: Sides,
    /// Ids that are open, where records were given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cves: Option<Sides>,
    pub versions: Vec<String>,
    pub files: Vec<File>,
    pub files_in_all: usize,
    /// The picture of the difference, a file beside the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<String>,
}

/// What a booted role answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Every check.
    Ready,
    /// The same bytes were asked before, and did.
    Before,
    No(String),
    /// Its bytes are the base's.
    #[default]
    NotNeeded,
    Failed,
}

/// Words of both sides, sorted.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Sides {
    pub new: Vec<String>,
    /// `None`: not known.
    pub old: Option<Vec<String>>,
}

impl Sides {
    pub fn added(&self) -> Vec<&str> {
        let old = self.old.as_ref();
        let is_new = |word: &&String| old.is_some_and(|old| !old.contains(word));
        self.new.iter().filter(is_new).map(String::as_str).collect()
    }

    pub fn gone(&self) -> Vec<&str> {
        let old = self.old.iter().flatten();
        old.filter(|word| !self.new.contains(word)).map(String::as_str).collect()
    }
}

/// A file of an image.
#[derive(Debug, Clone, Serialize)]
pub struct File {
    /// `added`, `removed`, `changed`.
    pub what: String,
    pub path: String,
    pub old_bytes: u64,
    pub new_bytes: u64,
    /// `mode 0644 → 0755`; nothing where only its content is other.
    pub how: Vec<String>,
}

impl Report {
    /// What a forge's comment holds, at most `max_bytes` long.
    pub fn markdown(&self, max_bytes: usize) -> String {
        cut::fitting(max_bytes, |lines| markdown::print(self, lines))
    }

    /// All of it.
    pub fn json(&self) -> String {
        // Plain data of ours: it always has a JSON form.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }
}
