//! The plan: names to an ordered graph of variants. Pure: it reads no file, starts nothing, asks no store.
//!
//! ```text
//! wish      what somebody wrote -> the recipe and slot that it means                    (wish.rs)
//! collect   from what is asked, follow every dependency; one variant a name and slot    (collect.rs)
//! order     dependencies before dependents; what is left over is a cycle                (order.rs)
//! ```
//! There is no search: a tap holds one version a slot, so a plan is a look-up. All faults of all recipes come in one go.

mod collect;
mod order;
#[cfg(test)]
mod tests;
mod wish;

use std::collections::{BTreeMap, BTreeSet};

use kegs::Faults;

use crate::recipe::{Catalogue, Cc, Linkage, OptionValue, Preset, Variant};

/// What a plan is for.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// Names of recipes or virtuals, `name` or `name@slot`, each with the place where somebody wrote it.
    pub kegs: Vec<AskedKeg>,
    /// Options as a role flips them; they hold for every slot of their recipe.
    pub options: Vec<AskedOption>,
    /// Virtual to the recipe, and perhaps the slot, that is to provide it.
    pub virtuals: BTreeMap<String, AskedKeg>,
    /// The same for one recipe that asks, by its name: before the choice for all.
    pub virtuals_of: BTreeMap<String, BTreeMap<String, AskedKeg>>,
    /// Of every recipe that says none itself and is not built by the seed's compiler.
    pub linkage: Option<Linkage>,
    pub arch: String,
}

#[derive(Debug, Clone)]
pub struct AskedKeg {
    pub name: String,
    pub slot: Option<String>,
    pub text: kegs::Text,
    pub span: std::ops::Range<usize>,
}

#[derive(Debug, Clone)]
pub struct AskedOption {
    pub recipe: String,
    pub option: String,
    pub value: OptionValue,
    pub text: kegs::Text,
    pub span: std::ops::Range<usize>,
}

/// What builds bring unwritten: the provider of `cc`, and the kegs that a preset runs.
#[derive(Debug, Clone, Default)]
pub struct Implied {
    /// The recipe behind the word `cc`, for recipes whose `cc` is the profile's.
    pub cc: String,
    /// What presets run, where the profile says others than [`tools`](crate::preset::tools) does.
    pub tools: BTreeMap<Preset, Vec<String>>,
}

impl Implied {
    /// The recipes whose programs a preset runs.
    pub fn tools(&self, preset: Preset) -> Vec<&str> {
        match self.tools.get(&preset) {
            Some(tools) => tools.iter().map(String::as_str).collect(),
            None => crate::preset::tools(preset).to_vec(),
        }
    }
}

/// The kinds of an edge; what a sandbox sees follows from them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Its programs run in the build.
    Build,
    /// Its headers and libraries are used.
    Link,
    /// It is needed when the keg runs.
    Run,
    /// The compiler and the preset's own tools.
    Tool,
}

/// One keg to be: its variant, and its dependencies as places in the plan, all smaller than its own.
#[derive(Debug, Clone)]
pub struct Node {
    pub variant: Variant,
    pub deps: BTreeMap<Kind, Vec<usize>>,
}

/// Nodes in an order in which each stands after what it needs: acyclic by construction.
#[derive(Debug, Clone)]
pub struct Plan {
    nodes: Vec<Node>,
    /// The places of what was asked, in the order of asking.
    wanted: Vec<usize>,
}

/// The closures behind one node's sandbox, each nearest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    pub link: Vec<usize>,
    pub build: Vec<usize>,
    pub tool: Vec<usize>,
    /// All three, in the plan's order.
    pub all: Vec<usize>,
}

/// Plans what is asked from a tap. All faults at once: unknown names, missing slots, unmet bounds, options that can't be
/// had together, cycles.
pub fn plan(catalogue: &Catalogue, asked: &Asked, implied: &Implied) -> Result<Plan, Faults> {
    let collected = collect::collect(catalogue, asked, implied)?;
    order::order(collected)
}

/// A slot of a recipe as a person writes it: `name`, or `name@slot` where the slot is not the constant one.
pub fn called(name: &str, slot: &str) -> String {
    if slot == "0" { name.to_string() } else { format!("{name}@{slot}") }
}

impl Node {
    pub fn deps(&self, kind: Kind) -> &[usize] {
        self.deps.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// `name`, or `name@slot` where the slot is not the constant one.
    pub fn name(&self) -> String {
        called(&self.variant.name, &self.variant.slot)
    }

    /// `<name>-<version>`: the readable part of a laid-out keg's folder.
    pub fn label(&self) -> String {
        format!("{}-{}", self.variant.name, self.variant.version)
    }

    pub fn all_deps(&self) -> BTreeSet<usize> {
        self.deps.values().flatten().copied().collect()
    }
}

impl Plan {
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn wanted(&self) -> &[usize] {
        &self.wanted
    }

