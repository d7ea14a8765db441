//! A source as written: bytes with a digest, and places where they may be.

use kegs::digest::parse_sha256;
use kegs::fault::{Faults, Text};
use kegs::reader::{OneOrMany, Place, Read, Size, Table, Written};

use super::lock;
use super::path::Inside;
use super::phrase::Phrase;
use super::variant::{Crate, Debian, Git, Source};

/// What a source has besides what a build sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceWritten {
    /// With words still in braces.
    pub source: Source,
    /// Only when this option is on.
    pub when: Option<Written<String>>,
    /// Asked by `bump`; at build only the digest decides.
    pub signature: Option<Signature>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signature {
    pub url: String,
    pub key: String,
}

/// 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sha256(pub [u8; 32]);

impl Read for Sha256 {
    fn read(at: &Place, faults: &mut Faults) -> Option<Sha256> {
        let string = at.string("a sha256", faults)?;
        let refuse = |faults| at.fail("not a sha256", "64 lower-case hex digits", faults);
        parse_sha256(string).map(Sha256).or_else(|| refuse(faults))
    }
}

impl Read for SourceWritten {
    fn read(at: &Place, faults: &mut Faults) -> Option<SourceWritten> {
        if at.is_string() {
            let urls = vec![Url::read(at, faults)?.0];
            let source = Source { urls, ..empty(at) };
            return Some(SourceWritten { source, when: None, signature: None });
        }
        let mut table = at.table("a URL or a table", faults)?;
        let written = table_of(at, &mut table);
        table.close("in a source");
        Some(written)
    }
}

fn table_of(at: &Place, table: &mut Table) -> SourceWritten {
    let source = Source {
        urls: table.or_default::<OneOrMany<Url>>("url").0.into_iter().map(|url| url.0).collect(),
        debian: table.take("debian"),
        krate: table.take("crate"),
        file: table.take::<Inside>("file").map(|path| path.0.raw),
        git: git(table),
        tap: table.or_default::<OneOrMany<Inside>>("tap").0.into_iter().map(|path| path.0.raw).collect(),
        sha256: table.take::<Sha256>("sha256").map(|digest| digest.0),
        size_bytes: table.take::<Size>("size").map(|size| size.bytes),
        into: table.take::<Inside>("into").map(|path| path.0.raw),
        strip: table.take("strip").unwrap_or(1),
        unpack: table.take("unpack").unwrap_or(true),
        ..empty(at)
    };
    places(at, &source, table);
    SourceWritten { source, when: table.take("when"), signature: table.take("signature") }
}

fn git(table: &mut Table) -> Option<Git> {
    let url = table.take::<Url>("git");
    let tag = table.take::<Tag>("tag").map(|tag| tag.0);
    let commit = table.take::<Commit>("commit");
    if table.has("git") && !table.has("commit") {
        let span = table.key_span("git").unwrap_or_default();
        table.fault_of("T11", span, "`git` without `commit`", "add the commit that the tag is: tags move");
    }
    for alone in ["tag", "commit"] {
        if table.has(alone) && !table.has("git") {
            let span = table.key_span(alone).unwrap_or_default();
            table.fault(span, format!("`{alone}` without `git`"), "`git = \"https://…\"` says of what");
        }
    }
    Some(Git { url: url?.0, tag, commit: commit?.0 })
}

/// At least one place, and only one kind of bytes.
fn places(at: &Place, source: &Source, table: &mut Table) {
    let archive = ["url", "debian", "crate"].iter().any(|key| table.has(key));
    let kinds = usize::from(archive) + ["file", "git", "tap"].iter().filter(|key| table.has(key)).count();
    if kinds == 0 {
        table.fault(
            at.span.clone(),
            "a source without a place",
            "add `url`, `debian`, `crate`, `git`, `file` or `tap`",
        );
    }
    if kinds > 1 {
        let help = "`url`, `debian` and `crate` are the same bytes; `git`, `file` and `tap` are each a source of its own";
        table.fault(at.span.clone(), "a source of two kinds", help);
    }
    if let (Some(_), Some(span)) = (&source.git, table.key_span("sha256")) {
        table.fault(span, "a git source has no sha256", "its commit is its digest");
    }
    if let (false, Some(span)) = (source.tap.is_empty(), table.key_span("sha256")) {
        table.fault(span, "a source of the tap has no sha256", "its files are read where they are");
    }
}

fn empty(at: &Place) -> Source {
    Source {
        urls: Vec::new(),
        debian: None,
        krate: None,
        file: None,
        tap: Vec::new(),
        git: None,
        sha256: None,
        size_bytes: None,
        into: None,
        strip: 1,
        unpack: true,
        vendored: false,
        text: at.text.clone(),
        span: at.span.clone(),
    }
}

pub struct Url(pub String);

