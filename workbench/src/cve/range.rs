//! Ranges: whether an entry of a record means the version that a part has.
//!
//! Versions are compared in the order of whoever numbers them: semver for crates, Debian's for packages of the seed,
//! upstreams' for the rest (`builder::recipe::Version`). Commits have no order here.

use std::cmp::Ordering;

use assembler::papers::identity::upstream_version;
use assembler::papers::{Part, PartId};
use builder::recipe::Version;

use super::names::product;
use super::osv::{Affected, Event, texts, version_events};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Yes,
    No,
    /// Nothing in it could be compared.
    Unsure,
}

/// `by` says which name was found: what a repository's tags or a CPE say is of upstream's numbers.
pub fn affects(affected: &Affected, part: &Part, by: &str) -> Answer {
    let own = Own::of(part, by);
    let listed = affected.versions.iter().filter_map(|text| own.compare(text));
    let (mut compared, mut hit) = (false, false);
    for order in listed {
        compared = true;
        hit |= order == Ordering::Equal;
    }
    for events in ranges(affected, by) {
        if let Some(inside) = inside(&own, &events) {
            compared = true;
            hit |= inside;
        }
    }
    for version in cpe_versions(affected, part).iter().filter(|_| by == "cpe") {
        compared = true;
        hit |= own.compare(version) == Some(Ordering::Equal);
    }
    match (hit, compared) {
        (true, _) => Answer::Yes,
        (false, true) => Answer::No,
        (false, false) => Answer::Unsure,
    }
}

/// Lists of events in versions. A package's own ranges speak of its numbers; what stands in its database's part, of
/// upstream's.
fn ranges(affected: &Affected, by: &str) -> Vec<Vec<Event>> {
    let own = affected.ranges.iter().filter(|range| range.kind != "GIT").map(|range| range.events.clone());
    let specific = affected.ranges.iter().flat_map(|range| version_events(&range.database_specific));
    let unresolved = version_events(&affected.database_specific);
    match by {
        "purl" | "ecosystem" => own.collect(),
        _ => own.chain(specific).chain(unresolved).collect(),
    }
}

/// The algorithm of the OSV schema: events in order of versions, the last that is not after ours decides. `None`: some
/// event's version has no place in the order.
fn inside(own: &Own, events: &[Event]) -> Option<bool> {
    let mut ordered: Vec<(&Event, Ordering)> = Vec::new();
    for event in events {
        ordered.push((event, own.compare(text(event)?)?));
    }
    // Introductions before ends, both in the order of versions: what counts is the latest of those that we reached.
    let reached = |pick: fn(&Event) -> &Option<String>, inclusive: bool| {
        let own_is_past =
            move |order: Ordering| order == Ordering::Greater || inclusive && order == Ordering::Equal;
        let all = ordered.iter().filter(move |(event, order)| pick(event).is_some() && own_is_past(*order));
        all.map(|(event, _)| text(event).unwrap_or_default())
            .max_by(|a, b| own.order.compare(a, b).unwrap_or(Ordering::Equal))
    };
    let Some(start) = reached(|event| &event.introduced, true) else { return Some(false) };
    let ends = [reached(|event| &event.fixed, true), reached(|event| &event.limit, true)];
    let after_start = |end: &str| start == "0" || own.order.compare(end, start) != Some(Ordering::Less);
    let ended = ends.into_iter().flatten().any(after_start);
    // The last that has it: we are past it only if we are another.
    let last = reached(|event| &event.last_affected, false).is_some_and(after_start);
    Some(!ended && !last)
}

fn text(event: &Event) -> Option<&str> {
    [&event.introduced, &event.fixed, &event.last_affected, &event.limit]
        .into_iter()
        .flatten()
        .next()
        .map(String::as_str)
}

/// Versions that stand in CPEs themselves, of the part's product.
fn cpe_versions(affected: &Affected, part: &Part) -> Vec<String> {
    let mut found = Vec::new();
    texts(&affected.database_specific, &mut found);
    affected.ranges.iter().for_each(|range| texts(&range.database_specific, &mut found));
    let own = found.into_iter().filter(|cpe| product(cpe) == part.cpe.as_ref().map(|cpe| cpe.to_lowercase()));
    let version = own.filter_map(|cpe| cpe.strip_prefix("cpe:2.3:")?.split(':').nth(3));
    version
        .filter(|version| !matches!(*version, "" | "*" | "-"))
        .map(|version| version.replace('\\', ""))
        .collect()
}

