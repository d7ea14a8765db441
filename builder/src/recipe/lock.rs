//! A `Cargo.lock`: every crate that a build may see, by name, version and sha256.
//!
//! ```text
//! version = 4
//! [[package]]
//! name = "serde"
//! version = "1.0.229"
//! source = "registry+https://…/crates.io-index"       # none: a folder of the source itself
//! checksum = "<64 hex digits>"
//! dependencies = ["serde_core", "syn 3.0.9"]           # with the version where there are several
//! ```
//! Hostile text like a recipe's: a name becomes a path in the sandbox and a part of a URL, so both are narrow. What a digest
//! cannot name (git, a crate of no registry) is a fault at its line. It reads no file and knows no place to fetch from.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::ops::Range;
use std::path::Path;

use kegs::fault::{Fault, Faults, Text};
use kegs::reader::{self, Place, Read, Table, Written};

use super::source::Sha256;

/// A registry, by cargo's two protocols. Which one is all the same: the machine's is asked, and the digest decides.
const REGISTRIES: [&str; 2] = ["registry+https://", "sparse+https://"];

/// Of a crate's name: what the registry allows.
const NAME_MAX: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub struct Lock {
    /// Of the form; none in form 2.
    version: Option<u32>,
    packages: Vec<Package>,
    /// A member's part of a workspace's. What other members ask of its crates may have brought further ones in: cargo
    /// drops those, and no digest tells them apart here.
    pub cut: bool,
    pub text: Text,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Package {
    pub name: Written<String>,
    pub version: String,
    source: Option<String>,
    /// There unless it is a folder of the source.
    pub sha256: Option<[u8; 32]>,
    dependencies: Vec<String>,
}

impl Lock {
    /// All that is wrong with it goes to `faults`; then there is no lock.
    pub fn parse(path: &Path, bytes: &[u8], faults: &mut Faults) -> Option<Lock> {
        let before = faults.0.len();
        let lock = reader::parse(path, bytes, faults, |text, table| {
            let version = form(table);
            let packages: Vec<Package> = table.or_default("package");
            Lock { version, packages, cut: false, text }
        })?;
        twice(&lock, faults);
        (faults.0.len() == before).then_some(lock)
    }

    /// The crates, in the lock's order: what stands in no folder of the source.
    pub fn crates(&self) -> impl Iterator<Item = (&Package, [u8; 32])> {
        self.packages.iter().filter_map(|package| Some((package, package.sha256?)))
    }

    /// What the folder `name` reaches.
    pub fn of(&self, name: &str) -> Option<Lock> {
        let root =
            self.packages.iter().position(|package| package.name.value == name && package.source.is_none());
        let mut reached = BTreeSet::from([root?]);
        let mut open: Vec<usize> = reached.iter().copied().collect();
        let by_name = self.by_name();
        while let Some(at) = open.pop() {
            let needed =
                self.packages[at].dependencies.iter().flat_map(|dependency| self.find(&by_name, dependency));
            open.extend(needed.filter(|&dep| reached.insert(dep)));
        }
        let packages = reached.into_iter().map(|at| self.packages[at].clone()).collect();
        Some(Lock { packages, cut: true, ..self.clone() })
    }

    fn by_name(&self) -> BTreeMap<&str, Vec<usize>> {
        let mut all: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        self.packages
            .iter()
            .enumerate()
            .for_each(|(at, one)| all.entry(&one.name.value).or_default().push(at));
        all
    }

    /// `name`, `name version` or `name version (source)`.
    fn find(&self, by_name: &BTreeMap<&str, Vec<usize>>, dependency: &str) -> Vec<usize> {
        let mut words = dependency.split(' ');
        let places = words.next().and_then(|name| by_name.get(name)).cloned().unwrap_or_default();
        let version = words.next();
        places
            .into_iter()
            .filter(|&at| version.is_none_or(|version| self.packages[at].version == version))
            .collect()
    }

    /// As cargo writes it, and nothing of how it was written: a comment is no input.
    pub fn print(&self) -> String {
        let mut out = String::new();
        if let Some(version) = self.version {
            out += &format!("version = {version}\n");
        }
        for package in &self.packages {
            package.print(&mut out).unwrap_or(());
        }
        out
    }
}

impl Package {
    fn print(&self, out: &mut String) -> std::fmt::Result {
        write!(out, "\n[[package]]\nname = \"{}\"\nversion = \"{}\"\n", self.name.value, self.version)?;
        if let Some(source) = &self.source {
            writeln!(out, "source = \"{source}\"")?;
        }
        if let Some(sha256) = &self.sha256 {
            writeln!(out, "checksum = \"{}\"", hex::encode(sha256))?;
        }
        if !self.dependencies.is_empty() {
            let lines: String = self.dependencies.iter().map(|name| format!(" \"{name}\",\n")).collect();
            writeln!(out, "dependencies = [\n{lines}]")?;
        }
        Ok(())
    }
}

/// Forms 2 (which says no number), 3 and 4 have the digest beside each crate.
fn form(table: &mut Table) -> Option<u32> {
    if let Some(span) = table.key_span("metadata") {
        table.take::<BTreeMap<String, Ignored>>("metadata");
        table.fault(
            span,
            "a lock of cargo's oldest form",
            "`cargo generate-lockfile` writes it anew, with a digest a crate",
        );
    }
    let version: Written<u32> = table.take("version")?;
    if !(3..=4).contains(&version.value) {
        table.fault(
            version.span.clone(),
            format!("a lock of form {}", version.value),
            "3 and 4 are understood",
        );
    }
    Some(version.value)
}

struct Ignored;

impl Read for Ignored {
    fn read(_: &Place, _: &mut Faults) -> Option<Ignored> {
        Some(Ignored)
    }
}

impl Read for Package {
    fn read(at: &Place, faults: &mut Faults) -> Option<Package> {
        let mut table = at.table("a table", faults)?;
        let name = table.need::<Written<Name>>("name", "the crate's");
        let version = table.need::<CrateVersion>("version", "the crate's");
        let source = table.take::<Written<String>>("source");
        let sha256 = table.take::<Sha256>("checksum").map(|digest| digest.0);
        let dependencies = table.or_default::<Vec<Dependency>>("dependencies");
        let fault = source.as_ref().and_then(|source| unnameable(source, sha256.is_some(), at.text));
        table.faults.0.extend(fault.filter(|_| !table.broken().contains(&"checksum")));
        if let (None, Some(span)) = (&source, table.key_span("checksum")) {
            table.fault(span, "a digest of no registry's crate", "a folder of the source has none");
        }
        table.close("in a lock's `package`");
        let name = name?;
        Some(Package {
            name: Written { value: name.value.0, span: name.span },
            version: version?.0,
            source: source.map(|source| source.value),
            sha256,
            dependencies: dependencies.into_iter().map(|dependency| dependency.0).collect(),
        })
    }
}

/// What no digest of the lock names.
fn unnameable(source: &Written<String>, digest: bool, text: &Text) -> Option<Fault> {
    let fault = |message: &str, help: &str| Some(text.fault(source.span.clone(), message).help(help));
    if source.value.starts_with("git+") {
        return fault(
            "a crate from git",
            "only what a registry has can be named by its digest: ask upstream for a release",
        );
    }
    if !REGISTRIES.iter().any(|protocol| source.value.starts_with(protocol)) {
        return fault(
            "a crate of no registry",
            "crates come from a registry, with a digest: a git dependency wants a release of it",
        );
    }
    if !digest {
        return fault("a crate without `checksum`", "`cargo generate-lockfile` writes the digest of each");
    }
    None
}

/// Two of one name and version would be one folder.
fn twice(lock: &Lock, faults: &mut Faults) {
    let mut seen = BTreeSet::new();
    for package in &lock.packages {
        if !seen.insert((&package.name.value, &package.version)) {
            let message = format!("`{} {}` is there twice", package.name.value, package.version);
            faults.push(lock.text.fault(package.name.span.clone(), message).help("one of them is enough"));
        }
    }
}

/// A crate's name: it stands in paths and URLs.
pub fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    text.len() <= NAME_MAX
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && text.chars().all(inner)
}

