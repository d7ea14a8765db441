//! Dependencies beside what the build opened of them, and what programs need beside what is there.

use std::collections::BTreeSet;
use std::path::PathBuf;

use builder::plan::Kind;
use builder::recipe::{Cc, Dep};
use builder::sandbox::Loss;
use builder::schedule::opened::{Class, Few, Observed};
use kegs::{Node, Store, StoreError};

use super::super::finding::Finding;
use super::facts::Facts;
use super::{Built, place};

/// K01: declared, and no variant that is built opened anything of it.
pub fn findings(built: &[Built]) -> Vec<Finding> {
    let (mut used, mut idle) = (BTreeSet::new(), Vec::new());
    for built in built {
        let Some(opened) = built.opened.as_ref().filter(|opened| opened.lost == Loss::Nothing) else {
            // Nobody heard, or not all: no word against any of its dependencies.
            used.extend(deps(built).map(|(_, dep)| at(dep)));
            continue;
        };
        for (kind, dep) in deps(built) {
            match is_idle(built, opened, kind, dep) {
                Some(finding) => idle.push((at(dep), finding)),
                None => drop(used.insert(at(dep))),
            }
        }
    }
    idle.into_iter().filter(|(at, _)| !used.contains(at)).map(|(_, finding)| finding).collect()
}

fn at(dep: &Dep) -> (PathBuf, usize, usize) {
    (dep.text.path().to_path_buf(), dep.span.start, dep.span.end)
}

fn deps<'a>(built: &Built<'a>) -> impl Iterator<Item = (Kind, &'a Dep)> {
    let variant = built.variant();
    let build = variant.build.iter().map(|dep| (Kind::Build, dep));
    build.chain(variant.link.iter().map(|dep| (Kind::Link, dep)))
}

fn is_idle(built: &Built, opened: &Observed, kind: Kind, dep: &Dep) -> Option<Finding> {
    let to = meant(built, kind, dep)?;
    let name = built.plan.nodes()[to].name();
    let classes = opened.kegs.get(&built.plan.nodes()[to].variant.keg());
    if classes.is_some_and(|classes| classes.keys().any(|class| *class != Class::PkgConfig)) {
        return None;
    }
    let message = match classes {
        Some(_) => format!("of `{name}` the build of `{}` read only the `.pc` file", built.name()),
        None => format!("the build of `{}` opened nothing of `{name}`", built.name()),
    };
    let help = "take it out; `run` is for what only a running program needs";
    let fault = dep.text.fault(dep.span.clone(), message).label("not used").help(help);
    let edit = place::without(&fault);
    let finding = Finding::new("K01", fault);
    // What came only by way of it would be gone from the sandbox too.
    match through(built, opened, to).is_empty() {
        true => Some(finding.fix(format!("takes `{}` out", dep.name), vec![edit])),
        false => Some(finding),
    }
}

/// The place in the plan that a written dependency came to.
fn meant(built: &Built, kind: Kind, dep: &Dep) -> Option<usize> {
    let is = |at: &&usize| {
        let variant = &built.plan.nodes()[**at].variant;
        let named = variant.name == dep.name || variant.provides.contains(&dep.name);
        named && dep.slot.as_ref().is_none_or(|slot| *slot == variant.slot)
    };
    built.node().deps(kind).iter().find(is).copied()
}

/// Kegs of which something was opened that are seen only because `to` links them.
fn through(built: &Built, opened: &Observed, to: usize) -> Vec<usize> {
    let direct = built.node().all_deps();
    let behind = built.plan.link_closure(to).into_iter();
    behind
        .filter(|at| !direct.contains(at) && opened.kegs.contains_key(&built.plan.nodes()[*at].variant.keg()))
        .collect()
}

/// K02 and K03: what is used and was not asked for.
///
/// # Errors
/// A keg's tree that can't be read.
pub fn missing(store: &Store, built: &Built, facts: &Facts) -> Result<Vec<Finding>, StoreError> {
    let mut findings = libraries(store, built, facts)?;
    for (kind, dep) in deps(built).filter(|(kind, _)| *kind == Kind::Link) {
        let (Some(opened), Some(to)) = (&built.opened, meant(built, kind, dep)) else { continue };
        for at in through(built, opened, to) {
            findings.extend(by_itself(store, built, opened, (dep, at))?);
        }
    }
    Ok(findings)
}

