//! A seed's text: `seeds/*.toml` to a checked [`Seed`].
//!
//! ```toml
//! suite = "bookworm"
//! asked = ["gcc", "make"]          # what people want; the rest are their dependencies
//! [links]                          # what maintainer scripts would have made
//! "usr/bin/cc" = "gcc"
//! # from here on written by `rootbrew seed refresh`
//! [pinned]
//! debs = [
//!   { name = "make", version = "4.3-4.1", path = "pool/…", sha256 = "…", size = 396320 },
//! ]
//! ```

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use kegs::Faults;
use kegs::fault::Text;
use serde::Deserialize;
use toml::Spanned;

/// A pinned seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seed {
    pub suite: String,
    pub asked: Vec<String>,
    /// Path in the tree to target.
    pub links: BTreeMap<String, String>,
    pub debs: Vec<Deb>,
}

/// One pinned Debian binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deb {
    pub name: String,
    pub version: String,
    /// In the archive: `pool/main/m/make-dfsg/make_4.3-4.1_amd64.deb`.
    pub path: String,
    pub sha256: [u8; 32],
    pub size_bytes: u64,
}

impl Deb {
    /// `name=version`, as apt writes it.
    pub fn pin(&self) -> String {
        format!("{}={}", self.name, self.version)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    suite: Spanned<String>,
    asked: Vec<Spanned<String>>,
    #[serde(default)]
    links: BTreeMap<Spanned<String>, Spanned<String>>,
    #[serde(default)]
    pinned: Pinned,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Pinned {
    debs: Vec<WrittenDeb>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDeb {
    name: Spanned<String>,
    version: Spanned<String>,
    path: Spanned<String>,
    sha256: Spanned<String>,
    size: Spanned<u64>,
}

/// Reads and checks a seed. A file that cannot be read is a fault at its first character.
pub fn load(path: &Path) -> Result<Seed, Faults> {
    let unreadable = |problem: String| Faults(vec![Text::new(path, "").fault(0..0, problem)]);
    let bytes = std::fs::read(path).map_err(|error| unreadable(format!("cannot be read: {error}")))?;
    let content = String::from_utf8(bytes)
        .map_err(|error| unreadable(format!("is not UTF-8 (byte {})", error.utf8_error().valid_up_to())))?;
    parse(path, &content)
}

/// Pure: text to a checked seed, or all that is wrong with it. Unpinned `asked` is a fault only where others are pinned:
/// a new seed has none yet, and `rootbrew seed refresh` must be able to read it.
pub fn parse(path: &Path, content: &str) -> Result<Seed, Faults> {
    let text = Text::new(path, content);
    let written: Written = toml::from_str(content).map_err(|error| {
        Faults(vec![text.fault(error.span().unwrap_or(0..0), error.message().trim().to_string())])
    })?;
    let mut check = Check { text: &text, faults: Faults::default() };
    check.word(&written.suite, "suite", is_suite, "lower-case letters, digits and `-`, such as `bookworm`");
    for asked in &written.asked {
        check.word(asked, "name", is_name, NAME_HELP);
    }
    for (at, target) in &written.links {
        check.link(at, target);
    }
    let debs: Vec<Deb> = written.pinned.debs.iter().filter_map(|deb| check.deb(deb)).collect();
    check.twice(&written.pinned.debs);
    check.asked(&written.asked, &written.pinned.debs);
    let plain = |word: &Spanned<String>| word.get_ref().clone();
    check.faults.or(Seed {
        suite: plain(&written.suite),
        asked: written.asked.iter().map(plain).collect(),
        links: written.links.iter().map(|(at, target)| (plain(at), plain(target))).collect(),
        debs,
    })
}

const NAME_HELP: &str = "lower-case letters, digits, `+`, `-` and `.`, such as `libc6-dev`";

struct Check<'a> {
    text: &'a Text,
    faults: Faults,
}

impl Check<'_> {
    fn fault(&mut self, span: Range<usize>, message: String, help: &str) {
        self.faults.push(self.text.fault(span, message).help(help));
    }

    fn word(&mut self, word: &Spanned<String>, what: &str, is_good: fn(&str) -> bool, help: &str) {
        if !is_good(word.get_ref()) {
            self.fault(word.span(), format!("`{}` is not a {what}", word.get_ref()), help);
        }
    }

    fn link(&mut self, at: &Spanned<String>, target: &Spanned<String>) {
        let clean = match super::path::clean(at.get_ref().as_bytes()) {
            Ok(clean) => clean,
            Err(problem) => {
                let message = format!("`{}` {problem}", at.get_ref());
                return self.fault(at.span(), message, "a path in the seed's tree, such as `usr/bin/cc`");
            }
        };
        if let Err(problem) = super::path::target(&clean, target.get_ref().as_bytes()) {
            let message = format!("`{}` {problem}", target.get_ref());
            self.fault(target.span(), message, "a path in the seed's tree, relative to the link's folder");
        }
    }

    fn deb(&mut self, deb: &WrittenDeb) -> Option<Deb> {
        self.word(&deb.name, "name", is_name, NAME_HELP);
        self.word(&deb.version, "version", is_version, "a Debian version, such as `1:1.2.13.dfsg-1`");
        self.word(
            &deb.path,
            "path in the archive",
            is_pool_path,
            "such as `pool/main/m/m4/m4_1.4.19-3_amd64.deb`",
        );
        if *deb.size.get_ref() == 0 {
            self.fault(deb.size.span(), "a `.deb` is not empty".to_string(), "its size in bytes");
        }
        let Some(sha256) = kegs::digest::parse_sha256(deb.sha256.get_ref()) else {
            self.fault(deb.sha256.span(), "not a sha256".to_string(), "64 lower-case hex digits");
            return None;
        };
        Some(Deb {
            name: deb.name.get_ref().clone(),
            version: deb.version.get_ref().clone(),
            path: deb.path.get_ref().clone(),
            sha256,
            size_bytes: *deb.size.get_ref(),
        })
    }

    fn twice(&mut self, debs: &[WrittenDeb]) {
        let mut seen = std::collections::BTreeSet::new();
        for deb in debs {
            if !seen.insert(deb.name.get_ref()) {
                let message = format!("`{}` is pinned twice", deb.name.get_ref());
                self.fault(deb.name.span(), message, "one version of a name has room in a tree");
            }
        }
    }

    fn asked(&mut self, asked: &[Spanned<String>], debs: &[WrittenDeb]) {
        let is_pinned = |name: &String| debs.iter().any(|deb| deb.name.get_ref() == name);
        for name in asked.iter().filter(|name| !debs.is_empty() && !is_pinned(name.get_ref())) {
            let message = format!("`{}` is asked and not pinned", name.get_ref());
            self.fault(name.span(), message, "`rootbrew seed refresh` pins anew");
        }
    }
}

fn is_made_of(text: &str, also: &str) -> bool {
    let is_good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || also.contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.chars().all(is_good)
}

fn is_suite(text: &str) -> bool {
    is_made_of(text, "-")
}

fn is_name(text: &str) -> bool {
    is_made_of(text, "+-.")
}

fn is_version(text: &str) -> bool {
    is_made_of(&text.to_ascii_lowercase(), "+-.:~")
}

fn is_pool_path(text: &str) -> bool {
    let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
    text.starts_with("pool/")
        && text.ends_with(".deb")
        && text.split('/').all(is_plain)
        && is_made_of(&text.to_ascii_lowercase(), "+-.:~%_/")
}
