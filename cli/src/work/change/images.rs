//! The images of a change: each affected role on both sides, what differs between them, and what is told of it.

use std::collections::BTreeSet;
use std::time::Instant;

use assembler::limit::{self, Sizes};
use assembler::role::Role;
use assembler::role::limits::{Unit as LimitUnit, measure_of};
use assembler::{ImageTree, treemap};
use builder::plan::Plan;
use builder::schedule::action::Ground;
use ci::affected::{Planned, RoleChange};
use ci::report::{self, Asked, Failure, Figure, File, Report, Sides, Unit};
use kegs::collect::Kept;
use workbench::cve::{self, State};

use super::kegs::{Fault, Kegs, failure, say as say_failed};
use super::{Change, asked, base, written};
use crate::context::Context;
use crate::terminal::{bytes, event, more_bytes};
use crate::trouble::{Result, Trouble};
use crate::work::build::{self, Built};
use crate::work::image::{self, Image};
use crate::work::{Target, limits, papers, proof};

/// A role's image on one side.
pub struct Made {
    pub target: Target,
    pub built: Built,
    pub image: Image,
    pub tree: ImageTree,
}

pub fn all(change: &Change, kegs: &mut Kegs, report: &mut Report) -> Result<()> {
    for role in change.affected.roles.iter() {
        let Some(planned) = change.sides.new.roles.get(&role.role) else { continue };
        if let Some(told) = one(change, role, planned, kegs, report)? {
            report.roles.push(told);
        }
    }
    Ok(())
}

fn one(
    change: &Change,
    role: &RoleChange,
    planned: &Planned,
    kegs: &mut Kegs,
    report: &mut Report,
) -> Result<Option<report::Role>> {
    let Some(new) = made(change, planned, kegs, report)? else { return Ok(None) };
    let old = old(change, &role.role)?;
    let mut told = tell(change, role, &new, old.as_ref())?;
    let over = limits::of_image(&new.target, &new.image);
    report.failures.extend(faults(&role.role, "limits", over)?);
    if !told.same_bytes {
        asked::ask(change, &new, old.as_ref(), &mut told, report)?;
    }
    say(&told);
    Ok(Some(told))
}

/// The new side's; a failure is told and is no image.
fn made(change: &Change, planned: &Planned, kegs: &mut Kegs, report: &mut Report) -> Result<Option<Made>> {
    let name = &planned.role.name;
    if let Some(broken) = kegs.broken.iter_mut().find(|broken| broken.is_in(&planned.plan)) {
        event("skipped", name, &format!("needs {}", broken.keg));
        broken.roles.push(name.clone());
        return Ok(None);
    }
    let begun = Instant::now();
    let target = target(planned);
    let built = build::attempt(change.context, change.store, change.grounds.0, &target)?;
    kegs.remember(&target.plan, Some(&built));
    say_failed(change, &target.plan, &built);
    for (&at, broken) in &built.failures {
        let base = change.sides.base.as_ref().and_then(|side| side.roles.get(name)).map(|old| &old.plan);
        let on_base = base::fails(change, base, &planned.plan, &planned.plan, at)?;
        report.failures.push(failure(&target.plan, &built, at, broken, on_base));
        let mut fault = Fault::of(&target.plan, at);
        fault.roles.push(name.clone());
        kegs.broken.push(fault);
    }
    if !built.failures.is_empty() {
        return Ok(None);
    }
    let built = build::whole(&target, built, begun)?;
    match composed(change, target, built) {
        Ok(made) => Ok(Some(made)),
        Err(trouble) => {
            report.failures.extend(faults(name, "image", Err(trouble))?);
            Ok(None)
        }
    }
}

fn composed(change: &Change, target: Target, built: Built) -> Result<Made> {
    let (image, key) = image::made(change.store, &target, &built)?;
    change.store.set_root(&format!("image-{}", target.name), &[Kept::Action(key)])?;
    let tree = image.tree()?;
    Ok(Made { target, built, image, tree })
}

fn target(planned: &Planned) -> Target {
    Target { name: planned.role.name.clone(), role: Some(planned.role.clone()), plan: planned.plan.clone() }
}

