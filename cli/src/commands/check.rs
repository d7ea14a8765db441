//! `rootbrew check`: builds again with everything varied that may vary, and compares byte for byte.

use builder::schedule::again;
use builder::schedule::{self, execute::Failure};
use kegs::Digest;

use crate::context::Context;
use crate::terminal::{data, event, talk};
use crate::trouble::{Result, Trouble};
use crate::work::{self, Target, build, ground};

pub fn run(context: &Context, names: &[String]) -> Result<()> {
    let profile = ground::profile(context)?;
    let targets = work::targets(context, names, &ground::implied(&profile))?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let ground = ground::ground(context, &store, profile, targets.iter().map(|target| &target.plan))?;
    let mut good = true;
    for target in &targets {
        let built = build::build(context, &store, &ground, target)?;
        let outputs: Vec<Option<Digest>> = built.outputs.into_iter().map(Some).collect();
        for &at in places(target).iter() {
            good &= one(context, &store, &ground, target, at, &outputs)?;
        }
    }
    if good { Ok(()) } else { Err(Trouble::Said) }
}

/// A recipe's name checks that keg; a role's, every keg of it.
fn places(target: &Target) -> Vec<usize> {
    match target.role {
        Some(_) => (0..target.plan.nodes().len()).collect(),
        None => target.plan.wanted().to_vec(),
    }
}

/// Whether one keg comes out the same.
fn one(
    context: &Context,
    store: &kegs::Store,
    ground: &schedule::action::Ground,
    target: &Target,
    at: usize,
    outputs: &[Option<Digest>],
) -> Result<bool> {
    let node = &target.plan.nodes()[at];
    let name = node.name();
    build::fetch_sources(context, store, ground, &target.plan, at)?;
    let prepared = again::prepared(&target.plan, at, store, ground, outputs)?;
    let (prepared, keyed) =
        prepared.ok_or_else(|| Trouble::Bug(format!("`{name}` is built, but its sources are unknown")))?;
    let first = outputs[at].ok_or_else(|| Trouble::Bug(format!("`{name}` has no output")))?;
    let manner = again::varied(schedule::build_place(node.variant.memory_bytes));
    event("check", &name, "again, varied");
    // A clock that is read in seconds must read otherwise, and the first build may have ended in this very one.
    std::thread::sleep(std::time::Duration::from_secs(1));
    let second = again::again(store, ground, (&prepared, &keyed), &name, &manner, context.cancel.flag());
    let second = second.map_err(|failure| failed(&name, &failure))?;
    let differences = again::differences(store, &first, &second)?;
    again::remember(store, &keyed.key, &differences)?;
    if context.json {
        let line = serde_json::json!({ "event": "checked", "keg": name, "differences": differences.len() });
        data(&line.to_string());
    }
    if differences.is_empty() {
        event("same", &name, &first.short());
        return Ok(true);
    }
    event("differs", &name, &format!("{} files", differences.len()));
    for difference in &differences {
        talk(&format!("        {}: {} / {}", difference.path, difference.first, difference.second));
    }
    talk(&format!("hint: the second build's files are blobs of {}", store.folder().display()));
    Ok(false)
}

fn failed(name: &str, failure: &Failure) -> Trouble {
    failure.tail.iter().for_each(|line| talk(&format!("        | {line}")));
    Trouble::Failed(format!("`{name}` built once and failed the second time, varied: {}", failure.end))
}
