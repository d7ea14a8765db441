//! `rootbrew plan all` on a generated tap whose kegs are all in the store: loading, planning, every key, every look-up.
//!
//! To fill the store takes a sync an action: about three minutes for ten thousand, before anything is measured.

use std::process::{Command, Stdio};

use builder::plan::{Asked, AskedKeg, Implied, Kind, Plan, plan};
use builder::schedule::action::Ground;
use builder::{preset, recipe};
use kegs::{Digest, Store, Text};
use tempfile::TempDir;

use crate::table::{Times, figure, row};
use crate::{Result, Wish, generate, warm};

pub fn run(wish: &Wish, count: usize, goal: &str) -> Result<()> {
    let store = warm::copy(&wish.store)?;
    let tap = tempfile::tempdir()?;
    generate::tap(tap.path(), warm::tap(), count)?;
    let plan = fill(&tap, &Store::open(store.path())?)?;
    let links: usize = plan.nodes().iter().map(|node| node.deps(Kind::Link).len()).sum();
    let seen: usize = (0..plan.nodes().len()).map(|at| plan.link_closure(at).len()).sum();
    let mean = |sum: usize| format!("{:.1}", sum as f64 / plan.nodes().len() as f64);
    figure("link dependencies a recipe; in its closure", "", &format!("{}; {}", mean(links), mean(seen)));
    let command = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["plan", "all"]).arg("--store").arg(store.path()).arg("--tap").arg(tap.path());
        command.stdin(Stdio::null());
        command
    };
    let said = String::from_utf8(warm::succeed(&mut command())?.stderr)?;
    if !said.contains("nothing to build") {
        return Err(format!("not all of the generated tap is in the store:\n{said}").into());
    }
    let mut times = Times::default();
    for _ in 0..wish.rounds(20) {
        times.time(|| warm::succeed(&mut command()))?;
    }
    row(&format!("rootbrew plan, {count} recipes, nothing to do"), goal, &times, &times);
    Ok(())
}

fn fill(tap: &TempDir, store: &Store) -> Result<Plan> {
    let catalogue = recipe::load(tap.path())?;
    let path = tap.path().join("toolchains/seed.toml");
    let profile = preset::profile("seed", &Text::new(&path, &std::fs::read_to_string(&path)?))?;
    let text = Text::new("roles/all.toml", "");
    let asked = |name: &String| AskedKeg { name: name.clone(), slot: None, text: text.clone(), span: 0..0 };
    let kegs = catalogue.recipes.keys().map(asked).collect();
    let asked = Asked { kegs, arch: std::env::consts::ARCH.into(), ..Asked::default() };
    let plan = plan(&catalogue, &asked, &Implied { cc: profile.cc.clone(), ..Implied::default() })?;
    let seeds = [(profile.seed.clone(), seed(store)?)].into();
    let ground = Ground::new(store, profile, &seeds)?;
    generate::fill(&plan, store, &ground)?;
    Ok(plan)
}

/// The unpacked seed's tree, by the action that unpacked it.
fn seed(store: &Store) -> Result<Digest> {
    let unpacks = |key: &Digest| {
        let environment = store.environment(key).ok()?;
        (environment.get("KEG")? == "/kegs/seed/0").then(|| store.result(key))?
    };
    let outcome = store.actions()?.iter().find_map(unpacks);
    Ok(outcome.ok_or("no seed is unpacked in the store: `rootbrew seed unpack`")?.output)
}
