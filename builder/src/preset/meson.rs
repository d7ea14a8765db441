//! Preset `meson`: a meson.build, built by ninja. Nothing is found by itself: features that nobody asked for are off,
//! wraps are not fetched, and libraries are looked for where the compiler of the profile looks.

use super::OUT;
use super::ninja::{self, CXX, FOLDER};
use super::quote::{word, words};
use super::shell::{Steps, command};
use crate::recipe::variant::{Cc, Linkage, Variant};

pub fn steps(variant: &Variant) -> Steps {
    Steps {
        configure: vec![native(variant), setup(variant)],
        build: vec![ninja::run(variant, &variant.targets.build)],
        check: vec![check(variant)],
        install: vec![install(variant)],
    }
}

const NATIVE: &str = "/build/native.ini";

/// The native file. No cmake: meson would ask it for what pkg-config does not know, and it looks elsewhere. Static
/// libraries do not say what they need themselves, so pkg-config is always asked for all.
///
/// Meson asks the compiler for its folders and looks into them itself, before it lets the compiler try. The driver is the
/// seed's, and would name those of the seed's C library: with this root they do not exist. (Its specs name full paths.)
fn native(variant: &Variant) -> String {
    let root = match variant.cc {
        Cc::Profile => ", '--sysroot=/kegs'",
        Cc::Seed => "",
    };
    let pkgconf = match variant.linkage {
        Linkage::Static => "['pkgconf', '--static']",
        Linkage::Shared => "'pkgconf'",
    };
    let lines = [
        "[binaries]",
        &format!("c = ['$CC'{root}]"),
        &format!("cpp = ['{CXX}'{root}]"),
        &format!("pkgconfig = {pkgconf}"),
        "cmake = 'false'",
    ];
    format!("printf '%s\\n' \"{}\" >{NATIVE}", lines.join("\" \""))
}

fn setup(variant: &Variant) -> String {
    let linkage = match variant.linkage {
        Linkage::Static => "-Ddefault_library=static -Dprefer_static=true",
        Linkage::Shared => "-Ddefault_library=shared",
    };
    command([
        format!("meson setup {FOLDER} . --native-file={NATIVE}"),
        word(&format!("--prefix={}", variant.keg())),
        "--libdir=lib --buildtype=plain --auto-features=disabled --wrap-mode=nodownload".to_string(),
        linkage.to_string(),
        words(&variant.args),
        "\"$@\"".to_string(),
    ])
}

fn check(variant: &Variant) -> String {
    match variant.targets.check.as_slice() {
        [] => format!("meson test -C {FOLDER} --no-rebuild --print-errorlogs"),
        named => ninja::run(variant, named),
    }
}

fn install(variant: &Variant) -> String {
    match variant.targets.install.as_slice() {
        [] => format!("meson install -C {FOLDER} --no-rebuild --destdir={OUT}"),
        _ => ninja::install(variant),
    }
}
