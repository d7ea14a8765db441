//! Templates to texts: strict, so that a name which the environment does not hold is a fault with its line.

use std::collections::BTreeMap;

use minijinja::{UndefinedBehavior, Value};

use crate::environment::Environment;
use crate::error::{Error, Result};
use crate::role::{Config, Role};

/// A file as it should stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Permission bits.
    pub mode: u32,
    pub owner: String,
    pub text: String,
}

/// By path.
pub type Files = BTreeMap<String, File>;

/// Every file of the role that `wants` names; `template` gives a template's text.
///
/// # Errors
/// All faults of all templates.
pub fn all(
    role: &Role,
    environment: &Environment,
    wants: &dyn Fn(&str, &Config) -> bool,
    template: &dyn Fn(&str) -> Result<String>,
) -> Result<Files> {
    let names = names(role, environment);
    let (mut files, mut faults) = (Files::new(), Vec::new());
    for (path, config) in role.config.iter().filter(|(path, config)| wants(path, config)) {
        match file(path, config, template, &names) {
            Ok(file) => drop(files.insert(path.clone(), file)),
            Err(Error::Input(more)) => faults.extend(more),
            Err(other) => return Err(other),
        }
    }
    if faults.is_empty() { Ok(files) } else { Err(Error::Input(faults)) }
}

fn file(
    path: &str,
    config: &Config,
    template: &dyn Fn(&str) -> Result<String>,
    names: &BTreeMap<String, Value>,
) -> Result<File> {
    let mode = u32::from_str_radix(&config.mode, 8).ok().filter(|mode| *mode <= 0o777);
    let mode =
        mode.ok_or_else(|| Error::input(format!("{path}: mode `{}` is not like 0644", config.mode)))?;
    let text = text(&config.template, &template(&config.template)?, names)?;
    Ok(File { mode, owner: config.owner.clone(), text })
}

/// The words, and every name of the schema: one without a value is `none`, so a template can ask `{% if x %}`.
fn names(role: &Role, environment: &Environment) -> BTreeMap<String, Value> {
    let words = environment.words.pairs().map(|(word, value)| (word.to_string(), Value::from(value)));
    let values = role.env.keys().map(|name| {
        (name.clone(), environment.values.get(name).map_or(Value::from(()), Value::from_serialize))
    });
    words.into_iter().chain(values).collect()
}

fn text(name: &str, source: &str, names: &BTreeMap<String, Value>) -> Result<String> {
    let mut engine = minijinja::Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_keep_trailing_newline(true);
    engine.set_trim_blocks(true);
    engine.render_named_str(name, source, names).map_err(|fault| Error::input(fault.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file that `template` gives, or the faults.
    fn check(template: &str) -> std::result::Result<String, String> {
        let role = "[config.\"/run/out\"]\ntemplate = \"t\"\nmode = \"0400\"\n[env]\n\
                    site = { type = \"string\", default = \"{role}.x\" }\nnone = { type = \"string\" }";
        let role = crate::role::parse(role).unwrap();
        let environment = crate::environment::check(&role.env, "web", &[]).unwrap();
        let files = all(&role, &environment, &|_, _| true, &|_| Ok(template.to_string()));
        let file = files.map_err(|fault| fault.to_string())?.remove("/run/out").unwrap();
        assert_eq!(file.mode, 0o400);
        Ok(file.text)
    }

    #[test]
    fn names_and_words() {
        let template = "server_name {{ site }};\n{% if none %}\nno\n{% endif %}\nstage {{ stage }}\n";
        assert_eq!(check(template).unwrap(), "server_name web.x;\nstage dev\n");
    }

    #[test]
    fn an_undefined_name_is_a_fault_with_its_line() {
        let fault = check("a\n{{ stie }}").unwrap_err();
        assert!(fault.contains("undefined value") && fault.contains("t:2"), "{fault}");
    }
}
