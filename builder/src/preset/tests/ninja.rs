//! `cmake` and `meson`, which ninja builds.

use expect_test::expect;

use super::super::Place;
use super::{check, check_linked, environment, keg, the_profile, toy, with};

#[test]
fn cmake() {
    check_linked(
        &with("preset = \"cmake\"\nargs = [\"-DX=it's\"]\nlink = [\"zlib\", \"pcre2\"]"),
        &[keg("zlib"), keg("pcre2")],
        expect![[r#"
            do_unpack() {
            	mkdir -p "$TREE"
            	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
            }
            do_patch() {
            	:
            }
            preset_configure() {
            	case " ${STEPS:-} " in *" check "*) tests=ON ;; *) tests=OFF ;; esac
            	CFLAGS="$CPPFLAGS $CFLAGS" CXXFLAGS="$CPPFLAGS ${CXXFLAGS:-}" CXX="${CXX:-build-lacks-cxx}" cmake -G Ninja -S . -B /build/ninja -DCMAKE_INSTALL_PREFIX=/kegs/toy/0 '-DCMAKE_PREFIX_PATH=/kegs/zlib/0;/kegs/pcre2/0' -DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_TESTING=$tests -DCMAKE_FIND_ROOT_PATH=/kegs -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF -DCMAKE_FIND_USE_SYSTEM_PACKAGE_REGISTRY=OFF -DCMAKE_EXPORT_NO_PACKAGE_REGISTRY=ON -DFETCHCONTENT_FULLY_DISCONNECTED=ON -Wno-dev --no-warn-unused-cli -DBUILD_SHARED_LIBS=OFF '-DX=it'\''s' "$@"
            }
            preset_build() {
            	ninja -C /build/ninja
            }
            preset_check() {
            	ctest --test-dir /build/ninja --output-on-failure
            }
            preset_install() {
            	env DESTDIR=/build/out ninja -C /build/ninja install
            }
        "#]],
    );
}

#[test]
fn cmake_shared_with_targets() {
    check(
        &with(
            "preset = \"cmake\"\nlinkage = \"shared\"\nbuild_args = [\"V=1\"]\ntargets = { build = [\"lib\"], check = [\"tests\"], install = [\"install-lib\"] }",
        ),
        expect![[r#"
            do_unpack() {
            	mkdir -p "$TREE"
            	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
            }
            do_patch() {
            	:
            }
            preset_configure() {
            	case " ${STEPS:-} " in *" check "*) tests=ON ;; *) tests=OFF ;; esac
            	CFLAGS="$CPPFLAGS $CFLAGS" CXXFLAGS="$CPPFLAGS ${CXXFLAGS:-}" CXX="${CXX:-build-lacks-cxx}" cmake -G Ninja -S . -B /build/ninja -DCMAKE_INSTALL_PREFIX=/kegs/toy/0 -DCMAKE_PREFIX_PATH= -DCMAKE_BUILD_TYPE=None -DCMAKE_INSTALL_LIBDIR=lib -DBUILD_TESTING=$tests -DCMAKE_FIND_ROOT_PATH=/kegs -DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY -DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER -DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF -DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF -DCMAKE_FIND_USE_SYSTEM_PACKAGE_REGISTRY=OFF -DCMAKE_EXPORT_NO_PACKAGE_REGISTRY=ON -DFETCHCONTENT_FULLY_DISCONNECTED=ON -Wno-dev --no-warn-unused-cli -DBUILD_SHARED_LIBS=ON -DCMAKE_INSTALL_RPATH=/kegs/toy/0/lib "$@"
            }
            preset_build() {
            	env V=1 ninja -C /build/ninja lib
            }
            preset_check() {
            	env V=1 ninja -C /build/ninja tests
            }
            preset_install() {
            	env DESTDIR=/build/out V=1 ninja -C /build/ninja install-lib
            }
        "#]],
    );
}

