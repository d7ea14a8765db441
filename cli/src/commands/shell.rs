//! `rootbrew shell`: a keg's sandbox, by hand: as its failed build left it, else empty; or just before a step.

use builder::plan::Plan;
use builder::preset::word;
use builder::recipe::nearest;
use builder::schedule::action::Ground;
use builder::schedule::again::{self, Visit};
use builder::schedule::left;
use kegs::{Digest, Store};

use crate::arguments::At;
use crate::context::Context;
use crate::terminal::talk;
use crate::trouble::{Result, Trouble};
use crate::work::{self, Tap, Target, build, ground};

/// What the command line asks for.
pub struct Wish {
    pub name: String,
    pub at: Option<At>,
    pub with: Vec<String>,
    /// Instead of a shell.
    pub command: Vec<String>,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let profile = ground::profile(context)?;
    let implied = ground::implied(&profile);
    let target = recipe(context, &wish.name, &implied)?;
    let tap = work::tap(context, &implied)?;
    let (recipes, seeds) = known(&tap, &wish.with);
    let with = match recipes.is_empty() {
        true => None,
        false => Some(tap.recipes_target(&recipes, &implied)?),
    };
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let plans = [&target].into_iter().chain(&with).map(|target| &target.plan);
    let ground = ground::ground(context, &store, profile, plans)?;
    let at = target.plan.wanted()[0];
    let with_tools = with_tools(context, &store, &ground, (&target.plan, at), &seeds)?;
    in_seed(&store, with_tools.as_ref().unwrap_or(&ground), &target.plan, at, &tap, &seeds)?;
    let with = match &with {
        Some(with) => kegs(&with.plan, &build::make(context, &store, &ground, with)?.outputs),
        None => Vec::new(),
    };
    let outputs = dependencies(context, &store, &ground, &target, at)?;
    let on = Grounds { built: &ground, visited: with_tools.as_ref().unwrap_or(&ground) };
    open(context, &store, on, (&target.plan, at, &outputs), wish, &with)
}

/// What the build stands on, by which its key is known, and what the visitor does.
struct Grounds<'a> {
    built: &'a Ground,
    visited: &'a Ground,
}

/// The seed with debuggers in place of the build's own, when that lacks a program that is asked for. Only builds on the
/// profile's first seed have one: what stands on another is another system.
fn with_tools(
    context: &Context,
    store: &Store,
    ground: &Ground,
    (plan, at): (&Plan, usize),
    asked: &[String],
) -> Result<Option<Ground>> {
    if asked.is_empty() {
        return Ok(None);
    }
    let profile = &ground.profile;
    let own = profile.seed(plan.nodes()[at].variant.preset);
    let programs = store.tree(&ground.seed(plan.nodes()[at].variant.preset).root)?;
    let has = |name: &String| programs_of(&programs).any(|program| program == name);
    let Some(name) = profile.shell_seed.as_ref().filter(|_| own == profile.seed && !asked.iter().all(has))
    else {
        return Ok(None);
    };
    let seed = builder::seed::load(&ground::seed_path(context, name))?;
    let root = ground::unpacked(context, store, name, &seed)?;
    Ok(Some(Ground::new(store, profile.clone(), &[(own.to_string(), root)].into())?))
}

fn programs_of(seed: &kegs::Tree) -> impl Iterator<Item = &str> {
    seed.nodes
        .keys()
        .filter_map(|path| path.strip_prefix("usr/bin/").or_else(|| path.strip_prefix("usr/sbin/")))
}

/// The plan of one recipe.
pub fn recipe(context: &Context, name: &str, implied: &builder::plan::Implied) -> Result<Target> {
    let targets = work::targets(context, &[name.to_string()], implied)?;
    let target = targets.into_iter().find(|target| target.role.is_none());
    target.ok_or_else(|| Trouble::Failed(format!("`{name}` is a role: a recipe is wanted")))
}

/// Recipes, and what is left for the seed.
fn known(tap: &Tap, names: &[String]) -> (Vec<String>, Vec<String>) {
    let recipes = &tap.catalogue.recipes;
    names.iter().cloned().partition(|name| recipes.contains_key(name.split('@').next().unwrap_or(name)))
}

/// Programs of the seed are there already; what is neither is told with what is near.
fn in_seed(
    store: &Store,
    ground: &Ground,
    plan: &Plan,
    at: usize,
    tap: &Tap,
    names: &[String],
) -> Result<()> {
    if names.is_empty() {
        return Ok(());
    }
    let seed = store.tree(&ground.seed(plan.nodes()[at].variant.preset).root)?;
    let programs: Vec<&str> = programs_of(&seed).collect();
    let mut faults = Vec::new();
    for name in names.iter().filter(|name| !programs.contains(&name.as_str())) {
        let recipes = tap.catalogue.recipes.keys().map(String::as_str);
        let near = nearest(name, recipes.chain(programs.iter().copied()));
        let near = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        faults
            .push(format!("--with {name}: no recipe has this name, and the seed has no such program{near}"));
    }
    if faults.is_empty() {
        return Ok(());
    }
    faults
        .push("`rootbrew list` shows the recipes; `--with` also takes programs of the seed, as `gcc`".into());
    Err(Trouble::Failed(faults.join("\n")))
}

