//! `rootbrew info`: what is known of a recipe or a role, and what this machine has of it.

use assembler::role;
use builder::recipe::{self, Catalogue, Choice, Dep, OptionValue, Recipe, Variant};
use builder::schedule::outlook::{self, Outlook};
use kegs::{Outcome, Store};

use crate::context::Context;
use crate::terminal::{bytes, data};
use crate::trouble::{Result, Trouble};
use crate::work::{ARCH, Tap, ground};

pub fn run(context: &Context, name: &str) -> Result<()> {
    if role::names(&context.tap).unwrap_or_default().iter().any(|role| role == name) {
        return say(context, of_role(&role::load(&context.tap, name)?));
    }
    let tap = Tap { catalogue: recipe::load(&context.tap)?, roles: Vec::new() };
    let catalogue = &tap.catalogue;
    let (name, only) = name.split_once('@').map_or((name, None), |(name, slot)| (name, Some(slot)));
    let recipe = catalogue.recipes.get(name).ok_or_else(|| unknown(catalogue, name))?;
    let slots: Vec<&str> = recipe.slots().filter(|slot| only.is_none_or(|only| only == *slot)).collect();
    if slots.is_empty() {
        let all = recipe.slots().collect::<Vec<_>>().join("`, `");
        return Err(Trouble::Failed(format!(
            "`{name}` has no slot `{}`: it has `{all}`",
            only.unwrap_or("")
        )));
    }
    for slot in slots {
        let variant = recipe.variant(Some(slot), &Choice::default(), ARCH)?;
        let mut facts = of_variant(recipe, &variant);
        facts.extend(in_store(context, &tap, &variant));
        say(context, facts)?;
    }
    Ok(())
}

fn unknown(catalogue: &Catalogue, name: &str) -> Trouble {
    let near = catalogue.nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    Trouble::Failed(format!("no recipe and no role is called `{name}`{near}"))
}

/// A word and what is to be said of it; words may come again.
type Facts = Vec<(&'static str, String)>;

fn say(context: &Context, facts: Facts) -> Result<()> {
    let facts = facts.into_iter().filter(|(_, value)| !value.is_empty());
    if !context.json {
        facts.for_each(|(word, value)| data(&format!("{word:<9}{value}")));
        return Ok(());
    }
    let mut object = serde_json::Map::new();
    for (word, value) in facts {
        let list = object.entry(word).or_insert_with(|| serde_json::json!([]));
        list.as_array_mut().into_iter().for_each(|list| list.push(value.clone().into()));
    }
    data(&serde_json::Value::Object(object).to_string());
    Ok(())
}

fn of_variant(recipe: &Recipe, variant: &Variant) -> Facts {
    let names = |deps: &[Dep]| {
        let slotted = |dep: &Dep| match &dep.slot {
            Some(slot) => format!("{}@{slot}", dep.name),
            None => dep.name.clone(),
        };
        deps.iter().map(slotted).collect::<Vec<_>>().join(" ")
    };
    let mut facts = vec![
        ("recipe", format!("{} {} (slot {})", variant.name, variant.version, variant.slot)),
        ("summary", variant.summary.clone()),
        ("license", variant.license.clone()),
        ("home", variant.home.clone().unwrap_or_default()),
        ("file", variant.text.path().display().to_string()),
        ("keg", variant.keg()),
        ("preset", format!("{:?}", variant.preset).to_lowercase()),
        ("provides", variant.provides.join(" ")),
        ("build", names(&variant.build)),
        ("link", names(&variant.link)),
        ("run", names(&variant.run)),
    ];
    for source in &variant.sources {
        facts.extend(source.urls.iter().map(|url| ("source", url.clone())));
        let debian = source.debian.as_ref();
        facts.extend(debian.map(|debian| ("source", format!("debian {}={}", debian.name, debian.version))));
        let krate = source.krate.as_ref();
        facts.extend(krate.map(|krate| ("source", format!("crate {}={}", krate.name, krate.version))));
        facts.extend(source.tap.iter().map(|path| ("source", format!("the tap's {path}"))));
        let git = source.git.as_ref();
        facts.extend(git.map(|git| ("source", format!("git {} {}", git.url, git.commit))));
    }
    for (name, option) in recipe.options() {
        let value = match variant.options.get(name) {
            Some(OptionValue::On) => "on",
            Some(OptionValue::Value(value)) => value,
            _ => "off",
        };
        let summary = option.summary.as_deref().unwrap_or_default();
        facts.push(("option", format!("{name:<14} {value:<4} {summary}").trim_end().to_string()));
    }
    facts
}

/// The keg as this recipe makes it, by its key; what another tap built under the name is not this.
fn in_store(context: &Context, tap: &Tap, variant: &Variant) -> Facts {
    let built = context.open_store().ok().and_then(|store| {
        // A plan that has a fault is another command's to tell: such a recipe is not built.
        facts_of(&store, &outcome(context, &store, tap, variant).ok().flatten()?)
    });
    built.unwrap_or_else(|| vec![("built", "not yet, or not here".into())])
}

fn outcome(context: &Context, store: &Store, tap: &Tap, variant: &Variant) -> Result<Option<Outcome>> {
    let profile = ground::profile(context)?;
    let wanted = format!("{}@{}", variant.name, variant.slot);
    let target = tap.recipes_target(&[wanted], &ground::implied(&profile))?;
    let plans = [target.plan];
    let Some(ground) = ground::if_there(context, store, profile, &plans)? else { return Ok(None) };
    let outlooks = outlook::outlook(&plans[0], store, &ground)?;
    Ok(match &outlooks[plans[0].wanted()[0]] {
        Outlook::InStore { outcome, .. } => Some(*outcome),
        _ => None,
    })
}

fn facts_of(store: &Store, outcome: &Outcome) -> Option<Facts> {
    let tree = store.tree(&outcome.output).ok()?;
    let size = format!("{}, {} entries", bytes(tree.size_bytes()), tree.nodes.len());
    Some(vec![("built", format!("in {:.1} s, {size}", outcome.wall_s)), ("tree", outcome.output.to_string())])
}

fn of_role(role: &role::Role) -> Facts {
    let mut facts = vec![
        ("role", role.name.clone()),
        ("summary", role.summary.clone()),
        ("file", role.text.path().display().to_string()),
        ("kegs", role.kegs.iter().map(|keg| keg.name.clone()).collect::<Vec<_>>().join(" ")),
    ];
    let services = role.services.iter();
    facts.extend(services.map(|(name, service)| ("service", format!("{name}: {}", service.run.join(" ")))));
    for (name, variable) in role.env.iter() {
        let need = if variable.required { " (required)" } else { "" };
        facts.push(("env", format!("{name}{need}")));
    }
    facts.extend(role.checks.iter().map(|check| ("check", check.run.join(" "))));
    facts
}
