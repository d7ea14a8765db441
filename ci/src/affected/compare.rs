//! Two plans of one target, node by node: whose action is another one, and why.
//!
//! ```text
//! own      with every dependency as it was, is the action the same?   other: its own reason
//! bytes    of two that differ, do both results lie in the store?      the same bytes: what stands above is not touched
//! after    a dependency may give other bytes                          "if `zlib` gives other bytes"
//! ```
//! A recipe whose folder, options and dependencies are as they were is not keyed at all: its key could only be the same.

use std::collections::{BTreeMap, BTreeSet};

use builder::plan::{Kind, Node, Plan};
use builder::recipe::Variant;
use builder::schedule::action::{Ground, Have, PrepareError, Prepared, prepare};
use builder::schedule::inputs::Reason;
use kegs::Digest;

/// The plans, what stands in for their seeds, and whose folders differ.
pub struct Pair<'a> {
    pub new: &'a Plan,
    pub base: &'a Plan,
    pub new_ground: &'a Ground,
    pub base_ground: &'a Ground,
    /// Recipes with another file.
    pub touched: &'a BTreeSet<String>,
    /// The toolchain or a seed is another one: everything is keyed.
    pub all_touched: bool,
}

/// What a node's action is, beside the one that it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    Same,
    New,
    Changed(Reason),
    /// It is another one if these, by their place in the new plan, give other bytes.
    After(Vec<usize>),
}

/// What its output is, beside the one that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bytes {
    Same,
    Other,
    /// One of them is not in the store.
    Unknown,
}

/// A comparison: what was said of each node of the new plan, and nodes of the base that nobody has any more.
#[derive(Debug)]
pub struct Compared {
    pub states: Vec<State>,
    pub bytes: Vec<Bytes>,
    /// Of each, its place in the base's plan.
    pub base_of: Vec<Option<usize>>,
    pub gone: Vec<usize>,
}

/// The outputs of both plans' nodes, as far as a store has them.
pub type Outputs = (Vec<Option<Digest>>, Vec<Option<Digest>>);

