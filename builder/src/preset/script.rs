//! The script: the head, the steps as functions, the recipe's own steps over them, and the loop that runs them.
//!
//! ```text
//! preset_configure() { … }      what the preset does
//! . /recipe/steps.sh            the recipe's do_install() { … }, where `override` says so
//! do_configure() { preset_configure; }
//! for step in …                 prints `== configure`, runs do_configure in its folder
//! ```
//! `$STEPS` in the environment chooses other steps (`check` is not among the usual ones: it takes longer than all others).

use super::quote::word;
use super::shell::{Steps, function};
use super::{
    BUILD, OUT, Place, RECIPE, autotools, cargo, cmake, configure, finish, kbuild, make, meson, perl, python,
    unpack,
};
use crate::recipe::variant::{Preset, Step, Variant};

/// The text of `/build-script`: POSIX sh, the same bytes for the same variant and place.
pub fn script(variant: &Variant, place: &Place) -> String {
    let steps = steps(variant, place);
    let mut text = head(variant);
    if variant.preset == Preset::Cargo {
        text.push_str(&function("vendor", &cargo::vendor()));
    }
    text.push_str(&function("do_unpack", &unpack::unpack(variant)));
    text.push_str(&function("do_patch", &unpack::patch(variant)));
    text.push_str(&function("preset_configure", &steps.configure));
    text.push_str(&function("preset_build", &steps.build));
    text.push_str(&function("preset_check", &steps.check));
    text.push_str(&function("preset_install", &steps.install));
    if variant.debug {
        text.push_str(&function("split_debug", &finish::split_debug()));
    }
    text.push_str(&function("preset_finish", &finish::finish(variant)));
    text.push_str(&own_steps(variant));
    text.push_str(TAIL);
    text
}

fn steps(variant: &Variant, place: &Place) -> Steps {
    match variant.preset {
        Preset::Autotools => autotools::steps(variant, place),
        Preset::Cargo => cargo::steps(variant, place),
        Preset::Configure => configure::steps(variant),
        Preset::Make => make::steps(variant),
        Preset::Cmake => cmake::steps(variant, place),
        Preset::Meson => meson::steps(variant),
        Preset::Python => python::steps(variant, place),
        Preset::Perl => perl::steps(variant, place),
        Preset::Kbuild => kbuild::steps(variant),
        Preset::Script => Steps::default(),
    }
}

fn head(variant: &Variant) -> String {
    let tree = format!("{BUILD}/source");
    let work = if variant.subdir.is_empty() { tree.clone() } else { format!("{tree}/{}", variant.subdir) };
    let settings = [
        ("NAME", variant.name.as_str()),
        ("VERSION", variant.version.as_str()),
        ("SLOT", &variant.slot),
        ("ARCH", &variant.arch),
        ("KEG", &variant.keg()),
        ("DESTDIR", OUT),
        ("OUT", &format!("{OUT}{}", variant.keg())),
        ("RECIPE", RECIPE),
        ("TREE", &tree),
        ("WORK", &work),
    ];
    let mut text = String::from(
        "#!/bin/sh\n# Written by rootbrew from the recipe and its preset: change those.\nset -eu\numask 022\n",
    );
    for (name, value) in settings {
        text.push_str(&format!("{name}={}\n", word(value)));
    }
    text + &function("fail", &["printf 'error: %s\\n' \"$*\" >&2".to_string(), "exit 1".to_string()])
}

const STEPS: [(Step, &str); 5] = [
    (Step::Configure, "configure"),
    (Step::Build, "build"),
    (Step::Check, "check"),
    (Step::Install, "install"),
    (Step::Finish, "finish"),
];

// After `steps.sh`: what it defines without `override` saying so is not used, so that the recipe's data tell the truth.
fn own_steps(variant: &Variant) -> String {
    let own = |step: &Step| variant.override_steps.contains(step) || is_script(variant, *step);
    let mut text = String::new();
    if STEPS.iter().any(|(step, _)| own(step)) {
        text.push_str(&format!(". {RECIPE}/steps.sh\n"));
    }
    for (_, name) in STEPS.iter().filter(|(step, _)| !own(step)) {
        text.push_str(&format!("do_{name}() {{ preset_{name}; }}\n"));
    }
    text
}

// Preset `script` brings no step, so the two without which there is no keg are the recipe's, said or not.
fn is_script(variant: &Variant, step: Step) -> bool {
    variant.preset == Preset::Script && matches!(step, Step::Build | Step::Install)
}

// No `cd … && step`: `set -e` is off inside what stands before `&&` or in `if`.
const TAIL: &str = r#"
for step in ${STEPS:-unpack patch configure build install finish}; do
	printf '== %s\n' "$step"
	case $step in
	unpack) cd /build ;;
	patch) cd "$TREE" ;;
	finish)
		mkdir -p "$OUT"
		cd "$OUT"
		;;
	*) cd "$WORK" ;;
	esac
	"do_$step"
done
"#;
