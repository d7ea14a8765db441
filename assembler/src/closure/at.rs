//! At: where programs look for a keg's files by convention, as `/usr/share/zoneinfo` or `/etc/ssl/cert.pem`.
//!
//! The keg that has them says so (`[runtime] at`), and nothing of it is reached by that. Who needs some of it names it at
//! its place in the image: then one link stands at the place, and of the keg what was named is there, never the rest.

use super::Walk;
use crate::tree::Reason;

impl Walk<'_> {
    /// A glob of the image, as `files` of a role or a recipe have it: below `/kegs`, or below a place that a keg says.
    pub(super) fn reach_in_image(&mut self, glob: &str, reason: Reason, by: &str) {
        let glob = glob.trim_start_matches('/');
        if glob.starts_with("kegs/") {
            self.reach_glob(glob, reason, by);
            return;
        }
        let Some((place, found)) = self.told_at(glob) else {
            return self.miss(format!("`/{glob}`"), by);
        };
        let Some(path) = self.choose(&place, &found) else {
            return self.clash(&place, found.iter().map(|(keg, _)| *keg).collect());
        };
        let inside = format!("{path}{}", &glob[place.len()..]);
        if !self.reach_glob(&inside, reason.clone(), &format!("{by}, by `/{glob}`,")).is_empty() {
            self.reach_as(&place, &path, reason);
        }
    }

    /// The nearest place at or above `glob` that kegs say, and what of each of them is looked for there.
    fn told_at(&self, glob: &str) -> Option<(String, Vec<(usize, String)>)> {
        let kegs = self.kegs.iter().enumerate();
        let told =
            kegs.flat_map(|(at, keg)| keg.runtime.at.iter().map(move |(place, path)| (at, place, path)));
        let told = told.map(|(at, place, path)| (at, place.trim_start_matches('/'), path));
        let above: Vec<_> = told.filter(|(_, place, _)| is_at_or_below(glob, place)).collect();
        let place = above.iter().map(|(_, place, _)| *place).max_by_key(|place| place.len())?;
        let here = above.iter().filter(|(_, other, _)| *other == place);
        let found = here.map(|(at, _, path)| (*at, format!("{}/{path}", self.kegs[*at].place())));
        Some((place.to_string(), found.collect()))
    }
}

fn is_at_or_below(glob: &str, place: &str) -> bool {
    glob.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
