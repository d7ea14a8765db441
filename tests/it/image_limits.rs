//! Limits of a role: of its image, on a toy; of its machine, on the role web, booted.

use std::process::Command;

use crate::support::{Ran, Toy, tap};

/// A server that is a script, the shell and the interpreter that it asks for, a library that it opens; kernel and agent are
/// texts.
fn toy(limits: &str) -> Toy {
    let toy = Toy::new();
    let server = "mkdir -p \"$OUT/bin\" \"$OUT/lib\"\nprintf '#!/bin/sh\\nexec sleep 9\\n' >\"$OUT/bin/server\"\n\
                  chmod +x \"$OUT/bin/server\"\nhead -c 30000 /dev/zero >\"$OUT/lib/libbig.so.1\"";
    toy.recipe("server", &[], "runtime = { files = [\"lib\"], run = [\"lua5.4\"] }", server);
    let shell = "mkdir -p \"$OUT/bin\"\nhead -c 20000 /dev/zero >\"$OUT/bin/sh\"\n\
                 echo lua >\"$OUT/bin/lua5.4\"\nchmod +x \"$OUT/bin/sh\" \"$OUT/bin/lua5.4\"";
    toy.recipe("shell", &[], "", shell);
    toy.recipe("linux", &[], "", "mkdir -p \"$OUT/boot\"\nhead -c 9000 /dev/zero >\"$OUT/boot/vmlinuz\"");
    toy.write("agent", "an agent");
    let role = "summary = \"A toy\"\nkegs = [\"server\", \"shell\"]\nkernel = \"linux\"\n\
                [service.server]\nrun = [\"server\"]\nuser = \"toy\"\n";
    toy.write("tap/roles/r.toml", format!("{role}{limits}"));
    toy
}

fn image(toy: &Toy) -> Ran {
    Ran::of(toy.command(&["image", "r", "--json"]).env("ROOTBREW_AGENT", toy.path().join("agent")))
}

/// Each fault's line and message.
fn faults(ran: &Ran) -> Vec<String> {
    let values = ran.out.lines().filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok());
    let fault = |value: &serde_json::Value| Some(format!("{} {}", value["line"], value["message"].as_str()?));
    values.filter(|value| value["event"] == "fault").filter_map(|value| fault(&value)).collect()
}

#[test]
fn all_that_exceeds_is_told_at_once() {
    let toy = toy(
        "[limits]\nroot_disk = \"30 kB\"\nroot_wire = 100\nkernel = \"8 kB\"\nfiles = 8\nexecutables = 2\nlibraries = 0\n\
         shells = 0\ninterpreters = 0\nlicenses = [\"BSD-*\"]\n",
    );
    let ran = image(&toy).expect(1);
    let mut faults = faults(&ran);
    assert!(faults.len() > 1, "{ran}");
    // How small zeros get is zstd's affair.
    let wire = faults.remove(1);
    assert!(
        wire.starts_with("9 `root_wire` is ") && wire.ends_with(" bytes, the limit is 100 bytes"),
        "{wire}"
    );
    assert_eq!(
        faults,
        [
            "8 `root_disk` is 57,344 bytes, the limit is 30,000 bytes",
            "10 `kernel` is 9,000 bytes, the limit is 8,000 bytes",
            "11 `files` is 10, the limit is 8",
            "12 `executables` is 4, the limit is 2",
            "13 `libraries` is 1, the limit is 0",
            "14 `shells` is 1, the limit is 0",
            "15 `interpreters` is 1, the limit is 0",
            "16 `linux` (the kernel) has the licence `MIT`, which `licenses` does not allow",
            "16 `server` (its files are in the image) has the licence `MIT`, which `licenses` does not allow",
            "16 `shell` (its files are in the image) has the licence `MIT`, which `licenses` does not allow",
        ],
        "{ran}"
    );
}

/// Who wants to know what is too large asks these.
#[test]
fn what_exceeds_can_be_looked_into() {
    let toy = toy("[limits]\nfiles = 1\n");
    image(&toy).expect(1).says(&["`files` is 10, the limit is 1"]);
    let look = |arguments: &[&str]| {
        Ran::of(toy.command(arguments).env("ROOTBREW_AGENT", toy.path().join("agent"))).expect(0)
    };
    look(&["size", "r"]).says(&["10 files", "lib/libbig.so.1"]);
    look(&["why", "r", "/bin/server"]).says(&["service server runs server"]);
    look(&["text", "r"]).says(&["/kegs/server/0/bin/server"]);
}

/// The file, and the whole chain down to it.
#[test]
fn a_shell_is_told_with_who_brought_it() {
    let toy = toy("[limits]\nshells = 0\n");
    image(&toy).expect(1).says(&[
        "R01",
        "/kegs/shell/0/bin/sh",
        "role: service server runs server; /bin/server: points to it; /kegs/server/0/bin/server: starts with #!/bin/sh; \
         /bin/sh: points to it",
    ]);
}

#[test]
fn what_is_within_its_limits_is_made() {
    let toy = toy("[limits]\nroot_disk = \"66 kB\"\nfiles = 10\nshells = 1\nlicenses = [\"MIT\"]\n");
    image(&toy).expect(0);
}

/// This repository's tap, where the role web has other limits.
fn web(limits: &str) -> tempfile::TempDir {
    let tap = tap::copy();
    let path = tap.path().join("roles/web.toml");
    let text = std::fs::read_to_string(&path).expect("the role");
    let (before, rest) = text.split_once("[limits]\n").expect("its limits");
    let (_, after) = rest.split_once("\n\n").expect("what follows them");
    std::fs::write(&path, format!("{before}[limits]\n{limits}\n\n{after}")).expect("another role");
    tap
}

#[test]
fn the_machine_is_asked_what_it_comes_to() {
    let tap = web("ports = [443, 8080]\nram_idle = \"1 MB\"\nboot_ms = 1");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    let ran = Ran::of(command.args(["boot", "web", "--check"]).arg("--tap").arg(tap.path())).expect(1);
    ran.says(&[
        "`ram_idle` is ",
        "the limit is 1,000,000 bytes",
        "`boot_ms` is ",
        "the least of 3 boots",
        "port 80 listens (tcp 0.0.0.0, nginx), and `ports` does not list it",
        "`ports` lists 8080, and nobody listens on it",
        "3 faults",
    ]);
}
