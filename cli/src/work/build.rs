//! A target's plan, built: shown before, followed meanwhile, summed up after.

use std::time::Instant;

use builder::plan::Plan;
use builder::schedule::action::Ground;
use builder::schedule::execute::Failure;
use builder::schedule::outlook::{self, Outlook};
use builder::schedule::{self, Report, World};
use kegs::collect::Kept;
use kegs::{Digest, Store};

use super::{Target, ground};
use crate::context::Context;
use crate::terminal::{data, event, talk, view::View};
use crate::trouble::{Result, Trouble};

/// A file's name has 255 bytes at most, of which staging takes some.
const ROOT_NAME_MAX: usize = 200;

/// What a build came to: the output tree of every node of the plan, and how much was to do.
pub struct Built {
    pub outputs: Vec<Digest>,
    pub keys: Vec<Digest>,
    pub ran: usize,
    pub wall_s: f64,
    pub cpu_s: f64,
    pub own_s: f64,
    /// Of the longest chain of executions.
    pub critical_s: f64,
}

/// Builds what a target needs and keeps it by a root of the target's name.
pub fn build(context: &Context, store: &Store, ground: &Ground, target: &Target) -> Result<Built> {
    let built = make(context, store, ground, target)?;
    keep(store, target, &built)?;
    Ok(built)
}

/// Builds what a target needs; no root keeps it.
pub fn make(context: &Context, store: &Store, ground: &Ground, target: &Target) -> Result<Built> {
    let begun = Instant::now();
    let report = attempt(context, store, ground, target)?;
    if !report.failures.is_empty() {
        if !context.json {
            failures(target, &report);
        }
        return Err(Trouble::Said);
    }
    let built = whole(target, report, begun)?;
    if target.role.is_none() {
        // Somebody wants these kegs; of a role, the image.
        store.bring(&target.plan.wanted().iter().map(|&at| built.outputs[at]).collect::<Vec<_>>())?;
    }
    Ok(built)
}

/// Builds what can be built of a target, whatever fails of it.
pub fn attempt(context: &Context, store: &Store, ground: &Ground, target: &Target) -> Result<Report> {
    let outlooks = outlook::outlook(&target.plan, store, ground)?;
    announce(context, store, target, &outlooks);
    let report = match all_in_store(&outlooks) {
        Some(report) => report,
        None => {
            let nodes = target.plan.nodes().iter().zip(&outlooks);
            let runs = nodes.filter(|(_, outlook)| !matches!(outlook, Outlook::InStore { .. }));
            ground::unpack_for(context, store, ground, runs.map(|(node, _)| node.variant.preset))?;
            run(context, store, ground, target)?
        }
    };
    if report.cancelled { Err(Trouble::Cancelled) } else { Ok(report) }
}

fn run(context: &Context, store: &Store, ground: &Ground, target: &Target) -> Result<Report> {
    let view = View::new(context, target.plan.nodes().len());
    let events = |event| view.show(event);
    let report = schedule::build(&target.plan, &world(context, store, ground, &events))?;
    view.close(context)?;
    Ok(report)
}

/// What a build stands on, as the command line has it.
fn world<'a>(
    context: &'a Context,
    store: &'a Store,
    ground: &'a Ground,
    events: &'a (dyn Fn(schedule::Event) + Sync),
) -> World<'a> {
    World {
        store,
        ground,
        places: &context.places,
        jobs: context.jobs,
        limits: context.limits.clone(),
        cancel: &context.cancel,
        events,
    }
}

/// Fetches a keg's sources: one that is in the store may have come without them.
pub fn fetch_sources(
    context: &Context,
    store: &Store,
    ground: &Ground,
    plan: &Plan,
    at: usize,
) -> Result<()> {
    let world = world(context, store, ground, &|_| ());
    outlook::fetch(&plan.nodes()[at].variant, &world).map(drop).map_err(Trouble::Failed)
}

/// `plan    web: 9 kegs, 4 in store, 2 in cache, 3 to build`, and the reason of each that runs or may run.
pub fn announce(context: &Context, store: &Store, target: &Target, outlooks: &[Outlook]) {
    let is_in_cache = |outlook: &Outlook| matches!(outlook, Outlook::InStore { outcome, .. } if store.lacks(&outcome.output));
    if context.json {
        for (keg, version, reason) in reasons(&target.plan, outlooks) {
            let line =
                serde_json::json!({ "event": "runs", "keg": keg, "version": version, "reason": reason });
            data(&line.to_string());
        }
        for (node, _) in target.plan.nodes().iter().zip(outlooks).filter(|(_, outlook)| is_in_cache(outlook))
        {
            data(&serde_json::json!({ "event": "in_cache", "keg": node.name() }).to_string());
        }
        return;
    }
    let in_cache = outlooks.iter().filter(|outlook| is_in_cache(outlook)).count();
    let in_store = outlooks.iter().filter(|outlook| matches!(outlook, Outlook::InStore { .. })).count();
    let count = outlooks.len();
    let rest = match (in_cache, count - in_store) {
        (0, 0) => "all in store, nothing to build".to_string(),
        (0, open) => format!("{in_store} in store, {open} to build"),
        (_, open) => format!("{} in store, {in_cache} in cache, {open} to build", in_store - in_cache),
    };
    talk(&format!("plan    {}: {count} kegs, {rest}", target.name));
    for (keg, version, reason) in reasons(&target.plan, outlooks) {
        event("", &format!("{keg} {version}"), &reason);
    }
}

