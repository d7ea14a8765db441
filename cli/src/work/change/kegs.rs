//! The kegs of a change: built whatever fails, tested, and told beside what the base has.

use std::collections::{BTreeMap, BTreeSet};

use builder::plan::Plan;
use builder::schedule::Report as Built;
use builder::schedule::execute::Failure as Broken;
use ci::affected::Why;
use ci::report::{Became, Failure, Keg, OnBase, Report};
use kegs::Digest;
use workbench::test::{Bench, Checked, Wish};

use super::{Change, base, place};
use crate::commands::test;
use crate::trouble::Result;
use crate::work::{Target, build, ground};

/// The affected kegs in one plan with what their tests need, and what came of it.
pub struct Kegs {
    pub target: Option<Target>,
    pub built: Built,
    allowed: test::Allowed,
    /// Nodes whose own action failed, of all targets: what needs them is not tried again.
    pub broken: Vec<Fault>,
    /// Name to the actions of all targets.
    pub actions: BTreeMap<Digest, bool>,
}

/// One action that failed, as another plan would know it.
pub struct Fault {
    pub keg: String,
    /// Roles that were not tried because of it.
    pub roles: Vec<String>,
    options: String,
}

/// The last lines of a log that a report shows.
const TAIL: usize = 15;

impl Fault {
    pub fn of(plan: &Plan, at: usize) -> Fault {
        Fault { keg: plan.nodes()[at].name(), roles: Vec::new(), options: options(plan, at) }
    }

    /// Whether a plan needs the same.
    pub fn is_in(&self, plan: &Plan) -> bool {
        (0..plan.nodes().len())
            .any(|at| plan.nodes()[at].name() == self.keg && options(plan, at) == self.options)
    }
}

fn options(plan: &Plan, at: usize) -> String {
    let variant = &plan.nodes()[at].variant;
    format!("{:?} {:?}", variant.options, variant.linkage)
}

/// Builds what is affected, and what tests of it need.
pub fn build(change: &Change) -> Result<Kegs> {
    let mut kegs = Kegs {
        target: None,
        built: Built::default(),
        allowed: BTreeMap::new(),
        broken: Vec::new(),
        actions: BTreeMap::new(),
    };
    let names = names(change);
    if names.is_empty() {
        return Ok(kegs);
    }
    let implied = ground::implied(&change.sides.new.profile);
    let (mut target, allowed) = test::target(change.context, &names, &implied)?;
    target.name = "changed kegs".into();
    kegs.built = build::attempt(change.context, change.store, change.grounds.0, &target)?;
    kegs.remember(&target.plan, None);
    say(change, &target.plan, &kegs.built);
    kegs.broken = kegs.built.failures.keys().map(|&at| Fault::of(&target.plan, at)).collect();
    (kegs.target, kegs.allowed) = (Some(target), allowed);
    Ok(kegs)
}

/// As a command line names them: affected by key, or with other tests.
fn names(change: &Change) -> Vec<String> {
    let affected: BTreeSet<&str> = change.affected.kegs.iter().map(|keg| keg.keg.as_str()).collect();
    let tests = other_tests(change);
    let nodes = change.sides.new.recipes.nodes().iter();
    let named = nodes
        .filter(|node| affected.contains(node.name().as_str()) || tests.contains(node.variant.name.as_str()));
    named.map(|node| format!("{}@{}", node.variant.name, node.variant.slot)).collect()
}

fn other_tests<'c>(change: &'c Change) -> BTreeSet<&'c str> {
    let recipes = change.affected.recipes.iter().filter(|recipe| recipe.tests);
    recipes.map(|recipe| recipe.recipe.as_str()).collect()
}

/// What failed, as any build says it.
pub fn say(change: &Change, plan: &Plan, built: &Built) {
    for (&at, broken) in built.failures.iter().filter(|_| !change.context.json) {
        build::failed(&plan.nodes()[at].name(), &plan.nodes()[at].variant.version.to_string(), broken);
    }
}

