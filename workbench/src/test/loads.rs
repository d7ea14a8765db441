//! Every ELF file of a keg loads in its closure: each library is found there, each symbol is resolved; and no path of the
//! build's own folders is inside.
//!
//! Symbols are looked up in all that the closure loads, programs included, for a module may use its program's. A program
//! that has an interpreter is then really loaded by it (`--list`, which musl's loader answers after relocating).

use std::collections::BTreeSet;

use assembler::Problem;
use builder::recipe::Cc;
use kegs::{Digest, Node};
use object::{Object, ObjectKind, ObjectSymbol};

use super::closure::{Closure, closure};
use super::kept::{Finding, kept};
use super::program::{Ended, Program, record};
use super::{Bench, Checked, Kind, Result, expect};

const LISTED_MAX: usize = 6;

/// Folders of `/build`; as a word of its own, `/build` stands in many a text.
const TRACES: [&str; 2] = ["/build/source", "/build/out"];

pub fn test(bench: &Bench, at: usize) -> Result<Checked> {
    let mut checked = Checked::new("loads", Kind::Loads);
    let places = bench.plan.run_closure(at).into_iter().chain(bench.plan.tool_closure(at));
    let kegs = places.map(|place| (bench.variant(place).keg(), bench.outputs[place]));
    let kept =
        kept(bench, ("loads", "2"), kegs.chain([("/own".into(), bench.outputs[at])]), || look(bench, at))?;
    checked.take(bench, at, kept);
    if checked.faults.is_empty() {
        load(bench, at, &mut checked)?;
    }
    Ok(checked)
}

fn look(bench: &Bench, at: usize) -> Result<Vec<Finding>> {
    let closure = closure(bench, at, &[], None)?;
    let own = format!("{}/", bench.variant(at).keg().trim_start_matches('/'));
    let mut findings: Vec<Finding> =
        closure.problems.iter().filter_map(|problem| missing(bench, at, &own, problem)).collect();
    findings.extend(unresolved(bench, &closure, &own)?);
    Ok(findings)
}

/// A problem of an ELF file of this keg. Scripts are not loaded: who runs them has their interpreter.
fn missing(bench: &Bench, at: usize, own: &str, problem: &Problem) -> Option<Finding> {
    let (path, what) = match problem {
        Problem::Missing { what, by }
            if what.starts_with("the library") || what.starts_with("the loader") =>
        {
            // A bootstrap keg runs where its seed is, whose loader is at its place there.
            if bench.variant(at).cc == Cc::Seed {
                return None;
            }
            (by, format!("needs {what}, which nothing in its closure has"))
        }
        Problem::Unsearched { soname, path } => {
            (path, format!("needs `{soname}`, and no search path of it leads there: link it with -rpath"))
        }
        Problem::Damaged { path, why } => (path, format!("is a damaged ELF file: {why}")),
        _ => return None,
    };
    let file = path.trim_start_matches('/').strip_prefix(own)?.to_string();
    Some(Finding { file, what, detail: String::new() })
}

/// The dynamic symbols of one ELF file.
#[derive(Default)]
struct Symbols {
    undefined: Vec<String>,
    defined: Vec<String>,
}

fn unresolved(bench: &Bench, closure: &Closure, own: &str) -> Result<Vec<Finding>> {
    // The seed's own libraries are not taken apart.
    if closure.seed.is_some() {
        return Ok(Vec::new());
    }
    let mut provided: BTreeSet<String> = BTreeSet::new();
    let mut asking = Vec::new();
    for (path, digest) in &closure.files {
        let Some(symbols) = symbols(&bench.store.get(digest)?) else { continue };
        provided.extend(symbols.defined);
        if let Some(file) = path.strip_prefix(own).filter(|_| !symbols.undefined.is_empty()) {
            asking.push((file.to_string(), symbols.undefined));
        }
    }
    let mut findings = Vec::new();
    for (file, undefined) in asking {
        let lost: Vec<String> = undefined.into_iter().filter(|name| !provided.contains(name)).collect();
        if !lost.is_empty() {
            let shown = lost[..lost.len().min(LISTED_MAX)].join("`, `");
            let what = format!("needs {} symbols that nothing in its closure has: `{shown}`", lost.len());
            findings.push(Finding { file, what, detail: String::new() });
        }
    }
    Ok(findings)
}

