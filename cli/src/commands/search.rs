//! `rootbrew search`: recipes and roles by a word.

use assembler::role;
use builder::recipe;
use workbench::search::{Entry, search};

use super::list::line;
use crate::context::Context;
use crate::trouble::{Result, Trouble};

pub fn run(context: &Context, words: &[String]) -> Result<()> {
    let catalogue = recipe::load(&context.tap)?;
    let roles = role::load_all(&context.tap)?;
    let of_recipes = catalogue.recipes.values().map(of_recipe);
    let entries: Vec<Entry> = of_recipes.chain(roles.values().map(of_role)).collect();
    let hits = search(&entries, words);
    if hits.is_empty() {
        return Err(Trouble::Failed(format!(
            "nothing holds `{}`; `rootbrew list` shows all",
            words.join(" ")
        )));
    }
    for (_, at) in hits {
        let entry = &entries[at];
        let recipe = catalogue.recipes.get(&entry.name).filter(|_| at < catalogue.recipes.len());
        let versions = recipe.map(|recipe| {
            let versions = recipe.slots().filter_map(|slot| recipe.version(slot).map(ToString::to_string));
            versions.collect::<Vec<_>>().join(", ")
        });
        let kind = if recipe.is_some() { "recipe" } else { "role" };
        line(context, kind, &entry.name, &versions.unwrap_or_default(), &entry.summary);
    }
    Ok(())
}

fn of_recipe(recipe: &recipe::Recipe) -> Entry {
    let options =
        recipe.options().map(|(name, option)| (name.to_string(), option.summary.clone().unwrap_or_default()));
    Entry {
        name: recipe.name.clone(),
        provides: recipe.provided().map(|(_, name)| name.value.clone()).collect(),
        summary: recipe.facts.summary.clone(),
        options: options.collect(),
    }
}

fn of_role(role: &role::Role) -> Entry {
    Entry { name: role.name.clone(), summary: role.summary.clone(), ..Entry::default() }
}
