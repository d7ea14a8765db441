//! Scripts and environments as text, for one recipe a preset; and what a real shell makes of them.

mod languages;
mod ninja;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use expect_test::{Expect, expect};
use kegs::fault::{Faults, Text};

use super::{KegAt, Place, Profile, environment, profile, script};
use crate::recipe::{Choice, Recipe, Variant};

const PROFILE: &str = r#"
seed    = "debian-12"
cc      = "seed-cc"
cxx     = "seed-cxx"
triplet = { profile = "{arch}-linux-musl", seed = "{arch}-linux-gnu" }
path    = ["/usr/bin"]
cflags  = ["-O2"]
[feature.relro]
ldflags = ["-Wl,-z,relro"]
[feature.stack_protector]
cflags = ["-fstack-protector-strong"]
off    = { cflags = ["-fno-stack-protector"] }
"#;

/// A recipe `toy` in a folder of its own, beside it a `steps.sh` and a fragment.
pub(super) fn toy(text: &str) -> Variant {
    let folder = tempfile::tempdir().unwrap();
    for file in ["steps.sh", "a.config", "b.config", "fix.patch", "it's here.h"] {
        // Read as a patch where it is one; a comment anywhere else.
        fs::write(folder.path().join(file), "--- a/toy.c\n+++ b/toy.c\n").unwrap();
    }
    let facts = "summary = \"Toy\"\nlicense = \"MIT\"\nversion = \"1.2\"\n";
    let mut faults = Faults::default();
    let path = Path::new("recipes/toy/recipe.toml");
    let recipe = Recipe::parse("toy", folder.path(), path, format!("{facts}{text}").as_bytes(), &mut faults);
    assert_eq!(faults.to_string(), "");
    recipe.unwrap().variant(None, &Choice::default(), "x86_64").unwrap()
}

fn the_profile() -> Profile {
    profile("seed", &Text::new("toolchains/seed.toml", PROFILE)).unwrap()
}

fn keg(name: &str) -> KegAt {
    KegAt { name: name.into(), slot: "0".into(), prefix: format!("/kegs/{name}/0") }
}

/// The lines of the functions that differ from preset to preset.
fn check(recipe: &str, expected: Expect) {
    check_linked(recipe, &[], expected);
}

fn check_linked(recipe: &str, link: &[KegAt], expected: Expect) {
    let text = script(&toy(recipe), &Place { link, build: &[], profile: &the_profile() });
    let from = text.find("do_unpack").unwrap();
    let to = text.find("split_debug").unwrap();
    expected.assert_eq(&text[from..to]);
}

fn write(variant: &Variant) -> String {
    script(variant, &Place { link: &[], build: &[], profile: &the_profile() })
}

const SOURCE: &str = "source = { url = \"https://a.example/toy.tar.gz\", sha256 = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\" }\n";

fn with(text: &str) -> String {
    format!("{SOURCE}{text}")
}

