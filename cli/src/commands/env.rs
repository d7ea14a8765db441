//! `rootbrew env`: what a host would say of its environment, said before it has it; and what a change of it would do.

use std::fs;
use std::path::{Path, PathBuf};

use assembler::role::{self, Role};
use host::change::{self, Does, Plan};
use host::environment::{self, Environment, Fault, Source};
use host::render::{self, Files};
use kegs::{Faults, Text};
use toml::de::{DeTable, DeValue};

use crate::context::Context;
use crate::terminal::{data, event, talk};
use crate::trouble::{Result, Trouble};

#[derive(Debug, clap::Subcommand)]
pub enum Env {
    /// Say what a host of this role would say of an environment file, each fault at its place
    #[command(after_help = "Example: rootbrew env check web web1.toml")]
    Check {
        role: String,
        file: PathBuf,
        /// The host's name where the file gives none
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
    },
    /// Say which files another environment changes, and which services reload, restart or stay
    #[command(after_help = "Example: rootbrew env plan web web1.toml web1.new.toml")]
    Plan {
        role: String,
        old: PathBuf,
        new: PathBuf,
        /// The host's name where the files give none
        #[arg(long, value_name = "NAME")]
        host: Option<String>,
    },
}

pub fn run(context: &Context, command: &Env) -> Result<()> {
    match command {
        Env::Check { role, file, host } => check(context, &Desk::new(context, role, host.as_deref())?, file),
        Env::Plan { role, old, new, host } => {
            let desk = Desk::new(context, role, host.as_deref())?;
            let (old, new) = (desk.made(old)?, desk.made(new)?);
            show(context, &change::plan(&desk.host, &old.files, &new.files));
            Ok(())
        }
    }
}

/// A role as its hosts read it.
struct Desk {
    role: Role,
    host: host::Role,
    name: String,
}

/// What a host makes of a file.
struct Made {
    environment: Environment,
    files: Files,
}

impl Desk {
    fn new(context: &Context, name: &str, host: Option<&str>) -> Result<Desk> {
        let role = role::load(&context.tap, name)?;
        let read = host::role::parse(&role.text.content).map_err(failed)?;
        // As the image's /etc/hostname has it.
        let name = host.unwrap_or(name).to_string();
        Ok(Desk { role, host: read, name })
    }

    fn made(&self, file: &Path) -> Result<Made> {
        let bytes = fs::read(file)
            .map_err(|error| Trouble::Failed(format!("cannot read {}: {error}", file.display())))?;
        let name = file.display().to_string();
        let text = Text::new(file, &String::from_utf8_lossy(&bytes));
        let faults = |faults: Vec<Fault>| Faults(faults.iter().map(|fault| placed(&text, fault)).collect());
        let source = Source::parse(&name, &bytes).map_err(|fault| faults(vec![fault]))?;
        let environment = environment::check(&self.host.env, &self.name, &[source]).map_err(faults)?;
        let template = |wanted: &str| {
            let mut configs = self.role.configs.values();
            let found = configs.find(|config| config.value.template == wanted);
            let absent = || host::Error::input(format!("the role has no template {wanted}"));
            found.map(|config| config.value.template_text.to_string()).ok_or_else(absent)
        };
        let files = render::all(&self.host, &environment, &|_, _| true, &template).map_err(failed)?;
        Ok(Made { environment, files })
    }
}

fn failed(error: host::Error) -> Trouble {
    Trouble::Failed(error.to_string())
}

/// A host's fault at the place where it stands in the file.
fn placed(text: &Text, fault: &Fault) -> kegs::Fault {
    let line = fault.key.strip_prefix("line ").and_then(|line| line.parse::<usize>().ok());
    let span = match line {
        Some(line) => {
            let start: usize = text.content.split_inclusive('\n').take(line - 1).map(str::len).sum();
            let end = text.content[start..].find('\n').map_or(text.content.len(), |length| start + length);
            start..end
        }
        None => span_of(&text.content, &fault.key).unwrap_or(0..0),
    };
    let key = if line.is_some() { String::new() } else { format!("`{}`: ", fault.key) };
    text.fault(span, format!("{key}{}", fault.what))
}

/// Of a key by its dots.
fn span_of(text: &str, key: &str) -> Option<std::ops::Range<usize>> {
    let table = DeTable::parse(text).ok()?;
    let (first, rest) = key.split_once('.').map_or((key, None), |(first, rest)| (first, Some(rest)));
    let (name, value) = table.get_ref().get_key_value(first)?;
    match (rest, value.get_ref()) {
        (Some(rest), DeValue::Table(inner)) => Some(inner.get_key_value(rest)?.0.span()),
        _ => Some(name.span()),
    }
}

/// The host's own lines, and the files that it would write.
fn check(context: &Context, desk: &Desk, file: &Path) -> Result<()> {
    let Made { environment, files } = desk.made(file)?;
    if context.json {
        let files: Vec<_> = files.keys().collect();
        let told =
            serde_json::json!({ "event": "environment", "lines": environment.lines(), "files": files });
        data(&told.to_string());
        return Ok(());
    }
    environment.lines().iter().for_each(|line| data(line));
    event("good", &file.display().to_string(), &format!("{} files of `{}`", files.len(), desk.role.name));
    Ok(())
}

fn show(context: &Context, plan: &Plan) {
    if context.json {
        let services: serde_json::Map<_, _> = plan
            .services
            .iter()
            .map(|(name, (does, because))| {
                (name.clone(), serde_json::json!({ "does": does.word(), "because": because }))
            })
            .collect();
        data(&serde_json::json!({ "event": "plan", "files": plan.files, "services": services }).to_string());
        return;
    }
    plan.files.iter().for_each(|path| data(&format!("file     {path}")));
    for (name, (does, because)) in &plan.services {
        let rest = if *does == Does::Stay { String::new() } else { format!("  {}", because.join(", ")) };
        data(&format!("service  {name} {}{rest}", does.word()));
    }
    if plan.is_empty() {
        talk("nothing changes");
    }
}
