//! `rootbrew list`: the tap's recipes and roles.

use assembler::role;
use builder::plan::called;
use builder::recipe;

use crate::context::Context;
use crate::terminal::data;
use crate::trouble::Result;

pub fn run(context: &Context) -> Result<()> {
    let catalogue = recipe::load(&context.tap)?;
    for recipe in catalogue.recipes.values() {
        for slot in recipe.slots() {
            let version = recipe.version(slot).map_or(String::new(), ToString::to_string);
            line(context, "recipe", &called(&recipe.name, slot), &version, &recipe.facts.summary);
        }
    }
    for role in role::load_all(&context.tap)?.values() {
        line(context, "role", &role.name, "", &role.summary);
    }
    Ok(())
}

pub fn line(context: &Context, kind: &str, name: &str, version: &str, summary: &str) {
    if context.json {
        let line = serde_json::json!({ "kind": kind, "name": name, "version": version, "summary": summary });
        return data(&line.to_string());
    }
    data(format!("{kind:<7} {name:<16} {version:<12} {summary}").trim_end());
}
