//! A file of `tests/` to a program: compiled as a user of the keg would, by pkg-config where the test names modules.
//!
//! With modules, nothing but the `.pc` files says where the keg is: that they are right is a part of the test.

use builder::preset::word;
use builder::recipe::{Cc, Linkage, Test, Variant};
use builder::sandbox::Face;
use builder::schedule::beside::{self, Against, Came, PLACE};
use builder::schedule::execute::{Manner, Place};
use kegs::{Digest, Fault};

use super::files::TestFile;
use super::{Bench, Result, TestError};

/// The program's name in its tree.
const PROGRAM: &str = "program";

/// A compiled test: its tree, and where its program is inside.
pub struct Compiled {
    pub root: Digest,
    pub key: Digest,
    pub program: String,
    pub found: bool,
}

/// The program of a `c` or `cxx` test, or why there is none.
pub fn compile(
    bench: &Bench,
    at: usize,
    (test, besides): (&Test, &[usize]),
    files: &[TestFile],
) -> Result<std::result::Result<Compiled, Fault>> {
    let against = Against { plan: bench.plan, at, besides, outputs: bench.outputs };
    let seen = files.iter().map(|file| (format!("recipe/tests/{}", file.path), file.bytes.clone()));
    let prepared = against.prepared(bench.ground, script(bench.variant(at), test), seen.collect());
    let keyed = prepared.action.keyed();
    let name = format!("{}+test", bench.plan.nodes()[at].name());
    let ran =
        beside::run(bench.store, bench.ground, (&prepared, &keyed), &name, &manner(), bench.cancel.flag());
    match ran {
        Ok((outcome, came)) => Ok(Ok(Compiled {
            root: outcome.output,
            key: keyed.key,
            program: format!("{PLACE}/{PROGRAM}"),
            found: came == Came::Found,
        })),
        Err(failure) if failure.cancelled || bench.cancel.is_said() => Err(TestError::Cancelled),
        Err(failure) => Ok(Err(fault(bench.variant(at), test, &failure))),
    }
}

pub fn manner() -> Manner {
    let limits = builder::sandbox::Limits { wall_s: 600.0, ..Default::default() };
    Manner { face: Face::default(), build: Place::Memory, jobs: 1, limits }
}

fn fault(variant: &Variant, test: &Test, failure: &builder::schedule::execute::Failure) -> Fault {
    let (key, file) = named(test);
    let shown = super::excerpt::tail(failure.tail.join("\n").as_bytes(), "  | ");
    let message = format!("`{file}` does not compile against the keg ({})", failure.end);
    variant.text.fault(test.span(key), message).help(format!("the compiler said\n{shown}"))
}

/// The key and the file.
pub fn named(test: &Test) -> (&'static str, &str) {
    match (&test.c, &test.cxx) {
        (Some(file), _) => ("c", file),
        (None, file) => ("cxx", file.as_deref().unwrap_or_default()),
    }
}

fn script(variant: &Variant, test: &Test) -> String {
    let (key, file) = named(test);
    let (compiler, flags) = match key {
        "cxx" => ("${CXX:-c++}", "${CXXFLAGS:-$CFLAGS}"),
        _ => ("$CC", "$CFLAGS"),
    };
    // The seed's own C library is of no use where the seed is not shown.
    let fixed = if variant.cc == Cc::Seed { "-static " } else { "" };
    let (before, after) = match test.pc.is_empty() {
        true => ("$CPPFLAGS ", "$LDFLAGS"),
        false => ("", "$flags $LDFLAGS"),
    };
    let source = word(&format!("/recipe/tests/{file}"));
    format!(
        "set -eu\n{}mkdir -p \"/build/out$KEG\"\nset -x\n{compiler} {flags} {fixed}-I/recipe/tests {before}-o \"/build/out$KEG/{PROGRAM}\" {source} {after}\n",
        modules(variant, test)
    )
}

/// Asked once before, so that a module that is not there is said by pkgconf and not by the compiler.
fn modules(variant: &Variant, test: &Test) -> String {
    if test.pc.is_empty() {
        return String::new();
    }
    let modules: Vec<String> = test.pc.iter().map(|module| word(module)).collect();
    let modules = modules.join(" ");
    let kind = if variant.linkage == Linkage::Static { "--static " } else { "" };
    format!(
        "$PKG_CONFIG --exists --print-errors {modules}\nflags=$($PKG_CONFIG {kind}--cflags --libs {modules})\n"
    )
}
