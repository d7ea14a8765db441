//! `rootbrew lint`: every finding of recipes and roles at once. Starts no process; changes nothing without `--fix`.

use std::path::PathBuf;

use workbench::lint::{self, Finding, Ring, Severity, Tap};

use crate::context::Context;
use crate::terminal::{findings, talk};
use crate::trouble::{Result, Trouble};
use crate::work::{ARCH, ground};

#[derive(Debug, clap::Args)]
pub struct Wish {
    /// Recipes and roles [default: all]
    pub names: Vec<String>,
    /// Make the safe fixes
    #[arg(long)]
    pub fix: bool,
    /// Fail on warnings too
    #[arg(long)]
    pub strict: bool,
    /// Only these: text, plan, role; may be given more than once
    #[arg(long, value_name = "RING")]
    pub ring: Vec<String>,
    /// Write what is found as SARIF 2.1.0, for a forge's annotations; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// Show a lint's page: what it finds, why, an example
    #[arg(long, value_name = "LINT", conflicts_with_all = ["fix", "sarif", "names"])]
    pub explain: Option<String>,
}

/// Those that need only the tap.
const RINGS: [Ring; 3] = [Ring::Text, Ring::Plan, Ring::Role];

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let rings = rings(&wish.ring)?;
    let tap = Tap::load(&context.tap, ground::implied(&ground::profile(context)?), ARCH);
    let found = of_names(&tap, &wish.names, lint::check(&tap, &rings))?;
    findings::print(&found, context.json);
    judge(&found, wish)
}

fn rings(words: &[String]) -> Result<Vec<Ring>> {
    let ring = |word: &String| {
        let found = RINGS.into_iter().find(|ring| ring.name() == word);
        found.ok_or_else(|| Trouble::Failed(format!("--ring {word}: text, plan or role is wanted")))
    };
    if words.is_empty() { Ok(RINGS.to_vec()) } else { words.iter().map(ring).collect() }
}

/// Of the files of these recipes and roles; all when none is named.
fn of_names(tap: &Tap, names: &[String], found: Vec<Finding>) -> Result<Vec<Finding>> {
    for name in names {
        tap.known(name).map_err(Trouble::Failed)?;
    }
    let named = |finding: &Finding| names.iter().any(|name| Some(name.as_str()) == finding.owner());
    Ok(found.into_iter().filter(|finding| names.is_empty() || named(finding)).collect())
}

fn judge(found: &[Finding], wish: &Wish) -> Result<()> {
    let fails = if wish.strict { Severity::Warning } else { Severity::Error };
    let failed = found.iter().any(|finding| finding.lint.severity >= fails);
    talk(&findings::sum(found));
    if failed { Err(Trouble::Said) } else { Ok(()) }
}