/// The base's, made by the same store; `None` where the base has none or can't make it.
fn old(change: &Change, name: &str) -> Result<Option<Made>> {
    let planned = change.sides.base.as_ref().and_then(|base| base.roles.get(name));
    let Some(planned) = planned else { return Ok(None) };
    let begun = Instant::now();
    let target = target(planned);
    let context = change.context.at(base::base_tap(change));
    let built = build::attempt(&context, change.store, change.grounds.1, &target)?;
    if !built.failures.is_empty() {
        event("base", name, "does not build");
        return Ok(None);
    }
    let built = build::whole(&target, built, begun)?;
    let image = match image::made(change.store, &target, &built) {
        Ok((image, _)) => image,
        Err(Trouble::Cancelled) => return Err(Trouble::Cancelled),
        Err(_) => {
            event("base", name, "has no image");
            return Ok(None);
        }
    };
    let tree = image.tree()?;
    Ok(Some(Made { target, built, image, tree }))
}

/// What somebody can mend becomes a failure of the report; the rest ends the run.
pub fn faults(role: &str, step: &str, result: Result<()>) -> Result<Option<Failure>> {
    let (end, tail) = match result {
        Ok(()) => return Ok(None),
        Err(Trouble::Faults(faults)) => {
            let lines = faults
                .0
                .iter()
                .flat_map(|fault| fault.to_string().lines().map(str::to_string).collect::<Vec<_>>());
            let messages: Vec<&str> = faults.0.iter().map(|fault| fault.message.as_str()).collect();
            (messages.join("; "), lines.take(15).collect::<Vec<_>>())
        }
        Err(Trouble::Failed(message)) => {
            let mut lines = message.lines().map(str::to_string);
            (lines.next().unwrap_or_default(), lines.take(15).collect())
        }
        Err(other) => return Err(other),
    };
    event("failed", &format!("role {role}"), &format!("{step}: {end}"));
    let (subject, step) = (format!("role {role}"), Some(step.to_string()));
    Ok(Some(Failure { subject, step, end, tail, ..Failure::default() }))
}

fn tell(change: &Change, role: &RoleChange, new: &Made, old: Option<&Made>) -> Result<report::Role> {
    let mut told = report::Role {
        role: role.role.clone(),
        why: role.why.iter().map(ToString::to_string).collect(),
        has_base: old.is_some(),
        same_bytes: old.is_some_and(|old| proof::id(&old.image) == proof::id(&new.image)),
        asked: Asked::NotNeeded,
        figures: figures(new, old)?,
        ..report::Role::default()
    };
    let (of_new, of_old) = (image::role(&new.target)?, old.map(|old| image::role(&old.target)).transpose()?);
    told.ports = sides(declared(of_new), of_old.map(declared));
    told.capabilities = sides(capabilities(of_new), of_old.map(capabilities));
    let licences = |made: &Made, role| licences(&made.target.plan, role, &made.tree);
    told.licenses = sides(licences(new, of_new), old.zip(of_old).map(|(old, role)| licences(old, role)));
    if let Some(old) = old {
        compare(change, &mut told, new, old)?;
    }
    told.files_in_all = new.image.facts.files;
    if !change.wish.db.is_empty() {
        told.cves = Some(cves(change, new, old)?);
    }
    Ok(told)
}

fn compare(change: &Change, told: &mut report::Role, new: &Made, old: &Made) -> Result<()> {
    let diff = assembler::diff(&old.tree, &new.tree);
    let file = |one: &assembler::diff::Change| File {
        what: one.what.word().to_string(),
        path: format!("/{}", one.path),
        old_bytes: one.old_bytes,
        new_bytes: one.new_bytes,
        how: one.how.clone(),
    };
    told.files = diff.changes().map(file).collect();
    told.files.sort_by_key(|file| std::cmp::Reverse(file.old_bytes.abs_diff(file.new_bytes)));
    told.versions = versions(&old.target.plan, &new.target.plan);
    let Some(out) = &change.wish.out else { return Ok(()) };
    let (old_bytes, new_bytes) = (old.image.facts.root_bytes, new.image.facts.root_bytes);
    let title = treemap::Title {
        name: format!("{}: what changed", told.role),
        totals: format!(
            "root image {} ({})",
            bytes(new_bytes),
            more_bytes(new_bytes as i64 - old_bytes as i64)
        ),
    };
    if let Some(svg) = treemap::difference(&diff, &title) {
        let name = format!("{}.svg", told.role);
        written::file(&out.join(&name), &svg)?;
        told.picture = Some(name);
    }
    Ok(())
}

fn versions(old: &Plan, new: &Plan) -> Vec<String> {
    let named = |plan: &Plan| {
        let inside = ci::affected::in_image(plan).into_iter();
        inside
            .map(|at| (plan.nodes()[at].name(), plan.nodes()[at].variant.version.to_string()))
            .collect::<BTreeSet<_>>()
    };
    let (old, new) = (named(old), named(new));
    let before = |keg: &String| old.iter().find(|(name, _)| name == keg).map(|(_, version)| version);
    let changed = new.difference(&old).map(|(keg, version)| match before(keg) {
        Some(before) => format!("{keg} {before} → {version}"),
        None => format!("{keg} {version} is new"),
    });
    let gone = old.iter().filter(|(keg, _)| !new.iter().any(|(name, _)| name == keg));
    changed.chain(gone.map(|(keg, version)| format!("{keg} {version} is gone"))).collect()
}

