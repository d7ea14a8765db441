//! The script of the preset `cargo`, and what a shell makes of its `vendor`.

use std::path::Path;
use std::process::Command;

use expect_test::expect;
use kegs::fault::{Faults, Text};

use super::shell::function;
use super::{Place, cargo, environment, profile, script};
use crate::recipe::variant::Cc;
use crate::recipe::{Choice, Recipe, Variant};

const PROFILE: &str = r#"
seed        = "debian-12"
cc          = "seed-cc"
triplet     = { profile = "{arch}-linux-musl", seed = "{arch}-linux-gnu" }
path        = ["/usr/bin"]
rustflags   = ["--remap-path-prefix=/build=."]
rustprofile = ["debug = false"]
[feature.lto]
rustprofile = ["lto = \"thin\""]
[feature.pie]
off = { rustflags = ["-Crelocation-model=static"] }
"#;

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

fn toy(more: &str) -> Variant {
    let tap = tempfile::tempdir().unwrap();
    let folder = tap.path().join("recipes/toy");
    std::fs::create_dir_all(&folder).unwrap();
    let lock = format!(
        "version = 4\n[[package]]\nname = \"one\"\nversion = \"1.0.0+x\"\n\
         source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{A}\"\n"
    );
    std::fs::write(folder.join("Cargo.lock"), lock).unwrap();
    let text = format!(
        "summary = \"Toy\"\nlicense = \"MIT\"\nversion = \"1.2\"\npreset = \"cargo\"\n\
         source = {{ crate = \"toy={{version}}.0\", sha256 = \"{A}\" }}\n{more}"
    );
    let mut faults = Faults::default();
    let recipe =
        Recipe::parse("toy", &folder, Path::new("recipes/toy/recipe.toml"), text.as_bytes(), &mut faults);
    assert_eq!(faults.to_string(), "");
    recipe.unwrap().variant(None, &Choice::default(), "x86_64").unwrap()
}

fn write(more: &str) -> String {
    let profile = profile("seed", &Text::new("toolchains/seed.toml", PROFILE)).unwrap();
    let variant = toy(more);
    let place = Place { link: &[], build: &[], profile: &profile };
    assert_eq!(environment(&variant, &place)["CARGO_TARGET_DIR"], "/build/target");
    let set = environment(&variant, &place);
    let unstable = set.contains_key("RUSTC_BOOTSTRAP");
    assert_eq!(
        (set["CC"].as_str(), unstable),
        if variant.cc == Cc::Seed { ("/usr/bin/gcc", false) } else { ("cc", true) }
    );
    let text = script(&variant, &place);
    let (from, to) = (text.find("vendor()").unwrap(), text.find("split_debug").unwrap());
    text[from..to].to_string()
}