/// `None` for what no loader loads: objects, archives, texts.
fn symbols(bytes: &[u8]) -> Option<Symbols> {
    if !assembler::closure::elf::is_elf(bytes) {
        return None;
    }
    let file = object::File::parse(bytes).ok()?;
    if !matches!(file.kind(), ObjectKind::Executable | ObjectKind::Dynamic) {
        return None;
    }
    let mut symbols = Symbols::default();
    for symbol in file.dynamic_symbols() {
        let Ok(name) = symbol.name() else { continue };
        match (symbol.is_undefined(), symbol.is_weak()) {
            (true, true) => {}
            (true, false) if name.is_empty() => {}
            (true, false) => symbols.undefined.push(name.to_string()),
            (false, _) => symbols.defined.push(name.to_string()),
        }
    }
    Some(symbols)
}

/// Loads each program that has an interpreter.
fn load(bench: &Bench, at: usize, checked: &mut Checked) -> Result<()> {
    let mut known: Option<Closure> = None;
    for (path, interpreter) in dynamic_programs(bench, at)? {
        let closure = match known.take() {
            Some(closure) => closure,
            None => closure(bench, at, &[], None)?,
        };
        let variant = bench.variant(at);
        let program = Program {
            argv: vec![interpreter, "--list".into(), format!("{}/{path}", variant.keg())],
            env: Default::default(),
            stdin: b"",
            files: &[],
            timeout_s: 20.0,
            serve: None,
            arch: &variant.arch,
        };
        let ran = program.run(bench, &closure)?;
        checked.found &= ran.found;
        if ran.said.end == Ended::Status(0) {
            record(bench, &ran)?;
            checked.keys.push(ran.keyed.key);
        } else {
            let shown = super::excerpt::tail(&[ran.said.stdout, ran.said.stderr].concat(), "  | ");
            let fault = variant.text.fault(variant.span.clone(), format!("`{path}` does not load"));
            checked.faults.push(fault.help(format!("the loader said\n{shown}")));
        }
        known = Some(closure);
    }
    Ok(())
}

fn dynamic_programs(bench: &Bench, at: usize) -> Result<Vec<(String, String)>> {
    let mut programs = Vec::new();
    if bench.variant(at).cc == Cc::Seed {
        return Ok(programs);
    }
    for (path, digest) in own_files(bench, at)? {
        // Those that a person starts; modules were looked at.
        let folder = path.split('/').next().unwrap_or_default();
        if !["bin", "sbin", "libexec"].contains(&folder) {
            continue;
        }
        let bytes = bench.store.get(&digest)?;
        let needs = assembler::closure::elf::is_elf(&bytes).then(|| assembler::closure::elf::needs(&bytes));
        if let Some(interpreter) =
            needs.and_then(|needs| needs.ok()?.interpreter).filter(|path| path.contains("musl"))
        {
            programs.push((path, interpreter));
        }
    }
    Ok(programs)
}

/// Files of the keg: path and digest.
pub fn own_files(bench: &Bench, at: usize) -> Result<Vec<(String, Digest)>> {
    let tree = bench.store.tree(&bench.outputs[at])?;
    let files = tree.nodes.into_iter().filter_map(|(path, node)| match node {
        Node::File { digest, .. } => Some((path, digest)),
        _ => None,
    });
    Ok(files.collect())
}

/// No path of the build's folders is inside: it would say of every machine what is true of one sandbox.
pub fn traces(bench: &Bench, at: usize) -> Result<Checked> {
    let mut checked = Checked::new("no build path", Kind::Traces);
    let own = [(bench.variant(at).keg(), bench.outputs[at])];
    let kept = kept(bench, ("traces", "1"), own.into_iter(), || {
        let mut findings = Vec::new();
        for (file, digest) in own_files(bench, at)? {
            let bytes = bench.store.get(&digest)?;
            let traces = TRACES.iter().filter(|trace| expect::contains(&bytes, trace.as_bytes()));
            let what = |trace| format!("holds the path `{trace}` of the sandbox that built it");
            findings.extend(traces.map(|trace| Finding {
                file: file.clone(),
                what: what(trace),
                detail: String::new(),
            }));
        }
        Ok(findings)
    })?;
    checked.take(bench, at, kept);
    Ok(checked)
}
