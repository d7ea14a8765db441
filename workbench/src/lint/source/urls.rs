//! Places as they are written: archives that a forge makes anew each time (S03), hosts that look like another (S04).

use std::ops::Range;

use kegs::fault::Text;

use super::super::doc::{Doc, Inner};
use super::super::finding::Finding;

/// A URL of a recipe, and whether it is where bytes come from.
struct Url<'a> {
    url: &'a str,
    span: Range<usize>,
    of_source: Of,
}

#[derive(PartialEq)]
enum Of {
    Source { other_place: Option<()> },
    Fact,
}

pub fn findings(text: &Text) -> Vec<Finding> {
    let Some(doc) = Doc::parse(text) else { return Vec::new() };
    let urls = urls(&doc);
    let mut findings: Vec<Finding> = urls.iter().filter_map(|url| generated(text, url)).collect();
    findings.extend(urls.iter().filter_map(|url| mimic(text, url, &urls)));
    findings
}

fn urls<'a>(doc: &'a Doc) -> Vec<Url<'a>> {
    let mut urls = Vec::new();
    for part in doc.parts() {
        if let Some(home) = part.get("home")
            && let Some(url) = home.at.text()
        {
            urls.push(Url { url, span: home.at.span.clone(), of_source: Of::Fact });
        }
        let Some(source) = part.get("source") else { continue };
        for item in source.at.items() {
            let inner = item.inner();
            let other_place = inner.iter().any(|entry| entry.key == "debian").then_some(());
            let written = inner.iter().find(|entry| entry.key == "url");
            let places = written.map_or_else(|| item.items(), |entry| entry.at.items());
            let texts = places.into_iter().filter_map(|place| Some((place.text()?, place.span)));
            let texts: Vec<_> = texts.filter(|(url, _)| url.contains("://")).collect();
            let alone = other_place.or((texts.len() > 1).then_some(()));
            urls.extend(texts.into_iter().map(|(url, span)| Url {
                url,
                span,
                of_source: Of::Source { other_place: alone },
            }));
        }
    }
    urls
}

/// Made by the forge when asked: its bytes change with the forge's packer. With another place of the same bytes a change
/// costs nothing.
fn generated(text: &Text, url: &Url) -> Option<Finding> {
    let forge = ["github.com/", "codeberg.org/"].iter().any(|host| url.url.contains(host))
        && url.url.contains("/archive/");
    let other =
        url.url.contains("/-/archive/") || url.url.contains("bitbucket.org/") && url.url.contains("/get/");
    if url.of_source != (Of::Source { other_place: None }) || !(forge || other) {
        return None;
    }
    let fault = text
        .fault(url.span.clone(), "an archive that the forge makes when it is asked: its bytes may change");
    let help =
        "a file of the release (`/releases/download/…`) stays as it is, or `git` with `tag` and `commit`";
    Some(Finding::new("S03", fault.label("made on demand").help(help)))
}

fn mimic(text: &Text, url: &Url, all: &[Url]) -> Option<Finding> {
    let host = host(url.url)?;
    if url.of_source == Of::Fact {
        return None;
    }
    let near = all.iter().filter_map(|other| self::host(other.url)).find(|other| is_near(host, other))?;
    let at = text.content[url.span.clone()].find(host)?;
    let span = url.span.start + at..url.span.start + at + host.len();
    let fault =
        text.fault(span, format!("`{host}` differs by one letter from `{near}`, which the recipe names too"));
    Some(Finding::new(
        "S04",
        fault.label("mistyped, or somebody else's").help(format!("did you mean `{near}`?")),
    ))
}

fn host(url: &str) -> Option<&str> {
    let host = url.split_once("://")?.1.split(['/', ':']).next()?;
    Some(host.strip_prefix("www.").unwrap_or(host))
}

/// `ftp2.x.org` and `ftp.x.org` are siblings, one letter in the registered name is not. Short ones are near to all.
fn is_near(a: &str, b: &str) -> bool {
    let name = |host: &str| host.rsplitn(3, '.').take(2).map(str::to_string).collect::<Vec<_>>().join(".");
    let (a, b) = (name(a), name(b));
    a != b && a.len() > 6 && strsim::damerau_levenshtein(&a, &b) == 1
}