struct Name(String);

impl Read for Name {
    fn read(at: &Place, faults: &mut Faults) -> Option<Name> {
        let string = at.string("a name", faults)?;
        let refuse = |faults| {
            at.fail(format!("`{string}` is no crate's name"), "letters, digits, `-` and `_`", faults)
        };
        is_name(string).then(|| Name(string.to_string())).or_else(|| refuse(faults))
    }
}

struct CrateVersion(String);

impl Read for CrateVersion {
    fn read(at: &Place, faults: &mut Faults) -> Option<CrateVersion> {
        let string = at.string("a version", faults)?;
        let refuse =
            |faults| at.fail(format!("`{string}` is no crate's version"), "such as `1.0.229`", faults);
        // Its grammar has no slash, and no part that is `..`.
        semver::Version::parse(string)
            .ok()
            .map(|_| CrateVersion(string.to_string()))
            .or_else(|| refuse(faults))
    }
}

struct Dependency(String);

impl Read for Dependency {
    fn read(at: &Place, faults: &mut Faults) -> Option<Dependency> {
        let string = at.string("a dependency", faults)?;
        let right = is_name(string.split(' ').next().unwrap_or_default())
            && string.chars().all(|c| c.is_ascii_graphic() && c != '"' && c != '\\' || c == ' ');
        let refuse =
            |faults| at.fail(format!("`{string}` is no dependency"), "`name`, `name version`", faults);
        right.then(|| Dependency(string.to_string())).or_else(|| refuse(faults))
    }
}

/// Where a lock is wanted and none is: said at the recipe's `preset`.
pub fn absent(text: &Text, span: Range<usize>, path: &Path) -> Fault {
    let help = format!("copy the source's to {}: the crates are sources, by its digests", path.display());
    text.fault(span, "no Cargo.lock").help(help)
}
