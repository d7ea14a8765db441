//! `rootbrew lint`: every fault of recipes and roles at once, and whether they make a plan. Starts no process.

use assembler::role;
use builder::recipe;
use kegs::Faults;

use crate::context::Context;
use crate::terminal::talk;
use crate::trouble::{Result, Trouble};
use crate::work::{self, ground};

pub fn run(context: &Context, names: &[String]) -> Result<()> {
    let mut faults = Faults::default();
    let catalogue = keep(recipe::load(&context.tap), &mut faults);
    let roles = keep(role::load_all(&context.tap), &mut faults);
    let (Some(catalogue), Some(roles)) = (catalogue, roles) else { return Err(faults.or(()).err().unwrap_or_default().into()) };
    let profile = ground::profile(context)?;
    let every = || catalogue.recipes.values().flat_map(|recipe| recipe.slots().map(|slot| format!("{}@{slot}", recipe.name)));
    let names: Vec<String> = if names.is_empty() { every().chain(roles.keys().cloned()).collect() } else { names.to_vec() };
    for name in &names {
        match work::targets(context, std::slice::from_ref(name), &ground::implied(&profile)) {
            Err(Trouble::Faults(more)) => faults.0.extend(more.0),
            other => drop(other?),
        }
    }
    faults.0.dedup();
    faults.or(())?;
    talk(&format!("lint    {} recipes and roles: no fault", names.len()));
    Ok(())
}

fn keep<T>(result: std::result::Result<T, Faults>, faults: &mut Faults) -> Option<T> {
    result.map_err(|more| faults.0.extend(more.0)).ok()
}
