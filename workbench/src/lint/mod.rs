//! Lints: what is wrong, poor or out of date in a tap, each finding at its character.
//!
//! ```text
//! registry   every lint there is: id, name, severity, why, an example; docs/lints.md is made from it
//! finding    a lint met at a place, perhaps with edits that mend it
//! tap        the recipes and roles of a tap as texts, read once for all lints
//! allow      what a recipe silences, and what of that silences nothing
//! deep       what of a store the rings `source` and `keg` look at
//! text plan role source keg   the rings: what each needs to know is more than the one before
//! ```
//! A ring only looks: it starts no process and changes no file. What mends is a list of edits; who applies them is
//! asked for it.

pub mod allow;
pub mod deep;
pub mod doc;
pub mod finding;
pub mod fix;
pub mod keg;
pub mod page;
pub mod plan;
pub mod registry;
pub mod role;
pub mod sarif;
pub mod source;
pub mod tap;
pub mod text;

pub use deep::Deep;
pub use finding::{Edit, Finding, Fix};
pub use registry::{Lint, Mend, Ring, Severity};
pub use tap::Tap;

const LOOKS: [(Ring, fn(&Tap) -> Vec<Finding>); 4] = [
    (Ring::Text, text::findings),
    (Ring::Plan, plan::findings),
    (Ring::Source, source::places),
    (Ring::Role, role::findings),
];

/// What the rings that need only the tap find, with what recipes silence taken away; sorted.
pub fn check(tap: &Tap, rings: &[Ring]) -> Vec<Finding> {
    check_with(tap, rings, &mut Deep::default())
}

/// The same with what the rings found that need a store.
pub fn check_with(tap: &Tap, rings: &[Ring], deep: &mut Deep) -> Vec<Finding> {
    let mut findings = deep.take();
    for (ring, look) in LOOKS {
        if rings.contains(&ring) {
            findings.extend(look(tap));
        }
    }
    let whole = |recipe: &str| tap.catalogue.recipes.contains_key(recipe);
    let knew = |recipe: &str, ring| whole(recipe) && deep.knew(recipe, ring);
    settle(tap, findings, rings, &|recipe, ring| rings.contains(&ring) && knew(recipe, ring))
}

/// What the loaders and these rings found, as it is shown: without what recipes silence, sorted, each once. `ran` says
/// whether a ring looked at a recipe: only then is an `allow` without a finding judged.
pub fn settle(
    tap: &Tap,
    findings: Vec<Finding>,
    rings: &[Ring],
    ran: &dyn Fn(&str, Ring) -> bool,
) -> Vec<Finding> {
    let mut kept = allow::silence(tap, findings, ran);
    // What cannot be read cannot be allowed.
    kept.extend(tap.faults.0.iter().cloned().map(Finding::of_fault));
    kept.retain(|finding| rings.contains(&finding.lint.ring()));
    finding::sort(&mut kept);
    kept
}
