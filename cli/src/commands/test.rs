//! `rootbrew test`: builds what is not built, then proves each keg in its runtime closure alone.

use std::collections::{BTreeMap, BTreeSet};

use builder::plan::{Asked, AskedKeg, AskedOption, Implied, Plan};
use builder::recipe::Dep;
use kegs::collect::Kept;
use kegs::{Faults, Store};
use rayon::prelude::*;
use workbench::test::{Bench, Checked, TestError, Wish};

use crate::context::Context;
use crate::terminal::{data, event, seconds};
use crate::trouble::{Result, Trouble};
use crate::work::{self, Target, build, ground};

pub type Allowed = BTreeMap<String, BTreeSet<String>>;

pub fn run(context: &Context, names: &[String], wish: Wish) -> Result<()> {
    let profile = ground::profile(context)?;
    let (target, allowed) = target(context, names, &ground::implied(&profile))?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let ground = ground::ground(context, &store, profile, [&target.plan])?;
    let built = build::make(context, &store, &ground, &target)?;
    let places = tested(&target.plan, names);
    if wish.upstream {
        let fetch = |&at: &usize| build::fetch_sources(context, &store, &ground, &target.plan, at);
        places.iter().try_for_each(fetch)?;
    }
    let mut bench = Bench::new(&store, &ground, &target.plan, &built.outputs, &context.cancel);
    bench.allowed = allowed;
    let faults = every(context, &bench, &places, wish)?;
    Ok(faults.or(())?)
}

/// The recipes, and in the same plan what their tests need besides.
pub fn target(context: &Context, names: &[String], implied: &Implied) -> Result<(Target, Allowed)> {
    let tap = work::tap(context, implied)?;
    let plain = match names {
        [] => tap.every_target(implied)?,
        names => tap.recipes_target(names, implied)?,
    };
    let wanted = plain.plan.wanted().iter().map(|&at| &plain.plan.nodes()[at].variant);
    let needs: Vec<Dep> =
        wanted.flat_map(|variant| &variant.tests).flat_map(|test| &test.needs).cloned().collect();
    if needs.is_empty() {
        return Ok((plain, allowed(&tap)));
    }
    let names = if names.is_empty() { tap.every_recipe() } else { names.to_vec() };
    let mut asked = tap.asked(&names)?;
    needs.iter().for_each(|need| ask(&mut asked, need));
    let plan = builder::plan::plan(&tap.catalogue, &asked, implied)?;
    Ok((Target { plan, ..plain }, allowed(&tap)))
}

/// What recipes' `allow` silences.
fn allowed(tap: &work::Tap) -> Allowed {
    let recipes = tap.catalogue.recipes.iter();
    recipes.map(|(name, recipe)| (name.clone(), recipe.facts.allow.keys().cloned().collect())).collect()
}

fn ask(asked: &mut Asked, need: &Dep) {
    asked.kegs.push(AskedKeg {
        name: need.name.clone(),
        slot: need.slot.clone(),
        text: need.text.clone(),
        span: need.name_span.clone(),
    });
    asked.options.extend(need.options.0.iter().map(|(option, value)| AskedOption {
        recipe: need.name.clone(),
        option: option.clone(),
        value: value.clone(),
        text: need.text.clone(),
        span: need.span.clone(),
    }));
}

/// The places of what was named: what tests need besides stands after it.
pub fn tested(plan: &Plan, names: &[String]) -> Vec<usize> {
    let wanted = plan.wanted().iter().copied();
    let mut known = BTreeSet::new();
    let count = if names.is_empty() { plan.wanted().len() } else { names.len() };
    wanted.take(count).filter(|at| known.insert(*at)).collect()
}

/// All tests of all kegs; every fault of them.
fn every(context: &Context, bench: &Bench, places: &[usize], wish: Wish) -> Result<Faults> {
    let done = all(context, bench, places, wish)?;
    Ok(Faults(done.into_iter().flatten().flat_map(|checked| checked.faults).collect()))
}

/// All tests of all kegs, as many at once as there are job slots.
pub fn all(context: &Context, bench: &Bench, places: &[usize], wish: Wish) -> Result<Vec<Vec<Checked>>> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(context.jobs).build();
    let pool = pool.map_err(|error| Trouble::Failed(format!("cannot start threads: {error}")))?;
    let one = |&at: &usize| one(context, bench, at, wish);
    Ok(pool.install(|| places.par_iter().map(one).collect::<std::result::Result<_, TestError>>())?)
}

fn one(
    context: &Context,
    bench: &Bench,
    at: usize,
    wish: Wish,
) -> std::result::Result<Vec<Checked>, TestError> {
    let node = &bench.plan.nodes()[at];
    let done = bench.test(at, wish)?;
    keep(bench.store, &node.name(), &done)?;
    if context.json {
        data(&line(&node.name(), &node.variant.version.to_string(), &done));
    } else {
        say(&format!("{} {}", node.name(), node.variant.version), &done);
    }
    Ok(done)
}

/// What was right stays in the store as long as the keg's root does.
fn keep(store: &Store, keg: &str, done: &[Checked]) -> std::result::Result<(), TestError> {
    let kept: Vec<Kept> =
        done.iter().flat_map(|checked| &checked.keys).map(|key| Kept::Action(*key)).collect();
    if kept.is_empty() {
        return Ok(());
    }
    Ok(store.set_root(&format!("tests-{keg}"), &kept)?)
}

/// `tested  zlib 1.3.2   5 tests   0.2 s`
fn say(subject: &str, done: &[Checked]) {
    let failed = done.iter().filter(|checked| !checked.faults.is_empty()).count();
    let wall_s: f64 = done.iter().map(|checked| checked.wall_s).sum();
    let tests = if done.len() == 1 { "1 test".to_string() } else { format!("{} tests", done.len()) };
    if failed > 0 {
        return event("failed", subject, &format!("{failed} of {tests}"));
    }
    let when = match done.iter().all(|checked| checked.found) {
        true if !done.is_empty() => "in store".to_string(),
        _ => seconds(wall_s),
    };
    event("tested", subject, &format!("{tests:>9}  {when:>9}"));
}

fn line(keg: &str, version: &str, done: &[Checked]) -> String {
    let test = |checked: &Checked| {
        serde_json::json!({
            "name": checked.name, "kind": checked.kind.word(), "good": checked.faults.is_empty(),
            "in_store": checked.found, "wall_s": checked.wall_s,
        })
    };
    let tests: Vec<_> = done.iter().map(test).collect();
    let failed = done.iter().filter(|checked| !checked.faults.is_empty()).count();
    serde_json::json!({ "event": "tested", "keg": keg, "version": version, "failed": failed, "tests": tests })
        .to_string()
}
