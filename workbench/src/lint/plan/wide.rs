//! What the plans show that stops none of them: P05 slot-clash, P07 virtual-lonely, P08 eol-dep, P09 unreachable.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use builder::plan::{Kind, Plan};
use builder::recipe::{Dep, Recipe, Variant};

use super::Plans;
use crate::lint::doc::{Doc, Inner};
use crate::lint::finding::Finding;
use crate::lint::tap::Tap;

pub fn findings(tap: &Tap, plans: &Plans) -> Vec<Finding> {
    let all = || plans.recipes.iter().chain(plans.roles.iter().map(|(_, plan)| plan));
    let mut findings: Vec<Finding> = all().flat_map(clashes).collect();
    findings.extend(all().flat_map(|plan| outdated(tap, plan)));
    // With a recipe that cannot be planned, who is reached and who is needed is not known.
    if plans.faults.0.is_empty() && tap.faults.0.is_empty() {
        findings.extend(lonely(tap, plans));
        findings.extend(unreachable(tap, plans));
    }
    findings
}

/// P05: two slots of one recipe in what one program links, told at the lowest place where they meet.
fn clashes(plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (at, node) in plan.nodes().iter().enumerate() {
        let linked = node.deps(Kind::Link);
        let mut slots: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for to in plan.link_closure(at) {
            let variant = &plan.nodes()[to].variant;
            slots.entry(&variant.name).or_default().insert(&variant.slot);
        }
        for (name, slots) in slots.iter().filter(|(_, slots)| slots.len() > 1) {
            let both = |below: usize| slots.iter().all(|slot| reaches(plan, below, name, slot));
            if !linked.iter().any(|below| both(*below)) {
                findings.push(clash(plan, &node.variant, linked, name, slots));
            }
        }
    }
    findings
}

/// `below` itself, or what it links.
fn reaches(plan: &Plan, below: usize, name: &str, slot: &str) -> bool {
    let is = |at: usize| {
        let variant = &plan.nodes()[at].variant;
        variant.name == name && variant.slot == slot
    };
    is(below) || plan.link_closure(below).into_iter().any(is)
}

fn clash(plan: &Plan, variant: &Variant, linked: &[usize], name: &str, slots: &BTreeSet<&str>) -> Finding {
    let by = |slot: &&str| {
        let through = linked.iter().find(|below| reaches(plan, **below, name, slot));
        let through = through.map_or("itself", |at| plan.nodes()[*at].variant.name.as_str());
        match through == name {
            true => format!("`{slot}` by itself"),
            false => format!("`{slot}` by `{through}`"),
        }
    };
    let ways: Vec<String> = slots.iter().map(by).collect();
    let last = linked.iter().rev().find(|below| slots.iter().any(|slot| reaches(plan, **below, name, slot)));
    let span = last.map_or(variant.span.clone(), |at| dep_span(variant, &plan.nodes()[*at].variant));
    let message = format!("`{}` links two slots of `{name}`: {}", variant.name, ways.join(", "));
    let fault = variant.text.fault(span, message);
    Finding::new("P05", fault.help("one program holds one of them: let both ways end at the same slot"))
}

/// Where `variant` says that it links `to`, by its name or a virtual's.
fn dep_span(variant: &Variant, to: &Variant) -> Range<usize> {
    let means = |dep: &&Dep| dep.name == to.name || to.provides.contains(&dep.name);
    let exact = |dep: &&Dep| means(dep) && dep.slot.as_ref() == Some(&to.slot);
    let found = variant.link.iter().find(exact).or_else(|| variant.link.iter().find(means));
    found.map_or(variant.span.clone(), |dep| dep.span.clone())
}

/// P08: who needs what was given up.
fn outdated(tap: &Tap, plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    for node in plan.nodes() {
        let variant = &node.variant;
        for to in node.all_deps().into_iter().map(|at| &plan.nodes()[at].variant) {
            let Some(why) = tap.catalogue.recipes.get(&to.name).and_then(|recipe| recipe.given_up(&to.slot))
            else {
                continue;
            };
            let deps = variant.build.iter().chain(&variant.link).chain(&variant.run);
            let dep = deps.into_iter().find(|dep| dep.name == to.name || to.provides.contains(&dep.name));
            if let Some(dep) = dep.filter(|_| why.holds(&tap.today)) {
                let fault = variant
                    .text
                    .fault(dep.span.clone(), format!("`{}@{}` was given up: {}", to.name, to.slot, why.text));
                findings.push(Finding::new("P08", fault.help("move to another slot, or to another recipe")));
            }
        }
    }
    findings
}

/// P07: one provider, and nobody who asks for the virtual by its name.
fn lonely(tap: &Tap, plans: &Plans) -> Vec<Finding> {
    let asked: BTreeSet<&str> = plans
        .recipes
        .iter()
        .flat_map(|plan| plan.nodes())
        .flat_map(|node| node.variant.build.iter().chain(&node.variant.link).chain(&node.variant.run))
        .map(|dep| dep.name.as_str())
        .chain(tap.roles.values().flat_map(|role| role.kegs.iter().map(|keg| keg.name.as_str())))
        .collect();
    let mut findings = Vec::new();
    for (name, providers) in &tap.catalogue.provides {
        let recipes: BTreeSet<&str> = providers.iter().map(|one| one.recipe.as_str()).collect();
        // `cc` is what the toolchain asks for.
        if recipes.len() > 1 || asked.contains(name.as_str()) || name == "cc" {
            continue;
        }
        let Some(recipe) = recipes.first().and_then(|name| tap.catalogue.recipes.get(*name)) else {
            continue;
        };
        if let Some((_, written)) = recipe.provided().find(|(_, written)| written.value == *name) {
            let fault = recipe.text.fault(
                written.span.clone(),
                format!("nobody needs the virtual `{name}`, and nobody else provides it"),
            );
            findings.push(Finding::new(
                "P07",
                fault.help("a virtual is there for a choice: take it out until there is one"),
            ));
        }
    }
    findings
}

/// P09: in no role's plan, in no other recipe's, and without a test of its own.
fn unreachable(tap: &Tap, plans: &Plans) -> Vec<Finding> {
    let mut reached: BTreeSet<&str> = BTreeSet::new();
    for plan in plans.recipes.iter() {
        let own: BTreeSet<usize> = plan.wanted().iter().copied().collect();
        let others = plan.nodes().iter().enumerate().filter(|(at, _)| !own.contains(at));
        reached.extend(others.map(|(_, node)| node.variant.name.as_str()));
    }
    let of_roles = plans.roles.iter().flat_map(|(_, plan)| plan.nodes());
    reached.extend(of_roles.map(|node| node.variant.name.as_str()));
    // The agent is in every image, and no role names it.
    reached.insert("agent");
    let idle = |recipe: &&Recipe| !reached.contains(recipe.name.as_str()) && !is_tested(recipe);
    let finding = |recipe: &Recipe| {
        let span = 0..recipe.text.content.lines().next().map_or(0, str::len);
        let fault =
            recipe.text.fault(span, format!("nothing reaches `{}`, and no test proves it", recipe.name));
        Finding::new("P09", fault.help("name it in a role, give it a `test`, or remove it"))
    };
    tap.catalogue.recipes.values().filter(idle).map(finding).collect()
}

fn is_tested(recipe: &Recipe) -> bool {
    Doc::parse(&recipe.text)
        .and_then(|doc| doc.get("test").map(|entry| !entry.at.items().is_empty()))
        .unwrap_or(false)
}
