//! A version's sources: the bytes fetched, their digests and sizes, and what changes in the recipe's words for them.

use builder::fetch::{self, Debian, FetchError, FreshError, Record, Wanted};
use builder::recipe::{Recipe, Version, Watched, variant::Source};
use kegs::Digest;

use super::World;
use super::candidates::{Candidate, Seen};

/// As `new`'s: the kernel's with room.
const ARCHIVE_MAX_BYTES: u64 = 1 << 30;

/// What changes in one source; `None` in its place: nothing does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewSource {
    pub digest: Option<Digest>,
    /// `name=version/suite`; `Some(None)`: the place has other bytes now, and goes.
    pub debian: Option<Option<String>>,
    /// Whether the URLs stay: Debian's repacked archive is not theirs.
    pub drop_urls: Option<()>,
    pub commit: Option<String>,
    pub tag: Option<String>,
    /// What its file is called, for who looks inside.
    pub file: String,
}

#[derive(Debug, Clone)]
pub struct Pinned {
    /// Beside the recipe's, in their order.
    pub sources: Vec<NewSource>,
    pub by: &'static str,
    pub found: String,
    pub notes: Vec<String>,
}

impl NewSource {
    pub fn said(&self) -> Option<String> {
        let of_bytes =
            self.digest.map(|digest| format!("sha256 {} ({} bytes)", digest.hex(), digest.size_bytes));
        of_bytes.or(self.commit.as_ref().map(|commit| format!("commit {commit}")))
    }
}

/// Fetches what `candidate` is. An error is a sentence: why these bytes cannot be had.
pub fn pin(
    recipe: &Recipe,
    watched: &Watched,
    candidate: &Candidate,
    world: &World,
) -> Result<Pinned, String> {
    let mut pinned =
        Pinned { sources: Vec::new(), by: "url", found: "its URL has it".to_string(), notes: Vec::new() };
    if let Some(seen) = candidate.seen.first() {
        (pinned.by, pinned.found) = (seen.by(), seen.said());
    }
    let archives = watched.sources.iter().filter(|source| source.debian.is_some()).count();
    if archives > 1 {
        return Err(
            "several archives of Debian: which is which is not in its index; bump it by hand".to_string()
        );
    }
    for source in &watched.sources {
        let one = one(recipe, watched, source, candidate, world, &mut pinned)?;
        pinned.sources.push(one);
    }
    if pinned.sources.iter().all(|source| *source == NewSource::default()) {
        return Err("no source of the recipe names its version".to_string());
    }
    Ok(pinned)
}

fn one(
    recipe: &Recipe,
    watched: &Watched,
    source: &Source,
    candidate: &Candidate,
    world: &World,
    pinned: &mut Pinned,
) -> Result<NewSource, String> {
    if let Some(git) = &source.git {
        return of_git(git, watched, candidate);
    }
    let record = candidate.seen.iter().find_map(|seen| match seen {
        Seen::Debian(record) => Some(record),
        _ => None,
    });
    match (&source.debian, source.urls.iter().any(|url| url.contains('{'))) {
        (Some(_), _) if record.is_some() => {
            of_debian(record, world).map(|new| with_urls(new, source, record, pinned))
        }
        (_, true) => of_urls(recipe, watched, source, candidate, world, pinned),
        (Some(debian), false) => Err(format!("Debian has no such version of `{}`", debian.name)),
        // A URL without a word, a file beside the recipe: it stays.
        (None, false) => Ok(NewSource::default()),
    }
}

fn of_git(git: &builder::recipe::Git, watched: &Watched, candidate: &Candidate) -> Result<NewSource, String> {
    let tag = candidate.seen.iter().find_map(|seen| match seen {
        Seen::Tag { url, tag } if *url == git.url => Some(tag),
        _ => None,
    });
    let tag = tag.ok_or_else(|| format!("{} has no tag for it", git.url))?;
    let named =
        git.tag.as_ref().filter(|named| !named.contains('{') && named.contains(watched.version.as_str()));
    Ok(NewSource {
        commit: Some(tag.commit.clone()),
        tag: named.map(|_| tag.name.clone()),
        ..NewSource::default()
    })
}

