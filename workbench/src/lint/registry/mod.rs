//! The registry: every lint there is. One table a ring; ids never change and are never used again.

pub mod keg;
pub mod plan;
pub mod role;
pub mod source;
pub mod text;

/// One check and what a person should know of it.
#[derive(Debug, PartialEq, Eq)]
pub struct Lint {
    /// A letter of its ring and two digits.
    pub id: &'static str,
    pub name: &'static str,
    pub severity: Severity,
    pub mend: Mend,
    /// One line.
    pub what: &'static str,
    /// A paragraph: what happens to whom when nobody looks.
    pub why: &'static str,
    /// Lines of a recipe (or of the file that it is about); empty where no text shows it.
    pub wrong: &'static str,
    pub right: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// To know.
    Info,
    /// To mend; it stops nothing.
    Warning,
    /// It cannot be built, merged or trusted so.
    Error,
}

/// What can mend a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// `--fix` does it: what is built stays the same.
    Safe,
    /// The help says what would probably be right; a person decides.
    Proposed,
    None,
}

/// What a lint must know. Each ring knows all before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ring {
    /// One recipe's or role's files.
    Text,
    /// All recipes and roles.
    Plan,
    /// The sources' bytes, or where they come from.
    Source,
    /// What a build made and did.
    Keg,
    /// What a role's image came to.
    Role,
}

/// In the order of their pages.
pub const TABLES: [&[Lint]; 5] = [text::LINTS, plan::LINTS, source::LINTS, keg::LINTS, role::LINTS];

pub const RINGS: [Ring; 5] = [Ring::Text, Ring::Plan, Ring::Source, Ring::Keg, Ring::Role];

pub fn all() -> impl Iterator<Item = &'static Lint> + Clone {
    TABLES.into_iter().flatten()
}

/// By id or by name.
pub fn find(word: &str) -> Option<&'static Lint> {
    all().find(|lint| lint.id == word || lint.name == word)
}

/// The lint of an id that stands in our own code.
pub fn get(id: &str) -> &'static Lint {
    match all().find(|lint| lint.id == id) {
        Some(lint) => lint,
        None => panic!("no lint `{id}` in the registry"),
    }
}

impl Lint {
    pub fn ring(&self) -> Ring {
        match self.id.as_bytes()[0] {
            b'T' => Ring::Text,
            b'P' => Ring::Plan,
            b'S' => Ring::Source,
            b'K' => Ring::Keg,
            _ => Ring::Role,
        }
    }
}

impl Ring {
    pub fn name(self) -> &'static str {
        match self {
            Ring::Text => "text",
            Ring::Plan => "plan",
            Ring::Source => "source",
            Ring::Keg => "keg",
            Ring::Role => "role",
        }
    }
}

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        }
    }
}

impl Mend {
    pub fn name(self) -> &'static str {
        match self {
            Mend::Safe => "safe",
            Mend::Proposed => "proposed",
            Mend::None => "none",
        }
    }
}
