use std::path::Path;

use expect_test::{Expect, expect};
use kegs::fault::Faults;

use super::*;
use crate::tree::Reason;

/// Lines of `mode uid bytes path [-> target]`.
fn tree(lines: &str) -> ImageTree {
    let mut tree = ImageTree::default();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [mode, uid, bytes, path] = words[..4] else { panic!("{line}") };
        let reason = Reason::role(format!("asks for {path}"));
        let mut node = match words.get(5) {
            Some(target) => Node::link(*target, reason),
            None => Node::inline(vec![0; bytes.parse().unwrap()], 0o644, reason),
        };
        node.mode = u16::from_str_radix(mode, 8).unwrap();
        node.uid = uid.parse().unwrap();
        tree.insert(path, node).unwrap();
    }
    tree
}

fn role(more: &str) -> Role {
    let text = format!("summary = \"s\"\nkegs = [\"a\"]\n{more}");
    let mut faults = Faults::default();
    let role =
        Role::parse("t", Path::new("roles/t"), Path::new("roles/t.toml"), text.as_bytes(), &mut faults);
    role.unwrap_or_else(|| panic!("{faults}"))
}

fn check_figures(lines: &str, logins: &[String], expected: Expect) {
    let tree = tree(lines);
    let figures = figures(&tree, &Sizes::default(), logins);
    let line = |figure: &Figure| format!("{} {} {}\n", figure.key, figure.found, figure.files.join(" "));
    let made = figures.iter().filter(|figure| figure.found > 0).map(line);
    expected.assert_eq(&made.collect::<String>());
}

fn check_over(limits: &str, lines: &str, expected: Expect) {
    let sizes = Sizes { root_disk_bytes: 9_102_336, root_wire_bytes: 3_000_000, kernel_bytes: 2_000_000 };
    let faults = over(&role(limits), &tree(lines), &sizes);
    expected.assert_eq(&Faults(faults).to_string());
}

