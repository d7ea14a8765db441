//! The catalogue: every recipe of a tap, by name.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kegs::fault::{Faults, Text};
use rayon::prelude::*;

use super::dep::is_name;
use super::written::Recipe;

#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    pub tap: PathBuf,
    pub recipes: BTreeMap<String, Recipe>,
    /// Virtual to who provides it, sorted by recipe and slot.
    pub provides: BTreeMap<String, Vec<Provider>>,
    /// Recipes that are there and have faults, with their texts where they could be read.
    pub broken: BTreeMap<String, Option<Arc<str>>>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Provider {
    pub recipe: String,
    pub slot: String,
}

/// Every `recipes/*/recipe.toml` of `tap`, on all cores: parsed and checked, nothing resolved.
///
/// # Errors
/// All faults of all files, in the order of files and places; also folders and files that cannot be read.
pub fn load(tap: &Path) -> Result<Catalogue, Faults> {
    let (catalogue, faults) = load_partly(tap);
    faults.or(catalogue)
}

/// The same, and what could be read besides the faults: what else is wrong in it can be said in the same go.
pub fn load_partly(tap: &Path) -> (Catalogue, Faults) {
    let mut faults = Faults::default();
    let names = names(tap, &mut faults);
    let read: Vec<_> = names.par_iter().map(|name| one(tap, name)).collect();
    let taken = read.into_iter().filter_map(|(recipe, more)| {
        faults.0.extend(more.0);
        recipe.map(|recipe| (recipe.name.clone(), recipe))
    });
    // Collected, and not inserted one by one in order, which leaves each node of the map half empty.
    let recipes: BTreeMap<String, Recipe> = taken.collect();
    let provides = provides(&recipes, &mut faults);
    let broken = names.into_iter().filter(|name| !recipes.contains_key(name));
    let broken = broken.map(|name| {
        let path = Path::new("recipes").join(&name).join("recipe.toml");
        let text =
            faults.0.iter().find(|fault| fault.text.path() == path).map(|fault| fault.text.content.clone());
        (name, text)
    });
    let broken = broken.collect();
    (Catalogue { tap: tap.to_path_buf(), recipes, provides, broken }, faults)
}

impl Catalogue {
    /// Whether a recipe with faults has this name or may provide it: who needs it is told nothing more.
    pub fn is_broken(&self, name: &str) -> bool {
        let quoted = format!("\"{name}\"");
        let mentions = |text: &Option<Arc<str>>| text.as_ref().is_some_and(|text| text.contains(&quoted));
        self.broken.contains_key(name) || self.broken.values().any(mentions)
    }

    /// Takes these recipes as another tap has them: what is not there goes. Who provides what is found anew.
    ///
    /// # Errors
    /// All faults of what was taken; the catalogue is without those.
    pub fn replace<'n>(
        &mut self,
        tap: &Path,
        names: impl IntoIterator<Item = &'n str>,
    ) -> Result<(), Faults> {
        let mut faults = Faults::default();
        for name in names {
            self.recipes.remove(name);
            if tap.join("recipes").join(name).exists() {
                let (recipe, more) = one(tap, name);
                faults.0.extend(more.0);
                self.recipes.extend(recipe.map(|recipe| (recipe.name.clone(), recipe)));
            }
        }
        self.provides = provides(&self.recipes, &mut faults);
        faults.or(())
    }

    /// The recipe's or virtual's name most like `name`.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        let names = self.recipes.keys().chain(self.provides.keys());
        kegs::reader::nearest(name, names.map(String::as_str))
    }
}

/// The folders of `recipes/`, sorted; hidden ones and files are none.
fn names(tap: &Path, faults: &mut Faults) -> Vec<String> {
    let folder = tap.join("recipes");
    let entries = std::fs::read_dir(&folder).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => {
            let help = "a tap has `recipes/<name>/recipe.toml`";
            faults.push(
                Text::new("recipes", "")
                    .fault(0..0, format!("cannot read {}: {error}", folder.display()))
                    .help(help),
            );
            return Vec::new();
        }
    };
    let folders = entries.iter().filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_file()));
    let names = folders.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<_> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

fn one(tap: &Path, name: &str) -> (Option<Recipe>, Faults) {
    let mut faults = Faults::default();
    let path = Path::new("recipes").join(name).join("recipe.toml");
    let place = || Text::new(&path, "");
    if !is_name(name) {
        let fault = place().fault(0..0, format!("`{name}` is no name for a recipe"));
        faults
            .push(fault.help(
                "rename the folder: lower-case letters, digits and `. _ + -`, a letter or digit first",
            ));
        return (None, faults);
    }
    let folder = tap.join("recipes").join(name);
    match kegs::read_small(&folder.join("recipe.toml")) {
        Ok(bytes) => (Recipe::parse(name, &folder, &path, &bytes, &mut faults), faults),
        Err(error) => {
            let fault = place().fault(0..0, format!("cannot read it: {error}"));
            faults.push(fault.help("each folder of `recipes/` has a `recipe.toml`").id("T00"));
            (None, faults)
        }
    }
}

/// By virtual. That a virtual has a recipe's name is a fault: a dependency could mean both.
fn provides(recipes: &BTreeMap<String, Recipe>, faults: &mut Faults) -> BTreeMap<String, Vec<Provider>> {
    let mut all: BTreeMap<String, Vec<Provider>> = BTreeMap::new();
    for recipe in recipes.values() {
        for (slot, provided) in recipe.provided() {
            if recipes.contains_key(&provided.value) {
                let fault =
                    recipe.text.fault(provided.span.clone(), format!("`{}` is a recipe", provided.value));
                faults.push(fault.help("a virtual has a name of its own, as `zlib-api`").id("P11"));
            }
            let provider = Provider { recipe: recipe.name.clone(), slot: slot.to_string() };
            all.entry(provided.value.clone()).or_default().push(provider);
        }
    }
    all.values_mut().for_each(|providers| {
        providers.sort();
        providers.dedup();
    });
    all
}
