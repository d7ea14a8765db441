//! The ring `plan`: what only all recipes and roles together tell. Plans everything, and builds nothing.

mod wide;

use builder::plan::{self, Asked, AskedKeg, Plan};
use kegs::Faults;
use kegs::fault::Text;
use rayon::prelude::*;

use super::finding::Finding;
use super::tap::Tap;
use crate::ask;

/// Each slot of each recipe by itself, and each role.
pub struct Plans {
    pub recipes: Vec<Plan>,
    /// By the role's name.
    pub roles: Vec<(String, Plan)>,
    /// What kept the others from being a plan.
    pub faults: Faults,
}

pub fn findings(tap: &Tap) -> Vec<Finding> {
    let plans = Plans::of(tap);
    let faults = plans.faults.0.iter().cloned().map(Finding::of_fault);
    faults.chain(wide::findings(tap, &plans)).collect()
}

impl Plans {
    pub fn of(tap: &Tap) -> Plans {
        let plan = |asked: &Asked| plan::plan(&tap.catalogue, asked, &tap.implied);
        let slots: Vec<(&str, &str)> = tap
            .catalogue
            .recipes
            .values()
            .flat_map(|recipe| recipe.slots().map(|slot| (recipe.name.as_str(), slot)))
            .collect();
        let by_recipe: Vec<_> = slots.par_iter().map(|(name, slot)| plan(&asked(tap, name, slot))).collect();
        let roles: Vec<_> = tap.roles.values().collect();
        let by_role: Vec<_> =
            roles.par_iter().map(|role| (role.name.clone(), plan(&ask::of_role(role, &tap.arch)))).collect();
        let mut plans = Plans { recipes: Vec::new(), roles: Vec::new(), faults: Faults::default() };
        for one in by_recipe {
            match one {
                Ok(plan) => plans.recipes.push(plan),
                Err(more) => plans.faults.absorb(more),
            }
        }
        for (name, one) in by_role {
            match one {
                Ok(plan) => plans.roles.push((name, plan)),
                Err(more) => plans.faults.absorb(more),
            }
        }
        plans
    }
}

/// As somebody asks for it who is no recipe and no role.
fn asked(tap: &Tap, name: &str, slot: &str) -> Asked {
    let text = Text::new("command line", name);
    let keg = AskedKeg { name: name.into(), slot: Some(slot.into()), text, span: 0..name.len() };
    Asked { kegs: vec![keg], arch: tap.arch.clone(), ..Asked::default() }
}
