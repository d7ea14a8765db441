//! Preset `cargo`: the crates of the lock as a vendor folder, then cargo with no network and no way to change the lock.
//!
//! ```text
//! /build/vendor/<name>-<version>/     a crate, and the digest that cargo compares with the lock's
//! /build/.cargo/config.toml           that folder instead of the registry; the profile's flags
//! /build/target/                      what is compiled
//! ```
//! With `cc = "profile"` Rust's own library is compiled too: `cargo_std`.
//! A triple is always named: then the flags are the program's, and not those of build scripts and macros, which run here.

use super::quote::{word, words};
use super::shell::{Steps, command};
use super::{BUILD, Place, RECIPE, SOURCES, cargo_std};
use crate::recipe::variant::{Cargo, Cc, Crate, Linkage, Variant};

/// Where cargo compiles, whatever folder it is started in.
pub const TARGET: &str = "/build/target";

pub fn steps(variant: &Variant, place: &Place) -> Steps {
    let usual = Cargo::default();
    let cargo = variant.cargo.as_ref().unwrap_or(&usual);
    let chosen = chosen(variant, cargo);
    let run = |verb: &str, bins: &str| {
        command(["cargo", verb, "--offline", locked(cargo), &chosen, bins, &words(&variant.args), "\"$@\""])
    };
    let bins: Vec<String> = cargo.bins.iter().map(|bin| format!("--bin {}", word(bin))).collect();
    Steps {
        configure: configure(variant, cargo, place),
        build: with(&variant.build_args, run("build", &bins.join(" "))),
        check: with(&variant.build_args, run("test", "")),
        install: install(variant, cargo),
    }
}

/// With a part of a lock cargo writes what it uses of it; another version than a locked one it cannot have, for only those
/// are there.
fn locked(cargo: &Cargo) -> &'static str {
    if cargo.cut { "" } else { "--locked" }
}

/// Body of `vendor`: source, folder, digest. Files have none of their own: the archive's was compared before.
pub fn vendor() -> Vec<String> {
    let folder = format!("\"{BUILD}/vendor/$2\"");
    vec![
        format!("mkdir -p {folder}"),
        format!("tar -x --no-same-owner --strip-components=1 -C {folder} -f \"{SOURCES}/$1/$2.crate\""),
        format!(
            "printf '{{\"files\":{{}},\"package\":\"%s\"}}\\n' \"$3\" >\"{BUILD}/vendor/$2/.cargo-checksum.json\""
        ),
    ]
}

/// One crate of the lock, as a line of `unpack`.
pub fn vendored(n: usize, krate: &Crate, sha256: &[u8; 32]) -> String {
    let folder = word(&format!("{}-{}", krate.name, krate.version));
    format!("vendor {n} {folder} {}", hex::encode(sha256))
}

fn configure(variant: &Variant, cargo: &Cargo, place: &Place) -> Vec<String> {
    let lines: Vec<String> = config(variant, cargo, place).iter().map(|line| word(line)).collect();
    let mut all = vec![
        format!("mkdir -p {BUILD}/.cargo"),
        format!("printf '%s\\n' {} >{BUILD}/.cargo/config.toml", lines.join(" \\\n\t\t")),
        // The recipe's, which the crates were fetched by; an archive may bring another.
        "rm -f Cargo.lock".to_string(),
        format!("cat {RECIPE}/Cargo.lock >Cargo.lock"),
    ];
    if with_std(variant) {
        all.extend(cargo_std::configure());
    }
    all
}

/// `config.toml`, which cargo finds in its home and above its folder.
fn config(variant: &Variant, cargo: &Cargo, place: &Place) -> Vec<String> {
    let flags = place.profile.flags(variant);
    let mut lines = vec![
        "[source.crates-io]".to_string(),
        "replace-with = \"vendor\"".to_string(),
        "[source.vendor]".to_string(),
        format!("directory = \"{BUILD}/vendor\""),
        format!("[target.{}]", triple(variant)),
        format!("rustflags = {:?}", [own_rustflags(variant), flags.rustflags].concat()),
    ];
    if with_std(variant) {
        lines.extend(cargo_std::config(&variant.arch));
    }
    lines.extend(profiles(variant, cargo, flags.rustprofile));
    lines
}

/// The profile's lines, and that nothing unwinds where the library was made for that.
fn profiles(variant: &Variant, cargo: &Cargo, mut release: Vec<String>) -> Vec<String> {
    let abort = with_std(variant).then(|| "panic = \"abort\"".to_string());
    let mut lines = Vec::new();
    match profile(cargo) {
        "release" => release.extend(abort),
        own => lines.extend(abort.map(|abort| vec![format!("[profile.{own}]"), abort]).unwrap_or_default()),
    }
    if !release.is_empty() {
        lines.push("[profile.release]".to_string());
        lines.extend(release);
    }
    lines
}

fn with_std(variant: &Variant) -> bool {
    variant.cc == Cc::Profile
}

/// Debian has Rust's library for glibc and not for musl.
fn triple(variant: &Variant) -> String {
    let libc = if with_std(variant) { "musl" } else { "gnu" };
    format!("{}-unknown-linux-{libc}", variant.arch)
}

fn own_rustflags(variant: &Variant) -> Vec<String> {
    if with_std(variant) { cargo_std::rustflags() } else { linkage(variant.linkage) }
}

fn linkage(linkage: Linkage) -> Vec<String> {
    match linkage {
        Linkage::Static => vec!["-Ctarget-feature=+crt-static".to_string()],
        Linkage::Shared => Vec::new(),
    }
}

/// What is built, in cargo's words.
fn chosen(variant: &Variant, cargo: &Cargo) -> String {
    let package = cargo.package.iter().map(|name| format!("--package {}", word(name)));
    let profile = format!("--profile {}", word(profile(cargo)));
    let target = format!("--target {}", triple(variant));
    let features =
        (!cargo.features.is_empty()).then(|| format!("--features {}", word(&cargo.features.join(","))));
    [profile, target].into_iter().chain(package).chain(features).collect::<Vec<_>>().join(" ")
}

fn profile(cargo: &Cargo) -> &str {
    cargo.profile.as_deref().unwrap_or("release")
}

/// `build_args` are variables of the environment here: cargo has none of its own.
fn with(build_args: &[String], line: String) -> Vec<String> {
    match build_args {
        [] => vec![line],
        _ => vec![command(["env", &words(build_args), &line])],
    }
}

/// `cargo install` would compile again; the programs are where it left them.
fn install(variant: &Variant, cargo: &Cargo) -> Vec<String> {
    // Of cargo's profiles, two have a folder of another name.
    let folder = match profile(cargo) {
        "dev" | "test" => "debug",
        "bench" => "release",
        own => own,
    };
    let from = format!("{TARGET}/{}/{folder}", triple(variant));
    let mut lines = vec!["mkdir -p \"$OUT/bin\"".to_string()];
    match cargo.bins.as_slice() {
        [] => lines.push(format!(
            "find {from} -maxdepth 1 -type f -perm -100 ! -name '*.so' -exec cp {{}} \"$OUT/bin/\" \\;"
        )),
        bins => lines.extend(bins.iter().map(|bin| format!("cp {from}/{} \"$OUT/bin/\"", word(bin)))),
    }
    lines
}
