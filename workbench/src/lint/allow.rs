//! `allow`: what a recipe silences, and what of that silences nothing (T16).

use kegs::reader::{Place, meant};

use super::doc::{Doc, Inner};
use super::finding::Finding;
use super::registry::{self, Lint, Ring};
use super::tap::Tap;
use crate::test::Kind;

/// One line of a recipe's `allow`.
struct Allowed<'t> {
    recipe: &'t str,
    lint: &'static Lint,
    fault: kegs::Fault,
    used: bool,
}

/// Takes away what recipes silence, and tells what silences nothing where `ran` says that the lint's ring looked.
pub fn silence(tap: &Tap, findings: Vec<Finding>, ran: &dyn Fn(&str, Ring) -> bool) -> Vec<Finding> {
    let mut allowed = Vec::new();
    let mut kept = Vec::new();
    for folder in &tap.recipes {
        read(folder, &mut allowed, &mut kept);
    }
    for finding in findings {
        let of = |one: &&mut Allowed| Some(one.recipe) == finding.recipe() && one.lint == finding.lint;
        match allowed.iter_mut().find(of) {
            Some(one) => one.used = true,
            None => kept.push(finding),
        }
    }
    // What only tests find may not have been tested yet.
    let tests_tell = |id: &str| Kind::ALL.iter().any(|kind| Kind::told_by(kind.word()) == Some(id));
    let is_told = |one: &Allowed| !tests_tell(one.lint.id);
    let idle =
        allowed.into_iter().filter(|one| !one.used && is_told(one) && ran(one.recipe, one.lint.ring()));
    kept.extend(idle.map(|one| Finding::new("T16", one.fault)));
    kept
}

fn read<'t>(folder: &'t super::tap::RecipeFolder, allowed: &mut Vec<Allowed<'t>>, kept: &mut Vec<Finding>) {
    let Some(doc) = Doc::parse(&folder.text) else { return };
    let entries = doc.get("allow").map(|entry| entry.at.inner()).unwrap_or_default();
    for entry in entries {
        let fault = |message: String| folder.text.fault(entry.key_span.clone(), message);
        match registry::find(entry.key) {
            Some(lint) => {
                let help = format!("no {} `{}` is found here any more: take it out", lint.id, lint.name);
                let fault = fault(format!("`allow` of `{}` silences nothing", entry.key)).help(help);
                allowed.push(Allowed { recipe: &folder.name, lint, fault, used: !is_reason(&entry.at) });
            }
            None => kept
                .push(Finding::new("T01", fault(format!("no lint `{}`", entry.key)).help(near(entry.key)))),
        }
    }
}

/// Without a reason it silences nothing, and T24 said so.
fn is_reason(at: &Place) -> bool {
    at.text().is_some_and(|reason| !reason.trim().is_empty())
}

fn near(word: &str) -> String {
    meant(word, registry::all().flat_map(|lint| [lint.id, lint.name]))
}
