//! A wish: a name, perhaps a slot, options, a bound; who wrote it, where; and what of the tap it means.
//!
//! Nothing is searched: a tap holds one version a slot, so each answer is a look-up or a fault at the wish's place.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use kegs::{Fault, Faults, Text};

use super::collect::Place;
use super::{Asked, AskedKeg};
use crate::recipe::{Catalogue, Cc, Choice, Dep, Linkage, OptionValue, Preset, Recipe, Variant, nearest};

/// The option of recipes whose preset knows no `linkage`: zlib, openssl.
const SHARED: &str = "shared";

pub(super) struct Wish<'w> {
    name: &'w str,
    slot: Option<&'w str>,
    dep: Option<&'w Dep>,
    /// The recipe whose wish it is; `None`: the role's, or the command line's.
    asker: Option<&'w str>,
    text: &'w Text,
    span: &'w Range<usize>,
}

/// Whom wishes are put to: the tap, and the role's word.
pub(super) struct Wishes<'a> {
    catalogue: &'a Catalogue,
    asked: &'a Asked,
    /// The role's options by recipe.
    options: HashMap<&'a str, Choice>,
}

impl<'w> Wish<'w> {
    pub fn of_asked(keg: &'w AskedKeg) -> Wish<'w> {
        let slot = keg.slot.as_deref();
        Wish { name: &keg.name, slot, dep: None, asker: None, text: &keg.text, span: &keg.span }
    }

    pub fn of_dep(dep: &'w Dep, asker: &'w Variant) -> Wish<'w> {
        let (text, span) = (&dep.text, &dep.name_span);
        let asker = Some(asker.name.as_str());
        Wish { name: &dep.name, slot: dep.slot.as_deref(), dep: Some(dep), asker, text, span }
    }

    pub fn of_tool(name: &'w str, variant: &'w Variant) -> Wish<'w> {
        let asker = Some(variant.name.as_str());
        Wish { name, slot: None, dep: None, asker, text: &variant.text, span: &variant.span }
    }

    fn fault(&self, message: String) -> Fault {
        self.text.fault(self.span.clone(), message)
    }
}

