//! The versions that all places of a slot show, the newest first.

use std::collections::BTreeMap;

use builder::fetch::{self, Apt, FreshError, Record, Tag};
use builder::recipe::{Recipe, Version, Watched};
use kegs::Faults;
use kegs::fault::Fault;
use regex::Regex;

use super::place::{self, Place, Watching};
use super::release::{Releases, Series};
use super::{Goal, Left, World, page, tag};
use crate::new::upstream_version;

/// Where a version was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    Tag { url: String, tag: Tag },
    Page { url: String },
    Debian(Record),
}

/// A version, and all places that show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub version: Version,
    pub seen: Vec<Seen>,
    /// Places that could not be asked.
    pub notes: Vec<String>,
}

impl Seen {
    /// One word.
    pub fn by(&self) -> &'static str {
        match self {
            Seen::Tag { .. } => "tag",
            Seen::Page { .. } => "page",
            Seen::Debian(_) => "debian",
        }
    }

    /// The same in a sentence.
    pub fn said(&self) -> String {
        match self {
            Seen::Tag { url, tag } => format!("tag {} of {url}, commit {}", tag.name, tag.commit),
            Seen::Page { url } => format!("{url} shows it"),
            Seen::Debian(record) => format!("Debian {} has {}={}", record.suite, record.name, record.version),
        }
    }
}

/// The newest version of the slot's series that any of its places shows; `None`: it is followed nowhere, or they show none.
/// It may be the one that the recipe has.
///
/// # Errors
/// A place that `watch` names and that cannot be asked, or shows nothing: a fault at its key.
pub fn newest(
    recipe: &Recipe,
    slot: &str,
    releases: Releases,
    world: &World,
) -> Result<Option<Candidate>, Left> {
    let Some(watched) = recipe.watched(slot) else { return Ok(None) };
    match all(recipe, &watched, releases, world) {
        Ok(all) => Ok(all.into_iter().next()),
        Err(Left::Nowhere) => Ok(None),
        Err(left) => Err(left),
    }
}

/// What a bump may go to, the best first.
pub fn wanted(recipe: &Recipe, watched: &Watched, goal: Goal, world: &World) -> Result<Vec<Candidate>, Left> {
    match goal {
        Goal::Newest(releases) => {
            let mut all = all(recipe, watched, releases, world)?;
            all.retain(|candidate| candidate.version > watched.version);
            Ok(all)
        }
        Goal::Version(version) if *version == watched.version => Err(Left::Newest),
        Goal::Version(version) => {
            let (mut seen, notes) = match gather(recipe, watched, world) {
                Err(Left::Failed(why)) => (BTreeMap::new(), vec![why]),
                Err(Left::Nowhere) => Gathered::default(),
                other => other?,
            };
            // Nobody shows it: its URL may have it for all that.
            let seen = seen.remove(version).unwrap_or_default();
            Ok(vec![Candidate { version: version.clone(), seen, notes }])
        }
    }
}

fn all(
    recipe: &Recipe,
    watched: &Watched,
    releases: Releases,
    world: &World,
) -> Result<Vec<Candidate>, Left> {
    let series = Series::of(&watched.slot, &watched.version, watched.watch.as_ref());
    let (seen, notes) = gather(recipe, watched, world)?;
    let held = seen.into_iter().rev().filter(|(version, _)| series.holds(version, releases));
    Ok(held.map(|(version, seen)| Candidate { version, seen, notes: notes.clone() }).collect())
}

type Gathered = (BTreeMap<Version, Vec<Seen>>, Vec<String>);

/// Every place asked. One that `watch` names must answer; of those that follow from the source one must.
fn gather(recipe: &Recipe, watched: &Watched, world: &World) -> Result<Gathered, Left> {
    understood(recipe, watched)?;
    let places = place::places(recipe, watched);
    if places.is_empty() {
        return Err(Left::Nowhere);
    }
    let (mut all, mut notes, mut faults, mut answered) = (BTreeMap::new(), Vec::new(), Faults::default(), 0);
    for watching in &places {
        match ask(recipe, watched, watching, world) {
            Ok(seen) => {
                answered += 1;
                seen.into_iter()
                    .for_each(|(version, seen)| all.entry(version).or_insert_with(Vec::new).push(seen));
            }
            Err(fault) if watching.key.is_some() => faults.push(fault),
            Err(fault) => notes.push(one_line(&fault)),
        }
    }
    if faults.0.is_empty() && answered == 0 {
        return Err(Left::Failed(notes.join("\n")));
    }
    Ok(faults.or((all, notes))?)
}

