//! The ground: the toolchain's profile and its seed, in the store.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Instant;

use builder::fetch::{self, Step};
use builder::plan::{Implied, Plan};
use builder::preset::{self, Profile};
use builder::recipe::Preset;
use builder::schedule::Event;
use builder::schedule::action::Ground;
use builder::seed::{self, Seed};
use kegs::collect::Kept;
use kegs::{Action, Cache, Digest, Node, Outcome, Store, Text, Tree};

use crate::context::Context;
use crate::terminal::view::View;
use crate::trouble::{Result, Trouble};

/// The toolchain that the command line names.
pub fn profile(context: &Context) -> Result<Profile> {
    let path = context.tap.join("toolchains").join(format!("{}.toml", context.toolchain));
    let content = std::fs::read_to_string(&path).map_err(|error| {
        Trouble::Failed(format!("toolchain `{}`: cannot read {}: {error}", context.toolchain, path.display()))
    })?;
    Ok(preset::profile(&context.toolchain, &Text::new(path, &content))?)
}

pub fn implied(profile: &Profile) -> Implied {
    Implied { cc: profile.cc.clone(), tools: profile.tools() }
}

pub fn seed_path(context: &Context, name: &str) -> PathBuf {
    context.tap.join("seeds").join(format!("{name}.toml"))
}

/// The ground for these plans; a seed is fetched and unpacked when its tree is not in the store yet, and one of a
/// preset that no plan has is left alone.
pub fn ground<'p>(
    context: &Context,
    store: &Store,
    profile: Profile,
    plans: impl IntoIterator<Item = &'p Plan>,
) -> Result<Ground> {
    laid(context, store, profile, plans, &|name, seed| unpacked(context, store, name, seed))
}

/// The same, where a seed that was taken is known by its root alone: keys need no more. [`unpack_for`] makes it whole when
/// something runs.
pub fn known<'p>(
    context: &Context,
    store: &Store,
    profile: Profile,
    plans: impl IntoIterator<Item = &'p Plan>,
) -> Result<Ground> {
    laid(context, store, profile, plans, &|name, seed| {
        let taken = store.ask(&action(seed).keyed()).filter(|outcome| store.top(&outcome.output).is_ok());
        taken.map_or_else(|| unpacked(context, store, name, seed), |outcome| Ok(outcome.output))
    })
}

fn laid<'p>(
    context: &Context,
    store: &Store,
    profile: Profile,
    plans: impl IntoIterator<Item = &'p Plan>,
    root: &dyn Fn(&str, &Seed) -> Result<Digest>,
) -> Result<Ground> {
    let nodes = plans.into_iter().flat_map(|plan| plan.nodes());
    let names: BTreeSet<&str> = nodes.map(|node| profile.seed(node.variant.preset)).collect();
    let mut seeds = BTreeMap::new();
    for name in names {
        let seed = seed::load(&seed_path(context, name))?;
        seeds.insert(name.to_string(), root(name, &seed)?);
    }
    Ok(Ground::new(store, profile, &seeds)?)
}

/// Makes the seeds of these presets whole.
///
/// # Errors
/// One unpacks to another tree than was taken for it: that is forgotten, and the ground is another one.
pub fn unpack_for(
    context: &Context,
    store: &Store,
    ground: &Ground,
    presets: impl Iterator<Item = Preset>,
) -> Result<()> {
    let seeds: BTreeMap<&str, Preset> = presets.map(|preset| (ground.profile.seed(preset), preset)).collect();
    for (name, preset) in seeds {
        let root = ground.seed(preset).root;
        let seed = seed::load(&seed_path(context, name))?;
        if store.lacks(&root) && unpacked(context, store, name, &seed)? != root {
            let why = "it unpacks to another tree";
            context.cache.refuse(&key(&seed), why);
            return Err(Trouble::Failed(format!("the seed `{name}` is not what was taken for it: {why}")));
        }
    }
    Ok(())
}

