//! A Makefile without anything before it: where it wants the prefix, and whether it takes ours at all.

use builder::recipe::Preset;

use super::preset::Picked;

/// What the preset `make` gives is `PREFIX={keg} CC="$CC"`, `DESTDIR` and the flags by environment; what the Makefile
/// wants beyond that is guessed here.
pub fn picked(text: &str) -> Picked {
    let mut picked = Picked::new(Preset::Make);
    let prefix = ["PREFIX", "prefix", "INSTALL_PREFIX", "INSTALL_TOP"]
        .into_iter()
        .find(|name| is_variable(text, name));
    let staged = uses(text, "DESTDIR");
    match (prefix, staged) {
        (Some("PREFIX"), true) => {}
        (Some(name), true) => picked.build_args.push(format!("{name}={{keg}}")),
        // It knows one place only, where it builds as where it installs to.
        (Some(name), false) => {
            picked.build_args.push(format!("{name}=/build/out{{keg}}"));
            picked = picked.unsure("build_args", "the Makefile knows no DESTDIR, so its prefix is the stage");
        }
        (None, true) => {
            picked = picked.unsure("build_args", "the Makefile has no PREFIX: look where it installs to")
        }
        (None, false) => {
            picked = picked.unsure("override", "the Makefile says no place to install to: write do_install")
        }
    }
    if !has_target(text, "install") {
        picked = picked
            .unsure("targets", "the Makefile has no target `install`: name another, or override the step");
    }
    if assigns(text, "CFLAGS") {
        picked = picked.unsure(
            "build_args",
            "the Makefile overwrites CFLAGS, and the toolchain's are lost: `build_args` or a patch",
        );
    }
    picked
}

fn is_variable(text: &str, name: &str) -> bool {
    uses(text, name) || assigns(text, name)
}

fn uses(text: &str, name: &str) -> bool {
    text.contains(&format!("$({name})")) || text.contains(&format!("${{{name}}}"))
}

/// `NAME =`, which the environment does not win against.
fn assigns(text: &str, name: &str) -> bool {
    text.lines().any(|line| {
        let Some(rest) = line.strip_prefix(name) else { return false };
        let rest = rest.trim_start();
        (rest.starts_with('=') || rest.starts_with(":=")) && !rest.contains(&format!("$({name})"))
    })
}

fn has_target(text: &str, target: &str) -> bool {
    text.lines().any(|line| {
        let head = line.split(':').next().unwrap_or_default();
        line.contains(':') && !line.starts_with('\t') && head.split_whitespace().any(|word| word == target)
    }) || text.lines().any(|line| line.starts_with("include "))
}
