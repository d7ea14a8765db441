//! The rings that need more than the tap: sources and kegs, as far as the store has them. Fetches and builds nothing.

use std::collections::BTreeSet;

use builder::plan::{self, Asked, AskedKeg, Plan};
use builder::schedule::action::Ground;
use kegs::{Store, Text};

use super::finding::Finding;
use super::keg::{self, Kegs};
use super::plan::Plans;
use super::registry::Ring;
use super::source::{self, Sources};
use super::tap::Tap;

/// What the rings `source` and `keg` found, and where they could not look.
#[derive(Debug, Default)]
pub struct Deep {
    pub sources: Sources,
    pub kegs: Kegs,
    /// Why kegs could not be looked at.
    pub fault: Option<String>,
    looked: BTreeSet<Ring>,
}

impl Deep {
    /// One plan of everything, so that what many need is keyed once; each by itself where that has faults; each role.
    pub fn plans(tap: &Tap) -> Vec<Plan> {
        let plans = Plans::of(tap);
        let roles = plans.roles.into_iter().map(|(_, plan)| plan);
        match plan::plan(&tap.catalogue, &everything(tap), &tap.implied) {
            Ok(whole) => std::iter::once(whole).chain(roles).collect(),
            Err(_) => plans.recipes.into_iter().chain(roles).collect(),
        }
    }

    /// `ground` is `None` where the seed is not unpacked: then no keg is built.
    pub fn look(rings: &[Ring], store: &Store, ground: Option<&Ground>, plans: &[Plan]) -> Deep {
        let mut deep = Deep::default();
        if rings.contains(&Ring::Source) {
            deep.sources = source::look(store, plans);
            deep.looked.insert(Ring::Source);
        }
        if let (true, Some(ground)) = (rings.contains(&Ring::Keg), ground) {
            match keg::look(store, ground, plans) {
                Ok(kegs) => deep.kegs = kegs,
                Err(error) => deep.fault = Some(error.to_string()),
            }
            deep.looked.insert(Ring::Keg);
        }
        deep
    }

    /// Whether all that a ring can know of a recipe was there.
    pub(super) fn knew(&self, recipe: &str, ring: Ring) -> bool {
        let slots = |set: &BTreeSet<String>| set.iter().any(|name| name.split('@').next() == Some(recipe));
        let built = !slots(&self.kegs.unbuilt) && !slots(&self.kegs.unheard) && self.fault.is_none();
        let kegs = built && self.looked.contains(&Ring::Keg);
        match ring {
            // S11 is of both: what the source carries, and that it was compiled.
            Ring::Source => {
                kegs && self.looked.contains(&Ring::Source) && !self.sources.absent.contains(recipe)
            }
            Ring::Keg => kegs,
            _ => true,
        }
    }

    pub(super) fn take(&mut self) -> Vec<Finding> {
        let mut findings = std::mem::take(&mut self.sources.findings);
        findings.append(&mut self.kegs.findings);
        findings
    }
}

/// Every slot of every recipe, as somebody asks for it who is no recipe and no role.
fn everything(tap: &Tap) -> Asked {
    let text = Text::new("command line", "all");
    let slots = tap
        .catalogue
        .recipes
        .values()
        .flat_map(|recipe| recipe.slots().map(move |slot| (&recipe.name, slot)));
    let keg = |(name, slot): (&String, &str)| AskedKeg {
        name: name.clone(),
        slot: Some(slot.into()),
        text: text.clone(),
        span: 0..3,
    };
    Asked { kegs: slots.map(keg).collect(), arch: tap.arch.clone(), ..Asked::default() }
}
