//! `--smoke`: each program of `bin/` and `sbin/` is asked for its version. It may refuse, and it may not crash.

use kegs::Node;

use super::closure::closure;
use super::excerpt::tail;
use super::program::{Ended, Program, record};
use super::{Bench, Checked, Kind, Result};

/// A server does not end by itself: that is no crash.
const TIMEOUT_S: f64 = 5.0;

/// SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGSEGV SIGSYS, as a shell says them.
const CRASHES: [i32; 7] = [132, 133, 134, 135, 136, 139, 159];

pub fn test(bench: &Bench, at: usize) -> Result<Option<Checked>> {
    let programs = programs(bench, at)?;
    if programs.is_empty() {
        return Ok(None);
    }
    let mut checked = Checked::new(&format!("{} programs start", programs.len()), Kind::Smoke);
    let closure = closure(bench, at, &[], None)?;
    let variant = bench.variant(at);
    for path in programs {
        let program = Program {
            argv: vec![format!("{}/{path}", variant.keg()), "--version".into()],
            env: Default::default(),
            stdin: b"",
            files: &[],
            timeout_s: TIMEOUT_S,
            serve: None,
            arch: &variant.arch,
        };
        let ran = program.run(bench, &closure)?;
        checked.found &= ran.found;
        let fault = match &ran.said.end {
            Ended::Status(status) if CRASHES.contains(status) => Some(format!("crashes (status {status})")),
            Ended::Not(why) if !why.starts_with("ran longer") => Some(format!("does not start: {why}")),
            _ => None,
        };
        if let Some(what) = fault {
            let fault = variant.text.fault(variant.span.clone(), format!("`{path} --version` {what}"));
            checked.faults.push(fault.help(format!("it said\n{}", tail(&ran.said.stderr, "  | "))));
        } else {
            record(bench, &ran)?;
            checked.keys.push(ran.keyed.key);
        }
    }
    Ok(Some(checked))
}

/// ELF programs; a script is as good as its interpreter, and a link as what it names.
fn programs(bench: &Bench, at: usize) -> Result<Vec<String>> {
    let tree = bench.store.tree(&bench.outputs[at])?;
    let mut programs = Vec::new();
    for (path, node) in &tree.nodes {
        let Node::File { digest, executable: true } = node else { continue };
        let is_program = path
            .split_once('/')
            .is_some_and(|(folder, name)| ["bin", "sbin"].contains(&folder) && !name.contains('/'));
        if is_program && bench.store.get(digest)?.starts_with(b"\x7fELF") {
            programs.push(path.clone());
        }
    }
    Ok(programs)
}
