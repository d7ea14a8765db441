//! Which kegs of a tap are in the store: each variant that some plan has, with its result and what is known of its build.

use std::collections::BTreeSet;

use builder::plan::{Node, Plan};
use builder::recipe::Variant;
use builder::schedule::action::Ground;
use builder::schedule::opened::Observed;
use builder::schedule::outlook::{self, Outlook};
use kegs::{Digest, Store};

/// One keg that is in the store.
pub struct Built<'a> {
    pub plan: &'a Plan,
    /// Its place in the plan.
    pub at: usize,
    pub key: Digest,
    pub output: Digest,
    /// Of every place of the plan that is in the store.
    pub outputs: Vec<Option<Digest>>,
    /// What its build opened; `None` when nobody heard.
    pub opened: Option<Observed>,
}

pub struct Looked<'a> {
    pub built: Vec<Built<'a>>,
    pub unbuilt: BTreeSet<String>,
}

impl<'a> Looked<'a> {
    /// Each action once, though several plans have it. A plan that can't be keyed (a file of a recipe is gone, which
    /// another ring says) counts as not built.
    pub fn new(store: &Store, ground: &Ground, plans: &'a [Plan]) -> Looked<'a> {
        let (mut built, mut names, mut keys) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for plan in plans {
            names.extend(plan.nodes().iter().map(Node::name));
            let outlooks = outlook::outlook(plan, store, ground).unwrap_or_default();
            let outputs: Vec<Option<Digest>> =
                outlooks.iter().map(|outlook| output(store, outlook)).collect();
            for (at, outlook) in outlooks.iter().enumerate() {
                if let Outlook::InStore { key, outcome } = outlook
                    && !store.lacks(&outcome.output)
                    && keys.insert(*key)
                {
                    let (opened, outputs) = (Observed::remembered(store, key), outputs.clone());
                    built.push(Built { plan, at, key: *key, output: outcome.output, outputs, opened });
                }
            }
        }
        names.retain(|name| !built.iter().any(|built: &Built| built.name() == *name));
        Looked { built, unbuilt: names }
    }
}

/// One that was taken, and whose files did not come, is not looked at.
fn output(store: &Store, outlook: &Outlook) -> Option<Digest> {
    match outlook {
        Outlook::InStore { outcome, .. } => Some(outcome.output).filter(|root| !store.lacks(root)),
        _ => None,
    }
}

impl<'a> Built<'a> {
    pub fn node(&self) -> &'a Node {
        &self.plan.nodes()[self.at]
    }

    pub fn variant(&self) -> &'a Variant {
        &self.node().variant
    }

    /// `name`, or `name@slot`.
    pub fn name(&self) -> String {
        self.node().name()
    }
}
