//! The agent of an image: a keg that every role has unwritten, so that its bytes are the same on every machine.
//!
//! Who works on it may name a program by `ROOTBREW_AGENT` instead; then the keg is not built.

use std::fs;
use std::path::PathBuf;

use assembler::role::Role;
use builder::plan::{AskedKeg, Plan};
use builder::recipe::Catalogue;
use kegs::reader::{Named, Scalar, Written};
use kegs::{Node, Store};

use super::Target;
use super::build::Built;
use crate::trouble::{Result, Trouble};

/// The recipe, and where its keg has the program.
const RECIPE: &str = "agent";
pub const PROGRAM: &str = "bin/rootbrew-agent";

/// What a role's plan has besides what the role says. A tap without the recipe can plan roles, and has no images.
pub fn asked(role: &Role, catalogue: &Catalogue) -> Option<AskedKeg> {
    let wanted = named().is_none() && catalogue.recipes.contains_key(RECIPE);
    wanted.then(|| AskedKeg { name: RECIPE.to_string(), slot: None, text: role.text.clone(), span: 0..0 })
}

/// Where the agent stands in a role's plan; a role may ask for it as a keg of its own too.
pub fn place(plan: &Plan) -> Option<usize> {
    // It was asked last.
    plan.wanted().iter().rev().copied().find(|&at| plan.nodes()[at].variant.name == RECIPE)
}

/// The program.
pub fn read(store: &Store, target: &Target, built: &Built) -> Result<Vec<u8>> {
    if let Some(path) = named() {
        let failed =
            |error| Trouble::Failed(format!("ROOTBREW_AGENT: cannot read {}: {error}", path.display()));
        return fs::read(&path).map_err(failed);
    }
    let absent =
        || Trouble::Failed(format!("an image wants the agent, and the tap has no recipe `{RECIPE}`"));
    let at = place(&target.plan).ok_or_else(absent)?;
    match store.tree(&built.outputs[at])?.nodes.get(PROGRAM) {
        Some(Node::File { digest, .. }) => Ok(store.get(digest)?),
        _ => Err(Trouble::Failed(format!("keg `{RECIPE}` has no {PROGRAM}"))),
    }
}

/// Says of a role's copy that its agent tells what services open; it is no other machine in anything else.
pub fn observing(role: &mut Role) {
    if named().is_none() {
        let nothing = || Written { value: Named::default(), span: 0..0 };
        let options = role.options.0.entry(RECIPE.into()).or_insert_with(nothing);
        let on = Written { value: Scalar::Bool(true), span: 0..0 };
        options.value.0.insert("observe".into(), on);
    }
}

fn named() -> Option<PathBuf> {
    std::env::var_os("ROOTBREW_AGENT").map(PathBuf::from)
}