/// Words of `watch` that would be found wrong only where they are used.
fn understood(recipe: &Recipe, watched: &Watched) -> Result<(), Faults> {
    let mut faults = Faults::default();
    let at = |key| move |message: String| place::fault(recipe, &watched.slot, Some(key), message);
    let watch = watched.watch.as_ref();
    if let Some(Err(message)) = watch.and_then(|watch| watch.pattern.as_deref()).map(regex) {
        faults.push(at("pattern")(message));
    }
    if let Some(other) = watch.and_then(|watch| watch.stable.as_deref()).filter(|word| *word != "even-minor")
    {
        faults
            .push(at("stable")(format!("`{other}` is no way of numbering")).help("`even-minor`, or no key"));
    }
    faults.or(())
}

fn one_line(fault: &Fault) -> String {
    fault.message.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn ask(
    recipe: &Recipe,
    watched: &Watched,
    watching: &Watching,
    world: &World,
) -> Result<Vec<(Version, Seen)>, Fault> {
    let fault = |message: String| place::fault(recipe, &watched.slot, watching.key, message);
    let seen = match &watching.place {
        Place::Tags { url } => of_tags(watched, url).map_err(fault)?,
        Place::Page { url, pattern } => of_page(url, &pattern.0, world).map_err(fault)?,
        Place::Debian { name } => of_debian(name, world).map_err(fault)?,
    };
    if seen.is_empty() && watching.key.is_some() {
        let help =
            "`watch.pattern` says how a version looks there: a regular expression whose first group is it";
        return Err(fault("no version is found there".to_string()).help(help));
    }
    Ok(seen)
}

fn of_tags(watched: &Watched, url: &str) -> Result<Vec<(Version, Seen)>, String> {
    let tags = fetch::tags(url).map_err(|error| error.to_string())?;
    let pattern = watched.watch.as_ref().and_then(|watch| watch.pattern.as_deref());
    let pattern = pattern.map(regex).transpose()?;
    let versions = tag::versions(&tags, &watched.version, pattern.as_ref()).into_iter();
    Ok(versions
        .map(|(version, tag)| (version, Seen::Tag { url: url.to_string(), tag: tag.clone() }))
        .collect())
}

/// A regular expression of a person: its automaton may not grow without limit.
fn regex(pattern: &str) -> Result<Regex, String> {
    let built = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build();
    built.map_err(|error| {
        format!("`{pattern}`: {}", error.to_string().split_whitespace().collect::<Vec<_>>().join(" "))
    })
}

fn of_page(url: &str, pattern: &str, world: &World) -> Result<Vec<(Version, Seen)>, String> {
    let pattern = regex(pattern)?;
    let page =
        fetch::page(url, page::PAGE_MAX_BYTES, world.places, world.cancel).map_err(|error| match error {
            FreshError::Nowhere(tried) => {
                tried.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
            }
            other => format!("{url}: {other}"),
        })?;
    let versions = page::versions(&page, &pattern).into_iter().filter_map(|text| Version::parse(&text));
    Ok(versions.map(|version| (version, Seen::Page { url: url.to_string() })).collect())
}

fn of_debian(name: &str, world: &World) -> Result<Vec<(Version, Seen)>, String> {
    let records = Apt::new(&world.apt).records(name, None, world.places.network);
    let records = records.map_err(|error| error.to_string())?;
    if records.is_empty() {
        return Err(format!("no suite of Debian has a source `{name}`"));
    }
    let version = |record: &Record| Version::parse(&upstream_version(&record.version)?);
    Ok(records.into_iter().filter_map(|record| Some((version(&record)?, Seen::Debian(record)))).collect())
}
