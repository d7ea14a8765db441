//! Paths that a recipe writes: relative, and never out of where they begin.

use std::collections::BTreeMap;
use std::ops::Deref;

use kegs::fault::Faults;
use kegs::reader::{Place, Read, Written};

use super::phrase::Phrase;

/// A relative path (or glob) without `..`; words may be in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inside(pub Phrase);

impl Deref for Inside {
    type Target = Phrase;

    fn deref(&self) -> &Phrase {
        &self.0
    }
}

impl Read for Inside {
    fn read(at: &Place, faults: &mut Faults) -> Option<Inside> {
        let phrase = Phrase::read(at, faults)?;
        match why_not(&phrase.raw) {
            None => Some(Inside(phrase)),
            Some(help) => at.fail(format!("`{}` is not a path inside", phrase.raw), help, faults),
        }
    }
}

/// What keeps `path` from staying inside the folder where it begins.
pub fn why_not(path: &str) -> Option<&'static str> {
    let has = |wrong: &str| path.split('/').any(|part| part == wrong);
    match path {
        "" => Some("it is empty"),
        _ if path.starts_with('/') => Some("write it without the leading `/`"),
        _ if has("..") => Some("a path may not hold `..`"),
        _ if has(".") || has("") => Some("write it without `.`, `//` and a trailing `/`"),
        _ if path.contains('\\') => Some("folders are parted by `/`"),
        _ => None,
    }
}

/// A path (or glob) inside, or, when it begins with `/`, one of the image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InsideOrAt(pub Phrase);

impl Read for InsideOrAt {
    fn read(at: &Place, faults: &mut Faults) -> Option<InsideOrAt> {
        let phrase = Phrase::read(at, faults)?;
        match why_not(phrase.raw.strip_prefix('/').unwrap_or(&phrase.raw)) {
            None => Some(InsideOrAt(phrase)),
            Some(help) => at.fail(format!("`{}` is no path", phrase.raw), help, faults),
        }
    }
}

/// Places of the image, with their `/`, to the paths inside that are looked for there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(pub BTreeMap<String, String>);

impl Read for Places {
    fn read(at: &Place, faults: &mut Faults) -> Option<Places> {
        let named = at.table("a table of places", faults)?.named::<Inside>();
        for (place, written) in &named {
            if !place.strip_prefix('/').is_some_and(|path| why_not(path).is_none()) {
                let message = format!("`{place}` is no place in the image");
                let help = "where programs look, as \"/usr/share/zoneinfo\"";
                faults.push(at.text.fault(written.span.clone(), message).help(help));
            }
        }
        Some(Places(named.into_iter().map(|(place, path)| (place, path.value.0.raw)).collect()))
    }
}

/// Keys are paths inside; `T` what stands there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathMap<T>(pub BTreeMap<String, Written<T>>);

impl<T> Default for PathMap<T> {
    fn default() -> PathMap<T> {
        PathMap(BTreeMap::new())
    }
}

impl<T: Read> Read for PathMap<T> {
    fn read(at: &Place, faults: &mut Faults) -> Option<PathMap<T>> {
        let named = at.table("a table of paths", faults)?.named::<T>();
        for (path, written) in &named {
            if let Some(help) = why_not(path) {
                let message = format!("`{path}` is not a path inside");
                faults.push(at.text.fault(written.span.clone(), message).help(help));
            }
        }
        Some(PathMap(named))
    }
}

/// Where a symbolic link of a keg points: inside the keg, or at an absolute path under `/kegs`.
pub fn link_leaves(path: &str, target: &str) -> bool {
    if target.starts_with('/') {
        return !target.starts_with("/kegs/") || target.split('/').any(|part| part == "..");
    }
    let mut depth = path.split('/').count() - 1;
    target.split('/').any(|part| match part {
        ".." => depth.checked_sub(1).map(|up| depth = up).is_none(),
        "" | "." => false,
        _ => {
            depth += 1;
            false
        }
    })
}
