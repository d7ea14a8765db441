//! Collecting: from what is asked to one variant a name and slot, with the places that each needs.
//!
//! A worklist, no recursion: a chain of ten thousand recipes is as good as a bush. An option that one asks for may come
//! after its recipe was settled, and may take away a dependency that asked for options itself. So it goes in rounds:
//! each settles by what the round before gathered, until a round gathers just what it settled by. Most plans take one.

use std::collections::HashMap;
use std::sync::Arc;

use kegs::{Faults, Text};
use rayon::prelude::*;

use super::wish::{Wish, Wishes};
use super::{Asked, Implied, Kind};
use crate::recipe::{Catalogue, Cc, Choice, Dep, Variant};

/// Name and slot, as the catalogue holds them.
pub(super) type Place<'a> = (&'a str, &'a str);

/// Options that turn one another on and off may never rest; real ones did in two rounds.
const ROUNDS_MAX: usize = 32;

/// Fewer are settled here: to wake the other cores costs more (10 µs).
const PARALLEL_MIN: usize = 8;

/// An edge: to which of the collected, of which kind, written where.
#[derive(Debug, Clone, Copy)]
pub(super) struct Edge {
    pub to: usize,
    pub kind: Kind,
    /// Which of the variant's dependencies of this kind; of no meaning for tools, which nobody writes.
    pub nth: usize,
}

pub(super) struct Collected<'a> {
    pub found: Vec<Found<'a>>,
    pub wanted: Vec<usize>,
}

/// What was reached under a name and slot.
pub(super) struct Found<'a> {
    pub place: Place<'a>,
    /// None where the recipe has faults of its own.
    pub variant: Option<Arc<Variant>>,
    pub edges: Vec<Edge>,
    gathered: Choice,
    settled_by: Choice,
}

/// Variants of earlier rounds, with the choice that they follow.
type Settled<'a> = HashMap<Place<'a>, (Choice, Result<Arc<Variant>, Faults>)>;

struct Round<'a, 'b> {
    wishes: &'b Wishes<'a>,
    implied: &'b Implied,
    /// What the round before gathered.
    assumed: &'b HashMap<Place<'a>, Choice>,
    settled: &'b mut Settled<'a>,
    at: HashMap<Place<'a>, usize>,
    found: Vec<Found<'a>>,
    faults: Faults,
}

pub(super) fn collect<'a>(
    catalogue: &'a Catalogue,
    asked: &'a Asked,
    implied: &Implied,
) -> Result<Collected<'a>, Faults> {
    let mut faults = Faults::default();
    let wishes = Wishes::new(catalogue, asked, &mut faults);
    let mut assumed = HashMap::new();
    let mut settled = Settled::new();
    for _ in 0..ROUNDS_MAX {
        let mut round = Round {
            wishes: &wishes,
            implied,
            assumed: &assumed,
            settled: &mut settled,
            at: HashMap::new(),
            found: Vec::new(),
            faults: Faults::default(),
        };
        let wanted = round.run(asked);
        let Round { found, faults: more, .. } = round;
        if found.iter().all(|one| one.gathered == one.settled_by) {
            faults.0.extend(more.0);
            return faults.or(Collected { found, wanted });
        }
        assumed = found.into_iter().map(|one| (one.place, one.gathered)).collect();
    }
    Err(restless(&assumed, &settled))
}

/// The options of the last round that the round before did not have.
fn restless(gathered: &HashMap<Place, Choice>, settled: &Settled) -> Faults {
    let moved =
        settled.iter().filter(|(place, (choice, _))| gathered.get(*place).is_some_and(|now| now != choice));
    let faults = moved.filter_map(|((name, _), (_, variant))| {
        let variant = variant.as_ref().ok()?;
        let fault =
            variant.text.fault(variant.span.clone(), format!("the options of `{name}` never come to rest"));
        let help = "they turn a dependency on that turns them off again: ask for them in the role";
        Some(fault.help(help).id("P06"))
    });
    Faults(faults.collect()).or(()).err().unwrap_or_default()
}