#[test]
fn cargo_sees_the_vendored_crates_and_no_network() {
    expect![[r#"
        vendor() {
        	mkdir -p "/build/vendor/$2"
        	tar -x --no-same-owner --strip-components=1 -C "/build/vendor/$2" -f "/src/$1/$2.crate"
        	printf '{"files":{},"package":"%s"}\n' "$3" >"/build/vendor/$2/.cargo-checksum.json"
        }
        do_unpack() {
        	mkdir -p "$TREE"
        	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
        	vendor 1 one-1.0.0+x aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
        }
        do_patch() {
        	:
        }
        preset_configure() {
        	mkdir -p /build/.cargo
        	printf '%s\n' '[source.crates-io]' \
        		'replace-with = "vendor"' \
        		'[source.vendor]' \
        		'directory = "/build/vendor"' \
        		'[target.x86_64-unknown-linux-gnu]' \
        		'rustflags = ["-Ctarget-feature=+crt-static", "--remap-path-prefix=/build=."]' \
        		'[profile.release]' \
        		'debug = false' \
        		'lto = "thin"' >/build/.cargo/config.toml
        	rm -f Cargo.lock
        	cat /recipe/Cargo.lock >Cargo.lock
        }
        preset_build() {
        	cargo build --offline --locked --profile release --target x86_64-unknown-linux-gnu "$@"
        }
        preset_check() {
        	cargo test --offline --locked --profile release --target x86_64-unknown-linux-gnu "$@"
        }
        preset_install() {
        	mkdir -p "$OUT/bin"
        	find /build/target/x86_64-unknown-linux-gnu/release -maxdepth 1 -type f -perm -100 ! -name '*.so' -exec cp {} "$OUT/bin/" \;
        }
    "#]].assert_eq(&write(""));
}

#[test]
fn what_a_recipe_chooses_is_on_the_command_line() {
    let chosen = write(
        "cargo = { package = \"tool\", bins = [\"a\", \"b\"], features = [\"x\"], profile = \"small\" }\n\
         args = [\"--no-default-features\"]\nbuild_args = [\"X=it's\"]\nlinkage = \"shared\"\n\
         without = { lto = \"r\", pie = \"r\" }\noption = { y = { default = true, features = [\"y/z\"] } }",
    );
    let from = chosen.find("preset_configure").unwrap();
    expect![[r#"
        preset_configure() {
        	mkdir -p /build/.cargo
        	printf '%s\n' '[source.crates-io]' \
        		'replace-with = "vendor"' \
        		'[source.vendor]' \
        		'directory = "/build/vendor"' \
        		'[target.x86_64-unknown-linux-gnu]' \
        		'rustflags = ["--remap-path-prefix=/build=.", "-Crelocation-model=static"]' \
        		'[profile.release]' \
        		'debug = false' >/build/.cargo/config.toml
        	rm -f Cargo.lock
        	cat /recipe/Cargo.lock >Cargo.lock
        }
        preset_build() {
        	env 'X=it'\''s' cargo build --offline --locked --profile small --target x86_64-unknown-linux-gnu --package tool --features x,y/z --bin a --bin b --no-default-features "$@"
        }
        preset_check() {
        	env 'X=it'\''s' cargo test --offline --locked --profile small --target x86_64-unknown-linux-gnu --package tool --features x,y/z --no-default-features "$@"
        }
        preset_install() {
        	mkdir -p "$OUT/bin"
        	cp /build/target/x86_64-unknown-linux-gnu/small/a "$OUT/bin/"
        	cp /build/target/x86_64-unknown-linux-gnu/small/b "$OUT/bin/"
        }
    "#]].assert_eq(&chosen[from..]);
}

#[test]
fn with_the_profile_s_compiler_rust_s_own_library_is_compiled_too() {
    let both = write("cc = \"profile\"\ncargo = { profile = \"small\" }");
    let from = both.find("preset_configure").unwrap();
    expect![[r#"
        preset_configure() {
        	mkdir -p /build/.cargo
        	printf '%s\n' '[source.crates-io]' \
        		'replace-with = "vendor"' \
        		'[source.vendor]' \
        		'directory = "/build/vendor"' \
        		'[target.x86_64-unknown-linux-musl]' \
        		'rustflags = ["-Ctarget-feature=+crt-static", "-Clink-self-contained=no", "-Cforce-unwind-tables=no", "-L/build/std", "--remap-path-prefix=/build=."]' \
        		'linker = "cc"' \
        		'[target.x86_64-unknown-linux-gnu]' \
        		'linker = "/usr/bin/gcc"' \
        		'[unstable]' \
        		'build-std = ["std", "panic_abort"]' \
        		'build-std-features = ["optimize_for_size"]' \
        		'[profile.small]' \
        		'panic = "abort"' \
        		'[profile.release]' \
        		'debug = false' \
        		'lto = "thin"' >/build/.cargo/config.toml
        	rm -f Cargo.lock
        	cat /recipe/Cargo.lock >Cargo.lock
        	mkdir -p /build/std /build/vendor
        	for crate in /usr/lib/rustlib/src/rust/library/vendor/*; do
        		[ -e "/build/vendor/${crate##*/}" ] || ln -s "$crate" /build/vendor/
        	done
        	printf '%s' '/* What Rust'\''s library asks of an unwinder for the text of a backtrace: here a stack has no end that could be shown.
           Programs end where they panic (panic = "abort"), so nothing else is asked. The words are of the Itanium C++ ABI. */
        int _Unwind_Backtrace(void *step, void *argument) { return 5; /* _URC_END_OF_STACK */ }
        unsigned long _Unwind_GetIP(void *frame) { return 0; }
        unsigned long _Unwind_GetCFA(void *frame) { return 0; }
        void *_Unwind_FindEnclosingFunction(void *place) { return 0; }
        ' >/build/std/unwind.c
        	$CC $CFLAGS -c -o /build/std/unwind.o /build/std/unwind.c
        	ar rcD /build/std/libunwind.a /build/std/unwind.o
        }
        preset_build() {
        	cargo build --offline --locked --profile small --target x86_64-unknown-linux-musl "$@"
        }
        preset_check() {
        	cargo test --offline --locked --profile small --target x86_64-unknown-linux-musl "$@"
        }
        preset_install() {
        	mkdir -p "$OUT/bin"
        	find /build/target/x86_64-unknown-linux-musl/small -maxdepth 1 -type f -perm -100 ! -name '*.so' -exec cp {} "$OUT/bin/" \;
        }
    "#]].assert_eq(&both[from..]);
    assert!(write("cc = \"profile\"").contains("'panic = \"abort\"' >/build/.cargo"));
}

/// tar and printf of a real shell, on a crate as the registry packs it.
#[test]
fn a_crate_becomes_a_folder_with_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let at = |path: &str| folder.path().join(path);
    std::fs::create_dir_all(at("one-1.0.0/src")).unwrap();
    std::fs::create_dir_all(at("src/1")).unwrap();
    std::fs::write(at("one-1.0.0/Cargo.toml"), "[package]").unwrap();
    let crate_ = at("src/1/one-1.0.0.crate");
    let packed =
        Command::new("tar").arg("-czf").arg(&crate_).arg("-C").arg(folder.path()).arg("one-1.0.0").status();
    assert!(packed.unwrap().success());
    let here = folder.path().to_str().unwrap();
    let body: Vec<String> = cargo::vendor()
        .iter()
        .map(|line| line.replace("/build", here).replace("/src/$1", &format!("{here}/src/$1")))
        .collect();
    let text = format!("set -eu\n{}vendor 1 one-1.0.0 {A}\n", function("vendor", &body));
    let ran = Command::new("sh").arg("-c").arg(text).output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let digest = std::fs::read_to_string(at("vendor/one-1.0.0/.cargo-checksum.json")).unwrap();
    assert_eq!(digest, format!("{{\"files\":{{}},\"package\":\"{A}\"}}\n"));
    assert!(at("vendor/one-1.0.0/Cargo.toml").is_file());
}
