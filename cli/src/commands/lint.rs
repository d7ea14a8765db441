//! `rootbrew lint`: every finding of recipes and roles at once. Starts no process; changes nothing without `--fix`.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use workbench::bump::World;
use workbench::lint::registry::RINGS;
use workbench::lint::{self, Deep, Finding, Ring, Severity, Tap, source};

use crate::context::Context;
use crate::terminal::{self, data, findings, talk};
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
    /// Ask the sources' places whether they still have them, and upstream what is newer
    #[arg(long)]
    pub network: bool,
    /// Only these: text, plan, source, keg, role; may be given more than once
    #[arg(long, value_name = "RING")]
    pub ring: Vec<String>,
    /// Write what is found as SARIF 2.1.0, for a forge's annotations; `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub sarif: Option<PathBuf>,
    /// Show a lint's page: what it finds, why, an example
    #[arg(long, value_name = "LINT", conflicts_with_all = ["fix", "sarif", "names"])]
    pub explain: Option<String>,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    if let Some(word) = &wish.explain {
        return explain(word);
    }
    let rings = rings(&wish.ring)?;
    let profile = ground::profile(context)?;
    let missed = RefCell::new(Vec::new());
    let look = || {
        let tap = Tap::load(&context.tap, profile.clone(), ARCH);
        let mut deep = deep(context, wish, &tap, &rings);
        missed.replace(not_looked_at(&deep, &wish.names));
        let found = of_names(&wish.names, lint::check_with(&tap, &rings, &mut deep));
        (tap, found)
    };
    let (tap, found) = look();
    known(&tap, &wish.names)?;
    let (tap, found) = if wish.fix && mend(context, look)? { look() } else { (tap, found) };
    match &wish.sarif {
        Some(path) => write_sarif(path, &tap, &found)?,
        None => findings::print(&found, context.json),
    }
    missed.borrow().iter().for_each(|line| talk(line));
    judge(&found, wish)
}

/// What the rings find that need a store, as far as there is one.
fn deep(context: &Context, wish: &Wish, tap: &Tap, rings: &[Ring]) -> Deep {
    let wanted = rings.iter().any(|ring| matches!(ring, Ring::Source | Ring::Keg));
    let (true, Ok(store)) = (wanted, context.open_store()) else { return Deep::default() };
    let plans = Deep::plans(tap);
    // A seed that can't be read is another command's fault to tell: nothing is built by it.
    let ground = ground::if_there(context, &store, tap.profile.clone(), &plans).ok().flatten();
    let mut deep = Deep::look(rings, &store, ground.as_ref(), &plans);
    if wish.network {
        deep.sources.findings.extend(source::network::look(&plans, &context.places));
        let world = World {
            places: &context.places,
            apt: context.apt(),
            into: &store,
            cancel: context.cancel.flag(),
        };
        deep.sources.findings.extend(source::stale::look(tap, &world));
    }
    deep
}

/// A line for each thing that could not be looked at, of what was asked.
fn not_looked_at(deep: &Deep, asked: &[String]) -> Vec<String> {
    let is_asked = |name: &&String| {
        let plain = name.split('@').next().unwrap_or_default();
        asked.is_empty() || asked.iter().any(|asked| asked == *name || asked == plain)
    };
    let counted = [
        (&deep.kegs.unbuilt, "kegs not built: their keg lints did not run"),
        (&deep.kegs.unheard, "kegs built while nobody heard what they open: `rootbrew check NAME` hears it"),
        (
            &deep.sources.absent,
            "recipes with sources that are not in the store: their source lints did not run",
        ),
    ];
    let counted = counted.map(|(names, what)| (names.iter().filter(is_asked).count(), what));
    let lines =
        counted.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}"));
    lines.chain(deep.fault.clone()).collect()
}

fn explain(word: &str) -> Result<()> {
    let words = || lint::registry::all().flat_map(|lint| [lint.id, lint.name]);
    let lint = lint::registry::find(word).ok_or_else(|| {
        Trouble::Failed(format!("no lint `{word}`: {}", kegs::reader::meant(word, words())))
    })?;
    data(lint::page::explain(lint).trim_end());
    Ok(())
}

/// Whether anything was changed.
fn mend(context: &Context, look: impl FnMut() -> (Tap, Vec<Finding>)) -> Result<bool> {
    let fixed = lint::fix::fix(look).map_err(Trouble::Failed)?;
    for one in &fixed {
        findings::fixed(one, context.json);
    }
    Ok(!fixed.is_empty())
}

fn write_sarif(path: &Path, tap: &Tap, found: &[Finding]) -> Result<()> {
    let text = lint::sarif::sarif(tap, found, env!("CARGO_PKG_VERSION")).to_string();
    terminal::write(path, &(text + "\n"))
}

fn rings(words: &[String]) -> Result<Vec<Ring>> {
    let ring = |word: &String| {
        let found = RINGS.into_iter().find(|ring| ring.name() == word);
        found.ok_or_else(|| {
            Trouble::Failed(format!("--ring {word}: text, plan, source, keg or role is wanted"))
        })
    };
    if words.is_empty() { Ok(RINGS.to_vec()) } else { words.iter().map(ring).collect() }
}

/// Of the files of these recipes and roles; all when none is named.
fn of_names(names: &[String], found: Vec<Finding>) -> Vec<Finding> {
    let named = |finding: &Finding| names.iter().any(|name| Some(name.as_str()) == finding.owner());
    found.into_iter().filter(|finding| names.is_empty() || named(finding)).collect()
}

fn known(tap: &Tap, names: &[String]) -> Result<()> {
    names.iter().try_for_each(|name| tap.known(name)).map_err(Trouble::Failed)
}

fn judge(found: &[Finding], wish: &Wish) -> Result<()> {
    let fails = if wish.strict { Severity::Warning } else { Severity::Error };
    let failed = found.iter().any(|finding| finding.lint.severity >= fails);
    talk(&findings::sum(found));
    if failed { Err(Trouble::Said) } else { Ok(()) }
}
