//! The files of a tap that have a canonical form.

use std::path::{Path, PathBuf};

use kegs::fault::{Faults, Text};

use super::{File, FormatError, Keys, format};

/// One file, and its canonical form.
pub struct Formed {
    /// In the tap: `recipes/zlib/recipe.toml`.
    pub path: PathBuf,
    pub text: Text,
    pub form: String,
}

impl Formed {
    pub fn is_right(&self) -> bool {
        *self.text.content == *self.form
    }
}

/// `recipes/NAME/recipe.toml` and `roles/NAME.toml` of these names; all when none is given. What is no TOML is a fault
/// at its place, beside the forms of the others.
pub fn forms(tap: &Path, names: &[String]) -> (Vec<Formed>, Faults) {
    let mut faults = Faults::default();
    let mut forms = Vec::new();
    let named = |name: &str| names.is_empty() || names.iter().any(|wanted| wanted == name);
    for (_, file, path) in files(tap).into_iter().filter(|(name, ..)| named(name)) {
        let Ok(bytes) = kegs::read_small(&tap.join(&path)) else { continue };
        let text = Text::new(&path, &String::from_utf8_lossy(&bytes));
        match String::from_utf8(bytes)
            .map_err(|_| "not UTF-8".to_string())
            .and_then(|content| formed(file, &content))
        {
            Ok(form) => forms.push(Formed { path, text, form }),
            Err(message) => faults.absorb(faults_of(&text, message)),
        }
    }
    for name in names.iter().filter(|name| !files(tap).iter().any(|(known, ..)| known == *name)) {
        let known = files(tap);
        let fault = Text::new("command line", name)
            .fault(0..name.len(), format!("no recipe and no role is called `{name}`"));
        faults.push(fault.help(kegs::reader::meant(name, known.iter().map(|(name, ..)| name.as_str()))));
    }
    (forms, faults)
}

fn formed(file: File, content: &str) -> Result<String, String> {
    format(file, content, Keys::Sorted).map_err(|error: FormatError| error.to_string())
}

/// The reader's own words for it; ours only where it has none.
fn faults_of(text: &Text, message: String) -> Faults {
    let mut faults = Faults::default();
    kegs::reader::parse(text.path(), text.content.as_bytes(), &mut faults, |_, _| ());
    // Keys are lint's to judge.
    faults.0.retain(|fault| fault.id != Some("T01"));
    if faults.0.is_empty() {
        faults.push(text.fault(0..0, message).id("T00"));
    }
    faults
}

fn files(tap: &Path) -> Vec<(String, File, PathBuf)> {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(tap.join(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.retain(|name| !name.starts_with('.'));
        names.sort();
        names
    };
    let recipes = names("recipes").into_iter().map(|name| {
        let path = Path::new("recipes").join(&name).join("recipe.toml");
        (name, File::Recipe, path)
    });
    let roles = names("roles").into_iter().filter_map(|file| {
        let name = file.strip_suffix(".toml")?.to_string();
        Some((name, File::Role, Path::new("roles").join(file)))
    });
    recipes.chain(roles).collect()
}
