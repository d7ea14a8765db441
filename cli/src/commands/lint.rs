//! `rootbrew lint`: every fault of recipes and roles at once, and whether they make a plan. Starts no process.

use assembler::role;
use builder::recipe;
use kegs::Faults;

use crate::context::Context;
use crate::terminal::talk;
use crate::trouble::{Result, Trouble};
use crate::work::{Tap, ground};

pub fn run(context: &Context, names: &[String]) -> Result<()> {
    let mut faults = Faults::default();
    let catalogue = keep(recipe::load(&context.tap), &mut faults);
    let roles = keep(role::load_all(&context.tap), &mut faults);
    let (Some(catalogue), Some(roles)) = (catalogue, roles) else {
        return Err(faults.or(()).err().unwrap_or_default().into());
    };
    let implied = ground::implied(&ground::profile(context)?);
    let tap = Tap { catalogue, roles: roles.keys().cloned().collect() };
    let names = if names.is_empty() { every(&tap) } else { names.to_vec() };
    for name in &names {
        let planned = match roles.get(name) {
            Some(role) => tap.role_target(role.clone(), &implied),
            None => tap.recipes_target(std::slice::from_ref(name), &implied),
        };
        match planned {
            // One that many plans meet is said once.
            Err(Trouble::Faults(more)) => {
                let fresh: Vec<_> = more.0.into_iter().filter(|fault| !faults.0.contains(fault)).collect();
                faults.0.extend(fresh);
            }
            other => drop(other?),
        }
    }
    faults.or(())?;
    talk(&format!("lint    {} recipes and roles: no fault", names.len()));
    Ok(())
}

/// Every slot of every recipe, and every role.
fn every(tap: &Tap) -> Vec<String> {
    let recipes = tap.catalogue.recipes.values();
    let slots = recipes.flat_map(|recipe| recipe.slots().map(|slot| format!("{}@{slot}", recipe.name)));
    slots.chain(tap.roles.iter().cloned()).collect()
}

fn keep<T>(result: std::result::Result<T, Faults>, faults: &mut Faults) -> Option<T> {
    result.map_err(|more| faults.0.extend(more.0)).ok()
}
