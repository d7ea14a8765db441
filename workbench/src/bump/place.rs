//! Where a slot's versions show: what `watch` names, else what the source itself says.

use std::ops::Range;

use builder::recipe::facts::Watch;
use builder::recipe::{Recipe, Watched};
use kegs::fault::Fault;

/// Something that lists versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Tags {
        url: String,
    },
    /// A page, and how a version stands on it.
    Page {
        url: String,
        pattern: Pattern,
    },
    /// Debian's index, by the source's name there.
    Debian {
        name: String,
    },
}

/// A regular expression whose first group is the version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(pub String);

/// A place, and the key that named it; none where it follows from the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watching {
    pub place: Place,
    pub key: Option<&'static str>,
}

/// What a version looks like in a file's name.
const VERSION: &str = r"(\d[0-9A-Za-z.+~_]*(?:-(?:rc|alpha|beta|pre|stable)[0-9.]*)?)";
const PACKED: &str = r"\.(?:tar(?:\.(?:gz|bz2|xz|zst|lz))?|tgz|tbz2?|txz)";

/// All places of a slot. A source that only Debian has is also looked for there: that is where its bytes come from.
pub fn places(recipe: &Recipe, watched: &Watched) -> Vec<Watching> {
    let none = Watch::default();
    let watch = watched.watch.as_ref().unwrap_or(&none);
    let mut all = written(recipe, watched, watch);
    let source = watched.sources.iter().find(|source| source.file.is_none());
    let Some(source) = source else { return all };
    let derive = |place| Watching { place, key: None };
    if all.is_empty() {
        all.extend(source.git.as_ref().map(|git| derive(Place::Tags { url: git.url.clone() })));
        all.extend(source.urls.iter().filter_map(|url| of_url(recipe, watched, url)).map(derive).take(1));
    }
    let debian = source.debian.as_ref().map(|debian| Place::Debian { name: debian.name.clone() });
    if let Some(debian) = debian.filter(|debian| all.iter().all(|known| known.place != *debian)) {
        all.push(derive(debian));
    }
    all
}

fn written(recipe: &Recipe, watched: &Watched, watch: &Watch) -> Vec<Watching> {
    let mut all = Vec::new();
    let mut add =
        |key, place: Option<Place>| all.extend(place.map(|place| Watching { place, key: Some(key) }));
    add(
        "github",
        watch.github.as_ref().map(|name| Place::Tags { url: format!("https://github.com/{name}.git") }),
    );
    add("git", watch.git.as_ref().map(|url| Place::Tags { url: url.clone() }));
    let pattern = || watch.pattern.clone().map_or_else(|| file_pattern(recipe, watched), Pattern);
    add("page", watch.page.as_ref().map(|url| Place::Page { url: url.clone(), pattern: pattern() }));
    add("debian", watch.debian.as_ref().map(|name| Place::Debian { name: name.clone() }));
    all
}

/// The file's name in the source's URL, else `NAME-VERSION.tar.*`.
fn file_pattern(recipe: &Recipe, watched: &Watched) -> Pattern {
    let url = watched.sources.iter().flat_map(|source| &source.urls).find_map(|url| {
        let file = url.rsplit('/').next()?;
        file.contains("{version}").then(|| file.to_string())
    });
    let file = url.unwrap_or_else(|| format!("{}-{{version}}.tar.gz", recipe.name));
    let (before, _) = file.split_once("{version}").unwrap_or((&file, ""));
    let before = recipe.expand(before, &watched.slot, &watched.version);
    Pattern(format!("{}{VERSION}{PACKED}", regex::escape(&before)))
}

/// GitHub's own listing is its tags; another server's is the folder above the first word in braces.
fn of_url(recipe: &Recipe, watched: &Watched, url: &str) -> Option<Place> {
    if let Some(rest) = url.strip_prefix("https://github.com/") {
        let mut parts = rest.split('/');
        let (owner, name) = (parts.next()?, parts.next()?);
        return Some(Place::Tags { url: format!("https://github.com/{owner}/{name}.git") });
    }
    let word = url.find('{')?;
    let (folder, rest) = url.split_at(url[..word].rfind('/')? + 1);
    let (step, below) = rest.split_once('/').map_or((rest, None), |(step, below)| (step, Some(below)));
    let pattern = match below {
        None => file_pattern(recipe, watched),
        // A folder a version: `releases/{version}/…`. By other words a folder shows no whole version.
        Some(_) => {
            let (before, after) = step.split_once("{version}")?;
            Pattern(format!("{}{VERSION}{}/", regex::escape(before), regex::escape(after)))
        }
    };
    let folder = recipe.expand(folder, &watched.slot, &watched.version);
    Some(Place::Page { url: folder, pattern })
}

/// A fault at the key that named a place; at the slot's version where none did.
pub fn fault(recipe: &Recipe, slot: &str, key: Option<&str>, message: impl Into<String>) -> Fault {
    let span = key.and_then(|key| span(&recipe.text.content, slot, key));
    recipe.text.fault(span.unwrap_or(0..0), message)
}

/// Of `watch.KEY`'s value, in the slot or in the recipe.
fn span(text: &str, slot: &str, key: &str) -> Option<Range<usize>> {
    let document = toml_edit::Document::parse(text).ok()?;
    let root = document.as_table();
    let of_slot = || root.get("slot")?.as_table_like()?.get(slot)?.as_table_like()?.get("watch");
    let watch = of_slot().or_else(|| root.get("watch"))?.as_table_like()?;
    watch.get(key)?.span()
}
