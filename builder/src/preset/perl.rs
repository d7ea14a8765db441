//! Preset `perl`: a Makefile.PL (MakeMaker), or else a Build.PL (Module::Build). Modules go to `lib/perl5`.
//!
//! Perl looks for modules only in its own keg, so the first line of each program names the folders of its keg and of the
//! kegs that it links. MakeMaker's notes about an installation (`.packlist`, `perllocal.pod`) are not written.

use super::quote::{word, words};
use super::shell::{Steps, command};
use super::{OUT, Place};
use crate::recipe::variant::Variant;

/// Of `make`, where it is Module::Build, which must be a keg under `build`.
pub fn steps(variant: &Variant, place: &Place) -> Steps {
    let build_args = words(&variant.build_args);
    let with = |make: &str, usual: &str, targets: &[String]| {
        let targets = if targets.is_empty() { usual.to_string() } else { words(targets) };
        let make = command(["make", make, &build_args, &targets]);
        move |build: &str| either(&make, build)
    };
    let targets = &variant.targets;
    let install = format!("DESTDIR={OUT}");
    Steps {
        configure: vec![configure(variant)],
        build: vec![with("", "", &targets.build)("./Build")],
        check: vec![with("", "test", &targets.check)("./Build test")],
        install: vec![
            with(&install, "install", &targets.install)(&format!(
                "./Build install --destdir={OUT} --create_packlist=0"
            )),
            programs(variant, place),
            "find \"$OUT\" -name .packlist -delete".to_string(),
        ],
    }
}

fn either(make: &str, build: &str) -> String {
    format!("if [ -f Makefile.PL ]; then {make}; else {build}; fi")
}

fn configure(variant: &Variant) -> String {
    let keg = variant.keg();
    let args = words(&variant.args);
    let make = [
        "perl Makefile.PL",
        &word(&format!("INSTALL_BASE={keg}")),
        "NO_PACKLIST=1 NO_PERLLOCAL=1 INSTALLMAN1DIR=none INSTALLMAN3DIR=none",
        &args,
        "\"$@\"",
    ];
    let build = ["perl Build.PL", &word(&format!("--install_base={keg}")), &args, "\"$@\""];
    either(&command(make), &command(build))
}

fn programs(variant: &Variant, place: &Place) -> String {
    let others = place.link.iter().map(|keg| keg.prefix.clone());
    let folders: Vec<String> =
        [variant.keg()].into_iter().chain(others).map(|keg| format!("-I{keg}/lib/perl5")).collect();
    let line = format!("1s,^#!.*,#!$KEG_PERL/bin/perl {},", folders.join(" "));
    format!(
        "if [ -d \"$OUT/bin\" ]; then grep -lE '^#!.*perl' \"$OUT\"/bin/* | xargs -r sed -i \"{line}\"; fi"
    )
}
