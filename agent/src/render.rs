//! Templates to files: rendered aside, then renamed, so that nobody ever reads half of one.
//!
//! Strict: a name that the environment does not hold is a fault, with its line. Owner and mode are set before the
//! rename, so a secret is never readable by another for an instant.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, chown};
use std::path::Path;

use minijinja::{UndefinedBehavior, Value};

use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::passwd;
use crate::role::{Config, Role};

/// All of the role's files. Nothing is written when one of them has a fault.
pub fn all(role: &Role, environment: &Environment, templates: &Path, users: &str) -> Result<()> {
    let names = names(role, environment);
    let mut rendered = Vec::new();
    let mut faults = Vec::new();
    for (path, config) in
        role.config.iter().filter(|(path, config)| !(config.keep && Path::new(path).exists()))
    {
        match one(config, templates, &names) {
            Ok(text) => rendered.push((path, config, text)),
            Err(fault) => faults.push(fault.to_string()),
        }
    }
    if !faults.is_empty() {
        return Err(Error::Input(faults));
    }
    rendered.into_iter().try_for_each(|(path, config, text)| write(Path::new(path), config, &text, users))
}

/// The words, and every name of the schema: one without a value is `none`, so a template can ask `{% if x %}`.
fn names(role: &Role, environment: &Environment) -> BTreeMap<String, Value> {
    let words = environment.words.pairs().map(|(word, value)| (word.to_string(), Value::from(value)));
    let values = role.env.keys().map(|name| {
        (name.clone(), environment.values.get(name).map_or(Value::from(()), Value::from_serialize))
    });
    words.into_iter().chain(values).collect()
}

fn one(config: &Config, templates: &Path, names: &BTreeMap<String, Value>) -> Result<String> {
    let path = templates.join(&config.template);
    let source = fs::read_to_string(&path).map_err(Error::world(format!("read {}", path.display())))?;
    let mut engine = minijinja::Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_keep_trailing_newline(true);
    engine.set_trim_blocks(true);
    engine.render_named_str(&config.template, &source, names).map_err(|fault| Error::input(fault.to_string()))
}

fn write(path: &Path, config: &Config, text: &str, users: &str) -> Result<()> {
    let tried = |what: &str| Error::world(format!("{what} {}", path.display()));
    let mode = u32::from_str_radix(&config.mode, 8).ok().filter(|mode| *mode <= 0o777);
    let mode = mode.ok_or_else(|| {
        Error::input(format!("{}: mode `{}` is not like 0644", path.display(), config.mode))
    })?;
    let owner = passwd::find(users, &config.owner)?;
    let (Some(folder), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Error::input(format!("config.{}: not the path of a file", path.display())));
    };
    fs::create_dir_all(folder).map_err(tried("make the folder of"))?;
    let aside = folder.join(format!(".{}.new", name.display()));
    let mut file = create(&aside).map_err(tried("write aside"))?;
    file.write_all(text.as_bytes()).map_err(tried("write aside"))?;
    chown(&aside, Some(owner.uid), Some(owner.gid)).map_err(tried("give its owner to"))?;
    fs::set_permissions(&aside, fs::Permissions::from_mode(mode)).map_err(tried("give its mode to"))?;
    fs::rename(&aside, path).map_err(tried("replace"))
}

/// A leftover of a killed run is cut short, not trusted.
fn create(aside: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(aside)
}

#[cfg(test)]
#[path = "render_test.rs"]
mod tests;