/// K03: its headers were opened, and no header of those that brought it asks for them.
fn by_itself(
    store: &Store,
    built: &Built,
    opened: &Observed,
    (dep, at): (&Dep, usize),
) -> Result<Option<Finding>, StoreError> {
    let node = &built.plan.nodes()[at];
    let headers = opened.kegs.get(&node.variant.keg()).and_then(|classes| classes.get(&Class::Header));
    let Some(headers) = headers else { return Ok(None) };
    if are_included(store, built, at, headers)? {
        return Ok(None);
    }
    let name = node.name();
    let message = format!(
        "the build of `{}` found `{name}` by itself: it is there only because `{}` links it",
        built.name(),
        dep.name
    );
    let help = format!(
        "write \"{}\" to `link`, or switch off what looks for it ({})",
        node.variant.name,
        headers.first.join(", ")
    );
    let fault = dep.text.fault(dep.span.clone(), message).label(format!("brings `{name}`")).help(help);
    Ok(Some(Finding::new("K03", fault)))
}

/// Whether a keg that links `at` has a header that names one of these.
fn are_included(store: &Store, built: &Built, at: usize, headers: &Few) -> Result<bool, StoreError> {
    let names: Vec<&str> =
        headers.first.iter().map(|path| path.strip_prefix("include/").unwrap_or(path)).collect();
    for other in built
        .plan
        .link_closure(built.at)
        .into_iter()
        .filter(|&other| built.plan.nodes()[other].deps(Kind::Link).contains(&at))
    {
        let Some(root) = built.outputs.get(other).copied().flatten() else { continue };
        for (path, node) in &store.tree(&root)?.nodes {
            let Node::File { digest, .. } = node else { continue };
            if path.starts_with("include/") && names_any(&store.get(digest)?, &names) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn names_any(header: &[u8], names: &[&str]) -> bool {
    let included = |line: &[u8]| {
        let line = String::from_utf8_lossy(line);
        let asked = line
            .trim_start()
            .strip_prefix('#')
            .and_then(|rest| rest.trim_start().strip_prefix("include").map(str::to_string));
        asked.is_some_and(|asked| {
            names.iter().any(|name| asked.trim().trim_matches(['<', '>', '"']).ends_with(name))
        })
    };
    header.split(|byte| *byte == b'\n').any(included)
}

/// K02: a library that a program needs, and no keg that is with it has.
fn libraries(store: &Store, built: &Built, facts: &Facts) -> Result<Vec<Finding>, StoreError> {
    // A bootstrap keg runs only beside the seed, whose libraries are its own.
    let needs = facts.elves.iter().any(|elf| !elf.needed.is_empty()) && built.variant().cc == Cc::Profile;
    if !needs {
        return Ok(Vec::new());
    }
    let there = names(store, built)?;
    let mut findings = Vec::new();
    for elf in &facts.elves {
        for soname in
            elf.needed.iter().filter(|soname| !there.contains(soname.rsplit('/').next().unwrap_or(soname)))
        {
            let message = format!("`{}` needs `{soname}`, which no keg that is with it has", elf.path);
            let help = "write the keg that has it to `link`, or switch off what uses it";
            findings.push(Finding::new("K02", place::maker(built, message).help(help)));
        }
    }
    Ok(findings)
}

/// Names of all files and links of the keg and of those that are there when it runs.
fn names(store: &Store, built: &Built) -> Result<BTreeSet<String>, StoreError> {
    let mut names = BTreeSet::new();
    for at in built.plan.run_closure(built.at).into_iter().chain(built.plan.tool_closure(built.at)) {
        let Some(root) = built.outputs.get(at).copied().flatten() else { continue };
        let tree = store.tree(&root)?;
        names.extend(tree.nodes.keys().map(|path| path.rsplit('/').next().unwrap_or(path).to_string()));
    }
    Ok(names)
}
