//! The judges: the programs themselves, binutils' `strip` and `readelf`.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::support::{Place, Random, bytes_of, succeed};

const HELLO: &str = r#"
#include <stdio.h>
#include <stdlib.h>
__thread int counted = 3;
int main(void) { printf("hello %d\n", counted + abs(-4)); return 0; }
"#;

const LIBRARY: &str = "int answer(void) { return 42; }";

const USER: &str = r#"
#include <stdio.h>
int answer(void);
int main(void) { printf("%d\n", answer()); return 0; }
"#;

fn write_program(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// Our stripped form runs, readelf has nothing to say about it, and it is at most 1 % larger than binutils'.
fn check(name: &str, text: &str, arguments: &[&str]) {
    let place = Place::new();
    let program = place.gcc(name, text, arguments);
    let whole = bytes_of(&program);
    let ours = strip_elf(&whole).expect("there is something to strip");
    let path = place.path("ours");
    write_program(&path, &ours);
    assert_eq!(succeed(&mut Command::new(&path)), succeed(&mut Command::new(&program)));
    let said = Command::new("readelf").args(["-aW"]).arg(&path).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&said.stderr), "", "{name}");
    let theirs = place.path("theirs");
    succeed(Command::new("strip").arg("-o").arg(&theirs).arg(&program));
    let (ours, theirs) = (ours.len(), bytes_of(&theirs).len());
    assert!(ours * 100 <= theirs * 101, "{name}: {} bytes, ours {ours}, strip {theirs}", whole.len());
    assert_eq!(strip_elf(&bytes_of(&path)), None, "{name}: stripped once is stripped");
}

#[test]
fn programs_of_every_kind_run_stripped() {
    check("static", HELLO, &["-static", "-g"]);
    check("static_pie", HELLO, &["-static-pie", "-g"]);
    check("dynamic", HELLO, &["-g"]);
    check("no_pie", HELLO, &["-no-pie"]);
    check("no_notes", HELLO, &["-Wl,--build-id=none", "-fcf-protection=none"]);
    check("separate_code", HELLO, &["-Wl,-z,separate-code", "-Wl,-z,relro,-z,now"]);
    check("packed", HELLO, &["-Wl,-z,noseparate-code", "-Wl,--hash-style=both"]);
}

#[test]
fn a_stripped_library_still_loads() {
    let place = Place::new();
    let library = place.gcc("libanswer.so", LIBRARY, &["-shared", "-fPIC", "-g"]);
    let user = place.gcc("user", USER, &["-lanswer", "-Wl,-rpath,$ORIGIN"]);
    let stripped = strip_elf(&bytes_of(&library)).unwrap();
    assert!(stripped.len() < bytes_of(&library).len());
    write_program(&library, &stripped);
    assert_eq!(succeed(&mut Command::new(&user)), "42\n");
    // The linker reads sections, so this proves the headers.
    let again = place.gcc("again", USER, &["-lanswer", "-Wl,-rpath,$ORIGIN"]);
    assert_eq!(succeed(&mut Command::new(&again)), "42\n");
}

#[test]
fn what_is_left_as_it_is() {
    let place = Place::new();
    let object = bytes_of(&place.gcc("object.o", LIBRARY, &["-c"]));
    assert_eq!(strip_elf(&object), None);
    let mut unpacks_itself = bytes_of(&place.gcc("hello", HELLO, &["-g"]));
    unpacks_itself.extend(b"data of its own");
    assert_eq!(strip_elf(&unpacks_itself), None);
    let high = [
        "-static",
        "-nostdlib",
        "-Wl,-Ttext=0xffffffff80001000,-eanswer",
        "-mcmodel=kernel",
        "-fno-pie",
        "-no-pie",
    ];
    let kernel = bytes_of(&place.gcc("kernel", LIBRARY, &high));
    assert_eq!(strip_elf(&kernel), None);
    for other in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", &[0; 5000]] {
        assert_eq!(strip_elf(other), None);
    }
}

/// Neither stripping nor reading what a file needs panics, whatever its bytes are.
#[test]
fn hostile_files() {
    let place = Place::new();
    let whole = bytes_of(&place.gcc("dynamic", HELLO, &["-g", "-Wl,-rpath,$ORIGIN/../lib"]));
    let table = u64::from_le_bytes(whole[40..48].try_into().unwrap());
    let mut random = Random(7);
    let mut taken = 0;
    for round in 0..20_000 {
        let mut hostile = whole.clone();
        for _ in 0..=random.below(4) {
            // Half of the changes hit the headers, where they matter.
            let at = match random.below(4) {
                0 => random.below(64),
                1 => random.below(1000),
                2 => table + random.below(whole.len() as u64 - table),
                _ => random.below(whole.len() as u64),
            };
            hostile[at as usize] = [0, 1, 0x7f, 0xff, random.below(256) as u8][random.below(5) as usize];
        }
        if round % 10 == 0 {
            hostile.truncate(random.below(whole.len() as u64) as usize);
        }
        taken += usize::from(strip_elf(&hostile).is_some_and(|stripped| stripped.len() < hostile.len()));
        let needs = crate::closure::elf::needs(&hostile);
        assert!(needs.is_ok() || needs.is_err_and(|why| !why.is_empty()));
    }
    assert!(taken > 1000, "the changes are small enough that some files are still whole: {taken}");
}