#[test]
fn what_files_are() {
    check_figures(
        "0755 0 9 kegs/busybox/0/bin/busybox
         0777 0 0 bin/sh -> /kegs/busybox/0/bin/busybox
         0755 0 4 kegs/python/0/bin/python3.12
         0777 0 0 bin/python3 -> /kegs/python/0/bin/python3.12
         0755 0 3 kegs/a/0/bin/own
         0777 0 0 bin/login -> /kegs/a/0/bin/own
         0644 0 2 share/sh
         0755 0 7 lib/ld-musl-x86_64.so.1
         0644 0 6 lib/libz.so.1.3.2
         0644 0 1 lib/notes.some
         4755 0 5 bin/su
         0664 0 1 etc/group-may
         0644 7 1 etc/of-somebody",
        &["bin/login".to_string()],
        expect![[r#"
            files 10 kegs/busybox/0/bin/busybox lib/ld-musl-x86_64.so.1 lib/libz.so.1.3.2 bin/su kegs/python/0/bin/python3.12 kegs/a/0/bin/own share/sh etc/group-may etc/of-somebody lib/notes.some
            executables 4 kegs/busybox/0/bin/busybox bin/su kegs/python/0/bin/python3.12 kegs/a/0/bin/own
            libraries 2 lib/ld-musl-x86_64.so.1 lib/libz.so.1.3.2
            shells 2 kegs/busybox/0/bin/busybox kegs/a/0/bin/own
            interpreters 1 kegs/python/0/bin/python3.12
            setuid 1 bin/su
            writable 2 etc/group-may etc/of-somebody
        "#]],
    );
}

#[test]
fn all_that_exceeds_is_told_at_its_limit() {
    check_over(
        "[limits]\nroot_disk = \"9 MB\"\nroot_wire = \"3 MB\"\nkernel = \"1 MB\"\nfiles = 2\nexecutables = 0\nshells = 0",
        "0755 0 1234567 bin/sh
         0644 0 12 etc/a
         0644 0 1 etc/b",
        expect![[r#"
            roles/t.toml:4:13: `root_disk` is 9,102,336 bytes, the limit is 9,000,000 bytes; what costs most, in bytes, and why it is there:
              1,234,567  /bin/sh  role: asks for bin/sh
                     12  /etc/a  role: asks for etc/a
                      1  /etc/b  role: asks for etc/b
            roles/t.toml:6:10: `kernel` is 2,000,000 bytes, the limit is 1,000,000 bytes; `rootbrew info` names the kernel's options
            roles/t.toml:7:9: `files` is 3, the limit is 2; what costs most, in bytes, and why it is there:
              1,234,567  /bin/sh  role: asks for bin/sh
                     12  /etc/a  role: asks for etc/a
                      1  /etc/b  role: asks for etc/b
            roles/t.toml:8:15: `executables` is 1, the limit is 0; what costs most, in bytes, and why it is there:
              1,234,567  /bin/sh  role: asks for bin/sh
            roles/t.toml:9:10: `shells` is 1, the limit is 0; what costs most, in bytes, and why it is there:
              1,234,567  /bin/sh  role: asks for bin/sh
        "#]],
    );
}

#[test]
fn nobody_means_a_setuid_file_without_a_word() {
    check_over(
        "",
        "4755 0 1 bin/su\n0666 0 1 etc/a",
        expect![[r#"
        roles/t.toml:1:1: `setuid` is 1, the limit is 0 where a role says none; what costs most, in bytes, and why it is there:
                  1  /bin/su  role: asks for bin/su
        roles/t.toml:1:1: `writable` is 1, the limit is 0 where a role says none; what costs most, in bytes, and why it is there:
                  1  /etc/a  role: asks for etc/a
    "#]],
    );
    check_over("[limits]\nsetuid = 1\nwritable = 1", "4755 0 1 bin/su\n0666 0 1 etc/a", expect![[r#""#]]);
}

#[test]
fn ten_are_shown() {
    let lines: String = (0..14).map(|n| format!("0644 0 {n} f{n}\n")).collect();
    check_over(
        "[limits]\nfiles = 3",
        &lines,
        expect![[r#"
        roles/t.toml:4:9: `files` is 14, the limit is 3; what costs most, in bytes, and why it is there:
                 13  /f13  role: asks for f13
                 12  /f12  role: asks for f12
                 11  /f11  role: asks for f11
                 10  /f10  role: asks for f10
                  9  /f9  role: asks for f9
                  8  /f8  role: asks for f8
                  7  /f7  role: asks for f7
                  6  /f6  role: asks for f6
                  5  /f5  role: asks for f5
                  4  /f4  role: asks for f4
                 +4  more
    "#]],
    );
}

#[test]
fn ports_in_both_directions() {
    let role = role("[limits]\nports = [80, 443]");
    let listens = |port, by: &[&str]| Listens {
        port,
        on: "tcp 0.0.0.0".into(),
        by: by.iter().map(|by| by.to_string()).collect(),
    };
    let listens = [listens(80, &["nginx"]), listens(8080, &["nginx", "worker"]), listens(9, &[])];
    let told = Faults(ports(&role, &listens)).to_string();
    expect![[r#"
        roles/t.toml:4:9: port 8080 listens (tcp 0.0.0.0, nginx, worker), and `ports` does not list it; `ports = [80, 443, 8080]`, if it is meant
        roles/t.toml:4:9: port 9 listens (tcp 0.0.0.0), and `ports` does not list it; `ports = [9, 80, 443]`, if it is meant
        idle: [443]
    "#]].assert_eq(&format!("{told}idle: {:?}\n", idle_ports(&role, &listens)));
}

#[test]
fn figures_of_a_running_machine() {
    let role = role("[limits]\nram_idle = \"16 MB\"\nboot_ms = 1500");
    let told: Vec<_> = [("ram_idle", 16_000_001), ("ram_idle", 16_000_000), ("boot_ms", 1501)]
        .into_iter()
        .filter_map(|(key, found)| exceeds(&role, key, found))
        .collect();
    expect![[r#"
        roles/t.toml:4:12: `ram_idle` is 16,000,001 bytes, the limit is 16,000,000 bytes
        roles/t.toml:5:11: `boot_ms` is 1,501 ms, the limit is 1,500 ms
    "#]]
    .assert_eq(&Faults(told).to_string());
}
