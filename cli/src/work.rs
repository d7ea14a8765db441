//! The steps that commands share, in the order of the data: load, plan, build, compose.

pub mod build;
pub mod cache;
pub mod change;
pub mod chaos;
pub mod composed;
pub mod copied;
pub mod debug;
pub mod disk;
pub mod format;
pub mod graph;
pub mod ground;
pub mod image;
pub mod lend;
pub mod limits;
pub mod machine;
pub mod offer;
pub mod papers;
pub mod passphrase;
pub mod pid1;
pub mod place;
pub mod proof;
pub mod running;
pub mod taken;
pub mod tool;
pub mod trial;

use std::path::Path;

use assembler::role::{self, Role};
use builder::plan::{self, Asked, AskedKeg, Implied, Plan};
use builder::recipe::{self, Catalogue};
use kegs::{Faults, Text};

use crate::context::Context;
use crate::trouble::{Result, Trouble};

/// The processor that everything is built for: this machine's.
pub const ARCH: &str = std::env::consts::ARCH;

/// Something to build: a role with its plan, or recipes alone.
pub struct Target {
    pub name: String,
    pub role: Option<Role>,
    pub plan: Plan,
}

/// Whether a place on the command line means a folder: it is one, or ends with `/`.
pub fn is_folder(place: &Path) -> bool {
    place.is_dir() || place.as_os_str().as_encoded_bytes().ends_with(b"/")
}

/// The tap as loaded: every recipe, and the names of the roles.
pub struct Tap {
    pub catalogue: Catalogue,
    pub roles: Vec<String>,
}

pub fn tap(context: &Context, implied: &Implied) -> Result<Tap> {
    let (catalogue, mut faults) = recipe::load_partly(&context.tap);
    let tap = Tap { catalogue, roles: role::names(&context.tap).unwrap_or_default() };
    if !faults.0.is_empty() {
        tap.plan_faults(&tap.every_recipe(), implied, &mut faults)?;
    }
    Ok(faults.or(tap)?)
}

/// The names of a command line as targets: each role its own (its options are its own), all recipes together. No name:
/// every role.
pub fn targets(context: &Context, names: &[String], implied: &Implied) -> Result<Vec<Target>> {
    let tap = tap(context, implied)?;
    let (of_roles, of_recipes): (Vec<String>, Vec<String>) = match names {
        [] => (tap.roles.clone(), Vec::new()),
        names => names.iter().cloned().partition(|name| tap.roles.contains(name)),
    };
    let mut targets = Vec::new();
    if !of_recipes.is_empty() {
        targets.push(tap.recipes_target(&of_recipes, implied)?);
    }
    for name in of_roles {
        targets.push(tap.role_target(role::load(&context.tap, &name)?, implied)?);
    }
    Ok(targets)
}

/// Every slot of every recipe, in one plan.
pub fn every_recipe(context: &Context, implied: &Implied) -> Result<Target> {
    tap(context, implied)?.every_target(implied)
}

/// One role, which must be one.
pub fn role_target(context: &Context, name: &str, implied: &Implied) -> Result<Target> {
    let role = role::load(&context.tap, name)?;
    tap(context, implied)?.role_target(role, implied)
}

impl Tap {
    /// Every slot of every recipe.
    pub fn every_recipe(&self) -> Vec<String> {
        let recipes = self.catalogue.recipes.values();
        recipes.flat_map(|recipe| recipe.slots().map(|slot| format!("{}@{slot}", recipe.name))).collect()
    }

    /// The same as a target, by a name of its own.
    pub fn every_target(&self, implied: &Implied) -> Result<Target> {
        let target = self.recipes_target(&self.every_recipe(), implied)?;
        Ok(Target { name: "every recipe".into(), ..target })
    }

    /// What planning each of these recipes by itself has against it; a fault that many plans meet is said once.
    pub fn plan_faults(&self, names: &[String], implied: &Implied, faults: &mut Faults) -> Result<()> {
        for name in names {
            match self.recipes_target(std::slice::from_ref(name), implied) {
                Err(Trouble::Faults(more)) => faults.absorb(more),
                other => drop(other?),
            }
        }
        Ok(())
    }

    /// Recipes alone, with the options that they have by themselves.
    pub fn recipes_target(&self, names: &[String], implied: &Implied) -> Result<Target> {
        let asked = asked_by_hand(names, &self.roles, &self.catalogue)?;
        let plan = plan::plan(&self.catalogue, &asked, implied)?;
        Ok(Target { name: names.join(" "), role: None, plan })
    }

    /// The recipes as a command line asks for them.
    pub fn asked(&self, names: &[String]) -> Result<Asked> {
        asked_by_hand(names, &self.roles, &self.catalogue)
    }

    pub fn role_target(&self, role: Role, implied: &Implied) -> Result<Target> {
        let mut asked = workbench::ask::of_role(&role, ARCH);
        asked.kegs.extend(pid1::asked(&role, &self.catalogue));
        let plan = plan::plan(&self.catalogue, &asked, implied)?;
        Ok(Target { name: role.name.clone(), role: Some(role), plan })
    }
}

fn asked_by_hand(names: &[String], roles: &[String], catalogue: &Catalogue) -> Result<Asked> {
    let line = names.join(" ");
    let text = Text::new("command line", &line);
    let mut kegs = Vec::new();
    let mut faults = Faults::default();
    let mut start = 0;
    for written in names {
        let span = start..start + written.len();
        start += written.len() + 1;
        let (name, slot) = match written.split_once('@') {
            Some((name, slot)) => (name.to_string(), Some(slot.to_string())),
            None => (written.clone(), None),
        };
        let known = catalogue.recipes.contains_key(&name) || catalogue.provides.contains_key(&name);
        if !known && !catalogue.is_broken(&name) {
            let known = catalogue.recipes.keys().chain(roles).map(String::as_str);
            let fault = text.fault(span.clone(), format!("no recipe and no role is called `{name}`"));
            faults.push(match kegs::reader::nearest(&name, known) {
                Some(near) => fault.help(format!("did you mean `{near}`?")),
                None => fault.help("`rootbrew list` shows them all"),
            });
        }
        kegs.push(AskedKeg { name, slot, text: text.clone(), span });
    }
    Ok(faults.or(Asked { kegs, arch: ARCH.into(), ..Asked::default() })?)
}
