//! A `[[test]]` of a recipe, run.

use std::time::Instant;

use builder::recipe::Test;
use kegs::Fault;

use super::closure::closure;
use super::files::test_files;
use super::program::{Program, record};
use super::{Bench, Checked, Kind, Result, compile, expect};

const TIMEOUT_S: u64 = 60;

/// Whether there is anything to run: a test may only name upstream's tests.
pub fn runs(test: &Test) -> bool {
    !test.run.is_empty() || test.c.is_some() || test.cxx.is_some()
}

pub fn timeout_s(test: &Test) -> u64 {
    test.timeout_s.unwrap_or(TIMEOUT_S)
}

pub fn test(bench: &Bench, at: usize, test: &Test) -> Result<Checked> {
    let begun = Instant::now();
    let mut checked = Checked {
        name: name(test),
        kind: Kind::Written,
        silenced: Vec::new(),
        faults: Vec::new(),
        found: true,
        wall_s: 0.0,
        keys: Vec::new(),
    };
    run(bench, at, test, &mut checked)?;
    checked.wall_s = begun.elapsed().as_secs_f64();
    Ok(checked)
}

/// As a person calls it: its command, or its file.
fn name(test: &Test) -> String {
    match test.run.is_empty() {
        true => compile::named(test).1.to_string(),
        false => test.run.join(" "),
    }
}

fn run(bench: &Bench, at: usize, test: &Test, checked: &mut Checked) -> Result<()> {
    let variant = bench.variant(at);
    let (besides, unknown) = needs(bench, test);
    if !unknown.is_empty() {
        checked.faults = unknown;
        return Ok(());
    }
    let files = test_files(&variant.folder)?;
    let (mut argv, mut compiled) = (test.run.clone(), None);
    if argv.is_empty() {
        match compile::compile(bench, at, (test, &besides), &files)? {
            Ok(done) => {
                checked.found &= done.found;
                checked.keys.push(done.key);
                argv = vec![done.program];
                compiled = Some(done.root);
            }
            Err(fault) => {
                checked.faults.push(fault);
                return Ok(());
            }
        }
    }
    let program = Program {
        argv,
        env: test.env.clone(),
        stdin: test.stdin.as_deref().unwrap_or_default().as_bytes(),
        files: &files,
        timeout_s: timeout_s(test) as f64,
        serve: test.serve.map(|port| (port, test.get.as_ref())),
        arch: &variant.arch,
    };
    let ran = program.run(bench, &closure(bench, at, &besides, compiled)?)?;
    checked.found &= ran.found;
    checked.faults = expect::faults(&variant.text, &checked.name, test, &ran.said);
    if checked.faults.is_empty() {
        record(bench, &ran)?;
        checked.keys.push(ran.keyed.key);
    }
    Ok(())
}

/// The kegs that the test needs besides; a fault for each that no plan has.
fn needs(bench: &Bench, test: &Test) -> (Vec<usize>, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut besides = Vec::new();
    for dep in &test.needs {
        match bench.keg_of(dep) {
            Some(at) => besides.push(at),
            None => {
                faults.push(dep.text.fault(dep.span.clone(), format!("no keg `{}` is planned", dep.name)))
            }
        }
    }
    (besides, faults)
}
