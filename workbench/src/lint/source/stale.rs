//! What upstream shows beside what a recipe has (S09, S10): only when somebody wishes it, as it takes the network and time.

use builder::plan::called;
use builder::recipe::Recipe;
use kegs::Fault;
use rayon::prelude::*;

use super::super::finding::Finding;
use super::super::tap::Tap;
use crate::bump::{self, Left, Releases, World};

/// Every slot that is followed, and of which nobody said to hold it.
pub fn look(tap: &Tap, world: &World) -> Vec<Finding> {
    let recipes = tap.catalogue.recipes.values();
    let slots: Vec<(&Recipe, &str)> =
        recipes.flat_map(|recipe| recipe.slots().map(move |slot| (recipe, slot))).collect();
    slots.par_iter().flat_map_iter(|(recipe, slot)| one(recipe, slot, world)).collect()
}

fn one(recipe: &Recipe, slot: &str, world: &World) -> Vec<Finding> {
    let Some(watched) = recipe.watched(slot) else { return Vec::new() };
    if watched.watch.as_ref().is_some_and(|watch| watch.hold.is_some()) {
        return Vec::new();
    }
    let said = |message: String| recipe.text.fault(watched.version_span.clone(), message);
    let newest = match bump::newest(recipe, slot, Releases::Stable, world) {
        Ok(Some(newest)) => newest,
        Ok(None) | Err(Left::Newest | Left::Held(_) | Left::Nowhere) => return Vec::new(),
        Err(Left::Faults(faults)) => return faults.0.into_iter().map(misled).collect(),
        Err(Left::Failed(why)) => {
            let message = format!("where {} is followed, nobody answers: {why}", recipe.name);
            return vec![misled(said(message).help("name another place by `watch`, or none: `watch.hold`"))];
        }
    };
    let seen = newest.seen.first().map(|seen| seen.said()).unwrap_or_default();
    if newest.version > watched.version {
        let fault = said(format!("{} {} is newer: {seen}", recipe.name, newest.version));
        let help = format!("`rootbrew bump {}` proposes it", called(&recipe.name, slot));
        return vec![Finding::new("S09", fault.help(help))];
    }
    if newest.version < watched.version && !is_same(newest.version.as_str(), watched.version.as_str()) {
        let message =
            format!("the newest that is shown is {}, older than the recipe's: {seen}", newest.version);
        let help = "`watch` looks at the wrong place, or its `series` or `pattern` leaves the recipe's own version out";
        return vec![misled(said(message).help(help))];
    }
    Vec::new()
}

/// `2.1.13` and `2.1.13-stable` are one release.
fn is_same(one: &str, two: &str) -> bool {
    one.starts_with(two) || two.starts_with(one)
}

fn misled(fault: Fault) -> Finding {
    Finding::new("S10", fault)
}