/// Whose order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Semver,
    Debian,
    Upstream,
}

/// Our version, in its order.
struct Own {
    version: String,
    order: Order,
}

impl Own {
    fn of(part: &Part, by: &str) -> Own {
        let is_package = matches!(by, "purl" | "ecosystem");
        match &part.id {
            PartId::Crate { .. } => Own { version: part.version.clone(), order: Order::Semver },
            PartId::Seed { .. } if is_package => Own { version: part.version.clone(), order: Order::Debian },
            _ => Own { version: upstream_version(part).to_string(), order: Order::Upstream },
        }
    }

    /// Ours beside another: `Greater` where ours is later.
    fn compare(&self, other: &str) -> Option<Ordering> {
        self.order.compare(&self.version, other)
    }
}

impl Order {
    fn compare(self, a: &str, b: &str) -> Option<Ordering> {
        // The schema's word for what is before every version.
        if a == "0" || b == "0" {
            return Some((a != "0").cmp(&(b != "0")));
        }
        match self {
            Order::Semver => {
                Some(semver::Version::parse(a).ok()?.cmp_precedence(&semver::Version::parse(b).ok()?))
            }
            Order::Debian => Some(debian(a, b)),
            Order::Upstream => {
                let (a, b) = (untagged(a), untagged(b));
                if a == b {
                    return Some(Ordering::Equal);
                }
                Some(Version::parse(&a)?.cmp(&Version::parse(&b)?))
            }
        }
    }
}

/// A tag's version: `openssl-3.0.7`, `v1.2`, `curl-8_5_0`, `release-1.26.0`.
fn untagged(tag: &str) -> String {
    let start = tag.find(|c: char| c.is_ascii_digit()).unwrap_or(0);
    tag[start..].replace('_', ".")
}

/// deb-version(7): epoch, upstream, revision; in each, what is no digit and what is takes turns, `~` before the end.
fn debian(a: &str, b: &str) -> Ordering {
    let parts = |text: &str| {
        let (epoch, rest) = text.split_once(':').unwrap_or(("0", text));
        let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
        [epoch.to_string(), upstream.to_string(), revision.to_string()]
    };
    let pairs = parts(a).into_iter().zip(parts(b));
    pairs
        .map(|(a, b)| debian_part(a.as_bytes(), b.as_bytes()))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn debian_part(mut a: &[u8], mut b: &[u8]) -> Ordering {
    // The end of a part sorts after `~`, before letters, and letters before all else.
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_digit() => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    while !a.is_empty() || !b.is_empty() {
        let is_word = |part: &[u8]| part.first().is_some_and(|byte| !byte.is_ascii_digit());
        while is_word(a) || is_word(b) {
            let order = weight(a.first()).cmp(&weight(b.first()));
            if order.is_ne() {
                return order;
            }
            (a, b) = (a.get(1..).unwrap_or(&[]), b.get(1..).unwrap_or(&[]));
        }
        let (of_a, rest_a) = number(a);
        let (of_b, rest_b) = number(b);
        let order = of_a.len().cmp(&of_b.len()).then_with(|| of_a.cmp(of_b));
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    Ordering::Equal
}

/// The digits at the start without leading zeros, and what is behind them.
fn number(text: &[u8]) -> (&[u8], &[u8]) {
    let end = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let zeros = text[..end].iter().take_while(|byte| **byte == b'0').count();
    (&text[zeros..end], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debian_versions_sort_as_dpkg_sorts_them() {
        let rising = "1.0~rc1 1.0 1.0-1 1.0-1+deb12u1 1.0-1.1 1.0-2 1.0a 1.0+b 1.0.1 1.2 1.10 1:0.1";
        let versions: Vec<&str> = rising.split(' ').collect();
        for (at, low) in versions.iter().enumerate() {
            assert_eq!(debian(low, low), Ordering::Equal);
            for high in &versions[at + 1..] {
                assert_eq!(debian(low, high), Ordering::Less, "{low} {high}");
                assert_eq!(debian(high, low), Ordering::Greater, "{low} {high}");
            }
        }
        assert_eq!(debian("1.01-1", "1.1-1"), Ordering::Equal);
    }

    #[test]
    fn tags_are_versions() {
        for (tag, version) in
            [("openssl-3.0.7", "3.0.7"), ("v1.3", "1.3"), ("curl-8_5_0", "8.5.0"), ("none", "none")]
        {
            assert_eq!(untagged(tag), version);
        }
    }
}