/// What was asked and what it runs with: prefix, label, root.
fn kegs(plan: &Plan, outputs: &[Digest]) -> Vec<(String, String, Digest)> {
    let mut places: Vec<usize> = plan.wanted().iter().flat_map(|&at| plan.run_closure(at)).collect();
    let mut known = std::collections::BTreeSet::new();
    places.retain(|at| known.insert(*at));
    let node = |at: usize| (plan.nodes()[at].variant.keg(), plan.nodes()[at].label(), outputs[at]);
    places.into_iter().map(node).collect()
}

fn open(
    context: &Context,
    store: &Store,
    on: Grounds,
    (plan, at, outputs): (&Plan, usize, &[Option<Digest>]),
    wish: &Wish,
    with: &[(String, String, Digest)],
) -> Result<()> {
    let node = &plan.nodes()[at];
    let keg = node.name();
    build::fetch_sources(context, store, on.built, plan, at)?;
    let prepared = again::prepared(plan, at, store, on.built, outputs)?;
    let (prepared, keyed) =
        prepared.ok_or_else(|| Trouble::Bug(format!("the sources of `{keg}` are unknown")))?;
    let (folder, fresh) = folder(store, &keg, wish)?;
    if wish.command.is_empty() {
        talk(&format!(
            "shell   {keg}: `/bin/sh /steps/run` runs the build, `STEPS=\"configure build\"` before it some steps"
        ));
    }
    let visit = Visit { build: &folder, argv: argv(wish, &node.variant.subdir), with };
    let code = again::enter(store, on.visited, (&prepared, &keyed), &keg, visit);
    if fresh {
        // Nothing of it is wanted again; what can't be removed is swept with the stage.
        std::fs::remove_dir_all(&folder).ok();
    }
    match code {
        Ok(0) => Ok(()),
        Ok(code) => Err(Trouble::Failed(format!("the shell ended with {code}"))),
        Err(failure) => Err(Trouble::Failed(failure.end)),
    }
}

/// The steps before `at`, then the shell in that step's folder. Where one of them fails a command is not tried, and a
/// person gets the shell to look.
fn argv(wish: &Wish, subdir: &str) -> Vec<String> {
    let own = match wish.command.as_slice() {
        [] => vec!["/bin/sh".to_string(), "-i".to_string()],
        command => command.to_vec(),
    };
    let Some(at) = wish.at else { return own };
    let (before, folder) = (before(at), place(at, subdir));
    let failed = match wish.command.is_empty() {
        true => "echo 'shell: a step before failed: all is as it left it' >&2",
        false => "exit 1",
    };
    let steps = match before {
        "" => String::new(),
        before => format!("STEPS={} /bin/sh /steps/run || {failed}\n", word(before)),
    };
    let script = format!("{steps}cd {} 2>/dev/null || cd /build\nexec \"$@\"\n", word(&folder));
    [vec!["/bin/sh".into(), "-c".into(), script, "shell".into()], own].concat()
}

fn before(at: At) -> &'static str {
    match at {
        At::Unpack => "",
        At::Patch => "unpack",
        At::Configure => "unpack patch",
        At::Build => "unpack patch configure",
        At::Install => "unpack patch configure build",
    }
}

/// As the script's steps have it.
fn place(at: At, subdir: &str) -> String {
    match (at, subdir) {
        (At::Unpack, _) => "/build".into(),
        (At::Patch, _) | (_, "") => "/build/source".into(),
        (_, subdir) => format!("/build/source/{subdir}"),
    }
}

/// What the failed build left, or a new folder; at a step always that.
fn folder(store: &Store, keg: &str, wish: &Wish) -> Result<(std::path::PathBuf, bool)> {
    let left = left::path(store, keg);
    if wish.at.is_none() && left.is_dir() {
        talk(&format!("shell   {keg}: /build is as the failed build left it"));
        return Ok((left, false));
    }
    let fresh = store.stage_path("shell");
    std::fs::create_dir(&fresh)
        .map_err(|error| Trouble::Failed(format!("cannot create {}: {error}", fresh.display())))?;
    Ok((fresh, true))
}

/// Builds what the keg needs, not the keg: its build is what fails.
pub fn dependencies(
    context: &Context,
    store: &Store,
    ground: &Ground,
    target: &Target,
    at: usize,
) -> Result<Vec<Option<Digest>>> {
    let needs =
        Target { name: format!("what {} needs", target.name), role: None, plan: target.plan.before(at) };
    let built = build::make(context, store, ground, &needs)?;
    let mut outputs: Vec<Option<Digest>> = built.outputs.into_iter().map(Some).collect();
    outputs.resize(target.plan.nodes().len(), None);
    Ok(outputs)
}
