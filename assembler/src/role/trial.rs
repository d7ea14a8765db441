//! What `boot --check` makes up, so that a role can be asked before it has an environment: keys, zones, passwords.

use std::collections::BTreeMap;

use kegs::fault::Faults;
use kegs::reader::{Named, Place, Read, Table, meant};

use super::service::Command;
use super::{Kind, Role};

#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// Commands on the machine that asks, in a folder of their own; in order, before the boot.
    pub run: Vec<Vec<String>>,
    /// A name of the environment to the file there that has its value.
    pub env: Named<String>,
}

/// How a file's text becomes a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// As it is.
    Text,
    /// Without the end of its line.
    Line,
    /// A list of its lines.
    Lines,
    /// A number, true or false.
    Word,
}

impl Read for Trial {
    fn read(at: &Place, faults: &mut Faults) -> Option<Trial> {
        let mut table = at.table("a table", faults)?;
        let run: Vec<Command> = table.or_default("run");
        let trial =
            Trial { run: run.into_iter().map(|command| command.0).collect(), env: table.or_default("env") };
        table.close("in `trial`");
        Some(trial)
    }
}

/// The environment has these names, and files stand in the folder itself.
pub fn check(role: &Role, table: &mut Table) {
    for (name, file) in role.trial.env.iter() {
        if !role.env.contains_key(name) {
            let help = meant(name, role.env.keys().map(String::as_str));
            table.fault(file.span.clone(), format!("no `[env.{name}]`"), help);
        }
        if file.value.is_empty() || file.value.contains('/') || file.value.starts_with('.') {
            let message = format!("`{}` is no file of the trial's folder", file.value);
            table.fault(file.span.clone(), message, "a name without `/`, of a file that `run` makes");
        }
    }
}

impl Role {
    /// What the trial gives: name, file, and the shape that the environment's schema asks for.
    pub fn trial_values(&self) -> BTreeMap<&str, (&str, Shape)> {
        let shape = |name: &str| match self.env.get(name).map(|variable| variable.kind) {
            Some(Kind::Text) => Shape::Text,
            Some(Kind::List) => Shape::Lines,
            Some(Kind::Integer | Kind::Boolean) => Shape::Word,
            Some(Kind::String) | None => Shape::Line,
        };
        self.trial
            .env
            .iter()
            .map(|(name, file)| (name.as_str(), (file.value.as_str(), shape(name))))
            .collect()
    }
}
