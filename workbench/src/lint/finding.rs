//! A finding: a lint met at a place, and perhaps the edits that mend it.

use std::ops::Range;
use std::path::{Path, PathBuf};

use kegs::fault::{Fault, Text};

use super::registry::{self, Lint};

#[derive(Debug, Clone)]
pub struct Finding {
    pub lint: &'static Lint,
    pub fault: Fault,
    pub fix: Option<Fix>,
}

/// Edits that mend one finding. Whether they may be made unasked is the lint's `mend`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    /// What they do, as "takes the dot away".
    pub what: String,
    pub edits: Vec<Edit>,
}

/// These bytes of a file of the tap become that text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// In the tap, as in [`Text::path`].
    pub path: PathBuf,
    pub span: Range<usize>,
    pub text: String,
}

impl Finding {
    /// `id` is a lint's of the registry.
    pub fn new(id: &'static str, fault: Fault) -> Finding {
        Finding { lint: registry::get(id), fault: fault.id(id), fix: None }
    }

    /// What a loader found already; `T27` where it gave no id of its own.
    pub fn of_fault(fault: Fault) -> Finding {
        let id = fault.id.unwrap_or("T27");
        Finding::new(id, fault)
    }

    pub fn fix(mut self, what: impl Into<String>, edits: Vec<Edit>) -> Finding {
        self.fix = Some(Fix { what: what.into(), edits });
        self
    }

    /// The recipe whose file this is at; `allow` stands there.
    pub fn recipe(&self) -> Option<&str> {
        recipe_of(self.fault.text.path())
    }

    /// The recipe or role whose file this is at.
    pub fn owner(&self) -> Option<&str> {
        owner_of(self.fault.text.path())
    }
}

/// `recipes/NAME/…`, `roles/NAME.toml` or `roles/NAME/…`: the name.
pub fn owner_of(path: &Path) -> Option<&str> {
    let in_role = || path.strip_prefix("roles").ok()?.components().next()?.as_os_str().to_str();
    recipe_of(path).or_else(|| in_role().map(|name| name.trim_end_matches(".toml")))
}

/// `recipes/NAME/…`.
pub fn recipe_of(path: &Path) -> Option<&str> {
    path.strip_prefix("recipes").ok()?.components().next()?.as_os_str().to_str()
}

impl Edit {
    pub fn new(text: &Text, span: Range<usize>, with: impl Into<String>) -> Edit {
        Edit { path: text.path().to_path_buf(), span, text: with.into() }
    }
}

/// In the order of files and places, each once.
pub fn sort(findings: &mut Vec<Finding>) {
    let key = |finding: &Finding| {
        let fault = &finding.fault;
        (fault.text.path.clone(), fault.span.start, finding.lint.id, fault.message.clone())
    };
    findings.sort_by_key(key);
    findings.dedup_by(|a, b| key(a) == key(b));
}
