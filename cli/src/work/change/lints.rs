//! Lints of the change: what stands in its files can fail it; what stands elsewhere is only counted.

use std::collections::BTreeSet;

use ci::report::{Finding, Report};
use workbench::lint::registry::RINGS;
use workbench::lint::{self, Deep, Severity, Tap};

use super::Change;
use crate::terminal::findings;
use crate::trouble::Result;
use crate::work::ARCH;

pub fn look(change: &Change, report: &mut Report) -> Result<()> {
    let tap = Tap::load(&change.context.tap, change.sides.new.profile.clone(), ARCH);
    let own = own(change);
    let mut deep = deep(change);
    let found = lint::check_with(&tap, &RINGS, &mut deep);
    let (here, elsewhere): (Vec<_>, Vec<_>) =
        found.into_iter().partition(|finding| finding.owner().is_some_and(|owner| own.contains(owner)));
    findings::print(&here, change.context.json);
    report.findings = here.iter().map(told).collect();
    report.findings_elsewhere =
        elsewhere.iter().filter(|finding| finding.lint.severity != Severity::Info).count();
    Ok(())
}

/// Recipes and roles of which a file differs.
fn own(change: &Change) -> BTreeSet<String> {
    let of_role = |file: &String| {
        let rest = file.strip_prefix("roles/")?;
        Some(rest.split('/').next()?.trim_end_matches(".toml").to_string())
    };
    let differs = &change.sides.differs;
    differs.recipes.iter().cloned().chain(differs.files.iter().filter_map(of_role)).collect()
}

/// What a store tells of the recipes of the change.
fn deep(change: &Change) -> Deep {
    let plan = &change.sides.new.recipes;
    let own: Vec<usize> = (0..plan.nodes().len())
        .filter(|&at| change.sides.differs.recipes.contains(&plan.nodes()[at].variant.name))
        .collect();
    if own.is_empty() {
        return Deep::default();
    }
    let (plan, _) = plan.only(&own);
    Deep::look(&RINGS, change.store, Some(change.grounds.0), &[plan])
}

fn told(finding: &lint::Finding) -> Finding {
    let fault = &finding.fault;
    let (line, column) = fault.text.position(fault.span.start);
    Finding {
        id: finding.lint.id.into(),
        name: finding.lint.name.into(),
        severity: finding.lint.severity.name().into(),
        file: fault.text.path().display().to_string(),
        line,
        column,
        message: fault.message.clone(),
        help: fault.help.clone(),
    }
}