impl<'a> Round<'a, '_> {
    /// Follows everything from what is asked; the places of that.
    fn run(&mut self, asked: &'a Asked) -> Vec<usize> {
        let wanted: Vec<usize> =
            asked.kegs.iter().filter_map(|keg| self.find(&Wish::of_asked(keg))).collect();
        let mut next = 0;
        while next < self.found.len() {
            let batch = next..self.found.len();
            next = batch.end;
            for (at, variant) in batch.clone().zip(self.settle(batch)) {
                self.take(at, variant);
            }
        }
        wanted
    }

    /// The variants of a batch, on all cores when they are many.
    fn settle(&mut self, batch: std::ops::Range<usize>) -> Vec<Result<Arc<Variant>, Faults>> {
        for one in &mut self.found[batch.clone()] {
            one.settled_by = self.assumed.get(&one.place).unwrap_or(&one.gathered).clone();
        }
        let (wishes, settled) = (self.wishes, &*self.settled);
        let variant = |one: &Found<'a>| match settled.get(&one.place) {
            Some((choice, variant)) if *choice == one.settled_by => variant.clone(),
            _ => wishes.variant(one.place, &one.settled_by).map(Arc::new),
        };
        let batch = &self.found[batch];
        match batch.len() {
            ..PARALLEL_MIN => batch.iter().map(variant).collect(),
            _ => batch.par_iter().map(variant).collect(),
        }
    }

    fn take(&mut self, at: usize, variant: Result<Arc<Variant>, Faults>) {
        let one = &mut self.found[at];
        // Only options make a second round, and only then is a variant looked for again.
        if !one.settled_by.0.is_empty() || !self.assumed.is_empty() {
            self.settled.insert(one.place, (one.settled_by.clone(), variant.clone()));
        }
        match variant {
            Err(faults) => self.faults.0.extend(faults.0),
            Ok(variant) => {
                let edges = self.edges(&variant);
                self.found[at].edges = edges;
                self.found[at].variant = Some(variant);
            }
        }
    }

    fn edges(&mut self, variant: &Variant) -> Vec<Edge> {
        let mut edges = Vec::new();
        for kind in [Kind::Build, Kind::Link, Kind::Run] {
            for (nth, dep) in deps(variant, kind).iter().enumerate() {
                edges.extend(self.find(&Wish::of_dep(dep, variant)).map(|to| Edge { to, kind, nth }));
            }
        }
        self.tools(variant, &mut edges);
        edges
    }

    /// The compiler and the preset's tools, for which nobody wrote a line: faults point at the recipe's slot.
    fn tools(&mut self, variant: &Variant, edges: &mut Vec<Edge>) {
        let implied = self.implied;
        let cc = (variant.cc == Cc::Profile).then_some(implied.cc.as_str());
        let names = cc.into_iter().chain(implied.tools(variant.preset));
        for name in names.filter(|name| *name != variant.name) {
            let to = self.find(&Wish::of_tool(name, variant));
            edges.extend(to.map(|to| Edge { to, kind: Kind::Tool, nth: 0 }));
        }
    }

    /// What a wish reaches; its options are added to what others wished of it.
    fn find(&mut self, wish: &Wish) -> Option<usize> {
        let place = self.wishes.place(wish, &mut self.faults)?;
        let at = *self.at.entry(place).or_insert_with(|| {
            let gathered = self.wishes.options_of_role(place.0);
            self.found.push(Found {
                place,
                variant: None,
                edges: Vec::new(),
                gathered,
                settled_by: Choice::default(),
            });
            self.found.len() - 1
        });
        self.wishes.add_options(place, wish, &mut self.found[at].gathered, &mut self.faults);
        Some(at)
    }
}

/// What is written of a kind; tools are not written.
pub(super) fn deps(variant: &Variant, kind: Kind) -> &[Dep] {
    match kind {
        Kind::Build => &variant.build,
        Kind::Link => &variant.link,
        Kind::Run => &variant.run,
        Kind::Tool => &[],
    }
}

impl Edge {
    /// The name that was written, of a recipe or a virtual; and where.
    pub fn written<'v>(&self, variant: &'v Variant) -> (Option<&'v str>, &'v Text, std::ops::Range<usize>) {
        match deps(variant, self.kind).get(self.nth) {
            Some(dep) => (Some(&dep.name), &dep.text, dep.name_span.clone()),
            None => (None, &variant.text, variant.span.clone()),
        }
    }
}
