//! Collecting: from what is asked to one variant a name and slot, with the names that each needs.
//!
//! A worklist, no recursion: a chain of ten thousand recipes is as good as a bush. When a later asker flips an option of
//! a variant that is settled already, that variant is settled again with both wishes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Range;

use kegs::{Faults, Text};

use super::{Asked, Implied, Kind};
use crate::preset;
use crate::recipe::{Catalogue, Cc, Choice, Dep, OptionValue, Recipe, Variant};

/// Name and slot.
pub(super) type Place = (String, String);

/// An edge that is still a name: to whom, of which kind, where it was written.
pub(super) struct Edge {
    /// As written: a recipe's or a virtual's name.
    pub name: String,
    pub to: Place,
    pub kind: Kind,
    pub text: Text,
    pub span: Range<usize>,
}

pub(super) struct Collected {
    pub variants: BTreeMap<Place, (Variant, Vec<Edge>)>,
    pub wanted: Vec<Place>,
}

/// Somebody's wish: a name, perhaps a slot, options, a bound; and where it stands.
struct Wish<'a> {
    name: &'a str,
    slot: Option<&'a str>,
    dep: Option<&'a Dep>,
    text: &'a Text,
    span: Range<usize>,
}

struct Collector<'a> {
    catalogue: &'a Catalogue,
    asked: &'a Asked,
    implied: &'a Implied,
    choices: BTreeMap<Place, Choice>,
    settled: BTreeMap<Place, (Variant, Vec<Edge>)>,
    /// A recipe that has faults of its own: said once.
    broken: BTreeSet<Place>,
    queue: VecDeque<Place>,
    faults: Faults,
}

pub(super) fn collect(catalogue: &Catalogue, asked: &Asked, implied: &Implied) -> Result<Collected, Faults> {
    let mut collector = Collector {
        catalogue,
        asked,
        implied,
        choices: BTreeMap::new(),
        settled: BTreeMap::new(),
        broken: BTreeSet::new(),
        queue: VecDeque::new(),
        faults: Faults::default(),
    };
    let wanted = collector.wanted();
    while let Some(place) = collector.queue.pop_front() {
        collector.settle(place);
    }
    let Collector { settled, faults, .. } = collector;
    faults.or(Collected { variants: reachable(settled, &wanted), wanted })
}

/// A flipped option may have taken a dependency away again: only what is still reached stays.
fn reachable(
    mut settled: BTreeMap<Place, (Variant, Vec<Edge>)>,
    wanted: &[Place],
) -> BTreeMap<Place, (Variant, Vec<Edge>)> {
    let mut kept = BTreeMap::new();
    let mut queue: Vec<Place> = wanted.to_vec();
    while let Some(place) = queue.pop() {
        if let Some((variant, edges)) = settled.remove(&place) {
            queue.extend(edges.iter().map(|edge| edge.to.clone()));
            kept.insert(place, (variant, edges));
        }
    }
    kept
}

impl<'a> Collector<'a> {
    fn wanted(&mut self) -> Vec<Place> {
        let asked = self.asked;
        let wishes = asked.kegs.iter().map(|keg| Wish {
            name: &keg.name,
            slot: keg.slot.as_deref(),
            dep: None,
            text: &keg.text,
            span: keg.span.clone(),
        });
        wishes.filter_map(|wish| self.find(&wish)).collect()
    }

    /// The place behind a wish; queued when it is new or its options moved.
    fn find(&mut self, wish: &Wish) -> Option<Place> {
        let recipe = self.recipe(wish)?;
        let slot = self.slot(recipe, wish)?;
        let place = (recipe.name.clone(), slot);
        self.wish_options(&place, wish);
        Some(place)
    }