/// The archive that Debian's index names, with the digest that it says.
fn of_debian(record: Option<&Record>, world: &World) -> Result<NewSource, String> {
    let record = record.ok_or("Debian has no such version")?;
    let originals: Vec<_> = record.originals.iter().filter(|file| !file.file.contains(".orig-")).collect();
    let [original] = originals[..] else {
        return Err(format!("{}={} has no single upstream archive", record.name, record.version));
    };
    let sha256 = original.sha256.ok_or("Debian's index says no sha256")?;
    let debian = Debian {
        name: record.name.clone(),
        version: record.version.clone(),
        suite: Some(record.suite.clone()),
        file: Some(original.file.clone()),
    };
    let wanted = Wanted {
        name: original.file.clone(),
        sha256,
        size_bytes: Some(original.size_bytes),
        debian: Some(debian),
        ..Wanted::default()
    };
    let fetched =
        fetch::fetch(std::slice::from_ref(&wanted), world.places, world.into, &|_| (), world.cancel);
    let digest = fetched
        .into_iter()
        .next()
        .unwrap_or(Err(FetchError::Cancelled))
        .map_err(|error| error.to_string())?;
    Ok(NewSource {
        digest: Some(digest),
        debian: Some(Some(format!("{}={}/{}", record.name, record.version, record.suite))),
        file: original.file.clone(),
        ..NewSource::default()
    })
}

/// Debian's archive beside a URL: the same bytes as long as Debian did not pack it again.
fn with_urls(mut new: NewSource, source: &Source, record: Option<&Record>, pinned: &mut Pinned) -> NewSource {
    let version = record.map(|record| record.version.as_str()).unwrap_or_default();
    let repacked = ["dfsg", "+ds", "~ds", "+repack", "+debian"].iter().any(|mark| version.contains(mark));
    if repacked && !source.urls.is_empty() {
        new.drop_urls = Some(());
        pinned
            .notes
            .push("Debian packed it again: other bytes than upstream's, so the URL is dropped".to_string());
    }
    pinned.by = "debian";
    pinned.found = record.map_or_else(|| pinned.found.clone(), |record| Seen::Debian(record.clone()).said());
    new
}

/// Upstream's own, whose digest is of what comes. A Debian pin of the old version goes: it has other bytes.
fn of_urls(
    recipe: &Recipe,
    watched: &Watched,
    source: &Source,
    candidate: &Candidate,
    world: &World,
    pinned: &mut Pinned,
) -> Result<NewSource, String> {
    let mut refused = Vec::new();
    for url in &source.urls {
        let url = expanded(recipe, watched, url, &candidate.version);
        let fresh = match fetch::fresh(&url, ARCHIVE_MAX_BYTES, world.places, world.into, world.cancel) {
            Ok(fresh) => fresh,
            Err(FreshError::Nowhere(tried)) => {
                refused.extend(tried.iter().map(ToString::to_string));
                continue;
            }
            Err(error) => return Err(format!("{url} {error}")),
        };
        if source.unpack {
            let name = url.rsplit('/').next().unwrap_or_default();
            crate::archive::look(fresh.file.path(), name, &|_| 0)
                .map_err(|error| format!("{url}: {error}"))?;
        }
        let digest = fresh.digest;
        fresh.keep(world.into).map_err(|error| format!("cannot write it into the store: {error}"))?;
        let debian = source.debian.as_ref().map(|debian| {
            pinned.notes.push(format!("Debian has no such version of `{}`: the pin is dropped", debian.name));
            None
        });
        let file = url.rsplit('/').next().unwrap_or_default().to_string();
        return Ok(NewSource { digest: Some(digest), debian, file, ..NewSource::default() });
    }
    Err(refused.join("; "))
}

fn expanded(recipe: &Recipe, watched: &Watched, url: &str, version: &Version) -> String {
    recipe.expand(url, &watched.slot, version)
}
