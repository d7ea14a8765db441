//! `rootbrew lint`: every fault of recipes and roles at once, and whether they make a plan. Starts no process.

use crate::context::Context;
use crate::terminal::talk;
use crate::trouble::{Result, Trouble};
use crate::work::{Tap, ground};
use assembler::role;
use builder::recipe;

pub fn run(context: &Context, names: &[String]) -> Result<()> {
    let (catalogue, mut faults) = recipe::load_partly(&context.tap);
    let roles = match role::load_all(&context.tap) {
        Ok(roles) => roles,
        Err(more) => {
            faults.0.extend(more.0);
            Default::default()
        }
    };
    let implied = ground::implied(&ground::profile(context)?);
    let tap = Tap { catalogue, roles: role::names(&context.tap).unwrap_or_default() };
    let every = [tap.every_recipe(), tap.roles.clone()].concat();
    let names = if names.is_empty() { every } else { names.to_vec() };
    let (of_roles, of_recipes): (Vec<String>, Vec<String>) =
        names.into_iter().partition(|name| tap.roles.contains(name));
    tap.plan_faults(&of_recipes, &implied, &mut faults)?;
    for role in of_roles.iter().filter_map(|name| roles.get(name)) {
        match tap.role_target(role.clone(), &implied) {
            Err(Trouble::Faults(more)) => faults.absorb(more),
            other => drop(other?),
        }
    }
    faults.or(())?;
    talk(&format!("lint    {} recipes and {} roles: no fault", of_recipes.len(), of_roles.len()));
    Ok(())
}
