//! Ordering: dependencies before dependents. What can't be ordered holds cycles, and each is named with its edges.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::Arc;

use kegs::{Fault, Faults};

use super::collect::{Collected, Edge, Found};
use super::{Kind, Node, Plan};
use crate::recipe::Variant;

/// A longer cycle is told by its beginning.
const CYCLE_TOLD_MAX: usize = 8;

/// More at once help nobody.
const CYCLES_TOLD_MAX: usize = 16;

pub(super) fn order(collected: Collected) -> Result<Plan, Faults> {
    let Collected { mut found, mut wanted } = collected;
    by_name(&mut found, &mut wanted);
    let mut taken = vec![false; found.len()];
    let sorted = sort(&found, &mut taken);
    cycles(&found, taken).or(())?;
    let mut place = vec![0; found.len()];
    sorted.iter().enumerate().for_each(|(to, &from)| place[from] = to);
    let mut faults = Faults::default();
    let names: Vec<String> =
        found.iter().map(|one| format!("/kegs/{}/{}", one.place.0, one.place.1)).collect();
    let mut nodes = Vec::with_capacity(found.len());
    for &from in &sorted {
        let one = &mut found[from];
        let Some(variant) = one.variant.take() else { continue };
        let mut variant = Arc::unwrap_or_clone(variant);
        place_kegs(&mut variant, &one.edges, &names, &mut faults);
        nodes.push(Node { deps: placed(&one.edges, &place), variant });
    }
    faults.or(Plan { nodes, wanted: wanted.into_iter().map(|at| place[at]).collect() })
}

/// What was found in the order of the walk, by name: the plan is the same whoever asked first.
fn by_name(found: &mut Vec<Found>, wanted: &mut [usize]) {
    let mut names: Vec<usize> = (0..found.len()).collect();
    names.sort_unstable_by_key(|&at| found[at].place);
    let mut rank = vec![0; found.len()];
    names.iter().enumerate().for_each(|(to, &from)| rank[from] = to);
    found.sort_unstable_by_key(|one| one.place);
    found.iter_mut().flat_map(|one| &mut one.edges).for_each(|edge| edge.to = rank[edge.to]);
    wanted.iter_mut().for_each(|at| *at = rank[*at]);
}

fn placed(edges: &[Edge], place: &[usize]) -> BTreeMap<Kind, Vec<usize>> {
    let mut deps: BTreeMap<Kind, Vec<usize>> = BTreeMap::new();
    for edge in edges {
        let list = deps.entry(edge.kind).or_default();
        if !list.contains(&place[edge.to]) {
            list.push(place[edge.to]);
        }
    }
    deps
}

/// `{keg:dep}` becomes the prefix of the slot that was chosen for the dependency of that name.
fn place_kegs(variant: &mut Variant, edges: &[Edge], prefixes: &[String], faults: &mut Faults) {
    let written: Vec<(Option<String>, &str)> = edges
        .iter()
        .map(|edge| {
            let (name, ..) = edge.written(variant);
            (name.map(str::to_string), prefixes[edge.to].as_str())
        })
        .collect();
    let of_recipe = |prefix: &str, name: &str| prefix.split('/').nth(2) == Some(name);
    let keg_of = |name: &str| {
        let as_written = written.iter().find(|(written, _)| written.as_deref() == Some(name));
        let found = as_written.or_else(|| written.iter().find(|(_, prefix)| of_recipe(prefix, name)))?;
        Some(found.1.to_string())
    };
    for name in variant.place_kegs(&keg_of).err().unwrap_or_default() {
        let fault = variant.text.fault(variant.span.clone(), format!("`{{keg:{name}}}` names no dependency"));
        faults.push(fault.help(format!("add `{name}` to `build`, `link` or `run`")).id("P01"));
    }
}

/// Kahn's: a place is taken when all that it needs was. The ready ones are taken by name, so that a plan reads the same
/// everywhere. Returns those that were not `taken` before.
fn sort(found: &[Found], taken: &mut [bool]) -> Vec<usize> {
    let mut missing = vec![0; found.len()];
    let mut needed_by = vec![Vec::new(); found.len()];
    for (at, one) in found.iter().enumerate() {
        for edge in one.edges.iter().filter(|edge| !taken[edge.to]) {
            missing[at] += 1;
            needed_by[edge.to].push(at);
        }
    }
    let free = (0..found.len()).filter(|&at| missing[at] == 0 && !taken[at]);
    let mut ready: BinaryHeap<Reverse<usize>> = free.map(Reverse).collect();
    let mut sorted = Vec::with_capacity(found.len());
    while let Some(Reverse(at)) = ready.pop() {
        sorted.push(at);
        taken[at] = true;
        for &dependent in &needed_by[at] {
            missing[dependent] -= 1;
            if missing[dependent] == 0 && !taken[dependent] {
                ready.push(Reverse(dependent));
            }
        }
    }
    sorted
}

/// A fault a cycle; those that pass through one that is named already show when that is cut.
fn cycles(found: &[Found], mut taken: Vec<bool>) -> Faults {
    let mut faults = Faults::default();
    while let Some(start) = taken.iter().position(|taken| !taken).filter(|_| faults.0.len() < CYCLES_TOLD_MAX)
    {
        let cycle = walk(found, &taken, start);
        faults.push(fault(found, &cycle));
        cycle.iter().for_each(|(at, _)| taken[*at] = true);
        sort(found, &mut taken);
    }
    faults
}

/// From `start` along edges to what was not taken, until the way comes around: the places of the cycle, each with its
/// edge to the next.
fn walk(found: &[Found], taken: &[bool], start: usize) -> Vec<(usize, Edge)> {
    let mut way = Vec::new();
    let mut on_way: Vec<Option<usize>> = vec![None; found.len()];
    let mut here = start;
    loop {
        if let Some(begun) = on_way[here] {
            return way.split_off(begun);
        }
        let edge = found[here].edges.iter().find(|edge| !taken[edge.to]);
        let edge = *edge.unwrap_or_else(|| unreachable!("who needs only what was taken was taken"));
        on_way[here] = Some(way.len());
        way.push((here, edge));
        here = edge.to;
    }
}

/// At the edge that closes the cycle.
fn fault(found: &[Found], cycle: &[(usize, Edge)]) -> Fault {
    let told = cycle.iter().take(CYCLE_TOLD_MAX);
    let mut message = String::from("a cycle: ");
    told.for_each(|(at, edge)| message.push_str(&format!("`{}` {} ", found[*at].place.0, verb(edge.kind))));
    if cycle.len() > CYCLE_TOLD_MAX {
        message.push_str(&format!("… ({} more) … ", cycle.len() - CYCLE_TOLD_MAX));
    }
    message.push_str(&format!("`{}`", found[cycle[0].0].place.0));
    let (last, edge) = cycle[cycle.len() - 1];
    let Some(variant) = &found[last].variant else { unreachable!("an edge is of a variant") };
    let (_, text, span) = edge.written(variant);
    let help = "cut one edge: build one of them with an option off, or with another recipe";
    text.fault(span, message).label("this closes it").help(help).id("P02")
}

fn verb(kind: Kind) -> &'static str {
    match kind {
        Kind::Build => "builds with",
        Kind::Link => "links",
        Kind::Run => "runs",
        Kind::Tool => "is built by",
    }
}
