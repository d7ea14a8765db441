//! A change, proven: what it affects is linted, built, tested, assembled, booted, and told.
//!
//! ```text
//! load ─▶ affected ─▶ kegs (build, keep going; test) ─▶ images (both sides) ─▶ asked (boot) ─▶ lint ─▶ report
//! ```
//! All state is in the store: what was built, tested, composed or booted is not again, so that a run that was stopped goes
//! on. What fails is told with all the rest, at the end.

mod asked;
mod base;
mod images;
mod kegs;
mod lints;
mod written;

use std::time::Instant;

use ::kegs::{Digest, Store};
use builder::plan::Plan;
use builder::schedule::action::Ground;
use ci::affected::{self, Affected, AffectedError, Known, Sides};
use ci::report::Report;

use self::kegs::Kegs;
use super::{ARCH, ground, pid1};
use crate::commands::ci::{Run, say};
use crate::context::Context;
use crate::terminal::{data, seconds, talk};
use crate::trouble::{Result, Trouble};

impl From<AffectedError> for Trouble {
    fn from(error: AffectedError) -> Trouble {
        match error {
            AffectedError::Faults(faults) => Trouble::Faults(faults),
            error => Trouble::Failed(error.to_string()),
        }
    }
}

/// What all steps stand on.
struct Change<'a> {
    context: &'a Context,
    wish: &'a Run,
    store: &'a Store,
    sides: &'a Sides,
    /// The new side's and the base's.
    grounds: (&'a Ground, &'a Ground),
    affected: &'a Affected,
}

/// Both sides of the change from a commit to the tap as it stands.
pub fn load(context: &Context, base: Option<&str>) -> Result<Sides> {
    let revision = affected::base(&context.tap, base)?;
    let wish = affected::Wish {
        tap: &context.tap,
        toolchain: &context.toolchain,
        arch: ARCH,
        beside: &|role, catalogue| pid1::asked(role, catalogue),
    };
    Ok(Sides::load(&wish, &revision)?)
}

/// Both sides' grounds, as far as the store has their seeds.
pub fn grounds_if_there(context: &Context, store: &Store, sides: &Sides) -> Option<(Ground, Ground)> {
    let base = sides.base.as_ref()?;
    let there = |context: &Context, side: &affected::Side| {
        let plans = std::slice::from_ref(&side.recipes);
        ground::if_there(context, store, side.profile.clone(), plans).ok().flatten()
    };
    Some((there(context, &sides.new)?, there(&context.at(&base.tap), base)?))
}

pub fn run(context: &Context, wish: &Run) -> Result<()> {
    let begun = Instant::now();
    let sides = load(context, wish.base.as_deref())?;
    let store = context.create_store()?;
    let _in_use = store.lock_in_use()?;
    let new = ground::ground(context, &store, sides.new.profile.clone(), plans(&sides.new))?;
    let old = match &sides.base {
        Some(base) => ground::ground(&context.at(&base.tap), &store, base.profile.clone(), plans(base))?,
        None => sides.new.stand_in(),
    };
    let known = sides.base.is_some().then_some(Known { store: &store, new: &new, base: &old });
    let affected = affected::affected(&sides, known.as_ref())?;
    if !context.json {
        say(&affected, talk);
    }
    let change =
        Change { context, wish, store: &store, sides: &sides, grounds: (&new, &old), affected: &affected };
    let kegs = kegs::build(&change)?;
    // What was a guess before is known now: a report says the same whatever the store had.
    let affected = affected::affected(&sides, known.as_ref())?;
    let mut report = Change { affected: &affected, ..change }.report(kegs)?;
    report.wall_s = begun.elapsed().as_secs_f64();
    report.affected = affected;
    written::write(context, wish, &report)?;
    end(context, &report)
}

/// Every plan of a side: whose seeds it needs.
fn plans(side: &affected::Side) -> impl Iterator<Item = &Plan> {
    std::iter::once(&side.recipes).chain(side.roles.values().map(|planned| &planned.plan))
}

impl Change<'_> {
    fn report(&self, mut kegs: Kegs) -> Result<Report> {
        let mut report = Report {
            base: self.sides.commit.clone(),
            head: self.head(),
            same_roles: self.affected.same_roles,
            ..Report::default()
        };
        kegs::test(self, &mut kegs, &mut report)?;
        images::all(self, &mut kegs, &mut report)?;
        kegs::tell(self, kegs, &mut report)?;
        lints::look(self, &mut report)?;
        report.good = report.failures.is_empty() && report.findings.iter().all(|one| one.severity != "error");
        Ok(report)
    }

    /// The commit that the tap stands as.
    fn head(&self) -> Option<String> {
        let head = workbench::revision::open(&self.context.tap, "HEAD").ok()?;
        let differs = head.differs(["recipes", "roles", "toolchains", "seeds"]).ok()?;
        differs.is_empty().then_some(head.commit)
    }

    fn base_plan(&self) -> Option<&Plan> {
        self.sides.base.as_ref().map(|base| &base.recipes)
    }
}

/// The place of a keg in a plan, by its name and slot.
fn place(plan: &Plan, name: &str) -> Option<usize> {
    plan.nodes().iter().position(|node| node.name() == name)
}

/// What each node of a plan came to, where that is in the store.
fn outputs(plan: &Plan, store: &Store, ground: &Ground) -> Result<Vec<Option<Digest>>> {
    use builder::schedule::outlook::{Outlook, outlook};
    let output = |outlook: Outlook| match outlook {
        Outlook::InStore { outcome, .. } => Some(outcome.output),
        _ => None,
    };
    Ok(outlook(plan, store, ground)?.into_iter().map(output).collect())
}

fn end(context: &Context, report: &Report) -> Result<()> {
    let errors = report.findings.iter().filter(|finding| finding.severity == "error").count();
    let verdict = match report.good {
        true => "good".to_string(),
        false => format!("{} failures, {errors} errors of lints", report.failures.len()),
    };
    if context.json {
        data(&serde_json::json!({ "event": "report", "report": report }).to_string());
    }
    talk(&format!("report  {verdict}, {}", seconds(report.wall_s)));
    if report.good { Ok(()) } else { Err(Trouble::Said) }
}