impl Kegs {
    /// Counts actions of a target, each once: whether it ran.
    pub fn remember(&mut self, plan: &Plan, built: Option<&Built>) {
        let built = built.unwrap_or(&self.built);
        let keys =
            (0..plan.nodes().len()).filter_map(|at| Some((built.keys[at]?, built.wall_s.contains_key(&at))));
        let keys: Vec<(Digest, bool)> = keys.collect();
        keys.into_iter().for_each(|(key, ran)| *self.actions.entry(key).or_default() |= ran);
    }

    fn output(&self, name: &str) -> Option<Digest> {
        let at = place(&self.target.as_ref()?.plan, name)?;
        self.built.outputs.get(at).copied().flatten()
    }
}

/// Tests what came out as other bytes, or has other tests.
pub fn test(change: &Change, kegs: &mut Kegs, report: &mut Report) -> Result<()> {
    let Some(target) = &kegs.target else { return Ok(()) };
    let base = base_outputs(change)?;
    let other_tests = other_tests(change);
    let asked: BTreeSet<String> = names(change).into_iter().collect();
    let is_tested = |at: &usize| {
        let node = &target.plan.nodes()[*at];
        let is_asked = asked.contains(&format!("{}@{}", node.variant.name, node.variant.slot));
        let same =
            kegs.built.outputs[*at].is_some() && kegs.built.outputs[*at] == base.get(&node.name()).copied();
        is_asked && (!same || other_tests.contains(node.variant.name.as_str()))
    };
    let built: Vec<usize> =
        (0..target.plan.nodes().len()).filter(|&at| kegs.built.outputs[at].is_some()).collect();
    let (plan, places) = target.plan.only(&built);
    let outputs: Vec<Digest> = places.iter().filter_map(|&at| kegs.built.outputs[at]).collect();
    let tested: Vec<usize> = (0..plan.nodes().len()).filter(|&at| is_tested(&places[at])).collect();
    let mut bench = Bench::new(change.store, change.grounds.0, &plan, &outputs, &change.context.cancel);
    bench.allowed = kegs.allowed.clone();
    let done = test::all(change.context, &bench, &tested, Wish::default())?;
    for (&at, checked) in tested.iter().zip(&done) {
        let node = &plan.nodes()[at];
        let same = base.get(&node.name()) == Some(&outputs[at]);
        tell_tests(&node.name(), &node.variant.version.to_string(), checked, same, report);
    }
    Ok(())
}

fn tell_tests(name: &str, version: &str, done: &[Checked], same_bytes: bool, report: &mut Report) {
    for checked in done {
        if checked.faults.is_empty() {
            report.tests.passed += 1;
            report.tests.in_store += usize::from(checked.found);
            continue;
        }
        report.tests.failed += 1;
        let lines = checked
            .faults
            .iter()
            .flat_map(|fault| fault.to_string().lines().map(str::to_string).collect::<Vec<_>>());
        let lines: Vec<String> = lines.collect();
        report.failures.push(Failure {
            subject: format!("{name} {version}"),
            step: Some(format!("test {}", checked.name)),
            end: checked.faults[0].message.clone(),
            tail: lines.into_iter().take(TAIL).collect(),
            command: Some(format!("rootbrew test {name}")),
            on_base: if same_bytes { OnBase::Yes } else { OnBase::NotAsked },
            ..Failure::default()
        });
    }
}

/// What the base's kegs came to, by name, where that is in the store.
fn base_outputs(change: &Change) -> Result<BTreeMap<String, Digest>> {
    let Some(plan) = change.base_plan() else { return Ok(BTreeMap::new()) };
    let outputs = super::outputs(plan, change.store, change.grounds.1)?;
    let named = plan.nodes().iter().zip(outputs).filter_map(|(node, output)| Some((node.name(), output?)));
    Ok(named.collect())
}

