//! The environment of a build: the profile's flags, the kegs' folders, and what must be the same everywhere.
//!
//! `MAKEFLAGS` is not here: the number of jobs is no input.

use std::collections::BTreeMap;

use super::{BUILD, KegAt, Place, cargo, cargo_std, kbuild};
use crate::recipe::variant::{Cc, Linkage, Preset, Variant};

/// Every variable of the build, by name; the recipe's `env` comes last and wins.
pub fn environment(variant: &Variant, place: &Place) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let mut set = |name: &str, value: String| all.insert(name.to_string(), value);
    for (name, value) in FIXED {
        set(name, value.to_string());
    }
    set("SOURCE_DATE_EPOCH", kegs::EPOCH_S.to_string());
    set("PATH", path(place));
    set("CC", cc(variant).to_string());
    let flags = place.profile.flags(variant);
    set("CFLAGS", flags.cflags.join(" "));
    if let Some(cxx) = cxx(variant, place) {
        set("CXX", cxx.to_string());
        set("CXXFLAGS", flags.cflags.join(" "));
    }
    set("CPPFLAGS", each(place.link, |keg| format!("-I{}/include", keg.prefix)).join(" "));
    set(
        "LDFLAGS",
        [flags.ldflags, own_libraries(variant), libraries(variant, place.link)].concat().join(" "),
    );
    set("PKG_CONFIG", "pkgconf".to_string());
    set(
        "PKG_CONFIG_LIBDIR",
        each(place.link, |keg| format!("{0}/lib/pkgconfig:{0}/share/pkgconfig", keg.prefix)).join(":"),
    );
    for keg in place.link.iter().chain(place.build).rev() {
        set(&variable(&keg.name), keg.prefix.clone());
    }
    match variant.linkage {
        Linkage::Shared => set("LINKAGE", "shared".to_string()),
        Linkage::Static => set("LINKAGE", "static".to_string()),
    };
    if variant.preset == Preset::Perl {
        // Nothing is asked at a terminal.
        set("PERL_MM_USE_DEFAULT", "1".to_string());
        let kegs = place.link.iter().chain(place.build);
        set("PERL5LIB", kegs.map(|keg| format!("{}/lib/perl5", keg.prefix)).collect::<Vec<_>>().join(":"));
    }
    if variant.preset == Preset::Kbuild {
        for (name, value) in kbuild::ENVIRONMENT {
            set(name, value.to_string());
        }
    }
    if variant.preset == Preset::Cargo {
        set("CARGO_TARGET_DIR", cargo::TARGET.to_string());
        if variant.cc == Cc::Profile {
            set(cargo_std::UNSTABLE.0, cargo_std::UNSTABLE.1.to_string());
        }
    }
    all.extend(variant.env.clone());
    all
}

const FIXED: [(&str, &str); 3] = [("HOME", BUILD), ("LC_ALL", "C"), ("TZ", "UTC")];

fn path(place: &Place) -> String {
    let mut folders = each(place.build, |keg| format!("{}/bin", keg.prefix));
    folders.extend(place.profile.path.iter().cloned());
    folders.join(":")
}

fn cc(variant: &Variant) -> &'static str {
    match variant.cc {
        Cc::Profile => "cc",
        // By its path: a keg in `PATH` may have a `gcc` too.
        Cc::Seed => "/usr/bin/gcc",
    }
}

/// Only where there is one: most recipes are C, and their keys must not know of it.
fn cxx(variant: &Variant, place: &Place) -> Option<&'static str> {
    let named = |keg: &KegAt| place.profile.cxx.as_ref() == Some(&keg.name);
    match variant.cc {
        Cc::Profile => place.build.iter().any(named).then_some("c++"),
        Cc::Seed => matches!(variant.preset, Preset::Cmake | Preset::Meson).then_some("/usr/bin/g++"),
    }
}

/// Where the keg's own programs find its own libraries when they start.
fn own_libraries(variant: &Variant) -> Vec<String> {
    match variant.linkage {
        Linkage::Static => Vec::new(),
        Linkage::Shared => vec![format!("-Wl,-rpath,{}/lib", variant.keg())],
    }
}

fn libraries(variant: &Variant, link: &[KegAt]) -> Vec<String> {
    each(link, |keg| match variant.linkage {
        Linkage::Static => format!("-L{}/lib", keg.prefix),
        Linkage::Shared => format!("-L{0}/lib -Wl,-rpath,{0}/lib", keg.prefix),
    })
}

fn each(kegs: &[KegAt], text: impl Fn(&KegAt) -> String) -> Vec<String> {
    kegs.iter().map(text).collect()
}

/// `linux-headers` is `KEG_LINUX_HEADERS`: how a `steps.sh` finds the kegs.
fn variable(name: &str) -> String {
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    format!("KEG_{}", name.chars().map(upper).collect::<String>())
}