#[test]
fn meson() {
    check(
        &with("preset = \"meson\"\nargs = [\"-Dman=false\"]"),
        expect![[r#"
        do_unpack() {
        	mkdir -p "$TREE"
        	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
        }
        do_patch() {
        	:
        }
        preset_configure() {
        	printf '%s\n' "[binaries]" "c = ['$CC', '--sysroot=/kegs']" "cpp = ['${CXX:-build-lacks-cxx}', '--sysroot=/kegs']" "pkgconfig = ['pkgconf', '--static']" "cmake = 'false'" >/build/native.ini
        	meson setup /build/ninja . --native-file=/build/native.ini --prefix=/kegs/toy/0 --libdir=lib --buildtype=plain --auto-features=disabled --wrap-mode=nodownload -Ddefault_library=static -Dprefer_static=true -Dman=false "$@"
        }
        preset_build() {
        	ninja -C /build/ninja
        }
        preset_check() {
        	meson test -C /build/ninja --no-rebuild --print-errorlogs
        }
        preset_install() {
        	meson install -C /build/ninja --no-rebuild --destdir=/build/out
        }
    "#]],
    );
}

#[test]
fn meson_with_the_seed_and_shared() {
    check(
        &with(
            "preset = \"meson\"\ncc = \"seed\"\nlinkage = \"shared\"\ntargets = { install = [\"install-lib\"] }",
        ),
        expect![[r#"
            do_unpack() {
            	mkdir -p "$TREE"
            	tar -x --no-same-owner --strip-components=1 -C "$TREE" -f /src/0/*
            }
            do_patch() {
            	:
            }
            preset_configure() {
            	printf '%s\n' "[binaries]" "c = ['$CC']" "cpp = ['${CXX:-build-lacks-cxx}']" "pkgconfig = 'pkgconf'" "cmake = 'false'" >/build/native.ini
            	meson setup /build/ninja . --native-file=/build/native.ini --prefix=/kegs/toy/0 --libdir=lib --buildtype=plain --auto-features=disabled --wrap-mode=nodownload -Ddefault_library=shared "$@"
            }
            preset_build() {
            	ninja -C /build/ninja
            }
            preset_check() {
            	meson test -C /build/ninja --no-rebuild --print-errorlogs
            }
            preset_install() {
            	env DESTDIR=/build/out ninja -C /build/ninja install-lib
            }
        "#]],
    );
}

/// An option's `flag` in the preset's own words.
#[test]
fn switches() {
    let args = |preset: &str| {
        let option = "[option]\na = { summary = \"A\", flag = \"A\", default = true }\nb = { summary = \"B\", flag = \"B\" }";
        toy(&with(&format!("preset = \"{preset}\"\n{option}"))).args.join(" ")
    };
    assert_eq!(args("cmake"), "-DA=ON -DB=OFF");
    assert_eq!(args("meson"), "-DA=enabled -DB=disabled");
}

/// A C++ compiler is there for who names it: by the seed's own a program would be made for another C library.
#[test]
fn cxx_is_there_when_it_is_seen() {
    let cxx = |recipe: &str, build: &[super::KegAt]| {
        let place = Place { link: &[], build, profile: &the_profile() };
        let all = environment(&toy(&with(recipe)), &place);
        (all.get("CXX").cloned().unwrap_or_default(), all.get("CXXFLAGS") == all.get("CFLAGS"))
    };
    assert_eq!(cxx("preset = \"cmake\"", &[keg("seed-cc")]), (String::new(), false));
    assert_eq!(cxx("preset = \"cmake\"", &[keg("seed-cc"), keg("seed-cxx")]), ("c++".into(), true));
    assert_eq!(cxx("preset = \"make\"", &[keg("seed-cxx")]), ("c++".into(), true));
    assert_eq!(cxx("preset = \"cmake\"\ncc = \"seed\"", &[]), ("/usr/bin/g++".into(), true));
    assert_eq!(cxx("preset = \"make\"\ncc = \"seed\"", &[]), (String::new(), false));
}
