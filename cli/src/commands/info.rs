//! `rootbrew info`: what is known of a recipe or a role.

use assembler::role;
use builder::recipe::{self, Choice, OptionValue, Variant};

use crate::context::Context;
use crate::terminal::data;
use crate::trouble::{Result, Trouble};
use crate::work::ARCH;

pub fn run(context: &Context, name: &str) -> Result<()> {
    if role::names(&context.tap).unwrap_or_default().iter().any(|role| role == name) {
        return of_role(&role::load(&context.tap, name)?);
    }
    let catalogue = recipe::load(&context.tap)?;
    let (name, only) = name.split_once('@').map_or((name, None), |(name, slot)| (name, Some(slot)));
    let Some(recipe) = catalogue.recipes.get(name) else {
        let near = catalogue.nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        return Err(Trouble::Failed(format!("no recipe and no role is called `{name}`{near}")));
    };
    for slot in recipe.slots().filter(|slot| only.is_none_or(|only| only == *slot)) {
        of_variant(&recipe.variant(Some(slot), &Choice::default(), ARCH)?);
    }
    for (name, _) in recipe.options() {
        data(&format!("option   {name}"));
    }
    Ok(())
}

fn line(word: &str, value: &str) {
    if !value.is_empty() {
        data(&format!("{word:<9}{value}"));
    }
}

fn of_variant(variant: &Variant) {
    line("recipe", &format!("{} {} (slot {})", variant.name, variant.version, variant.slot));
    line("summary", &variant.summary);
    line("license", &variant.license);
    line("home", variant.home.as_deref().unwrap_or_default());
    line("keg", &variant.keg());
    let names = |deps: &[recipe::Dep]| deps.iter().map(|dep| dep.name.clone()).collect::<Vec<_>>().join(" ");
    line("build", &names(&variant.build));
    line("link", &names(&variant.link));
    line("run", &names(&variant.run));
    let on = variant.options.iter().filter(|(_, value)| **value != OptionValue::Off);
    line("on", &on.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(" "));
    for source in &variant.sources {
        line("source", source.urls.first().map_or("", String::as_str));
        if let Some(debian) = &source.debian {
            line("source", &format!("debian {}={}", debian.name, debian.version));
        }
    }
}

fn of_role(role: &role::Role) -> Result<()> {
    line("role", &role.name);
    line("summary", &role.summary);
    line("kegs", &role.kegs.iter().map(|keg| keg.name.clone()).collect::<Vec<_>>().join(" "));
    for (name, service) in role.services.iter() {
        line("service", &format!("{name}: {}", service.run.join(" ")));
    }
    for (name, variable) in role.env.iter() {
        let need = if variable.required { " (required)" } else { "" };
        line("env", &format!("{name}{need}"));
    }
    for check in &role.checks {
        line("check", &check.run.join(" "));
    }
    Ok(())
}
