//! T08 insecure-url, T12 version-in-url.

use std::ops::Range;

use builder::recipe::Version;
use kegs::reader::Place;

use super::Look;
use crate::lint::doc::{Inner, Part};
use crate::lint::finding::{Edit, Finding};

pub fn check(look: &Look, findings: &mut Vec<Finding>) {
    for part in &look.parts {
        let version = version(look, part);
        for (url, at) in urls(part) {
            insecure(look, url, &at, findings);
            if let Some(version) = &version {
                written_out(look, url, &at, version, findings);
            }
        }
    }
}

/// A slot's own version, else the recipe's; none where slots have each another.
fn version(look: &Look, part: &Part) -> Option<Version> {
    let of = |part: &Part| part.get("version").and_then(|entry| Version::parse(entry.at.text()?));
    of(part).or_else(|| of(look.root()))
}

/// Each URL (or path) of the part's sources, where it stands.
fn urls<'a>(part: &Part<'a>) -> Vec<(&'a str, Place<'a>)> {
    let sources = part.get("source").map(|entry| entry.at.items()).unwrap_or_default();
    let mut all = Vec::new();
    for source in sources {
        all.extend(
            source.text().map(|url| {
                (url, Place { text: source.text, span: source.span.clone(), value: source.value })
            }),
        );
        for entry in source.inner() {
            match entry.key {
                "url" | "git" | "tag" => all.extend(entry.at.strings()),
                "signature" => all.extend(
                    entry
                        .at
                        .inner()
                        .iter()
                        .filter(|entry| entry.key == "url")
                        .flat_map(|entry| entry.at.strings()),
                ),
                _ => {}
            }
        }
    }
    all
}

fn insecure(look: &Look, url: &str, at: &Place, findings: &mut Vec<Finding>) {
    let Some(scheme) = ["http://", "ftp://"].into_iter().find(|scheme| url.starts_with(scheme)) else {
        return;
    };
    let span = at.within(0..scheme.len());
    let fault = look
        .doc
        .text
        .fault(span.clone(), format!("`{scheme}`: everybody on the way sees and may withhold it"));
    let finding =
        Finding::new("T08", fault.help("`https://`; where it does not answer, `allow = { T08 = \"…\" }`"));
    findings.push(match scheme {
        "http://" => finding.fix("writes https", vec![Edit::new(look.doc.text, span, "https://")]),
        // What is served by ftp may stand at another path.
        _ => finding,
    });
}

fn written_out(look: &Look, url: &str, at: &Place, version: &Version, findings: &mut Vec<Finding>) {
    for (range, word) in written(url, version) {
        let span = at.within(range.clone());
        let fault =
            look.doc.text.fault(span.clone(), format!("the version `{}` is written out", &url[range]));
        let finding =
            Finding::new("T12", fault.help(format!("`{word}`: the next bump changes `version` alone")));
        findings.push(finding.fix(format!("writes `{word}`"), vec![Edit::new(look.doc.text, span, word)]));
    }
}

/// Where the version stands as a whole, and where its beginning is a folder: `/3.0/`.
fn written(url: &str, version: &Version) -> Vec<(Range<usize>, &'static str)> {
    let full = version.as_str();
    // One number is everywhere.
    let mut found = if full.contains(['.', '-', '_']) { whole(url, full, "{version}") } else { Vec::new() };
    let series = format!("{}.{}", version.major(), version.minor());
    let folder = |(range, _): &(Range<usize>, &str)| {
        let before = url[..range.start].trim_end_matches('v');
        before.ends_with('/') && url[range.end..].starts_with('/')
    };
    if series != full {
        found.extend(whole(url, &series, "{major}.{minor}").into_iter().filter(folder));
    }
    found
}

/// `text` in `url` with no further number or letter of a version around it, and not in the host's name.
fn whole(url: &str, text: &str, word: &'static str) -> Vec<(Range<usize>, &'static str)> {
    let path = url.find("://").map_or(0, |at| at + 3);
    let path = url[path..].find('/').map_or(path, |at| path + at);
    let apart = |at: &usize| {
        let (before, after) = (&url[..*at], &url[at + text.len()..]);
        let number = |c: char| c.is_ascii_digit();
        let goes_on = after.strip_prefix('.').is_some_and(|rest| rest.starts_with(number));
        !before.ends_with(number) && !before.ends_with('.') && !after.starts_with(number) && !goes_on
    };
    let places = url.match_indices(text).map(|(at, _)| at).filter(|at| *at >= path).filter(apart);
    places.map(|at| (at..at + text.len(), word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_urls() {
        let check = |url: &str, version: &str, wanted: &[(&str, &str)]| {
            let version = Version::parse(version).unwrap();
            let found: Vec<_> =
                written(url, &version).into_iter().map(|(range, word)| (&url[range], word)).collect();
            assert_eq!(found, wanted, "{url}");
        };
        check("https://x.org/zlib-1.3.2.tar.gz", "1.3.2", &[("1.3.2", "{version}")]);
        check("https://x.org/zlib-1.3.20.tar.gz", "1.3.2", &[]);
        check("https://x.org/1.3.2/zlib-{version}.tar.gz", "1.3.2", &[("1.3.2", "{version}")]);
        check("https://x.org/v3.0/src/h-{version}.tar.gz", "3.0.11", &[("3.0", "{major}.{minor}")]);
        check("https://x.org/lib3.0/h-{version}.tar.gz", "3.0.11", &[]);
        check("https://x1.3.2.org/a", "1.3.2", &[]);
        check("v1.3.2", "1.3.2", &[("1.3.2", "{version}")]);
        check("https://x.org/7/x7.tar.gz", "7", &[]);
    }
}