/// Every affected keg with what became of it; what failed, and whether it fails on the base.
pub fn tell(change: &Change, kegs: Kegs, report: &mut Report) -> Result<()> {
    let every: BTreeSet<String> = change.sides.new.recipes.nodes().iter().map(|node| node.name()).collect();
    report.kegs_in_all = every.len();
    report.cache.actions = kegs.actions.len();
    report.cache.found = kegs.actions.values().filter(|ran| !**ran).count();
    let base = base_outputs(change)?;
    for keg in change.affected.kegs.iter().filter(|keg| keg.version.is_some()) {
        report.kegs.push(one(keg, &kegs, &base));
    }
    let Some(target) = &kegs.target else { return Ok(()) };
    (report.cache.critical, report.cache.critical_s) = critical(&target.plan, &kegs.built);
    // Told before what failed because of it.
    let mut failures = Vec::new();
    for (&at, broken) in &kegs.built.failures {
        let on_base = base::fails(change, change.base_plan(), &change.sides.new.recipes, &target.plan, at)?;
        failures.push(failure(&target.plan, &kegs.built, at, broken, on_base));
    }
    report.failures.splice(0..0, failures);
    for broken in &kegs.broken {
        let begin = format!("{} ", broken.keg);
        let told = report.failures.iter_mut().find(|failure| failure.subject.starts_with(&begin));
        let roles = broken.roles.iter().map(|role| format!("role {role}"));
        told.into_iter().for_each(|failure| failure.not_tried.extend(roles.clone()));
    }
    Ok(())
}

/// One action that failed, as a report tells it.
pub fn failure(plan: &Plan, built: &Built, at: usize, broken: &Broken, on_base: OnBase) -> Failure {
    let node = &plan.nodes()[at];
    let skipped = built.skipped.iter().filter(|(_, because)| **because == at);
    Failure {
        subject: format!("{} {}", node.name(), node.variant.version),
        step: broken.step.as_ref().map(|step| format!("{step} step")),
        end: broken.end.clone(),
        tail: broken.tail[broken.tail.len().saturating_sub(TAIL)..].to_vec(),
        command: Some(format!(
            "rootbrew {} {}",
            if broken.kept.is_some() { "shell" } else { "log" },
            node.name()
        )),
        not_tried: skipped.map(|(&at, _)| plan.nodes()[at].name()).collect(),
        on_base,
    }
}

fn one(keg: &ci::affected::Keg, kegs: &Kegs, base: &BTreeMap<String, Digest>) -> Keg {
    let at = kegs.target.as_ref().and_then(|target| place(&target.plan, &keg.keg));
    let wall_s = at.and_then(|at| kegs.built.wall_s.get(&at).copied());
    let became = match (at, kegs.output(&keg.keg), base.get(&keg.keg)) {
        (Some(at), ..) if kegs.built.failures.contains_key(&at) => Became::Failed,
        (Some(at), ..) if kegs.built.skipped.contains_key(&at) => Became::NotTried,
        (_, Some(new), Some(old)) if new == *old => Became::SameBytes,
        (_, Some(_), Some(_)) => Became::OtherBytes,
        (_, Some(_), None) if keg.why == Why::New => Became::New,
        (_, Some(_), None) => Became::Built,
        (_, None, _) => Became::NotTried,
    };
    Keg {
        keg: keg.keg.clone(),
        version: keg.version.clone().unwrap_or_default(),
        old_version: keg.old_version.clone(),
        why: keg.why.to_string(),
        became,
        wall_s,
        ran: wall_s.is_some(),
    }
}

/// The longest chain of what ran, and its seconds.
fn critical(plan: &Plan, built: &Built) -> (Vec<String>, f64) {
    let mut until: Vec<(f64, Option<usize>)> = Vec::with_capacity(plan.nodes().len());
    for (at, node) in plan.nodes().iter().enumerate() {
        let before = node.all_deps().into_iter().max_by(|&a, &b| until[a].0.total_cmp(&until[b].0));
        let begins_s = before.map_or(0.0, |dep| until[dep].0);
        until.push((begins_s + built.wall_s.get(&at).copied().unwrap_or(0.0), before));
    }
    let Some(last) = (0..until.len()).max_by(|&a, &b| until[a].0.total_cmp(&until[b].0)) else {
        return (Vec::new(), 0.0);
    };
    let mut chain = Vec::new();
    let mut next = Some(last);
    while let Some(at) = next {
        if built.wall_s.contains_key(&at) {
            chain.push(plan.nodes()[at].name());
        }
        next = until[at].1;
    }
    chain.reverse();
    (chain, until[last].0)
}
