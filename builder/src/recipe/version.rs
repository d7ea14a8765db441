//! A version as upstream writes it, and its order.
//!
//! It must never refuse what upstreams really use (`10.48`, `1.1.1w`, `9.9p2`, `2026.94`, `3.0.0-rc.1`), and its order is
//! total: it sorts parts, from the left.
//!
//! ```text
//! 1.1.1w      -> 1 1 1 w
//! 3.0.0-rc.1  -> 3 0 0 (before the end) rc 1
//! ```

use std::cmp::Ordering;
use std::fmt;

/// Begins with a digit; letters, digits and `. + ~ _ -` follow.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Version {
    text: String,
}

impl Version {
    /// `None` for what is no version; [`why_not`] says why.
    pub fn parse(text: &str) -> Option<Version> {
        why_not(text).is_none().then(|| Version { text: text.to_string() })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first number.
    pub fn major(&self) -> &str {
        self.number(0)
    }

    /// The second number, `0` where there is none.
    pub fn minor(&self) -> &str {
        self.number(1)
    }

    fn number(&self, at: usize) -> &str {
        let mut numbers = self.text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
        numbers.nth(at).unwrap_or("0")
    }

    fn parts(&self) -> Vec<Part<'_>> {
        // Only semver says that a hyphen begins a pre-release; elsewhere (`9.9-p2`) it is one more separator.
        let pre_release = semver::Version::parse(&self.text).is_ok_and(|version| !version.pre.is_empty());
        let hyphen = pre_release.then(|| self.text.find('-')).flatten().unwrap_or(usize::MAX);
        let mut parts = Vec::new();
        let mut before_end = false;
        for (at, run) in runs(&self.text) {
            if !before_end && (at > hyphen || is_pre_release(run)) {
                before_end = true;
                parts.push(Part::Before);
            }
            parts.push(Part::of(run, before_end));
        }
        parts.push(Part::End);
        parts
    }
}

/// What `text` lacks to be a version, as help for its author.
pub fn why_not(text: &str) -> Option<&'static str> {
    let strange = |c: char| !(c.is_ascii_alphanumeric() || ".+~_-".contains(c));
    match text.chars().next() {
        Some('v' | 'V') if text[1..].starts_with(|c: char| c.is_ascii_digit()) => {
            Some("leave out the `v`; a tag may say `v{version}`")
        }
        Some(first) if !first.is_ascii_digit() => Some("a version begins with a digit"),
        None => Some("a version begins with a digit"),
        _ if text.contains(strange) => Some("a version has letters, digits and `. + ~ _ -`"),
        _ if text.len() > 64 => Some("a version has at most 64 characters"),
        _ => None,
    }
}

/// One step of the order. Variants are in the order in which they sort: what comes before a release, its end, what
/// semver puts into a pre-release (numbers before words), then what follows a release (words before numbers).
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Part<'a> {
    Before,
    End,
    BeforeNumber(usize, &'a str),
    BeforeWord(&'a str),
    Word(&'a str),
    /// Count of digits, then digits: numbers of any length without arithmetic.
    Number(usize, &'a str),
}

impl Part<'_> {
    fn of(run: &str, before_end: bool) -> Part<'_> {
        let digits = run.trim_start_matches('0');
        match (run.starts_with(|c: char| c.is_ascii_digit()), before_end) {
            (true, false) => Part::Number(digits.len(), digits),
            (true, true) => Part::BeforeNumber(digits.len(), digits),
            (false, false) => Part::Word(run),
            (false, true) => Part::BeforeWord(run),
        }
    }
}

/// Runs of digits and runs of letters, with the byte at which each begins.
fn runs(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let bytes = text.as_bytes();
        at += bytes[at..].iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
        let is_digit = bytes.get(at)?.is_ascii_digit();
        let same = |byte: &&u8| byte.is_ascii_alphanumeric() && byte.is_ascii_digit() == is_digit;
        let begin = at;
        at += bytes[at..].iter().take_while(same).count();
        Some((begin, &text[begin..at]))
    })
}

fn is_pre_release(run: &str) -> bool {
    ["alpha", "beta", "dev", "pre", "rc"].iter().any(|word| run.eq_ignore_ascii_case(word))
}

impl Ord for Version {
    /// By parts; by text where the parts are equal (`1.01`, `1.1`), so that the order agrees with equality.
    fn cmp(&self, other: &Version) -> Ordering {
        self.parts().cmp(&other.parts()).then_with(|| self.text.cmp(&other.text))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Version) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Version {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upstream_versions_sort_as_their_releases_came() {
        let rising = "0.9 0.10 1.0-beta2 1.0-rc1 1.0-rc10 1.0 1.0.1 1.1.1 1.1.1a 1.1.1w 1.1.2 1.3.1 1.26.3 3.0.0-1 \
            3.0.0-rc.1 3.0.0 3.0.22 3.6.3 9.9 9.9p1 9.9p2 10.48 2026.94 20240101 99999999999999999999999";
        let versions: Vec<_> = rising.split_whitespace().map(|text| Version::parse(text).unwrap()).collect();
        for (at, low) in versions.iter().enumerate() {
            for high in &versions[at + 1..] {
                assert!(low < high, "{low} < {high}");
            }
        }
    }

    #[test]
    fn what_is_no_version_says_what_it_lacks() {
        let refused = ["", "latest", "v1.2", "1/2", "1 2", "1.2ä"].map(|text| why_not(text).unwrap());
        expect_test::expect![[r#"
            [
                "a version begins with a digit",
                "a version begins with a digit",
                "leave out the `v`; a tag may say `v{version}`",
                "a version has letters, digits and `. + ~ _ -`",
                "a version has letters, digits and `. + ~ _ -`",
                "a version has letters, digits and `. + ~ _ -`",
            ]
        "#]]
        .assert_debug_eq(&refused);
    }

    #[test]
    fn numbers_of_a_version() {
        let version = Version::parse("1.26rc3").unwrap();
        assert_eq!((version.major(), version.minor()), ("1", "26"));
        assert_eq!(Version::parse("20240101").unwrap().minor(), "0");
    }
}
