//! `rootbrew shell`: a keg's sandbox, by hand. As its failed build left it, else empty before the first step.

use builder::schedule::{again, left, outlook};
use kegs::Digest;

use crate::context::Context;
use crate::terminal::talk;
use crate::trouble::{Result, Trouble};
use crate::work::{self, Target, build, ground};

pub fn run(context: &Context, name: &str) -> Result<()> {
    let profile = ground::profile(context)?;
    let targets = work::targets(context, &[name.to_string()], &ground::implied(&profile))?;
    let target = targets.into_iter().find(|target| target.role.is_none());
    let target = target
        .ok_or_else(|| Trouble::Failed(format!("`{name}` is a role: a shell opens in a recipe's sandbox")))?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let ground = ground::ground(context, &store, profile, [&target.plan])?;
    let at = target.plan.wanted()[0];
    let keg = target.plan.nodes()[at].name();
    let outputs = dependencies(context, &store, &ground, &target, at)?;
    let world = builder::schedule::World {
        store: &store,
        ground: &ground,
        places: &context.places,
        jobs: context.jobs,
        limits: context.limits.clone(),
        cancel: &context.cancel,
        events: &|_| (),
    };
    outlook::fetch(&target.plan.nodes()[at].variant, &world).map_err(Trouble::Failed)?;
    let prepared = again::prepared(&target.plan, at, &store, &ground, &outputs)?;
    let (prepared, keyed) =
        prepared.ok_or_else(|| Trouble::Bug(format!("the sources of `{keg}` are unknown")))?;
    let (folder, fresh) = folder(&store, &keg)?;
    talk(&format!(
        "shell   {keg}: `/bin/sh /steps/run` runs the build, `STEPS=\"configure build\"` before it some steps"
    ));
    let code = again::enter(&store, &ground, (&prepared, &keyed), &keg, &folder);
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

/// What the failed build left, or a new folder.
fn folder(store: &kegs::Store, keg: &str) -> Result<(std::path::PathBuf, bool)> {
    let left = left::path(store, keg);
    if left.is_dir() {
        talk(&format!("shell   {keg}: /build is as the failed build left it"));
        return Ok((left, false));
    }
    let fresh = store.stage_path("shell");
    std::fs::create_dir(&fresh)
        .map_err(|error| Trouble::Failed(format!("cannot create {}: {error}", fresh.display())))?;
    Ok((fresh, true))
}

/// Builds what the keg needs, not the keg: its build is what fails.
fn dependencies(
    context: &Context,
    store: &kegs::Store,
    ground: &builder::schedule::action::Ground,
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