impl<'a> Wishes<'a> {
    /// The faults are those of the role's own words.
    pub fn new(catalogue: &'a Catalogue, asked: &'a Asked, faults: &mut Faults) -> Wishes<'a> {
        let mut options: HashMap<&str, Choice> = HashMap::new();
        for option in &asked.options {
            let choice = options.entry(&option.recipe).or_default();
            choice.0.insert(option.option.clone(), option.value.clone());
        }
        let mut wishes = Wishes { catalogue, asked, options };
        wishes.check_options(faults);
        wishes.check_virtuals(&asked.virtuals, faults);
        for (asker, virtuals) in &asked.virtuals_of {
            wishes.check_asker(asker, virtuals, faults);
            wishes.check_virtuals(virtuals, faults);
        }
        wishes
    }

    /// A role's options that no recipe knows are said where they stand, and not used.
    fn check_options(&mut self, faults: &mut Faults) {
        for asked in &self.asked.options {
            let fault = |message: String| asked.text.fault(asked.span.clone(), message);
            let Some(recipe) = self.catalogue.recipes.get(&asked.recipe) else {
                let near = nearest(&asked.recipe, self.catalogue.recipes.keys().map(String::as_str));
                let help = near.map(|name| format!("did you mean `{name}`?"));
                let help = help.unwrap_or("`rootbrew list` shows them all".into());
                faults.push(
                    fault(format!("options for `{}`, and no recipe has this name", asked.recipe))
                        .help(help)
                        .id("P01"),
                );
                continue;
            };
            let one = Choice([(asked.option.clone(), asked.value.clone())].into());
            for refusal in recipe.settle(&one).err().unwrap_or_default() {
                faults.push(refusal.at(&asked.text, asked.span.clone()));
                if let Some(choice) = self.options.get_mut(asked.recipe.as_str()) {
                    choice.0.remove(&asked.option);
                }
            }
        }
    }

    /// `[virtual.haproxy]`: there is such a recipe.
    fn check_asker(&self, asker: &str, virtuals: &BTreeMap<String, AskedKeg>, faults: &mut Faults) {
        let Some(first) = virtuals.values().next().filter(|_| !self.catalogue.recipes.contains_key(asker))
        else {
            return;
        };
        let fault = first
            .text
            .fault(first.span.clone(), format!("a choice for `{asker}`, and no recipe has this name"));
        let near = nearest(asker, self.catalogue.recipes.keys().map(String::as_str));
        let help =
            near.map_or("`rootbrew list` shows them all".into(), |name| format!("did you mean `{name}`?"));
        faults.push(fault.help(help));
    }

    fn check_virtuals(&self, virtuals: &BTreeMap<String, AskedKeg>, faults: &mut Faults) {
        for (name, chosen) in virtuals {
            let fault = |message: String| chosen.text.fault(chosen.span.clone(), message);
            let Some(providers) = self.catalogue.provides.get(name) else {
                let near = nearest(name, self.catalogue.provides.keys().map(String::as_str));
                let help = near.map_or("take this line out".into(), |name| format!("did you mean `{name}`?"));
                faults.push(
                    fault(format!("no recipe provides `{name}`"))
                        .label("no such virtual")
                        .help(help)
                        .id("P11"),
                );
                continue;
            };
            let slot = |slot: &str| chosen.slot.as_deref().is_none_or(|wanted| wanted == slot);
            if !providers.iter().any(|one| one.recipe == chosen.name && slot(&one.slot)) {
                let help = format!("who does: `{}`", names(providers.iter().map(|one| one.recipe.as_str())));
                faults
                    .push(fault(format!("`{}` does not provide `{name}`", chosen.name)).help(help).id("P11"));
            }
        }
    }

    /// What the role flips; and where all is shared, a library's switch for that, if it has one.
    pub fn options_of_role(&self, recipe: &str) -> Choice {
        let mut choice = self.options.get(recipe).cloned().unwrap_or_default();
        let has_switch =
            || self.catalogue.recipes.get(recipe).is_some_and(|recipe| recipe.has_option(SHARED));
        if self.asked.linkage == Some(Linkage::Shared) && has_switch() {
            choice.0.entry(SHARED.to_string()).or_insert(OptionValue::On);
        }
        choice
    }

    /// The one whom the role chose for a virtual, for this asker or for all.
    fn chosen(&self, wish: &Wish) -> Option<&'a AskedKeg> {
        let own = wish.asker.and_then(|asker| self.asked.virtuals_of.get(asker)?.get(wish.name));
        own.or_else(|| self.asked.virtuals.get(wish.name))
    }

    /// Which recipe and slot a wish means.
    pub fn place(&self, wish: &Wish, faults: &mut Faults) -> Option<Place<'a>> {
        let place = match self.catalogue.recipes.get(wish.name) {
            Some(recipe) => (recipe.name.as_str(), self.slot(recipe, wish, faults)?),
            None => self.provider(wish, faults)?,
        };
        self.check_bound(wish, place, faults);
        Some(place)
    }

    fn slot(&self, recipe: &'a Recipe, wish: &Wish, faults: &mut Faults) -> Option<&'a str> {
        let Some(slot) = wish.slot else { return Some(recipe.default_slot()) };
        let known = recipe.slots().find(|known| *known == slot);
        if known.is_none() {
            let span = wish.dep.and_then(|dep| dep.slot_span.clone()).unwrap_or(wish.span.clone());
            let fault = wish.text.fault(span, format!("`{}` has no slot `{slot}`", recipe.name)).id("P04");
            faults.push(fault.label("no such slot").help(format!("its slots: `{}`", names(recipe.slots()))));
        }
        known
    }

    /// Behind a virtual: whom the role chose, else the only one there is. Of a recipe's providing slots the default one
    /// goes first.
    fn provider(&self, wish: &Wish, faults: &mut Faults) -> Option<Place<'a>> {
        let Some(providers) = self.catalogue.provides.get(wish.name) else {
            if !self.catalogue.is_broken(wish.name) {
                faults.push(self.unknown(wish));
            }
            return None;
        };
        let chosen = self.chosen(wish);
        let slot = wish.slot.or(chosen.and_then(|chosen| chosen.slot.as_deref()));
        let fits = |one: &&'a crate::recipe::Provider| {
            chosen.is_none_or(|chosen| chosen.name == one.recipe) && slot.is_none_or(|slot| slot == one.slot)
        };
        let fitting: Vec<_> = providers.iter().filter(fits).collect();
        let Some(first) = fitting.first() else {
            // A choice that does not provide it is said where it stands.
            if wish.slot.is_some() {
                let slots = names(providers.iter().map(|one| one.slot.as_str()));
                let fault = wish.fault(format!("nobody provides `{}` in this slot", wish.name)).id("P04");
                faults.push(fault.label("no such slot").help(format!("its providers' slots: `{slots}`")));
            }
            return None;
        };
        if fitting.iter().any(|one| one.recipe != first.recipe) {
            faults.push(undecided(wish, &names(fitting.iter().map(|one| one.recipe.as_str()))));
            return None;
        }
        let usual = self.catalogue.recipes.get(&first.recipe)?.default_slot();
        let one = fitting.iter().find(|one| one.slot == usual).unwrap_or(first);
        Some((&one.recipe, &one.slot))
    }

    fn unknown(&self, wish: &Wish) -> Fault {
        let fault = wish
            .fault(format!("unknown dependency `{}`", wish.name))
            .label("no recipe has this name")
            .id("P01");
        match self.catalogue.nearest(wish.name) {
            Some(name) => fault.help(format!("did you mean `{name}`?")),
            None => fault.help(format!("add recipes/{}/recipe.toml, or take this line out", wish.name)),
        }
    }

    fn check_bound(&self, wish: &Wish, to: Place, faults: &mut Faults) {
        let Some(dep) = wish.dep else { return };
        let Some(bound) = &dep.at_least else { return };
        let Some(version) = self.catalogue.recipes.get(to.0).and_then(|recipe| recipe.version(to.1)) else {
            return;
        };
        if version < bound {
            let span = dep.bound_span.clone().unwrap_or(dep.span.clone());
            let fault =
                dep.text.fault(span, format!("`{}` is {version} here, {bound} is asked", dep.name)).id("P03");
            faults.push(fault.label("not met").help("update that recipe, or lower the bound"));
        }
    }

    /// Adds a wish's options to what others wished of this place.
    pub fn add_options(&self, place: Place, wish: &Wish, gathered: &mut Choice, faults: &mut Faults) {
        let Some(dep) = wish.dep.filter(|dep| !dep.options.0.is_empty()) else { return };
        let refused =
            self.catalogue.recipes.get(place.0).and_then(|recipe| recipe.settle(&dep.options).err());
        if let Some(refused) = refused {
            faults.0.extend(refused.iter().map(|refusal| refusal.at(&dep.text, dep.span.clone())));
            return;
        }
        for (option, value) in &dep.options.0 {
            match gathered.0.get(option) {
                Some(other) if other != value => faults.push(clash(place, wish, option, other)),
                _ => drop(gathered.0.insert(option.clone(), value.clone())),
            }
        }
    }

    /// The variant of a place.
    pub fn variant(&self, place: Place, choice: &Choice) -> Result<Variant, Faults> {
        let Some(recipe) = self.catalogue.recipes.get(place.0) else {
            unreachable!("a place is of the catalogue")
        };
        let mut variant = recipe.variant(Some(place.1), choice, &self.asked.arch)?;
        // Rust's own library is compiled for static programs only.
        let has_choice = variant.cc == Cc::Profile && variant.preset != Preset::Cargo;
        let is_free = has_choice && !recipe.says_linkage(place.1, &self.asked.arch);
        variant.linkage = self.asked.linkage.filter(|_| is_free).unwrap_or(variant.linkage);
        Ok(variant)
    }
}

fn undecided(wish: &Wish, providers: &str) -> Fault {
    let message = format!("`{}` has more than one provider, and nobody chose", wish.name);
    let help = format!("say `[virtual] {} = …` in the role, one of `{providers}`", wish.name);
    wish.fault(message).label("a virtual").help(help).id("P11")
}

fn clash(place: Place, wish: &Wish, option: &str, other: &OptionValue) -> Fault {
    let said = match other {
        OptionValue::On => "on".to_string(),
        OptionValue::Off => "off".to_string(),
        OptionValue::Value(value) => format!("`{value}`"),
    };
    let message = format!("option `{option}` of `{}` is wanted twice, differently", place.0);
    let help = "one image holds one variant of a slot: change one of the two, or use another slot";
    wish.fault(message).label(format!("elsewhere it is {said}")).help(help).id("R03")
}

/// Each once, in their order.
fn names<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names: Vec<&str> = names.collect();
    names.dedup();
    names.join("`, `")
}
