//! By real links where the system's compiler makes them, and by files that lie.

use std::path::Path;
use std::process::Command;

use super::*;
use crate::papers::tests::elf;

fn run(folder: &Path, line: &str) {
    let output = Command::new("sh").args(["-ec", line]).current_dir(folder).output().unwrap();
    assert!(output.status.success(), "{line}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// The assembler's file that the compiler of kegs puts before each object's own.
fn mark_file(name: &str) -> String {
    format!("\t.pushsection {SECTION},\"MS\",@progbits,1\n\t.asciz \"{name}\"\n\t.popsection\n")
}

fn names(bytes: &[u8]) -> Vec<String> {
    let origin = read(bytes).unwrap();
    assert!(origin.marked);
    origin.marks.iter().map(|(name, slot)| format!("{name}@{slot}")).collect()
}

#[test]
fn a_link_lists_what_it_took() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let files = [
        ("main.c", "int used(void); int main(void) { return used(); }"),
        ("more.c", "int more(void) { return 2; }"),
        ("used.c", "int used(void) { return 1; }"),
        ("beside.c", "int beside(void) { return 1; }"),
        ("dead.c", "int dead(void) { return 1; }"),
    ];
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    for (file, name) in [("web", "web@0"), ("z", "zlib@0"), ("s", "openssl@3")] {
        std::fs::write(folder.join(format!("{file}.s")), mark_file(name)).unwrap();
    }
    run(
        folder,
        "cc='gcc -O1 -ffunction-sections -fdata-sections'
        for one in main more; do $cc -Wa,web.s -c $one.c; done
        for one in used beside; do $cc -Wa,z.s -c $one.c; done
        $cc -Wa,s.s -c dead.c
        ar rcs libz.a used.o beside.o
        ar rcs libs.a dead.o
        gcc -Wl,--gc-sections -o web main.o more.o libz.a libs.a
        gcc -Wl,--gc-sections -o dead main.o more.o libz.a dead.o
        ld -r -o part.o main.o used.o
        gcc -shared -o lib.so used.o dead.o
        cp web stripped; strip stripped",
    );
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    assert_eq!(names(&read("web")), ["web@0", "zlib@0"]);
    assert_eq!(names(&read("dead")), ["openssl@3", "web@0", "zlib@0"], "an object given by hand is taken");
    assert_eq!(names(&read("part.o")), ["web@0", "zlib@0"]);
    assert_eq!(names(&read("lib.so")), ["openssl@3", "zlib@0"]);
    assert_eq!(names(&read("stripped")), ["web@0", "zlib@0"], "strip leaves what is no debug information");
    assert!(is_marked(&read("libz.a")) && !is_marked(&read("web")));
}

#[test]
fn lies_are_no_names() {
    let many: Vec<u8> = (0..10_000).flat_map(|n| format!("keg{n}@0\0").into_bytes()).collect();
    assert_eq!(names(&elf(&[(SECTION, &many)])).len(), MARKS_MAX);
    let long = [b"a".repeat(1 << 20), b"@0\0".to_vec()].concat();
    assert_eq!(names(&elf(&[(SECTION, &long)])), [""; 0]);
    for lie in ["../etc@0", "a@", "@0", "a", "a@..", "a@0@1", "a b@0", "\u{e4}@0"] {
        assert_eq!(names(&elf(&[(SECTION, lie.as_bytes())])), [""; 0], "{lie}");
    }
    assert_eq!(names(&elf(&[(SECTION, b"\xff@0\0ok@1")])), ["ok@1"]);
}

#[test]
fn damage_is_no_panic() {
    let whole = elf(&[(SECTION, b"a@0\0"), (".comment", b"GCC: (Debian 12) 12\0"), (".text", b"vendor/")]);
    for end in 0..whole.len() {
        read(&whole[..end]);
        is_marked(&whole[..end]);
    }
    for at in 0..whole.len() {
        for bit in [0x01, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= bit;
            read(&bytes);
        }
    }
    assert!(!is_marked(b"!<arch>\n") && !is_marked(b"!<thin>\nx") && !is_marked(b""));
}

#[test]
fn words_of_compilers() {
    assert_eq!(debian_gcc("GCC: (Debian 12.2.0-14+deb12u1) 12.2.0"), Some("12.2.0-14+deb12u1"));
    assert_eq!(debian_gcc("GCC: (GNU) 12"), None);
    assert_eq!(rustc("rustc version 1.97.1 (8bab26f4f 2026-07-14)"), Some("1.97.1"));
    assert_eq!(glibc(b"GNU C Library (Debian GLIBC 2.43-7) stable").as_deref(), Some("2.43-7"));
    assert_eq!(glibc(b"GNU C Library (Debian GLIBC 2.43-7"), None);
}
