//! `rootbrew ci`: what a change changes; and all that proves it, with a report.

use std::path::PathBuf;

use ci::affected::{self, Affected, Keg};

use crate::context::Context;
use crate::terminal::{data, event, talk};
use crate::trouble::Result;
use crate::work::change;

#[derive(Debug, clap::Subcommand)]
pub enum Ci {
    /// Which kegs, roles and images a change changes, by key and not by folder, each with its reason
    #[command(
        after_help = "Examples: rootbrew ci affected\n          rootbrew ci affected --base origin/main --json"
    )]
    Affected {
        /// The line that the change goes to, or a commit before it [default: the main line]
        #[arg(long, value_name = "REV")]
        base: Option<String>,
    },
    /// Lint, build, test, assemble and boot what a change changes, and report it; goes on where it was stopped
    #[command(
        after_help = "Examples: rootbrew ci run\n          rootbrew ci run --base origin/main --out report/ --db osv.zip"
    )]
    Run(Run),
}

#[derive(Debug, clap::Args)]
pub struct Run {
    /// The line that the change goes to, or a commit before it [default: the main line]
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    /// Write report.md, report.json and pictures there [default: the Markdown to standard output]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Records of OSV, for the vulnerabilities of both sides; may be given more than once
    #[arg(long, value_name = "FILE")]
    pub db: Vec<PathBuf>,
    /// Boot nothing: where no QEMU is
    #[arg(long)]
    pub no_boot: bool,
}

pub fn run(context: &Context, command: &Ci) -> Result<()> {
    match command {
        Ci::Affected { base } => affected(context, base.as_deref()),
        Ci::Run(wish) => change::run(context, wish),
    }
}

fn affected(context: &Context, base: Option<&str>) -> Result<()> {
    let sides = change::load(context, base)?;
    let store = context.open_store().ok();
    let grounds = store.as_ref().and_then(|store| change::grounds_if_there(context, store, &sides));
    let known =
        store.as_ref().zip(grounds.as_ref()).map(|(store, (new, base))| affected::Known { store, new, base });
    let affected = affected::affected(&sides, known.as_ref())?;
    match context.json {
        true => data(&serde_json::to_string(&affected).unwrap_or_default()),
        false => say(&affected, data),
    }
    Ok(())
}

/// One line a thing: what it is, its name, and why.
pub fn say(affected: &Affected, tell: fn(&str)) {
    event("base", &affected.base[..12.min(affected.base.len())], "");
    for keg in &affected.kegs {
        tell(&line("keg", &format!("{}{}", keg.keg, versions(keg)), &reason(keg)));
    }
    for recipe in &affected.recipes {
        if !recipe.facts.is_empty() {
            tell(&line("facts", &recipe.recipe, &recipe.facts.join(", ")));
        }
        if recipe.tests {
            tell(&line("tests", &recipe.recipe, "its tests changed"));
        }
    }
    for role in &affected.roles {
        for why in &role.why {
            tell(&line("role", &role.role, &why.to_string()));
        }
        if !role.papers.is_empty() {
            tell(&line("papers", &role.role, &format!("facts of `{}`", role.papers.join("`, `"))));
        }
    }
    if let Some(faults) = &affected.base_faults {
        talk(&format!("the base has faults, so everything is new:\n{}", faults.trim_end()));
    }
    let (kegs, roles) =
        (affected.kegs.len(), affected.roles.iter().filter(|role| !role.why.is_empty()).count());
    talk(&format!(
        "sum     {kegs} kegs affected, {} the same; {roles} roles affected, {} the same",
        affected.same_kegs, affected.same_roles
    ));
}

fn line(verb: &str, subject: &str, rest: &str) -> String {
    format!("{verb:<8}{subject:<27} {rest}").trim_end().to_string()
}

fn versions(keg: &Keg) -> String {
    match (&keg.old_version, &keg.version) {
        (Some(old), Some(new)) if old != new => format!(" {old} → {new}"),
        (Some(version), _) | (None, Some(version)) => format!(" {version}"),
        (None, None) => String::new(),
    }
}

fn reason(keg: &Keg) -> String {
    let bytes = match keg.same_bytes {
        Some(true) => "; same bytes",
        Some(false) => "; other bytes",
        None => "",
    };
    format!("{}{bytes}", keg.why)
}
