//! Ordering: dependencies before dependents. What can't be ordered is a cycle, and is named with its edges.

use std::collections::{BTreeMap, BTreeSet};

use kegs::Faults;

use super::collect::{Collected, Edge, Place};
use super::{Node, Plan};
use crate::recipe::Variant;

pub(super) fn order(collected: Collected) -> Result<Plan, Faults> {
    let Collected { variants, wanted } = collected;
    let sorted = sort(&variants);
    if sorted.len() < variants.len() {
        return Err(Faults(vec![cycle(&variants, &sorted)]));
    }
    let index: BTreeMap<Place, usize> = sorted.iter().cloned().enumerate().map(|(at, place)| (place, at)).collect();
    let mut variants = variants;
    let mut faults = Faults::default();
    let nodes = sorted.iter().filter_map(|place| variants.remove(place)).map(|(mut variant, edges)| {
        place_kegs(&mut variant, &edges, &mut faults);
        let mut deps: BTreeMap<_, Vec<usize>> = BTreeMap::new();
        for edge in edges {
            let list = deps.entry(edge.kind).or_default();
            if !list.contains(&index[&edge.to]) {
                list.push(index[&edge.to]);
            }
        }
        Node { variant, deps }
    });
    let nodes = nodes.collect();
    faults.or(Plan { nodes, wanted: wanted.iter().map(|place| index[place]).collect() })
}

/// `{keg:dep}` becomes the prefix of the slot that was chosen for the dependency of that name.
fn place_kegs(variant: &mut Variant, edges: &[Edge], faults: &mut Faults) {
    let keg_of = |name: &str| {
        let edge = edges.iter().find(|edge| edge.name == name || edge.to.0 == name)?;
        Some(format!("/kegs/{}/{}", edge.to.0, edge.to.1))
    };
    for name in variant.place_kegs(&keg_of).err().unwrap_or_default() {
        let fault = variant.text.fault(variant.span.clone(), format!("`{{keg:{name}}}` names no dependency"));
        faults.push(fault.help(format!("add `{name}` to `build`, `link` or `run`")));
    }
}

/// Kahn's: a place is taken when all that it needs was. The ready ones are taken by name, so that a plan reads the same
/// everywhere.
fn sort(variants: &BTreeMap<Place, (Variant, Vec<Edge>)>) -> Vec<Place> {
    let mut missing: BTreeMap<&Place, usize> = BTreeMap::new();
    let mut needed_by: BTreeMap<&Place, Vec<&Place>> = BTreeMap::new();
    for (place, (_, edges)) in variants {
        let needs: BTreeSet<&Place> = edges.iter().map(|edge| &edge.to).collect();
        missing.insert(place, needs.len());
        needs.into_iter().for_each(|need| needed_by.entry(need).or_default().push(place));
    }
    let mut ready: BTreeSet<&Place> = missing.iter().filter(|(_, count)| **count == 0).map(|(place, _)| *place).collect();
    let mut sorted = Vec::new();
    while let Some(place) = ready.pop_first() {
        sorted.push(place.clone());
        for dependent in needed_by.remove(place).unwrap_or_default() {
            if let Some(count) = missing.get_mut(dependent) {
                *count -= 1;
                if *count == 0 {
                    ready.insert(dependent);
                }
            }
        }
    }
    sorted
}

/// One cycle among what could not be sorted, at the edge that closes it.
fn cycle(variants: &BTreeMap<Place, (Variant, Vec<Edge>)>, sorted: &[Place]) -> kegs::Fault {
    let sorted: BTreeSet<&Place> = sorted.iter().collect();
    let stuck = |place: &Place| !sorted.contains(place);
    // Every stuck place needs a stuck one (or it would have been taken), so following them must come around.
    let next = |place: &Place| variants[place].1.iter().find(|edge| stuck(&edge.to));
    let mut way: Vec<&Place> = variants.keys().filter(|place| stuck(place)).take(1).collect();
    loop {
        let here = way[way.len() - 1];
        let edge = next(here).unwrap_or_else(|| unreachable!("a stuck place needs a stuck place"));
        if let Some(start) = way.iter().position(|place| **place == edge.to) {
            let names: Vec<&str> = way[start..].iter().chain([&way[start]]).map(|place| place.0.as_str()).collect();
            let help = "cut one edge: build one of them with an option off, or with another recipe";
            let fault = edge.text.fault(edge.span.clone(), format!("a cycle: {}", names.join(" needs ")));
            return fault.label("this closes it").help(help);
        }
        way.push(&edge.to);
    }
}
