//! The rest of a keg's tree: the builder's folders in it (K06), nothing in it (K14), things twice (K15), first lines (K21).

use super::super::finding::Finding;
use super::facts::{Facts, Script};
use super::{Built, place};

/// What the kernel reads of a first line (`BINPRM_BUF_SIZE`, less the end).
const LINE_MAX_BYTES: usize = 255;

/// As many are named as a person would read.
const NAMED_MAX: usize = 3;

pub fn findings(built: &Built, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(build_paths(built, facts));
    findings.extend(empty(built, facts));
    findings.extend(facts.twins.iter().map(|(paths, bytes)| twins(built, paths, *bytes)));
    findings.extend(facts.scripts.iter().filter_map(|script| first_line(built, facts, script)));
    findings
}

fn build_paths(built: &Built, facts: &Facts) -> Option<Finding> {
    let help =
        "the folder of the build is gone when the keg is used: remove the file, or patch what writes it";
    let message = format!("the builder's own folder is named in {}", named(&facts.build_paths));
    (!facts.build_paths.is_empty()).then(|| Finding::new("K06", place::maker(built, message).help(help)))
}

fn empty(built: &Built, facts: &Facts) -> Option<Finding> {
    let message = format!("the keg `{}` holds no file", built.name());
    let help = "the install step went elsewhere: {keg} is its prefix, $DESTDIR its root";
    (facts.files == 0).then(|| Finding::new("K14", place::maker(built, message).help(help)))
}

fn twins(built: &Built, paths: &[String], bytes: u64) -> Finding {
    let message = format!("{} have the same {} KiB", named(paths), bytes >> 10);
    Finding::new("K15", place::maker(built, message).help("`symlinks` for all but one, or `remove`"))
}

fn first_line(built: &Built, facts: &Facts, script: &Script) -> Option<Finding> {
    let path = &script.path;
    if script.line_bytes > LINE_MAX_BYTES {
        let message = format!(
            "the first line of `{path}` has {} bytes: the kernel cuts it at {LINE_MAX_BYTES}",
            script.line_bytes
        );
        return Some(Finding::new(
            "K21",
            place::maker(built, message).help("a shorter path, or `/bin/sh` with `exec`"),
        ));
    }
    // Beside the programs: what is read, and not started.
    if !["bin/", "sbin/", "libexec/"].iter().any(|folder| path.starts_with(folder))
        || is_in_a_keg(built, script)
    {
        return None;
    }
    let name =
        script.by_env.as_deref().unwrap_or_else(|| script.interpreter.rsplit('/').next().unwrap_or_default());
    if name == "sh" || is_with_it(built, facts, name) {
        return None;
    }
    let message = format!("`{path}` is run by `{name}`, which no keg that is with it has");
    let help = format!("`run = [\"{name}\"]` where it is wanted, `remove = [\"{path}\"]` where it is not");
    Some(Finding::new("K21", place::maker(built, message).help(help)))
}

/// A place in its own keg, or in one that it was built with: the image takes what a first line names.
fn is_in_a_keg(built: &Built, script: &Script) -> bool {
    let names = |prefix: String| script.interpreter.starts_with(&format!("{prefix}/"));
    script.by_env.is_none() && built.plan.nodes().iter().any(|node| names(node.variant.keg()))
}

/// Its own program, or one of a keg that it runs with and that is called so.
fn is_with_it(built: &Built, facts: &Facts, name: &str) -> bool {
    let own = facts.elves.iter().any(|elf| elf.path == format!("bin/{name}"));
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    let with = built.plan.run_closure(built.at);
    own || with
        .iter()
        .map(|&at| &built.plan.nodes()[at].variant)
        .any(|variant| variant.name == stem || variant.name == name)
}

fn named(paths: &[String]) -> String {
    let first: Vec<String> = paths.iter().take(NAMED_MAX).map(|path| format!("`{path}`")).collect();
    match paths.len().saturating_sub(NAMED_MAX) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
