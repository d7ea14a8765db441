//! Papers: what is in an image, part by part, and from where each is known. Pure; the forms that auditors read follow from it.
//!
//! ```text
//! ImageTree + kegs as built + facts ─collect─▶ Papers ─▶ spdx · cyclonedx
//! ```
//! A *part* is whatever has a version and a licence of its own: a keg, a package of the seed of which a piece was linked, a
//! crate. A file *holds* parts by static linking, each with a [`Proof`]. No clock, no path of this machine: the same image and
//! the same facts give the same papers. What is not known is said to be not known; nothing is guessed here.

mod collect;
pub mod cyclonedx;
pub mod identity;
pub mod origin;
pub mod spdx;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use kegs::Digest;

pub use collect::{Image, Known, collect};

/// Names a part: the same software twice in one image are two parts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PartId {
    Keg {
        name: String,
        slot: String,
    },
    /// A binary package of the seed, by Debian's name.
    Seed {
        name: String,
        version: String,
    },
    Crate {
        name: String,
        version: String,
    },
}

/// What is known of a part, whoever holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub id: PartId,
    pub version: String,
    pub summary: String,
    /// An SPDX expression; `None`: not known.
    pub license: Option<String>,
    pub home: Option<String>,
    pub sources: Vec<Source>,
    /// Names of the patches that its recipe puts on.
    pub patches: Vec<String>,
    /// `vendor:product`.
    pub cpe: Option<String>,
    /// What its recipe says of vulnerabilities: CVE to `fixed …`, `not-affected …`, `disputed …`.
    pub cve: BTreeMap<String, String>,
    /// Debian's name of the source, for a package of the seed; PyPI's, for a keg of Python.
    pub upstream: Option<Upstream>,
}

impl Part {
    /// One of which nothing more is known.
    pub fn new(id: PartId, version: &str, summary: &str) -> Part {
        Part {
            id,
            version: version.to_string(),
            summary: summary.to_string(),
            license: None,
            home: None,
            sources: Vec::new(),
            patches: Vec::new(),
            cpe: None,
            cve: BTreeMap::new(),
            upstream: None,
        }
    }
}

/// Under which name another collection of software knows a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Upstream {
    Debian { source: String, suite: String, arch: String },
    PyPI(String),
}

/// Bytes that a part was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// As the recipe says it: a URL, `debian zlib=1:1.3`, `git … commit …`, a path of the tap.
    pub place: String,
    /// Where anybody can have the bytes.
    pub url: Option<String>,
    pub sha256: Option<String>,
}

/// How it is known that a file holds a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Proof {
    /// The section `.rootbrew.origin` of the linked file.
    Mark,
    /// Text that the part leaves in a file: a crate's path, glibc's version, the compiler's name.
    Named,
    /// A lock file allows it; nothing in the file says that it is there.
    Lock,
    /// A recipe links it; the file was built before objects carried marks.
    Declared,
}

/// A file of the image, or the kernel beside it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Without a leading slash; the kernel's is `vmlinuz`, outside the root.
    pub path: String,
    pub digest: Digest,
    /// 40 hex digits; SPDX wants it.
    pub sha1: String,
    pub executable: bool,
    /// `None`: the role's, or made by the assembler.
    pub owner: Option<PartId>,
    /// Parts linked into it, its owner not among them.
    pub holds: BTreeMap<PartId, Proof>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Papers {
    /// The role.
    pub name: String,
    pub summary: String,
    /// Of the root image.
    pub digest: Digest,
    pub kernel: Option<PartId>,
    /// Every part that has a file or is held by one.
    pub parts: BTreeMap<PartId, Part>,
    /// Sorted by path.
    pub files: Vec<File>,
    /// Texts of `LicenseRef-*` licences: those on no list.
    pub texts: BTreeMap<String, String>,
}

impl PartId {
    pub fn keg(name: impl Into<String>, slot: impl Into<String>) -> PartId {
        PartId::Keg { name: name.into(), slot: slot.into() }
    }

    pub fn name(&self) -> &str {
        match self {
            PartId::Keg { name, .. } | PartId::Seed { name, .. } | PartId::Crate { name, .. } => name,
        }
    }

    /// `keg`, `seed` or `crate`.
    pub fn kind(&self) -> &'static str {
        match self {
            PartId::Keg { .. } => "keg",
            PartId::Seed { .. } => "seed",
            PartId::Crate { .. } => "crate",
        }
    }
}

impl fmt::Display for PartId {
    /// As a person names it: `zlib`, `openssl@3`, `crate memchr 2.8.3`.
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            PartId::Keg { name, slot } if slot == "0" => write!(f, "{name}"),
            PartId::Keg { name, slot } => write!(f, "{name}@{slot}"),
            PartId::Seed { name, version } | PartId::Crate { name, version } => {
                write!(f, "{} {name} {version}", self.kind())
            }
        }
    }
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(match self {
            Proof::Mark => "proven by the link: the section .rootbrew.origin of the file as it was built names it",
            Proof::Named => "seen: the file as it was built, or its debug information, has text that only this leaves",
            Proof::Lock => "from the lock file: it may be inside, and nothing in the file says so",
            Proof::Declared => "declared, not proven: its build links it, and the file has no record that says whether it took of it",
        })
    }
}

impl Papers {
    /// The files that hold a part, with how that is known.
    pub fn holders<'a>(&'a self, id: &'a PartId) -> impl Iterator<Item = (&'a File, Proof)> {
        self.files.iter().filter_map(move |file| Some((file, *file.holds.get(id)?)))
    }

    pub fn files_of<'a>(&'a self, owner: Option<&'a PartId>) -> impl Iterator<Item = &'a File> {
        self.files.iter().filter(move |file| file.owner.as_ref() == owner)
    }
}