/// The reason of each node that runs or may run, in the plan's order.
fn reasons(plan: &Plan, outlooks: &[Outlook]) -> Vec<(String, String, String)> {
    let name = |at: usize| plan.nodes()[at].name();
    let reason = |outlook: &Outlook| match outlook {
        Outlook::InStore { .. } => None,
        Outlook::Runs(reason) => Some(reason.to_string()),
        Outlook::After(deps) => {
            let names: Vec<String> = deps.iter().map(|&dep| name(dep)).collect();
            Some(format!("if `{}` gives other bytes", names.join("`, `")))
        }
    };
    let each = outlooks.iter().enumerate();
    each.filter_map(|(at, outlook)| {
        Some((name(at), plan.nodes()[at].variant.version.to_string(), reason(outlook)?))
    })
    .collect()
}

fn all_in_store(outlooks: &[Outlook]) -> Option<Report> {
    let mut report = Report::default();
    for outlook in outlooks {
        let Outlook::InStore { key, outcome } = outlook else { return None };
        report.keys.push(Some(*key));
        report.outputs.push(Some(outcome.output));
    }
    Some(report)
}

/// A report without a failure.
pub fn whole(target: &Target, report: Report, begun: Instant) -> Result<Built> {
    let whole = |digests: Vec<Option<Digest>>| digests.into_iter().collect::<Option<Vec<Digest>>>();
    let lost = || Trouble::Bug("a build without a failure left a keg without an output".into());
    let critical_s = report.critical_s(&target.plan);
    Ok(Built {
        critical_s,
        outputs: whole(report.outputs).ok_or_else(lost)?,
        keys: whole(report.keys).ok_or_else(lost)?,
        ran: report.ran,
        wall_s: begun.elapsed().as_secs_f64(),
        cpu_s: report.cpu_s,
        own_s: report.own_s,
    })
}

/// For each failure: what, where, the last lines, and what to type next.
fn failures(target: &Target, report: &Report) {
    for (at, failure) in &report.failures {
        if failure.cancelled {
            continue;
        }
        let node = &target.plan.nodes()[*at];
        failed(&node.name(), &node.variant.version.to_string(), failure);
    }
    let count = report.failures.len();
    let skipped = report.skipped.len();
    talk(&format!("{count} failed, {skipped} not tried because of it, the rest is built"));
}

pub fn failed(name: &str, version: &str, failure: &Failure) {
    talk("");
    let step = failure.step.as_ref().map_or(String::new(), |step| format!("{step}: "));
    event("failed", &format!("{name} {version}"), &format!("{step}{}", failure.end));
    failure.tail.iter().for_each(|line| talk(&format!("        | {line}")));
    if let Some(log) = &failure.log {
        talk(&format!("        log: {}", log.display()));
        talk(&format!("hint: `rootbrew log {name}` shows it whole"));
    }
    if failure.kept.is_some() {
        talk(&format!("hint: `rootbrew shell {name}` opens this sandbox as it was left"));
    }
}

/// What garbage collection keeps for a target: every action of its plan, and their sources.
fn keep(store: &Store, target: &Target, built: &Built) -> Result<()> {
    let mut kept: Vec<Kept> = built.keys.iter().map(|key| Kept::Action(*key)).collect();
    for node in target.plan.nodes() {
        let sources = outlook::sources(&node.variant, store);
        kept.extend(sources.into_iter().filter_map(|have| match have {
            schedule::action::Have::Blob(digest) => Some(Kept::Blob(digest)),
            schedule::action::Have::Tree(root) => Some(Kept::Tree(root)),
            schedule::action::Have::Nothing => None,
        }));
    }
    let kind = if target.role.is_some() { "role" } else { "kegs" };
    let mut name = format!("{kind}-{}", target.name.replace(['/', ' '], "+"));
    if name.len() > ROOT_NAME_MAX {
        name = format!("{kind}-{}", Digest::of(name.as_bytes()).short());
    }
    Ok(store.set_root(&name, &kept)?)
}
