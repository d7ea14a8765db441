//! The ring `text`: what one recipe's or role's files tell, each recipe by itself, on all cores.

mod args;
mod beside;
mod deps;
mod facts;
mod form;
mod license;
mod options;
mod reasons;
mod shell;
mod source;
mod steps;

pub(in crate::lint) use license::near as near_licence;

use builder::recipe::Recipe;
use rayon::prelude::*;

use super::doc::{Doc, Part};
use super::finding::Finding;
use super::tap::{RecipeFolder, Tap};

/// One recipe as these lints see it.
struct Look<'a> {
    tap: &'a Tap,
    folder: &'a RecipeFolder,
    doc: &'a Doc<'a>,
    /// The recipe itself, its slots, architectures, options.
    parts: Vec<Part<'a>>,
    /// `None` where the loader found faults.
    recipe: Option<&'a Recipe>,
}

const LINTS: [fn(&Look, &mut Vec<Finding>); 11] = [
    form::check,
    facts::check,
    license::check,
    source::check,
    deps::check,
    args::check,
    options::check,
    reasons::check,
    beside::files,
    beside::patches,
    steps::check,
];

pub fn findings(tap: &Tap) -> Vec<Finding> {
    let of_recipes = tap.recipes.par_iter().flat_map_iter(|folder| recipe(tap, folder));
    let of_roles = tap.role_texts.par_iter().flat_map_iter(form::role);
    of_recipes.chain(of_roles).collect()
}

fn recipe(tap: &Tap, folder: &RecipeFolder) -> Vec<Finding> {
    // What is no TOML is the loader's to tell.
    let Some(doc) = Doc::parse(&folder.text) else { return Vec::new() };
    let recipe = tap.catalogue.recipes.get(&folder.name);
    let look = Look { tap, folder, doc: &doc, parts: doc.parts(), recipe };
    let mut findings = Vec::new();
    LINTS.iter().for_each(|lint| lint(&look, &mut findings));
    findings
}

impl<'a> Look<'a> {
    fn root(&self) -> &Part<'a> {
        &self.parts[0]
    }
}
