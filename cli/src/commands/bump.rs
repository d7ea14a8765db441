//! `rootbrew bump`: looks for newer versions, tries them, and proposes each as a commit.

use std::collections::BTreeMap;

use builder::plan::called;
use builder::recipe::{self, Catalogue, Version};
use kegs::Faults;
use rayon::prelude::*;
use workbench::bump::{self, Bumped, Goal, Left, Proposal, Releases, World};

use super::build;
use crate::context::Context;
use crate::terminal::{data, event, talk};
use crate::trouble::{Result, Trouble};
use crate::work::copied;

pub struct Wish {
    pub names: Vec<String>,
    pub to: Option<String>,
    pub pre: bool,
    pub branch: Option<String>,
    pub dry_run: bool,
    pub build: bool,
}

/// Recipes with the slots that are asked, by name.
type Asked = BTreeMap<String, Vec<String>>;

/// Each asks one host after another and waits for it: more than processors, and no crowd for any host.
const RECIPES_AT_ONCE: usize = 8;

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let catalogue = recipe::load(&context.tap)?;
    let asked = asked(&catalogue, &wish.names)?;
    let to = wish.to.as_deref().map(|text| version(text, &asked)).transpose()?;
    let newest = Goal::Newest(if wish.pre { Releases::WithPre } else { Releases::Stable });
    let goal = to.as_ref().map_or(newest, Goal::Version);
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let world =
        World { places: &context.places, apt: context.apt(), into: &store, cancel: context.cancel.flag() };
    let results = look(&catalogue, &asked, goal, &world)?;
    let bumped = told(context, wish, results);
    if context.cancel.is_said() {
        return Err(Trouble::Cancelled);
    }
    if !wish.dry_run && !bumped.1.is_empty() {
        propose(context, wish, &catalogue, &bumped.1)?;
    }
    bumped.0
}

/// `NAME` is each of its slots, no name every recipe.
fn asked(catalogue: &Catalogue, names: &[String]) -> Result<Asked> {
    let mut asked = Asked::new();
    for name in names {
        let (name, slot) =
            name.split_once('@').map_or((name.as_str(), None), |(name, slot)| (name, Some(slot)));
        let recipe = catalogue.recipes.get(name).ok_or_else(|| {
            let near =
                catalogue.nearest(name).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
            Trouble::Failed(format!("no recipe is called `{name}`{near}"))
        })?;
        if let Some(slot) = slot.filter(|slot| !recipe.has_slot(slot)) {
            return Err(Trouble::Failed(format!("`{name}` has no slot `{slot}`")));
        }
        let slots: Vec<String> = match slot {
            Some(slot) => vec![slot.to_string()],
            None => recipe.slots().map(str::to_string).collect(),
        };
        asked.entry(name.to_string()).or_default().extend(slots);
    }
    if names.is_empty() {
        let every = catalogue.recipes.values();
        asked.extend(every.map(|recipe| (recipe.name.clone(), recipe.slots().map(str::to_string).collect())));
    }
    Ok(asked)
}

fn version(text: &str, asked: &Asked) -> Result<Version> {
    if asked.values().map(Vec::len).sum::<usize>() != 1 {
        return Err(Trouble::Failed("--to wants one recipe, and one slot of it: NAME or NAME@SLOT".into()));
    }
    Version::parse(text).ok_or_else(|| {
        let why = recipe::version::why_not(text).unwrap_or_default();
        Trouble::Failed(format!("--to {text}: no version: {why}"))
    })
}

type Looked = Vec<(String, String, std::result::Result<Bumped, Left>)>;

fn look(catalogue: &Catalogue, asked: &Asked, goal: Goal, world: &World) -> Result<Looked> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(RECIPES_AT_ONCE).build();
    let pool = pool.map_err(|error| Trouble::Failed(format!("cannot start threads: {error}")))?;
    let one = |(name, slots): (&String, &Vec<String>)| {
        let looked = bump::bump_slots(&catalogue.recipes[name], slots, goal, world);
        looked.into_iter().map(|(slot, result)| (name.clone(), slot, result)).collect::<Looked>()
    };
    Ok(pool.install(|| asked.par_iter().map(one).collect::<Vec<Looked>>()).into_iter().flatten().collect())
}