    fn recipe(&mut self, wish: &Wish) -> Option<&'a Recipe> {
        if let Some(recipe) = self.catalogue.recipes.get(wish.name) {
            return Some(recipe);
        }
        let mut providers: Vec<&str> =
            self.catalogue.provides.get(wish.name).into_iter().flatten().map(|one| one.recipe.as_str()).collect();
        providers.dedup();
        let chosen = self.asked.virtuals.get(wish.name).map(String::as_str);
        match (chosen, providers.as_slice()) {
            (Some(name), providers) if providers.contains(&name) => self.catalogue.recipes.get(name),
            (None, [one]) => self.catalogue.recipes.get(*one),
            (_, []) => self.unknown(wish),
            (_, providers) => self.undecided(wish, &providers.join("`, `")),
        }
    }

    fn unknown(&mut self, wish: &Wish) -> Option<&'a Recipe> {
        let fault = wish.fault(format!("unknown dependency `{}`", wish.name)).label("no recipe has this name");
        let fault = match self.catalogue.nearest(wish.name) {
            Some(name) => fault.help(format!("did you mean `{name}`?")),
            None => fault.help(format!("add recipes/{}/recipe.toml, or take this line out", wish.name)),
        };
        self.faults.push(fault);
        None
    }

    fn undecided(&mut self, wish: &Wish, providers: &str) -> Option<&'a Recipe> {
        let message = format!("`{}` has more than one provider, and nobody chose", wish.name);
        let help = format!("say `[virtual] {} = …` in the role, one of `{providers}`", wish.name);
        self.faults.push(wish.fault(message).label("a virtual").help(help));
        None
    }

    fn slot(&mut self, recipe: &Recipe, wish: &Wish) -> Option<String> {
        let Some(slot) = wish.slot else { return Some(self.usual_slot(recipe, wish)) };
        let slots: Vec<&str> = recipe.slots().collect();
        if slots.contains(&slot) {
            return Some(slot.to_string());
        }
        let span = wish.dep.and_then(|dep| dep.slot_span.clone()).unwrap_or(wish.span.clone());
        let fault = wish.text.fault(span, format!("`{}` has no slot `{slot}`", recipe.name));
        self.faults.push(fault.label("no such slot").help(format!("its slots: `{}`", slots.join("`, `"))));
        None
    }

    /// The default slot, unless a virtual was asked that only others provide.
    fn usual_slot(&self, recipe: &Recipe, wish: &Wish) -> String {
        let providers = self.catalogue.provides.get(wish.name).into_iter().flatten();
        let mut slots = providers.filter(|one| one.recipe == recipe.name).map(|one| one.slot.as_str()).peekable();
        let first = slots.peek().copied().unwrap_or(recipe.default_slot());
        let usual = slots.find(|slot| *slot == recipe.default_slot());
        usual.unwrap_or(first).to_string()
    }

    /// Adds a wish's options to what others wished of this place.
    fn wish_options(&mut self, place: &Place, wish: &Wish) {
        let fresh = !self.choices.contains_key(place);
        let mut choice = match self.choices.get(place) {
            Some(choice) => choice.clone(),
            None => self.asked.options.get(&place.0).cloned().unwrap_or_default(),
        };
        let before = choice.clone();
        for (option, value) in wish.dep.iter().flat_map(|dep| &dep.options.0) {
            match choice.0.get(option) {
                Some(other) if other != value => self.option_clash(place, wish, option, other),
                _ => drop(choice.0.insert(option.clone(), value.clone())),
            }
        }
        if fresh || choice != before {
            self.choices.insert(place.clone(), choice);
            self.queue.push_back(place.clone());
        }
    }

    fn option_clash(&mut self, place: &Place, wish: &Wish, option: &str, other: &OptionValue) {
        let said = match other {
            OptionValue::On => "on".to_string(),
            OptionValue::Off => "off".to_string(),
            OptionValue::Value(value) => format!("`{value}`"),
        };
        let message = format!("option `{option}` of `{}` is wanted twice, differently", place.0);
        let help = "one image holds one variant of a slot: change one of the two, or use another slot";
        self.faults.push(wish.fault(message).label(format!("elsewhere it is {said}")).help(help));
    }

    fn settle(&mut self, place: Place) {
        let catalogue = self.catalogue;
        let Some(recipe) = catalogue.recipes.get(&place.0) else { return };
        match recipe.variant(Some(&place.1), &self.choices[&place], &self.asked.arch) {
            Err(faults) if self.broken.insert(place.clone()) => self.faults.0.extend(faults.0),
            Err(_) => {}
            Ok(variant) if !preset::known(variant.preset) => {
                let message = format!("this rootbrew can't build preset `{:?}` yet", variant.preset).to_lowercase();
                let known = "autotools, configure, make, kbuild, script";
                let fault = variant.text.fault(variant.span.clone(), message);
                self.faults.push(fault.help(format!("the presets that build: {known}")));
            }
            Ok(variant) => {
                let edges = self.edges(&variant);
                self.settled.insert(place, (variant, edges));
            }
        }
    }

    fn edges(&mut self, variant: &Variant) -> Vec<Edge> {
        let mut edges = Vec::new();
        let written = [(Kind::Build, &variant.build), (Kind::Link, &variant.link), (Kind::Run, &variant.run)];
        for (kind, deps) in written {
            edges.extend(deps.iter().filter_map(|dep| self.edge(kind, dep)));
        }
        edges.extend(self.tools(variant));
        edges
    }

    fn edge(&mut self, kind: Kind, dep: &Dep) -> Option<Edge> {
        let (text, span) = (&dep.text, dep.name_span.clone());
        let wish = Wish { name: &dep.name, slot: dep.slot.as_deref(), dep: Some(dep), text, span: span.clone() };
        let to = self.find(&wish)?;
        self.check_bound(dep, &to);
        Some(Edge { name: dep.name.clone(), to, kind, text: text.clone(), span })
    }

    fn check_bound(&mut self, dep: &Dep, to: &Place) {
        let Some(bound) = &dep.at_least else { return };
        let Some(version) = self.catalogue.recipes.get(&to.0).and_then(|recipe| recipe.version(&to.1)) else { return };
        if version < bound {
            let span = dep.bound_span.clone().unwrap_or(dep.span.clone());
            let fault = dep.text.fault(span, format!("`{}` is {version} here, {bound} is asked", dep.name));
            self.faults.push(fault.label("not met").help("update that recipe, or lower the bound"));
        }
    }

    /// The compiler and the preset's tools, for which nobody wrote a line: faults point at the recipe's slot.
    fn tools(&mut self, variant: &Variant) -> Vec<Edge> {
        let cc = (variant.cc == Cc::Profile).then_some(self.implied.cc.as_str());
        let names = cc.into_iter().chain(preset::tools(variant.preset).iter().copied());
        let names: Vec<&str> = names.filter(|name| *name != variant.name).collect();
        let (text, span) = (&variant.text, variant.span.clone());
        let mut edge = |name: &str| {
            let wish = Wish { name, slot: None, dep: None, text, span: span.clone() };
            Some(Edge { name: name.into(), to: self.find(&wish)?, kind: Kind::Tool, text: text.clone(), span: span.clone() })
        };
        names.into_iter().filter_map(&mut edge).collect()
    }
}

impl Wish<'_> {
    fn fault(&self, message: String) -> kegs::Fault {
        self.text.fault(self.span.clone(), message)
    }
}
