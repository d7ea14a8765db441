//! Whether what fails fails on the base too: the same key, at once; else the base's own action, tried.

use std::fs;
use std::path::{Path, PathBuf};

use builder::plan::Plan;
use builder::schedule::left;
use ci::affected::{State, compare};
use ci::report::OnBase;
use kegs::Store;

use super::{Change, place};
use crate::terminal::event;
use crate::trouble::{Result, Trouble};
use crate::work::{Target, build};

/// Of a node of `failed_plan`, by its counterparts in the plans of both sides.
pub fn fails(
    change: &Change,
    base: Option<&Plan>,
    new: &Plan,
    failed_plan: &Plan,
    at: usize,
) -> Result<OnBase> {
    let name = failed_plan.nodes()[at].name();
    let Some(base) = base else { return Ok(OnBase::Unknown("the base has faults".into())) };
    let Some(old) = place(base, &name) else { return Ok(OnBase::New) };
    let compared = compare(change.sides, new, base, None)?;
    if place(new, &name).is_some_and(|at| compared.states[at] == State::Same) {
        return Ok(OnBase::Yes);
    }
    let (plan, places) = base.only(&[old]);
    let target = Target { name: format!("{name} of the base"), role: None, plan };
    event("base", &name, "does it fail there too?");
    let kept = Kept::aside(change.store, &name)?;
    let report =
        build::attempt(&change.context.at(base_tap(change)), change.store, change.grounds.1, &target);
    kept.back(change.store)?;
    let report = report?;
    let at = places.iter().position(|&place| place == old);
    Ok(match at {
        Some(at) if report.failures.contains_key(&at) => OnBase::Yes,
        Some(at) => match report.skipped.get(&at) {
            Some(&first) => {
                OnBase::Unknown(format!("{} fails there before it", target.plan.nodes()[first].name()))
            }
            None => OnBase::No,
        },
        None => OnBase::New,
    })
}

pub fn base_tap<'c>(change: &'c Change) -> &'c Path {
    change.sides.base.as_ref().map_or(&change.context.tap, |base| &base.tap)
}

/// What the failure left, for `rootbrew shell` and `rootbrew log`: the base's try may not take its place.
struct Kept {
    name: String,
    folder: Option<PathBuf>,
    log: Option<Vec<u8>>,
}

impl Kept {
    fn aside(store: &Store, name: &str) -> Result<Kept> {
        let (own, aside) = (left::path(store, name), store.stage_path("failed-kept"));
        let folder = match own.exists() {
            true => fs::rename(&own, &aside).map(|()| Some(aside)).map_err(failed)?,
            false => None,
        };
        Ok(Kept { name: name.to_string(), folder, log: store.note("last", name) })
    }

    fn back(self, store: &Store) -> Result<()> {
        left::forget(store, &self.name).map_err(failed)?;
        if let Some(folder) = self.folder {
            fs::rename(folder, left::path(store, &self.name)).map_err(failed)?;
        }
        if let Some(log) = self.log {
            store.set_note("last", &self.name, &log)?;
        }
        Ok(())
    }
}

fn failed(error: std::io::Error) -> Trouble {
    Trouble::Failed(format!("cannot keep what a failed build left: {error}"))
}
