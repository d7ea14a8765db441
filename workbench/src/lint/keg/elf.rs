//! Programs and libraries: where they look (K05, K07), and how hard they make it for an attacker (K08, K09, K10) and for a
//! debugger (K26).

use builder::preset::Profile;
use builder::recipe::{Cc, Preset};

use super::super::finding::Finding;
use super::facts::{Elf, Facts};
use super::{Built, place};

/// What a C library brings, under the names of all of them.
const OF_LIBC: [&str; 8] =
    ["libc.", "libm.", "libdl.", "libpthread.", "librt.", "libutil.", "libresolv.", "libgcc_s."];

pub fn findings(built: &Built, facts: &Facts, profile: &Profile) -> Vec<Finding> {
    let mut findings = Vec::new();
    for elf in &facts.elves {
        findings.extend(dlopens(built, elf));
        findings.extend(search(built, elf));
        if !is_of_us(built) {
            continue;
        }
        findings.extend(stack(built, elf));
        findings.extend(stripped(built, elf, profile));
        findings.extend(relocations(built, elf));
        findings.extend(hardening(built, elf, profile));
    }
    findings
}

/// A bootstrap keg is made by others' flags, and a kernel is no program.
fn is_of_us(built: &Built) -> bool {
    built.variant().cc == Cc::Profile && built.variant().preset != Preset::Kbuild
}

fn dlopens(built: &Built, elf: &Elf) -> Vec<Finding> {
    let runtime = &built.variant().runtime;
    let reaches = std::iter::once(&runtime.always).chain(runtime.sets.values()).chain(runtime.from.values());
    let declared: Vec<&String> = reaches.flat_map(|reach| &reach.dlopen).collect();
    let strange =
        |name: &&String| !declared.contains(name) && !OF_LIBC.iter().any(|libc| name.starts_with(libc));
    let found = elf.dlopens.iter().filter(strange).map(|name| {
        let message = format!("`{}` can open `{name}` while it runs, and nothing says so", elf.path);
        let help = format!("`runtime = {{ dlopen = [\"{name}\"] }}` brings it to images; where it is never opened, say so under `allow`");
        Finding::new("K05", place::maker(built, message).help(help))
    });
    found.collect()
}

fn search(built: &Built, elf: &Elf) -> Vec<Finding> {
    let kegs: Vec<String> =
        built.plan.run_closure(built.at).iter().map(|&at| built.plan.nodes()[at].variant.keg()).collect();
    let own = |folder: &str| {
        kegs.iter().any(|keg| {
            folder.strip_prefix(keg.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    };
    let out = elf
        .search
        .iter()
        .filter(|folder| !own(folder) && !folder.starts_with("$ORIGIN") && !folder.starts_with("${ORIGIN}"));
    let found = out.map(|folder| {
        let message =
            format!("`{}` looks for libraries in `{folder}`, which is in none of its kegs", elf.path);
        let help = "`--disable-rpath` or the like in `args`; what is in its kegs is found without";
        Finding::new("K07", place::maker(built, message).help(help))
    });
    found.collect()
}

fn stack(built: &Built, elf: &Elf) -> Option<Finding> {
    let message = format!("`{}` asks for a stack that can be executed", elf.path);
    let help =
        "an assembler file without `.section .note.GNU-stack` does that: patch it, or `-Wl,-z,noexecstack`";
    elf.executable_stack.then(|| Finding::new("K08", place::maker(built, message).help(help)))
}

fn relocations(built: &Built, elf: &Elf) -> Option<Finding> {
    let message = format!("`{}` has its code rewritten when it is loaded", elf.path);
    let help = "something in it was compiled without -fPIC";
    elf.text_relocations.then(|| Finding::new("K09", place::maker(built, message).help(help)))
}

fn hardening(built: &Built, elf: &Elf, profile: &Profile) -> Option<Finding> {
    let asked = |feature: &str| {
        profile.feature.contains_key(feature) && !built.variant().without.contains_key(feature)
    };
    let loads = elf.interpreter.is_some() || elf.soname.is_some();
    let mut missing = Vec::new();
    if asked("pie") && !elf.position_independent {
        missing.push(("position independence", "pie"));
    }
    if asked("relro") && !elf.relro {
        missing.push(("RELRO", "relro"));
    }
    if asked("relro") && loads && !elf.now {
        missing.push(("BIND_NOW", "relro"));
    }
    let (_, feature) = missing.first()?;
    let names: Vec<&str> = missing.iter().map(|(name, _)| *name).collect();
    let message = format!("`{}` is without {}, which the profile asks for", elf.path, names.join(" and "));
    let help =
        format!("its build drops CFLAGS or LDFLAGS: mend that, or `without = {{ {feature} = \"why\" }}`");
    Some(Finding::new("K10", place::maker(built, message).help(help)))
}

fn stripped(built: &Built, elf: &Elf, profile: &Profile) -> Option<Finding> {
    let wanted = profile.feature.contains_key("debug") && built.variant().debug;
    let message = format!("`{}` was stripped by its build: no debugger can read it", elf.path);
    let help = "what ships is stripped later: `install` in place of `install-strip`, or the build's own switch; or `debug = false`";
    (wanted && !elf.symbols).then(|| Finding::new("K26", place::maker(built, message).help(help)))
}