    /// What `at` links, and what that links: all that a static link or a header may need, nearest first.
    pub fn link_closure(&self, at: usize) -> Vec<usize> {
        self.closure(self.nodes[at].deps(Kind::Link), &[Kind::Link])
    }

    /// The kegs whose programs run in the build of `at`: its `build` deps with what they need to run.
    pub fn build_closure(&self, at: usize) -> Vec<usize> {
        self.closure(self.nodes[at].deps(Kind::Build), &[Kind::Run, Kind::Link])
    }

    /// The compiler and tools, with what they link: a C compiler brings its C library and headers.
    pub fn tool_closure(&self, at: usize) -> Vec<usize> {
        self.closure(self.nodes[at].deps(Kind::Tool), &[Kind::Run, Kind::Link])
    }

    /// Every keg that the sandbox of `at` shows, and what for.
    pub fn sight(&self, at: usize) -> Sight {
        let (link, build, tool) = (self.link_closure(at), self.build_closure(at), self.tool_closure(at));
        let mut all = [link.as_slice(), &build, &tool].concat();
        all.sort_unstable();
        all.dedup();
        Sight { link, build, tool, all }
    }

    /// The plan of what stands before `at`: all that it may need, and not itself.
    pub fn before(&self, at: usize) -> Plan {
        Plan { nodes: self.nodes[..at].to_vec(), wanted: self.nodes[at].all_deps().into_iter().collect() }
    }

    /// These and all that they need, in the same order; they are what is wanted. Beside it, of each node its place here.
    pub fn only(&self, wanted: &[usize]) -> (Plan, Vec<usize>) {
        let places: BTreeSet<usize> =
            self.closure(wanted, &[Kind::Build, Kind::Link, Kind::Run, Kind::Tool]).into_iter().collect();
        let places: Vec<usize> = places.into_iter().collect();
        // Every dependency is among them, and sorted as they are.
        let moved = |deps: &[usize]| deps.iter().filter_map(|dep| places.binary_search(dep).ok()).collect();
        let node = |at: usize| Node {
            variant: self.nodes[at].variant.clone(),
            deps: self.nodes[at].deps.iter().map(|(kind, deps)| (*kind, moved(deps))).collect(),
        };
        let nodes = places.iter().map(|&at| node(at)).collect();
        (Plan { nodes, wanted: moved(wanted) }, places)
    }

    /// Every keg that a machine running `at` may need: itself, what it links, what it runs; and where something of that is
    /// linked shared, what programs of its compiler run with: the C library.
    pub fn run_closure(&self, at: usize) -> Vec<usize> {
        let kinds = [Kind::Run, Kind::Link];
        let mut own = self.closure(&[at], &kinds);
        let shared = own.iter().filter(|&&at| self.nodes[at].variant.linkage == Linkage::Shared);
        let tools = shared.flat_map(|&at| self.nodes[at].deps(Kind::Tool));
        let theirs: Vec<usize> = tools.flat_map(|&tool| self.nodes[tool].deps(Kind::Run)).copied().collect();
        own.extend(theirs);
        self.closure(&own, &kinds)
    }

    /// Breadth first, each once.
    fn closure(&self, from: &[usize], kinds: &[Kind]) -> Vec<usize> {
        // A bit a node: ten thousand of them are zeroed in less time than a set takes to hash one.
        let mut known = vec![0_u64; self.nodes.len().div_ceil(64)];
        let mut add = |found: &mut Vec<usize>, at: usize| {
            if known[at / 64] & (1 << (at % 64)) == 0 {
                known[at / 64] |= 1 << (at % 64);
                found.push(at);
            }
        };
        let mut found = Vec::new();
        from.iter().for_each(|&at| add(&mut found, at));
        let mut next = 0;
        while let Some(&at) = found.get(next) {
            next += 1;
            for kind in kinds {
                self.nodes[at].deps(*kind).iter().for_each(|&dep| add(&mut found, dep));
            }
        }
        found
    }

    /// The nodes in levels: none needs another of its own level, so that a level can be worked on by all cores.
    pub fn levels(&self) -> Vec<Vec<usize>> {
        let mut level_of = Vec::with_capacity(self.nodes.len());
        let mut levels: Vec<Vec<usize>> = Vec::new();
        for (at, node) in self.nodes.iter().enumerate() {
            let level = node.deps.values().flatten().map(|&dep| level_of[dep] + 1).max().unwrap_or(0);
            level_of.push(level);
            if levels.len() == level {
                levels.push(Vec::new());
            }
            levels[level].push(at);
        }
        levels
    }

    /// Places that need `at` directly.
    pub fn dependents(&self) -> Vec<Vec<usize>> {
        let mut dependents = vec![Vec::new(); self.nodes.len()];
        for (at, node) in self.nodes.iter().enumerate() {
            for dep in node.all_deps() {
                dependents[dep].push(at);
            }
        }
        dependents
    }

    /// Whether the sandbox of `at` shows the seed's compiler as its own.
    pub fn uses_seed_cc(&self, at: usize) -> bool {
        self.nodes[at].variant.cc == Cc::Seed
    }
}
