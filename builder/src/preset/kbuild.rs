//! Preset `kbuild`: linux and busybox. A base, the recipe's fragments over it, and proof that each asked symbol is there.
//!
//! Kconfig drops what depends on something that is off, in silence; so the check reads each asked line again and names
//! those that the result does not hold. Later fragments win, `set` wins over all.
//!
//! `all*config` bases take the fragments as `KCONFIG_ALLCONFIG`, so that what nobody asked stays as the base says. Other
//! bases (`x86_64_defconfig`, `tinyconfig`) do not read it: there the fragments are appended, and new symbols get defaults.

use super::OUT;
use super::RECIPE;
use super::quote::{word, words};
use super::shell::{Steps, command};
use crate::recipe::variant::{Kconfig, Variant};

/// Fixed, so that no build says who made it and when. This form of time is read by GNU's date and by busybox's.
pub const ENVIRONMENT: [(&str, &str); 5] = [
    ("KBUILD_BUILD_TIMESTAMP", "2026-01-01 00:00:00"),
    ("KBUILD_BUILD_USER", "rootbrew"),
    ("KBUILD_BUILD_HOST", "rootbrew"),
    ("KBUILD_BUILD_VERSION", "1"),
    ("KCONFIG_NOTIMESTAMP", "1"),
];

pub fn steps(variant: &Variant) -> Steps {
    let usual = Kconfig { base: "allnoconfig".to_string(), ..Kconfig::default() };
    let make = command(["make CC=\"$CC\" HOSTCC=\"$CC\"", &words(&variant.build_args)]);
    let targets = &variant.targets;
    Steps {
        configure: configure(&make, variant.kconfig.as_ref().unwrap_or(&usual)),
        build: vec![command([make.as_str(), &words(&targets.build)])],
        check: Vec::new(),
        install: install(&make, &targets.install),
    }
}

fn configure(make: &str, kconfig: &Kconfig) -> Vec<String> {
    let mut lines = asked(kconfig);
    lines.extend(base(make, &kconfig.base));
    lines.push(format!("awk '\n{CHECK}' /build/asked .config >&2"));
    lines
}

// `where symbol-line`, one a line, so that the check can name the fragment and its line.
fn asked(kconfig: &Kconfig) -> Vec<String> {
    let mut lines = vec![": >/build/asked".to_string()];
    for file in &kconfig.fragments {
        let path = word(&format!("{RECIPE}/{file}"));
        lines.push(format!(
            "awk -v file={} '{{ print file \":\" FNR \": \" $0 }}' {path} >>/build/asked",
            word(&awk_text(file))
        ));
    }
    for (symbol, value) in &kconfig.set {
        let line = word(&format!("set: {}", setting(symbol, value)));
        lines.push(format!("printf '%s\\n' {line} >>/build/asked"));
    }
    lines.push("sed 's/^[^ ]*: //' /build/asked >/build/asked.config".to_string());
    lines
}

// awk reads escapes in a `-v` value.
fn awk_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace(' ', "_")
}

fn setting(symbol: &str, value: &str) -> String {
    let symbol = symbol.strip_prefix("CONFIG_").unwrap_or(symbol);
    if value == "n" { format!("# CONFIG_{symbol} is not set") } else { format!("CONFIG_{symbol}={value}") }
}

fn base(make: &str, base: &str) -> Vec<String> {
    let quoted = word(base);
    if base.starts_with("all") {
        return vec![format!("{make} KCONFIG_ALLCONFIG=/build/asked.config {quoted}")];
    }
    vec![
        format!("{make} {quoted}"),
        "cat /build/asked.config >>.config".to_string(),
        // Not olddefconfig: busybox has only this one.
        format!("yes '' | {make} oldconfig >/dev/null"),
    ]
}

/// Reads the asked lines and `.config`, and prints what is missing.
const CHECK: &str = include_str!("kbuild.awk");

// Without install targets it is a kernel, which says itself where its image is.
fn install(make: &str, targets: &[String]) -> Vec<String> {
    if !targets.is_empty() {
        return vec![command([make, &format!("DESTDIR={OUT}"), &words(targets)])];
    }
    vec![
        "mkdir -p \"$OUT/boot\"".to_string(),
        format!("image=$({make} -s image_name)"),
        "cp \"$image\" \"$OUT/boot/vmlinuz\"".to_string(),
        "cp .config \"$OUT/boot/config\"".to_string(),
    ]
}
