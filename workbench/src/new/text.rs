//! A draft as `recipe.toml`, in the order and form of the other recipes.

use crate::fmt::{self, File, Keys};

use super::Draft;

/// The whole file. Every string is written by `toml_edit`, so that no upstream's word can break out of its quotes.
pub fn text(draft: &Draft) -> String {
    let mut lines = vec![line("summary", &string(&draft.summary)), line("license", &string(&draft.license))];
    lines.extend(draft.home.as_ref().map(|home| line("home", &string(home))));
    lines.push(line("version", &string(&draft.version)));
    lines.push(line("source", &source(draft)));
    lines.push(line("preset", &string(draft.preset.name())));
    if !draft.missing.is_empty() {
        lines.push(format!("# It also looks for {}; no recipe here has them.", draft.missing.join(", ")));
    }
    lines.extend(draft.subdir.as_ref().map(|subdir| line("subdir", &string(subdir))));
    for (key, values) in [("args", &draft.args), ("build_args", &draft.build_args), ("link", &draft.link)] {
        if !values.is_empty() {
            lines.push(line(key, &list(values)));
        }
    }
    if !draft.targets_install.is_empty() {
        lines.push(line("targets", &format!("{{ install = {} }}", list(&draft.targets_install))));
    }
    let text = lines.join("\n") + "\n";
    // What is no canonical form is still a recipe: `rootbrew fmt` says what is wrong with it.
    fmt::format(File::Recipe, &text, Keys::Sorted).unwrap_or(text)
}

fn line(key: &str, value: &str) -> String {
    // As wide as `summary` and `license`, which every recipe has.
    format!("{key:<7} = {value}")
}

fn source(draft: &Draft) -> String {
    let mut parts = Vec::new();
    parts.extend(draft.url.as_ref().map(|url| format!("url = {}", string(url))));
    parts.extend(draft.debian.as_ref().map(|debian| format!("debian = {}", string(debian))));
    parts.push(format!("sha256 = \"{}\"", draft.digest.hex()));
    parts.push(format!("size = {}", draft.digest.size_bytes));
    if draft.strip != 1 {
        parts.push(format!("strip = {}", draft.strip));
    }
    format!("{{ {} }}", parts.join(", "))
}

fn string(text: &str) -> String {
    toml_edit::Value::from(text).to_string()
}

fn list(values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| string(value)).collect();
    format!("[{}]", values.join(", "))
}

/// `steps.sh` of a source whose way of building was not found: it fails until its author says how.
pub fn steps(name: &str) -> String {
    format!(
        "do_build() {{\n\tfail \"say in steps.sh how {name} is built\"\n}}\n\n\
         do_install() {{\n\tfail \"say in steps.sh what of {name} goes into $OUT\"\n}}\n"
    )
}