/// What was found, said; what could not be done is an error at the end, and keeps nothing else from being done.
fn told(context: &Context, wish: &Wish, results: Looked) -> (Result<()>, Vec<Bumped>) {
    let (mut bumped, mut faults, mut failed) = (Vec::new(), Faults::default(), Vec::new());
    for (name, slot, result) in results {
        let name = called(&name, &slot);
        match result {
            Ok(found) => {
                say(context, wish, &name, &found);
                bumped.push(found);
            }
            Err(Left::Newest) if !wish.names.is_empty() => {
                event("newest", &name, "nothing newer in its series")
            }
            Err(Left::Nowhere) if !wish.names.is_empty() => {
                event("left", &name, "nothing says where versions show: `watch`")
            }
            Err(Left::Newest | Left::Nowhere) => {}
            Err(Left::Held(reason)) => event("held", &name, &reason),
            Err(Left::Faults(more)) => faults.absorb(more),
            Err(Left::Failed(why)) => failed.push(format!("{name}: {why}")),
        }
    }
    let failed = if failed.is_empty() { Ok(()) } else { Err(Trouble::Failed(failed.join("\n"))) };
    if faults.0.is_empty() {
        return (failed, bumped);
    }
    if let Err(Trouble::Failed(message)) = &failed {
        talk(&format!("error: {message}"));
    }
    (Err(Trouble::Faults(faults)), bumped)
}

fn say(context: &Context, wish: &Wish, name: &str, found: &Bumped) {
    if context.json {
        let patches: BTreeMap<&String, String> =
            found.patches.iter().map(|(patch, fate)| (patch, fate.to_string())).collect();
        let line = serde_json::json!({
            "event": "bump", "recipe": found.recipe, "slot": found.slot, "from": found.from.to_string(),
            "to": found.to.to_string(), "by": found.by, "found": found.found, "patches": patches, "notes": found.notes,
        });
        return data(&line.to_string());
    }
    let change = format!("{name} {} → {}", found.from, found.to);
    match wish.dry_run {
        true => data(&format!("{change} ({})", found.by)),
        false => event("bump", &change, &found.found),
    }
    found.patches.iter().for_each(|(patch, fate)| talk(&format!("        {patch} {fate}")));
    found.notes.iter().for_each(|note| talk(&format!("        {note}")));
}

/// Built first where that is asked, then committed, or written where there is no repository.
fn propose(context: &Context, wish: &Wish, catalogue: &Catalogue, bumped: &[Bumped]) -> Result<()> {
    if wish.build {
        built(context, catalogue, bumped)?;
    }
    if !bump::is_tracked(&context.tap) {
        talk("warning: no git repository tracks this tap: its files are changed in place");
        for one in bumped {
            let failed = |error| Trouble::Failed(format!("cannot write recipes/{}: {error}", one.recipe));
            bump::write(&context.tap, one).map_err(failed)?;
        }
        return Ok(());
    }
    let proposals: Vec<Proposal> = bumped.iter().map(Proposal::new).collect();
    let name = wish.branch.clone().unwrap_or_else(|| branch_name(bumped));
    let branch =
        bump::commit(&context.tap, &name, &proposals).map_err(|error| Trouble::Failed(error.to_string()))?;
    event("branch", &branch.name, &format!("{} commits on {}", branch.commits.len(), &branch.base[..12]));
    talk(&format!("hint: `git log -p {}..{}`, then push it", &branch.base[..12], branch.name));
    Ok(())
}

/// `bump/zlib-1.3.2`, `bump/lz4-zlib`, `bump/12-recipes`.
fn branch_name(bumped: &[Bumped]) -> String {
    match bumped {
        [one] => format!("bump/{}-{}", one.recipe, one.to.as_str().replace(['~', '^', ':'], "-")),
        few if few.len() <= 3 => {
            format!("bump/{}", few.iter().map(|one| one.recipe.as_str()).collect::<Vec<_>>().join("-"))
        }
        many => format!("bump/{}-recipes", many.len()),
    }
}

/// In a copy of the tap, which is gone afterwards: what fails to build changes nothing here.
fn built(context: &Context, catalogue: &Catalogue, bumped: &[Bumped]) -> Result<()> {
    let copied = copied::copy(context, catalogue)?;
    let failed = |error: std::io::Error| Trouble::Failed(format!("cannot write the copied tap: {error}"));
    bumped.iter().try_for_each(|one| bump::write(copied.path(), one)).map_err(failed)?;
    let names: Vec<String> = bumped.iter().map(|one| format!("{}@{}", one.recipe, one.slot)).collect();
    build::run(&context.at(copied.path()), &names)
}
