//! Preset `make`: a Makefile and no configure step. Also the last three steps of `autotools` and `configure`.
//!
//! The compiler is given on the command line, where it wins over the Makefile; the flags by environment, where
//! Makefiles that add to them (`CFLAGS +=`) go on working.

use super::OUT;
use super::quote::{word, words};
use super::shell::{Steps, command};
use crate::recipe::variant::Variant;

pub fn steps(variant: &Variant) -> Steps {
    let prefix = word(&format!("PREFIX={}", variant.keg()));
    with_make(variant, &command([prefix.as_str(), "CC=\"$CC\"", &words(&variant.args)]))
}

/// `make`, `make check`, `make install`, each with `variables` (quoted) and the recipe's own.
pub fn with_make(variant: &Variant, variables: &str) -> Steps {
    let build_args = words(&variant.build_args);
    let make = |more: &str, targets: &str| command(["make", variables, &build_args, more, targets]);
    let targets = &variant.targets;
    Steps {
        configure: Vec::new(),
        build: vec![make("", &words(&targets.build))],
        check: check(&make, &targets.check),
        install: vec![make(&format!("DESTDIR={OUT}"), &or(&targets.install, "install"))],
    }
}

fn or(targets: &[String], usual: &str) -> String {
    if targets.is_empty() { usual.to_string() } else { words(targets) }
}

// `check` is GNU's word, `test` everybody else's; `make -n` tells which one a Makefile has without running it.
fn check(make: &dyn Fn(&str, &str) -> String, targets: &[String]) -> Vec<String> {
    if !targets.is_empty() {
        return vec![make("", &words(targets))];
    }
    vec![
        "if make -n check >/dev/null 2>&1; then".to_string(),
        format!("\t{}", make("", "check")),
        "else".to_string(),
        format!("\t{}", make("", "test")),
        "fi".to_string(),
    ]
}