impl Read for Url {
    fn read(at: &Place, faults: &mut Faults) -> Option<Url> {
        let raw = Phrase::read(at, faults)?.raw;
        let known = ["https://", "http://", "ftp://"].iter().any(|scheme| raw.starts_with(scheme));
        if !known || raw.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return at.fail(format!("`{raw}` is no URL"), "it begins with `https://`", faults);
        }
        Some(Url(raw))
    }
}

struct Tag(String);

impl Read for Tag {
    fn read(at: &Place, faults: &mut Faults) -> Option<Tag> {
        let raw = Phrase::read(at, faults)?.raw;
        // It stands on command lines of git, and in a ref: git-check-ref-format(1).
        let odd = |c: char| c.is_whitespace() || c.is_control() || "~^:?*[\\".contains(c);
        if raw.starts_with('-') {
            return at.fail_of(
                "T11",
                format!("the tag `{raw}` is an option to git"),
                "a tag has no `-` first",
                faults,
            );
        }
        if raw.is_empty() || raw.contains(odd) || raw.contains("..") {
            return at.fail_of("T11", format!("`{raw}` is no tag"), "as \"v{version}\"", faults);
        }
        Some(Tag(raw))
    }
}

struct Commit(String);

impl Read for Commit {
    fn read(at: &Place, faults: &mut Faults) -> Option<Commit> {
        let string = at.string("a commit", faults)?;
        let hex = string.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex && matches!(string.len(), 40 | 64) {
            return Some(Commit(string.to_string()));
        }
        at.fail_of(
            "T10",
            "not a commit",
            "its whole name: 40 lower-case hex digits (64 in a sha256 repository)",
            faults,
        )
    }
}

impl Read for Debian {
    fn read(at: &Place, faults: &mut Faults) -> Option<Debian> {
        let raw = Phrase::read(at, faults)?.raw;
        debian(&raw).or_else(|| at.fail(format!("`{raw}` is not name=version"), DEBIAN, faults))
    }
}

const DEBIAN: &str =
    "as apt names a source: \"zlib=1:1.3.1-1\", or with a suite: \"zlib=1:1.3.1-1/bookworm\"";

impl Debian {
    /// `name=version` or `name=version/suite`; `None` for what apt must not be asked.
    pub fn parse(raw: &str) -> Option<Debian> {
        debian(raw).filter(|_| !raw.contains(['{', '}']))
    }
}

fn debian(raw: &str) -> Option<Debian> {
    let (name, version) = raw.split_once('=')?;
    let (version, suite) = match version.split_once('/') {
        Some((version, suite)) => (version, Some(suite)),
        None => (version, None),
    };
    // Goes on apt's command line: only what its names and versions may hold (deb-src-control(5), deb-version(7)).
    let word = |text: &str, more: &str| {
        text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '{')
            && text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c))
    };
    let right =
        word(name, "+-.{}") && word(version, "+-.~:{}_") && suite.is_none_or(|suite| word(suite, "-.{}"));
    let owned = |text: &str| text.to_string();
    right.then(|| Debian { name: owned(name), version: owned(version), suite: suite.map(owned) })
}

impl Read for Crate {
    fn read(at: &Place, faults: &mut Faults) -> Option<Crate> {
        let raw = Phrase::read(at, faults)?.raw;
        let help = "as cargo names it: \"ripgrep=15.1.0\"";
        krate(&raw).or_else(|| at.fail(format!("`{raw}` is not name=version"), help, faults))
    }
}

/// What a version may hold, with words in braces.
fn krate(raw: &str) -> Option<Crate> {
    let (name, version) = raw.split_once('=')?;
    let inner = |c: char| c.is_ascii_alphanumeric() || "+-.{}".contains(c);
    let right = lock::is_name(name) && !version.is_empty() && version.chars().all(inner);
    right.then(|| Crate { name: name.to_string(), version: version.to_string() })
}

impl Source {
    /// A crate of a lock, with the place in it.
    pub fn vendored(krate: Crate, sha256: [u8; 32], text: &Text, span: std::ops::Range<usize>) -> Source {
        Source {
            urls: Vec::new(),
            debian: None,
            krate: Some(krate),
            file: None,
            tap: Vec::new(),
            git: None,
            sha256: Some(sha256),
            size_bytes: None,
            into: None,
            strip: 1,
            unpack: true,
            vendored: true,
            text: text.clone(),
            span,
        }
    }
}

impl Read for Signature {
    fn read(at: &Place, faults: &mut Faults) -> Option<Signature> {
        let mut table = at.table("a table", faults)?;
        let url = table.need::<Url>("url", "where the signature is").map(|url| url.0);
        let key = table.need("key", "the fingerprint of the key, or a file beside the recipe");
        table.close("in a signature");
        Some(Signature { url: url?, key: key? })
    }
}
