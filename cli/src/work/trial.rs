//! A role's trial as an environment: what the operator's file does not say and the role can make up is made up.

use std::collections::BTreeMap;
use std::path::Path;

use assembler::role::{Role, Shape};
use ci::boot;
use tempfile::TempDir;
use toml::{Table, Value};

use crate::trouble::{Result, Trouble};

/// The folder in which the trial was prepared, which the role's checks stand in.
pub fn prepare(role: &Role) -> Result<TempDir> {
    let folder = std::path::absolute(&role.folder).unwrap_or_else(|_| role.folder.clone());
    Ok(boot::prepare(&boot::Trial { run: &role.trial.run, role: &folder })?)
}

/// Adds to an environment what it lacks and the trial gives.
pub fn fill(role: &Role, folder: &Path, environment: &mut Table) -> Result<()> {
    for (name, (file, shape)) in role.trial_values() {
        if !environment.contains_key(name) {
            let path = folder.join(file);
            let text = std::fs::read_to_string(&path).map_err(|error| {
                Trouble::Failed(format!("`[trial]` made no text `{file}` for `{name}`: {error}"))
            })?;
            environment.insert(name.to_string(), value(&text, shape));
        }
    }
    Ok(())
}

fn value(text: &str, shape: Shape) -> Value {
    let line = text.trim_end_matches('\n');
    match shape {
        Shape::Text => Value::String(text.to_string()),
        Shape::Line => Value::String(line.to_string()),
        Shape::Lines => Value::Array(line.lines().map(|line| Value::String(line.to_string())).collect()),
        // What is no such word is told by the agent, with the name.
        Shape::Word => line.trim().parse().unwrap_or_else(|_| Value::String(line.to_string())),
    }
}

/// The texts of an environment, for the words of checks.
pub fn texts(environment: &Table) -> BTreeMap<String, String> {
    let texts =
        environment.iter().filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_string())));
    texts.collect()
}