impl Pair<'_> {
    /// `outputs` is asked only when something differs.
    ///
    /// # Errors
    /// A file that a recipe names can't be read; the store's.
    pub fn compare<E: From<PrepareError>>(
        &self,
        outputs: impl FnOnce() -> Result<Outputs, E>,
    ) -> Result<Compared, E> {
        let base_at: BTreeMap<_, _> = self.base.nodes().iter().map(place).zip(0..).collect();
        let base_of: Vec<Option<usize>> =
            self.new.nodes().iter().map(|node| base_at.get(&place(node)).copied()).collect();
        let own = self.own(&base_of)?;
        let kept: BTreeSet<usize> = base_of.iter().flatten().copied().collect();
        let gone = (0..self.base.nodes().len()).filter(|at| !kept.contains(at)).collect();
        if own.iter().all(|state| *state == State::Same) {
            let bytes = vec![Bytes::Same; own.len()];
            return Ok(Compared { states: own, bytes, base_of, gone });
        }
        let (new, base) = outputs()?;
        let known = |at: usize| {
            let pair = new
                .get(at)
                .copied()
                .flatten()
                .zip(base_of[at].and_then(|at| base.get(at).copied().flatten()));
            pair.map_or(Bytes::Unknown, |(new, base)| if new == base { Bytes::Same } else { Bytes::Other })
        };
        let (states, bytes) = self.spread(own, &known);
        Ok(Compared { states, bytes, base_of, gone })
    }

    /// Each by itself, as if all that it sees were as it was.
    fn own(&self, base_of: &[Option<usize>]) -> Result<Vec<State>, PrepareError> {
        let mut like: Vec<bool> = Vec::with_capacity(base_of.len());
        let mut states = Vec::with_capacity(base_of.len());
        for (at, base) in base_of.iter().enumerate() {
            let Some(base) = *base else {
                like.push(false);
                states.push(State::New);
                continue;
            };
            let edges = self.edges(self.new, at) == self.edges(self.base, base);
            let all = self.new.nodes()[at].all_deps().into_iter().all(|dep| like[dep]);
            // What it sees follows from the edges of all below.
            like.push(edges && all);
            let settled = settled(&self.new.nodes()[at].variant) == settled(&self.base.nodes()[base].variant);
            let touched = self.all_touched || self.touched.contains(&self.new.nodes()[at].variant.name);
            states.push(match edges && all && settled && !touched {
                true => State::Same,
                false => self.keyed(at, base)?,
            });
        }
        Ok(states)
    }

    fn edges<'p>(&self, plan: &'p Plan, at: usize) -> Vec<(Kind, Vec<(&'p str, &'p str)>)> {
        let deps = plan.nodes()[at].deps.iter();
        deps.map(|(kind, deps)| (*kind, deps.iter().map(|&dep| place(&plan.nodes()[dep])).collect()))
            .collect()
    }

    fn keyed(&self, at: usize, base: usize) -> Result<State, PrepareError> {
        let (new, old) =
            (stand_in(self.new, at, self.new_ground)?, stand_in(self.base, base, self.base_ground)?);
        let (Some(new), Some(old)) = (new, old) else { return Ok(State::Changed(Reason::Source)) };
        if new.action.keyed().key == old.action.keyed().key {
            return Ok(State::Same);
        }
        let reason = new.parts(self.new_ground).reason(Some(&old.parts(self.base_ground)));
        // A part that has no name of its own.
        Ok(State::Changed(if reason == Reason::Lost { Reason::Flags(vec!["args".into()]) } else { reason }))
    }

    /// From what differs by itself up to all that sees it.
    fn spread(&self, own: Vec<State>, known: &dyn Fn(usize) -> Bytes) -> (Vec<State>, Vec<Bytes>) {
        let (mut states, mut bytes, mut clean) = (own, Vec::new(), Vec::<bool>::new());
        for at in 0..states.len() {
            let below = self.new.nodes()[at].deps.values().flatten().all(|&dep| clean[dep]);
            if states[at] == State::Same && !below {
                states[at] = self.above(at, &states, &bytes);
            }
            clean.push(states[at] == State::Same && below);
            bytes.push(if states[at] == State::Same { Bytes::Same } else { known(at) });
        }
        (states, bytes)
    }

    /// Of one that is the same by itself, and has something that is not below it.
    fn above(&self, at: usize, states: &[State], bytes: &[Bytes]) -> State {
        let seen = self.new.sight(at).all;
        let other: Vec<usize> = seen.iter().copied().filter(|&dep| bytes[dep] == Bytes::Other).collect();
        if !other.is_empty() {
            return State::Changed(Reason::Kegs(
                other.into_iter().map(|dep| self.new.nodes()[dep].name()).collect(),
            ));
        }
        let open = seen.into_iter().filter(|&dep| bytes[dep] == Bytes::Unknown);
        let roots: BTreeSet<usize> = open.flat_map(|dep| roots(dep, &states[dep])).collect();
        if roots.is_empty() { State::Same } else { State::After(roots.into_iter().collect()) }
    }
}

fn roots(at: usize, state: &State) -> Vec<usize> {
    match state {
        State::After(roots) => roots.clone(),
        _ => vec![at],
    }
}

fn place(node: &Node) -> (&str, &str) {
    (&node.variant.name, &node.variant.slot)
}

/// What others than the recipe's own files decide of a variant.
fn settled(variant: &Variant) -> impl PartialEq + '_ {
    (&variant.options, variant.linkage, &variant.arch)
}

/// The action with a stand-in, by its name, for each keg that it sees.
fn stand_in(plan: &Plan, at: usize, ground: &Ground) -> Result<Option<Prepared>, PrepareError> {
    let sources: Vec<Have> = plan.nodes()[at].variant.sources.iter().map(source).collect();
    prepare(plan, at, ground, &sources, &|dep| Some(Digest::of(plan.nodes()[dep].name().as_bytes())))
}

/// What names a source's bytes, whether they are here or not.
fn source(source: &builder::recipe::Source) -> Have {
    match (&source.git, source.sha256) {
        (Some(git), _) => Have::Tree(Digest::of(git.commit.as_bytes())),
        (None, Some(sha256)) => Have::Blob(Digest { sha256, size_bytes: source.size_bytes.unwrap_or(0) }),
        (None, None) => Have::Nothing,
    }
}