fn sides(new: BTreeSet<String>, old: Option<BTreeSet<String>>) -> Sides {
    Sides { new: new.into_iter().collect(), old: old.map(|old| old.into_iter().collect()) }
}

/// The ports that a role lists: what it listens on is asked when it runs.
fn declared(role: &Role) -> BTreeSet<String> {
    role.limits.ports.iter().flat_map(|ports| ports.value.iter().map(u16::to_string)).collect()
}

fn capabilities(role: &Role) -> BTreeSet<String> {
    let services = role.services.iter();
    services
        .flat_map(|(name, service)| service.value.caps.iter().map(move |cap| format!("{name}: {cap}")))
        .collect()
}

fn licences(plan: &Plan, role: &Role, tree: &ImageTree) -> BTreeSet<String> {
    limits::licensed(plan, role, tree).into_iter().map(|licensed| licensed.license).collect()
}

/// Every figure of the image that may have a limit, beside the base's.
fn figures(new: &Made, old: Option<&Made>) -> Result<Vec<Figure>> {
    let role = image::role(&new.target)?;
    let of = |made: &Made| -> Vec<(&'static str, u64)> {
        let facts = &made.image.facts;
        let sizes = Sizes {
            root_disk_bytes: facts.root_bytes,
            root_wire_bytes: facts.root_wire_bytes.unwrap_or_default(),
            kernel_bytes: facts.kernel_bytes,
        };
        let found = limit::figures(&made.tree, &sizes, &[]);
        let is_known = |key: &str| key != "root_wire" || facts.root_wire_bytes.is_some();
        found.into_iter().map(|figure| (figure.key, figure.found)).filter(|(key, _)| is_known(key)).collect()
    };
    let before = old.map(of);
    let figure = |(key, found): (&'static str, u64)| {
        let old = before.as_ref().and_then(|old| old.iter().find(|(known, _)| *known == key));
        Figure {
            key: key.to_string(),
            unit: unit(key),
            new: found,
            old: old.map(|(_, found)| *found),
            noise: None,
            limit: role.limits.most(measure_of(key)),
        }
    };
    Ok(of(new).into_iter().map(figure).collect())
}

pub fn unit(key: &str) -> Unit {
    match measure_of(key).unit {
        LimitUnit::Bytes => Unit::Bytes,
        LimitUnit::Milliseconds => Unit::Milliseconds,
        LimitUnit::Count => Unit::Count,
    }
}

/// The ids that are open on both sides.
fn cves(change: &Change, new: &Made, old: Option<&Made>) -> Result<Sides> {
    let catalogue = builder::recipe::load(&change.context.tap)?;
    let now = open(change.context, change, change.grounds.0, &catalogue, new)?;
    let before = match old {
        Some(old) => {
            let context = change.context.at(base::base_tap(change));
            Some(open(&context, change, change.grounds.1, &change.sides.base_catalogue, old)?)
        }
        None => None,
    };
    Ok(sides(now, before))
}

fn open(
    context: &Context,
    change: &Change,
    ground: &Ground,
    catalogue: &builder::recipe::Catalogue,
    made: &Made,
) -> Result<BTreeSet<String>> {
    let seeds = papers::seeds(context, &ground.profile, &made.target)?;
    let of = workbench::papers::Made {
        plan: &made.target.plan,
        catalogue,
        profile: &ground.profile,
        seeds: &seeds,
        outputs: &made.built.outputs,
        keys: &made.built.keys,
    };
    let papers =
        papers::collected(change.store, &made.target, &made.built, &of, &made.image.facts.root_sha256)?;
    let found = cve::check(&papers, &change.wish.db).map_err(|error| Trouble::Failed(error.to_string()))?;
    let open = found.findings.into_iter().filter(|finding| finding.state == State::Open);
    Ok(open.map(|finding| finding.id).collect())
}

fn say(role: &report::Role) {
    let figure = |key: &str| {
        role.figures.iter().find(|figure| figure.key == key).map(Figure::cell).unwrap_or_default()
    };
    match role.same_bytes {
        true => event("image", &role.role, "same bytes"),
        false => {
            event("image", &role.role, &format!("disk {}, wire {}", figure("root_disk"), figure("root_wire")))
        }
    }
}
