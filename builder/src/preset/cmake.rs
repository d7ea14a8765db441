//! Preset `cmake`: a CMakeLists.txt, built by ninja. Nothing is found by itself: what is not below `/kegs` is not there
//! for a `find_package`, `find_library` or `find_path`, and nothing is fetched.
//!
//! `CMAKE_BUILD_TYPE=None`: the flags are the profile's alone. CMake reads no `CPPFLAGS`, so those go before `CFLAGS`.

use super::ninja::{self, CXX, FOLDER};
use super::quote::{word, words};
use super::shell::{Steps, command};
use super::{KegAt, Place};
use crate::recipe::variant::{Linkage, Variant};

pub fn steps(variant: &Variant, place: &Place) -> Steps {
    Steps {
        configure: vec![TESTS.to_string(), configure(variant, place)],
        build: vec![ninja::run(variant, &variant.targets.build)],
        check: vec![check(variant)],
        install: vec![ninja::install(variant)],
    }
}

// What only a check runs is compiled only for a check. The script is the same, and so is the key.
const TESTS: &str = r#"case " ${STEPS:-} " in *" check "*) tests=ON ;; *) tests=OFF ;; esac"#;

/// The same for every recipe. With the root path at `/kegs`, a prefix below it is taken as it is, and one outside (`/usr`,
/// the folders of `PATH`) becomes one that does not exist. Programs are found as always.
const ALWAYS: [&str; 15] = [
    "-DCMAKE_BUILD_TYPE=None",
    "-DCMAKE_INSTALL_LIBDIR=lib",
    "-DBUILD_TESTING=$tests",
    "-DCMAKE_FIND_ROOT_PATH=/kegs",
    "-DCMAKE_FIND_ROOT_PATH_MODE_INCLUDE=ONLY",
    "-DCMAKE_FIND_ROOT_PATH_MODE_LIBRARY=ONLY",
    "-DCMAKE_FIND_ROOT_PATH_MODE_PACKAGE=ONLY",
    "-DCMAKE_FIND_ROOT_PATH_MODE_PROGRAM=NEVER",
    "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF",
    "-DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF",
    "-DCMAKE_FIND_USE_SYSTEM_PACKAGE_REGISTRY=OFF",
    "-DCMAKE_EXPORT_NO_PACKAGE_REGISTRY=ON",
    "-DFETCHCONTENT_FULLY_DISCONNECTED=ON",
    "-Wno-dev",
    "--no-warn-unused-cli",
];

fn configure(variant: &Variant, place: &Place) -> String {
    let keg = variant.keg();
    let mut all = vec![
        r#"CFLAGS="$CPPFLAGS $CFLAGS" CXXFLAGS="$CPPFLAGS ${CXXFLAGS:-}""#.to_string(),
        format!("CXX=\"{CXX}\""),
        format!("cmake -G Ninja -S . -B {FOLDER}"),
        word(&format!("-DCMAKE_INSTALL_PREFIX={keg}")),
        prefixes(place.link),
    ];
    all.extend(ALWAYS.map(String::from));
    all.extend(linkage(variant.linkage, &keg));
    all.extend([words(&variant.args), "\"$@\"".to_string()]);
    command(all)
}

fn prefixes(link: &[KegAt]) -> String {
    let kegs: Vec<&str> = link.iter().map(|keg| keg.prefix.as_str()).collect();
    word(&format!("-DCMAKE_PREFIX_PATH={}", kegs.join(";")))
}

fn linkage(linkage: Linkage, keg: &str) -> Vec<String> {
    match linkage {
        Linkage::Static => vec!["-DBUILD_SHARED_LIBS=OFF".to_string()],
        Linkage::Shared => {
            vec!["-DBUILD_SHARED_LIBS=ON".to_string(), word(&format!("-DCMAKE_INSTALL_RPATH={keg}/lib"))]
        }
    }
}

fn check(variant: &Variant) -> String {
    match variant.targets.check.as_slice() {
        [] => format!("ctest --test-dir {FOLDER} --output-on-failure"),
        named => ninja::run(variant, named),
    }
}
