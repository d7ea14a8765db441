//! The tap as lints see it: every recipe and role loaded as far as it goes, its texts, and what loading has against it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use assembler::role::{self, Role};
use builder::plan::Implied;
use builder::preset::Profile;
use builder::recipe::{self, Catalogue};
use kegs::fault::{Faults, Text};
use rayon::prelude::*;

pub struct Tap {
    pub root: PathBuf,
    /// Recipes without a fault.
    pub catalogue: Catalogue,
    /// Roles without a fault.
    pub roles: BTreeMap<String, Role>,
    /// Every recipe whose text can be read, faults or not; by name.
    pub recipes: Vec<RecipeFolder>,
    pub role_texts: Vec<Text>,
    pub profile: Profile,
    /// What builds bring unwritten: the profile's word.
    pub implied: Implied,
    pub arch: String,
    /// As `2026-01-31`, in UTC: some lints ask what is over.
    pub today: String,
    /// What the loaders found.
    pub faults: Faults,
}

/// `recipes/NAME`: its text, and the files beside it.
pub struct RecipeFolder {
    pub name: String,
    pub text: Text,
    /// Paths in the folder, sorted; `recipe.toml` too.
    pub files: Vec<String>,
}

impl Tap {
    pub fn load(root: &Path, profile: Profile, arch: &str) -> Tap {
        let implied = Implied { cc: profile.cc.clone(), tools: profile.tools() };
        let (catalogue, mut faults) = recipe::load_partly(root);
        let names: Vec<&str> =
            catalogue.recipes.keys().chain(catalogue.broken.keys()).map(String::as_str).collect();
        let mut recipes: Vec<_> =
            names.par_iter().filter_map(|name| folder(root, name, &catalogue)).collect();
        recipes.sort_by(|a, b| a.name.cmp(&b.name));
        let names = role::names(root).unwrap_or_default();
        let mut roles = BTreeMap::new();
        for name in &names {
            match role::load(root, name) {
                Ok(role) => drop(roles.insert(name.clone(), role)),
                Err(more) => faults.absorb(more),
            }
        }
        let paths = names.iter().map(|name| format!("roles/{name}.toml"));
        let role_texts = paths.filter_map(|path| text(root, &path)).collect();
        Tap {
            root: root.into(),
            catalogue,
            roles,
            recipes,
            role_texts,
            profile,
            implied,
            arch: arch.into(),
            today: today(),
            faults,
        }
    }

    /// That a recipe or role of this name is there.
    ///
    /// # Errors
    /// What to say to who named it.
    pub fn known(&self, name: &str) -> Result<(), String> {
        let recipes = self.catalogue.recipes.keys().chain(self.catalogue.broken.keys()).map(String::as_str);
        let roles = self.role_texts.iter().filter_map(|text| super::finding::owner_of(text.path()));
        let names: Vec<&str> = recipes.chain(roles).collect();
        if names.contains(&name) {
            return Ok(());
        }
        let help = kegs::reader::nearest(name, names).map(|near| format!(": did you mean `{near}`?"));
        Err(format!("no recipe and no role is called `{name}`{}", help.unwrap_or_default()))
    }

    /// A file of the tap as text; `None` when it is not there or no text.
    pub fn read(&self, path: &str) -> Option<Text> {
        text(&self.root, path)
    }
}

/// Days to a date: "days_from_civil" the other way, by Howard Hinnant (chrono-compatible date algorithms).
fn today() -> String {
    let seconds =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let days = (seconds / 86_400) as i64 + 719_468;
    let era = days / 146_097;
    let of_era = days - era * 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

fn text(root: &Path, path: &str) -> Option<Text> {
    let bytes = kegs::read_small(&root.join(path)).ok()?;
    Some(Text::new(path, &String::from_utf8(bytes).ok()?))
}

fn folder(root: &Path, name: &str, catalogue: &Catalogue) -> Option<RecipeFolder> {
    let text = match catalogue.recipes.get(name) {
        Some(recipe) => recipe.text.clone(),
        None => text(root, &format!("recipes/{name}/recipe.toml"))?,
    };
    let mut files = Vec::new();
    list(&root.join("recipes").join(name), "", &mut files);
    files.sort();
    Some(RecipeFolder { name: name.into(), text, files })
}

/// Folders in a recipe's folder go this deep: `tests/data/x`. A link is a file here, so there is no ring.
const DEPTH_MAX: usize = 6;

fn list(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() && prefix.matches('/').count() < DEPTH_MAX => {
                list(&entry.path(), &format!("{path}/"), files);
            }
            Ok(_) => files.push(path),
            Err(_) => {}
        }
    }
}
