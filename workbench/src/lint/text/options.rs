//! T25 opt-undocumented, T26 opt-no-effect.

use kegs::reader::Place;

use super::Look;
use crate::lint::doc::{Inner, Kind, Part};
use crate::lint::finding::Finding;

/// What an option can change.
const EFFECTS: [&str; 12] = [
    "flag",
    "args",
    "args_off",
    "build_args",
    "build",
    "link",
    "run",
    "kconfig",
    "features",
    "patches",
    "remove",
    "values",
];

pub fn check(look: &Look, findings: &mut Vec<Finding>) {
    let Some(options) = look.doc.get("option") else { return };
    for option in options.at.inner() {
        let Some(part) = look.parts.iter().find(|part| part.kind == Kind::Option && part.name == option.key)
        else {
            continue;
        };
        let fault = |message: String| look.doc.text.fault(option.key_span.clone(), message);
        let summary = part.get("summary").and_then(|entry| entry.at.text()).unwrap_or_default();
        if summary.trim().is_empty() {
            let help = "`summary = \"…\"`: what one gets; a role's author chooses by it";
            findings.push(Finding::new(
                "T25",
                fault(format!("option `{}` has no summary", option.key)).help(help),
            ));
        }
        if !has_effect(part) && !is_used(look, option.key) {
            let help = "give it `flag`, `args`, `link` or the like, or take it out";
            findings.push(Finding::new(
                "T26",
                fault(format!("option `{}` changes nothing", option.key)).help(help),
            ));
        }
    }
}

fn has_effect(part: &Part) -> bool {
    let says = |at: &Place| at.items().iter().any(|item| item.text() != Some("")) || !at.inner().is_empty();
    EFFECTS.iter().any(|key| part.get(key).is_some_and(|entry| says(&entry.at)))
}

/// A source comes only with it, or it groups others.
fn is_used(look: &Look, option: &str) -> bool {
    let when = |part: &Part| {
        let sources = part.get("source").map(|entry| entry.at.items()).unwrap_or_default();
        sources
            .iter()
            .flat_map(Inner::inner)
            .any(|entry| entry.key == "when" && entry.at.text() == Some(option))
    };
    let needs = |part: &Part| part.strings("needs").iter().any(|(need, _)| *need == option);
    look.parts.iter().any(|part| when(part) || needs(part))
}
