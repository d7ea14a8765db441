//! Whether anything proves the keg: its own tests (K22, K23), what the tests that nobody writes found last (K18-K20), and
//! what checking it found (K24).

use builder::recipe::{Preset, Test};
use builder::schedule::again;
use kegs::Store;

use super::super::finding::Finding;
use super::facts::Facts;
use super::{Built, place};
use crate::test::{Kind, note};

/// What a program is asked that says nothing of whether it works.
const ONLY_SAYS: [&str; 8] = ["--version", "-V", "-v", "-version", "version", "--help", "-h", "help"];

pub fn findings(store: &Store, built: &Built, facts: &Facts) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(tests(built, facts));
    findings.extend(tried(store, built));
    findings.extend(reproduced(store, built));
    findings
}

/// What `rootbrew test` found last of these bytes.
fn tried(store: &Store, built: &Built) -> Vec<Finding> {
    let Some(note) = note::last(store, &built.name(), &built.output) else { return Vec::new() };
    let told = note.tests.into_iter().filter_map(|test| Some((Kind::told_by(&test.kind)?, test)));
    let help = format!("`rootbrew test {}` shows more", built.name());
    told.flat_map(|(id, test)| {
        [test.faults, test.silenced].concat().into_iter().map(move |message| (id, message))
    })
    .map(|(id, message)| Finding::new(id, place::maker(built, message).help(help.clone())))
    .collect()
}

fn tests(built: &Built, facts: &Facts) -> Option<Finding> {
    let variant = built.variant();
    let proves = |test: &Test| !variant.tests.is_empty() && !only_says(test);
    if variant.tests.iter().any(proves) || variant.preset == Preset::Kbuild {
        return None;
    }
    if variant.tests.is_empty() {
        let what = match (facts.programs, facts.libraries) {
            (0, 0) => return None,
            (0, libraries) => format!("{libraries} libraries"),
            (programs, 0) => format!("{programs} programs"),
            (programs, libraries) => format!("{programs} programs and {libraries} libraries"),
        };
        let message = format!("`{}` has {what}, and no test", built.name());
        let help = "`test = { run = [\"…\"], stdout = \"…\" }`, or `test = { c = \"x.c\", pc = \"…\" }`";
        return Some(Finding::new("K22", place::maker(built, message).help(help)));
    }
    let fault = variant
        .text
        .fault(place::tests(built)?, format!("the test of `{}` only asks which version it is", built.name()));
    Some(Finding::new("K23", fault.help("let it do what it is for, and compare what comes out")))
}

fn only_says(test: &Test) -> bool {
    test.run.len() == 2
        && ONLY_SAYS.contains(&test.run[1].as_str())
        && test.serve.is_none()
        && test.stdin.is_none()
}

fn reproduced(store: &Store, built: &Built) -> Option<Finding> {
    let differing = again::checked(store, &built.key)?;
    let first = differing.first()?;
    let message = format!(
        "`{}` comes out otherwise when it is built again: {} files, `{first}` among them",
        built.name(),
        differing.len()
    );
    let help = format!("`rootbrew check {}` shows them", built.name());
    Some(Finding::new("K24", place::maker(built, message).help(help)))
}
