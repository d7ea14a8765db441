//! Who needs whom, over recipes and roles: reach, reverse, the shortest chain, a tree, a picture.
//!
//! A graph is put together from plans, one or many (each role has options of its own), and holds names, kinds and the
//! places where somebody wrote the need. Pure: it reads no file and builds nothing.
//!
//! ```text
//! role web --keg--> nginx --link--> openssl@3 --build--> perl
//!                     '--tool--> seed-cc                 (unwritten: the compiler and the preset's own)
//! ```

mod picture;
#[cfg(test)]
mod tests;
mod tree;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use builder::plan::{Kind, Node, Plan};
use builder::recipe::{Dep, Variant};
use kegs::fault::Text;

pub use picture::svg;
pub use tree::tree;

/// What ties one to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// A role holds the keg.
    Keg,
    Link,
    Run,
    Build,
    /// The compiler and the preset's own tools: nobody wrote it.
    Tool,
}

/// Every need that somebody wrote, in the order in which they are told.
pub const WRITTEN: [Need; 4] = [Need::Keg, Need::Link, Need::Run, Need::Build];

impl Need {
    pub fn word(self) -> &'static str {
        match self {
            Need::Keg => "keg",
            Need::Link => "link",
            Need::Run => "run",
            Need::Build => "build",
            Need::Tool => "tool",
        }
    }
}

/// A recipe's slot or a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    /// None: a role.
    pub version: Option<String>,
}

/// Kinds of one need, each with `file:line` where it was written.
pub type Ties = BTreeMap<Need, Option<String>>;

/// Names: `zlib`, `openssl@3`, `role web`.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub things: BTreeMap<String, Thing>,
    /// From who needs to what is needed.
    pub needs: BTreeMap<String, BTreeMap<String, Ties>>,
}

impl Graph {
    /// Adds every keg of a plan; what other plans brought stays.
    pub fn add_plan(&mut self, plan: &Plan) {
        for node in plan.nodes() {
            let version = Some(node.variant.version.to_string());
            self.things.insert(node.name(), Thing { version });
            for (kind, targets) in &node.deps {
                for target in targets {
                    self.add_need(node, *kind, &plan.nodes()[*target]);
                }
            }
        }
    }

    /// Adds a role over its plan: a need of each keg that it asks for.
    pub fn add_role(&mut self, name: &str, text: &Text, plan: &Plan) {
        self.add_plan(plan);
        let role = format!("role {name}");
        self.things.insert(role.clone(), Thing { version: None });
        let needs = self.needs.entry(role).or_default();
        for &at in plan.wanted() {
            let place = text.path().display().to_string();
            needs.entry(plan.nodes()[at].name()).or_default().insert(Need::Keg, Some(place));
        }
    }

    fn add_need(&mut self, from: &Node, kind: Kind, to: &Node) {
        let (need, written) = match kind {
            Kind::Build => (Need::Build, from.variant.build.as_slice()),
            Kind::Link => (Need::Link, from.variant.link.as_slice()),
            Kind::Run => (Need::Run, from.variant.run.as_slice()),
            Kind::Tool => (Need::Tool, [].as_slice()),
        };
        let place = written.iter().find(|dep| means(dep, &to.variant)).map(place);
        self.needs.entry(from.name()).or_default().entry(to.name()).or_default().insert(need, place);
    }

    /// What `name` needs directly, by these kinds.
    pub fn direct<'g>(&'g self, name: &str, kinds: &'g [Need]) -> impl Iterator<Item = (&'g str, &'g Ties)> {
        let needs = self.needs.get(name).into_iter().flatten();
        needs
            .filter(|(_, ties)| kinds.iter().any(|kind| ties.contains_key(kind)))
            .map(|(to, ties)| (to.as_str(), ties))
    }

    /// All that `name` needs, near or far, without itself.
    pub fn reach(&self, name: &str, kinds: &[Need]) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let mut open = vec![name.to_string()];
        while let Some(at) = open.pop() {
            for (to, _) in self.direct(&at, kinds) {
                if found.insert(to.to_string()) {
                    open.push(to.to_string());
                }
            }
        }
        found.remove(name);
        found
    }

    /// The same graph with every arrow turned: needs become dependents.
    pub fn reversed(&self) -> Graph {
        let mut reversed = Graph { things: self.things.clone(), needs: BTreeMap::new() };
        for (from, needs) in &self.needs {
            for (to, ties) in needs {
                reversed.needs.entry(to.clone()).or_default().insert(from.clone(), ties.clone());
            }
        }
        reversed
    }

    /// The shortest chain from one to the other, both ends included; of several the first by name.
    pub fn chain(&self, from: &str, to: &str, kinds: &[Need]) -> Option<Vec<String>> {
        let mut came: BTreeMap<String, String> = BTreeMap::new();
        let mut open = VecDeque::from([from.to_string()]);
        while let Some(at) = open.pop_front() {
            if at == to {
                return Some(back(&came, from, to));
            }
            for (next, _) in self.direct(&at, kinds) {
                if next != from && !came.contains_key(next) {
                    came.insert(next.to_string(), at.clone());
                    open.push_back(next.to_string());
                }
            }
        }
        None
    }

    /// The things whose name is `written`: `openssl` means each of its slots, a role needs no `role ` before it.
    pub fn named(&self, written: &str) -> Vec<String> {
        let plain = written.strip_suffix("@0").unwrap_or(written);
        let slots = format!("{plain}@");
        let role = format!("role {plain}");
        let is = |name: &&String| **name == plain || name.starts_with(&slots) || **name == role;
        self.things.keys().filter(is).cloned().collect()
    }
}

fn back(came: &BTreeMap<String, String>, from: &str, to: &str) -> Vec<String> {
    let mut chain = vec![to.to_string()];
    let mut at = to;
    while at != from {
        at = &came[at];
        chain.push(at.to_string());
    }
    chain.reverse();
    chain
}

/// Whether a written dependency came to this variant: by its name, or by a virtual that it provides.
fn means(dep: &Dep, variant: &Variant) -> bool {
    let slot = dep.slot.as_ref().is_none_or(|slot| *slot == variant.slot);
    slot && (dep.name == variant.name || variant.provides.contains(&dep.name))
}

fn place(dep: &Dep) -> String {
    format!("{}:{}", dep.text.path().display(), dep.text.position(dep.span.start).0)
}