/// The same, of what is in the store already; `None` when a seed that these plans need is not unpacked.
pub fn if_there(
    context: &Context,
    store: &Store,
    profile: Profile,
    plans: &[Plan],
) -> Result<Option<Ground>> {
    let nodes = plans.iter().flat_map(|plan| plan.nodes());
    let names: BTreeSet<&str> = nodes.map(|node| profile.seed(node.variant.preset)).collect();
    let mut seeds = BTreeMap::new();
    for name in names {
        let seed = seed::load(&seed_path(context, name))?;
        let Some(outcome) = store.result(&key(&seed)) else { return Ok(None) };
        seeds.insert(name.to_string(), outcome.output);
    }
    Ok(Some(Ground::new(store, profile, &seeds)?))
}

/// The seed's tree. Unpacking is an action like any other: its key is what the seed pins.
pub fn unpacked(context: &Context, store: &Store, name: &str, seed: &Seed) -> Result<Digest> {
    let keyed = action(seed).keyed();
    // One that was taken is not here, and no cache lends what its own places have.
    let here = || store.result(&keyed.key).filter(|outcome| !store.lacks(&outcome.output));
    if let Some(outcome) = here() {
        return Ok(outcome.output);
    }
    let _held = store.lock_action(&keyed.key)?;
    if let Some(outcome) = here() {
        return Ok(outcome.output);
    }
    let outcome = unpack(context, store, name, seed)?;
    store.put_result(&keyed, &outcome)?;
    store.set_root(&format!("seed-{name}"), &[Kept::Action(keyed.key)])?;
    Ok(outcome.output)
}

/// The key of a seed's unpacking.
pub fn key(seed: &Seed) -> Digest {
    action(seed).keyed().key
}

fn action(seed: &Seed) -> Action {
    let mut input = Tree::default();
    for (at, wanted) in seed::wanted(seed).iter().enumerate() {
        let digest = Digest { sha256: wanted.sha256, size_bytes: wanted.size_bytes.unwrap_or(0) };
        input.insert(format!("debs/{at}.deb"), Node::File { digest, executable: false });
    }
    input.insert("seed", Node::File { digest: seed.key(), executable: false });
    Action {
        arguments: vec!["rootbrew".into(), "seed".into(), "unpack".into()],
        environment: [("KEG".to_string(), "/kegs/seed/0".to_string())].into(),
        working_directory: String::new(),
        output: "out".into(),
        platform: Default::default(),
        input,
    }
}

fn unpack(context: &Context, store: &Store, name: &str, seed: &Seed) -> Result<Outcome> {
    let view = View::new(context, 0);
    fetch_debs(context, store, seed, &view)?;
    let begun = Instant::now();
    let tree = seed::unpack(seed, store, &|_| ())?;
    let output = store.put_tree(&tree)?;
    // The seed's files were put without waiting: one wait for all, before a result names them.
    store.sync()?;
    let wall_s = begun.elapsed().as_secs_f64();
    view.show(Event::Unpacked { seed: name.to_string(), files: tree.nodes.len(), wall_s });
    view.close(context)?;
    Ok(Outcome::new(output, wall_s))
}

fn fetch_debs(context: &Context, store: &Store, seed: &Seed, view: &View) -> Result<()> {
    let events = |event: fetch::Event| {
        if let Step::Retrying { place, reason, pause } = event.step {
            let (name, pause_s) = (event.wanted.name.clone(), pause.as_secs_f64());
            view.show(Event::Retrying { name, place: place.into(), reason: reason.into(), pause_s });
        }
    };
    let wanted = seed::wanted(seed);
    let bytes: u64 = wanted.iter().filter_map(|wanted| wanted.size_bytes).sum();
    crate::terminal::event(
        "fetch",
        "seed",
        &format!("{} files, {}", wanted.len(), crate::terminal::bytes(bytes)),
    );
    let results = fetch::fetch(&wanted, &context.places, store, &events, context.cancel.flag());
    let faults: Vec<String> =
        results.into_iter().filter_map(|result| Some(result.err()?.to_string())).collect();
    match faults.is_empty() {
        true => Ok(()),
        false if context.cancel.is_said() => Err(Trouble::Cancelled),
        false => {
            let help = "a pinned file that no place has any more: `rootbrew seed refresh` pins the seed anew";
            Err(Trouble::Failed(format!("{}\n{help}", faults.join("\n"))))
        }
    }
}