#[test]
fn autotools() {
    check(
        &with("preset = \"autotools\"\nargs = [\"--with-x\"]\nbuild_args = [\"V=1\"]"),
        expect![[r#"
        do_unpack() {
        	mkdir -p "$TREE"
        	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
        }
        do_patch() {
        	:
        }
        preset_configure() {
        	./configure --prefix=/kegs/toy/0 --build=x86_64-linux-musl --disable-dependency-tracking --enable-static --disable-shared --with-x "$@"
        }
        preset_build() {
        	make V=1
        }
        preset_check() {
        	if make -n check >/dev/null 2>&1; then
        		make V=1 check
        	else
        		make V=1 test
        	fi
        }
        preset_install() {
        	make V=1 DESTDIR=/build/out install
        }
    "#]],
    );
}

#[test]
fn autotools_with_the_seed_and_shared() {
    check(
        &with("preset = \"autotools\"\ncc = \"seed\"\nlinkage = \"shared\""),
        expect![[r#"
        do_unpack() {
        	mkdir -p "$TREE"
        	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
        }
        do_patch() {
        	:
        }
        preset_configure() {
        	./configure --prefix=/kegs/toy/0 --build=x86_64-linux-gnu --disable-dependency-tracking --enable-static --enable-shared "$@"
        }
        preset_build() {
        	make
        }
        preset_check() {
        	if make -n check >/dev/null 2>&1; then
        		make check
        	else
        		make test
        	fi
        }
        preset_install() {
        	make DESTDIR=/build/out install
        }
    "#]],
    );
}

#[test]
fn configure() {
    check(
        &with(
            "preset = \"configure\"\nconfigure = \"./Configure\"\npatches = [\"fix.patch\"]\n[targets]\ncheck = [\"test\"]\ninstall = [\"install_sw\"]",
        ),
        expect![[r#"
            do_unpack() {
            	mkdir -p "$TREE"
            	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
            }
            do_patch() {
            	patch -p1 --batch --forward --fuzz=0 --no-backup-if-mismatch -i /recipe/fix.patch
            }
            preset_configure() {
            	./Configure --prefix=/kegs/toy/0 "$@"
            }
            preset_build() {
            	make
            }
            preset_check() {
            	make test
            }
            preset_install() {
            	make DESTDIR=/build/out install_sw
            }
        "#]],
    );
}

#[test]
fn make() {
    check(
        &with("preset = \"make\"\nbuild_args = [\"PROGRAMS=a b\"]"),
        expect![[r#"
        do_unpack() {
        	mkdir -p "$TREE"
        	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
        }
        do_patch() {
        	:
        }
        preset_configure() {
        	:
        }
        preset_build() {
        	make PREFIX=/kegs/toy/0 CC="$CC" 'PROGRAMS=a b'
        }
        preset_check() {
        	if make -n check >/dev/null 2>&1; then
        		make PREFIX=/kegs/toy/0 CC="$CC" 'PROGRAMS=a b' check
        	else
        		make PREFIX=/kegs/toy/0 CC="$CC" 'PROGRAMS=a b' test
        	fi
        }
        preset_install() {
        	make PREFIX=/kegs/toy/0 CC="$CC" 'PROGRAMS=a b' DESTDIR=/build/out install
        }
    "#]],
    );
}

#[test]
fn kbuild() {
    check(
        &with(
            "preset = \"kbuild\"\nkconfig = { fragments = [\"a.config\", \"b.config\"], set = { NET = \"n\" } }\ntargets = { build = [\"bzImage\"] }",
        ),
        expect![[r##"
            do_unpack() {
            	mkdir -p "$TREE"
            	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
            }
            do_patch() {
            	:
            }
            preset_configure() {
            	: >/build/asked
            	awk -v file=a.config '{ print file ":" FNR ": " $0 }' /recipe/a.config >>/build/asked
            	awk -v file=b.config '{ print file ":" FNR ": " $0 }' /recipe/b.config >>/build/asked
            	printf '%s\n' 'set: # CONFIG_NET is not set' >>/build/asked
            	sed 's/^[^ ]*: //' /build/asked >/build/asked.config
            	make CC="$CC" HOSTCC="$CC" KCONFIG_ALLCONFIG=/build/asked.config allnoconfig
            	awk '
            # Which asked symbols did .config not keep? First file: `place: line` of each fragment, the last word on a symbol counts.
            # Second file: .config. Exit status 1 when any is missing. No single quotes here: the script puts some around.
            FILENAME == "/build/asked" {
            	place = $1; line = substr($0, length($1) + 2); sub(/[ \t]+$/, "", line)
            	if (line ~ /^CONFIG_[A-Za-z0-9_]+=/) { symbol = line; sub(/=.*/, "", symbol) }
            	else if (line ~ /^# CONFIG_[A-Za-z0-9_]+ is not set/) { symbol = $3 }
            	else next
            	if (line == symbol "=n") line = "# " symbol " is not set"
            	if (!(symbol in want)) symbols[++count] = symbol
            	want[symbol] = line; from[symbol] = place; next
            }
            /^CONFIG_/ { symbol = $0; sub(/=.*/, "", symbol); have[symbol] = $0 }
            END {
            	for (n = 1; n <= count; n++) {
            		symbol = symbols[n]
            		got = symbol in have ? have[symbol] : "# " symbol " is not set"
            		if (got == want[symbol]) continue
            		print "error: " from[symbol] " " want[symbol] " was asked, .config says " got
            		bad = 1
            	}
            	if (bad) print "hint: what it depends on is off, or this version has no such symbol"
            	exit bad
            }
            ' /build/asked .config >&2
            }
            preset_build() {
            	make CC="$CC" HOSTCC="$CC" bzImage
            }
            preset_check() {
            	:
            }
            preset_install() {
            	mkdir -p "$OUT/boot"
            	image=$(make CC="$CC" HOSTCC="$CC" -s image_name)
            	cp "$image" "$OUT/boot/vmlinuz"
            	cp .config "$OUT/boot/config"
            }
        "##]],
    );
}

#[test]
fn kbuild_on_a_base_that_takes_no_fragments() {
    check(
        &with("preset = \"kbuild\"\nkconfig = { base = \"x86_64_defconfig\", fragments = [\"a.config\"] }"),
        expect![[r##"
        do_unpack() {
        	mkdir -p "$TREE"
        	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
        }
        do_patch() {
        	:
        }
        preset_configure() {
        	: >/build/asked
        	awk -v file=a.config '{ print file ":" FNR ": " $0 }' /recipe/a.config >>/build/asked
        	sed 's/^[^ ]*: //' /build/asked >/build/asked.config
        	make CC="$CC" HOSTCC="$CC" x86_64_defconfig
        	cat /build/asked.config >>.config
        	yes '' | make CC="$CC" HOSTCC="$CC" oldconfig >/dev/null
        	awk '
        # Which asked symbols did .config not keep? First file: `place: line` of each fragment, the last word on a symbol counts.
        # Second file: .config. Exit status 1 when any is missing. No single quotes here: the script puts some around.
        FILENAME == "/build/asked" {
        	place = $1; line = substr($0, length($1) + 2); sub(/[ \t]+$/, "", line)
        	if (line ~ /^CONFIG_[A-Za-z0-9_]+=/) { symbol = line; sub(/=.*/, "", symbol) }
        	else if (line ~ /^# CONFIG_[A-Za-z0-9_]+ is not set/) { symbol = $3 }
        	else next
        	if (line == symbol "=n") line = "# " symbol " is not set"
        	if (!(symbol in want)) symbols[++count] = symbol
        	want[symbol] = line; from[symbol] = place; next
        }
        /^CONFIG_/ { symbol = $0; sub(/=.*/, "", symbol); have[symbol] = $0 }
        END {
        	for (n = 1; n <= count; n++) {
        		symbol = symbols[n]
        		got = symbol in have ? have[symbol] : "# " symbol " is not set"
        		if (got == want[symbol]) continue
        		print "error: " from[symbol] " " want[symbol] " was asked, .config says " got
        		bad = 1
        	}
        	if (bad) print "hint: what it depends on is off, or this version has no such symbol"
        	exit bad
        }
        ' /build/asked .config >&2
        }
        preset_build() {
        	make CC="$CC" HOSTCC="$CC"
        }
        preset_check() {
        	:
        }
        preset_install() {
        	mkdir -p "$OUT/boot"
        	image=$(make CC="$CC" HOSTCC="$CC" -s image_name)
        	cp "$image" "$OUT/boot/vmlinuz"
        	cp .config "$OUT/boot/config"
        }
    "##]],
    );
}

#[test]
fn own_steps() {
    let text = write(&toy("preset = \"script\"\noverride = [\"build\", \"install\"]"));
    let from = text.find(". /recipe").unwrap();
    expect![[r#"
        . /recipe/steps.sh
        do_configure() { preset_configure; }
        do_check() { preset_check; }
        do_finish() { preset_finish; }

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
    "#]]
    .assert_eq(&text[from..]);
}

#[test]
fn finish() {
    let text = write(&toy(&with(
        "preset = \"make\"\nlinkage = \"shared\"\nremove = [\"bin/*_config\"]\nkeep = [\"share/doc/**\"]\nfiles = { \"etc/a b.h\" = \"it's here.h\" }\nsymlinks = { \"bin/sh\" = \"toy\" }",
    )));
    let (from, to) = (text.find("preset_finish").unwrap(), text.find("do_configure()").unwrap());
    expect![[r#"
        preset_finish() {
        	find . ! -type d \( -path './*.la' -o -path './*.la/*' \) ! -path './share/doc/*' -delete
        	find . ! -type d \( -path ./share/man -o -path './share/man/*' \) ! -path './share/doc/*' -delete
        	find . ! -type d \( -path ./share/doc -o -path './share/doc/*' \) ! -path './share/doc/*' -delete
        	find . ! -type d \( -path ./share/info -o -path './share/info/*' \) ! -path './share/doc/*' -delete
        	find . ! -type d \( -path ./share/locale -o -path './share/locale/*' \) ! -path './share/doc/*' -delete
        	find . ! -type d \( -path ./share/gtk-doc -o -path './share/gtk-doc/*' \) ! -path './share/doc/*' -delete
        	find . ! -type d \( -path ./lib/charset.alias -o -path './lib/charset.alias/*' \) ! -path './share/doc/*' -delete
        	find . ! -type d \( -path './lib/*.a' -o -path './lib/*.a/*' \) ! -path './share/doc/*' -delete
        	find . ! -type d \( -path './bin/*_config' -o -path './bin/*_config/*' \) ! -path './share/doc/*' -delete
        	mkdir -p -- "$(dirname -- 'etc/a b.h')" && cp -- '/recipe/it'\''s here.h' 'etc/a b.h'
        	mkdir -p -- "$(dirname -- bin/sh)" && ln -sfn -- toy bin/sh
        	split_debug
        	find . -mindepth 1 -type d -empty ! -path './share/doc/*' -delete
        	[ -n "$(ls -A .)" ] || fail "nothing was installed in $KEG"
        	leaks=$(grep -rlF /build/source . || :)
        	[ -z "$leaks" ] || fail "the path /build/source is inside: $leaks"
        }
    "#]].assert_eq(&text[from..to]);
}

#[test]
fn the_environment_names_every_keg_and_flag() {
    let variant = toy(&with(
        "preset = \"autotools\"\nlinkage = \"shared\"\nwithout = { stack_protector = \"why\" }\nenv = { TZ = \"CET\" }",
    ));
    let (link, build) = ([keg("pcre2"), keg("linux-headers")], [keg("seed-cc"), keg("make")]);
    let place = Place { link: &link, build: &build, profile: &the_profile() };
    let lines: Vec<String> =
        environment(&variant, &place).iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    expect![[r#"
        CC=cc
        CFLAGS=-O2 -fno-stack-protector
        CPPFLAGS=-I/kegs/pcre2/0/include -I/kegs/linux-headers/0/include
        HOME=/build
        KEG_LINUX_HEADERS=/kegs/linux-headers/0
        KEG_MAKE=/kegs/make/0
        KEG_PCRE2=/kegs/pcre2/0
        KEG_SEED_CC=/kegs/seed-cc/0
        LC_ALL=C
        LDFLAGS=-Wl,-z,relro -Wl,-rpath,/kegs/toy/0/lib -L/kegs/pcre2/0/lib -Wl,-rpath,/kegs/pcre2/0/lib -L/kegs/linux-headers/0/lib -Wl,-rpath,/kegs/linux-headers/0/lib
        LINKAGE=shared
        PATH=/kegs/seed-cc/0/bin:/kegs/make/0/bin:/usr/bin
        PKG_CONFIG=pkgconf
        PKG_CONFIG_LIBDIR=/kegs/pcre2/0/lib/pkgconfig:/kegs/pcre2/0/share/pkgconfig:/kegs/linux-headers/0/lib/pkgconfig:/kegs/linux-headers/0/share/pkgconfig
        SOURCE_DATE_EPOCH=1767225600
        TZ=CET
    "#]].assert_eq(&lines.concat());
}

#[test]
fn a_profile_with_an_unknown_key() {
    let text = Text::new("toolchains/x.toml", "seed = \"debian-12\"\ncflag = []\n");
    expect![[r#"
        toolchains/x.toml:2:1: unknown field `cflag`, expected one of `seed`, `shell_seed`, `cc`, `cxx`, `triplet`, `path`, `cflags`, `ldflags`, `rustflags`, `rustprofile`, `feature`, `preset`
    "#]].assert_eq(&profile("x", &text).unwrap_err().to_string());
}

/// Runs one function of a script with `configure` as a program that prints its arguments.
fn shell(text: &str) -> Output {
    Command::new("/bin/sh").arg("-c").arg(text).output().unwrap()
}

#[test]
fn no_word_of_a_recipe_is_read_by_the_shell() {
    let nasty = "a b\n'$(touch /tmp/owned)'\"`x`;\\*~ ü";
    assert_eq!(
        String::from_utf8(shell(&format!("printf %s {}", super::quote::word(nasty))).stdout).unwrap(),
        nasty
    );
    assert_eq!(super::quote::words(["", "-", "a=b"]), "'' - a=b");
}

#[test]
fn arguments_arrive_as_they_were_written() {
    let variant = toy(&with(
        "preset = \"configure\"\nconfigure = \"printf\"\nargs = [\"%s\\n\", \"it's $HOME; exit 1\", \"two\\nlines\"]",
    ));
    let text = write(&variant).replace("--prefix=/kegs/toy/0 ", "");
    let loop_at = text.find("\nfor step").unwrap();
    let output = shell(&format!("{}\npreset_configure last", &text[..loop_at]));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "it's $HOME; exit 1\ntwo\nlines\nlast\n");
}

#[test]
fn every_script_is_a_script() {
    for preset in ["autotools", "configure", "make", "cmake", "meson", "python", "perl", "kbuild"] {
        let text = write(&toy(&with(&format!("preset = \"{preset}\""))));
        let output = Command::new("/bin/sh").args(["-n", "-c", &text]).output().unwrap();
        assert!(output.status.success(), "{preset}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// The check of `kbuild` as awk runs it: what was asked, then what came out.
fn survives(asked: &str, config: &str, expected: Expect) {
    let folder = tempfile::tempdir().unwrap();
    let program = include_str!("kbuild.awk").replace("/build/asked", "asked");
    fs::write(folder.path().join("asked"), asked).unwrap();
    fs::write(folder.path().join(".config"), config).unwrap();
    let output = Command::new("awk")
        .arg(program)
        .args(["asked", ".config"])
        .current_dir(folder.path())
        .output()
        .unwrap();
    let status = output.status.code().unwrap();
    expected.assert_eq(&format!("{}exit {status}\n", String::from_utf8(output.stdout).unwrap()));
}

#[test]
fn symbols_that_survived() {
    survives(
        "a.config:1: CONFIG_A=y\na.config:2: # CONFIG_B is not set\na.config:3: # words\na.config:4: CONFIG_C=y\nb.config:1: CONFIG_C=n\nset: CONFIG_S=\"a b\"\n",
        "CONFIG_A=y\n# CONFIG_C is not set\nCONFIG_S=\"a b\"\n",
        expect![[r#"
            exit 0
        "#]],
    );
}

#[test]
fn symbols_that_were_lost() {
    survives(
        "a.config:1: CONFIG_A=y\na.config:9: # CONFIG_B is not set\nb.config:2: CONFIG_C=m\n",
        "CONFIG_B=y\nCONFIG_C=y\n",
        expect![[r#"
            error: a.config:1: CONFIG_A=y was asked, .config says # CONFIG_A is not set
            error: a.config:9: # CONFIG_B is not set was asked, .config says CONFIG_B=y
            error: b.config:2: CONFIG_C=m was asked, .config says CONFIG_C=y
            hint: what it depends on is off, or this version has no such symbol
            exit 1
        "#]],
    );
}
