//! The command line: help, completions, lists, places.

use crate::build::diamond;
use crate::support::{Ran, Toy};

const COMMANDS: [&str; 33] = [
    "",
    "lint",
    "fmt",
    "fetch",
    "plan",
    "build",
    "check",
    "shell",
    "log",
    "why",
    "size",
    "ls",
    "cat",
    "text",
    "diff",
    "image",
    "boot",
    "store",
    "store verify",
    "store gc",
    "store du",
    "seed",
    "seed show",
    "seed unpack",
    "seed refresh",
    "list",
    "info",
    "deps",
    "why-depends",
    "search",
    "new",
    "bump",
    "completions",
];

#[test]
fn every_help_has_an_example() {
    let toy = Toy::without_store();
    for command in COMMANDS {
        let words: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        toy.run(&words).expect(0).says(&["Example", "rootbrew"]);
    }
}

#[test]
fn completions_are_a_shell_script_that_knows_the_commands() {
    let toy = Toy::without_store();
    let ran = toy.run(&["completions", "bash"]).expect(0);
    ran.says(&["_rootbrew()", "verify", "--offline"]);
    toy.write("completions.bash", &ran.out);
    let mut bash = std::process::Command::new("bash");
    Ran::of(bash.arg("-n").arg(toy.path().join("completions.bash"))).expect(0);
}

#[test]
fn recipes_are_listed_and_described() {
    let toy = diamond();
    let list = toy.run(&["list"]).expect(0);
    for name in ["base", "left", "right", "top"] {
        assert!(list.out.contains(name), "{list}");
    }
    toy.run(&["info", "base"]).expect(0).says(&["A toy", "1.0", "MIT"]);
    toy.run(&["info", "bass"]).expect(1).says(&["bass"]);
}

#[test]
fn two_taps_share_one_store_elsewhere() {
    let (one, two) = (diamond(), diamond());
    let elsewhere = one.path().join("elsewhere/deep/store");
    let at =
        |toy: &Toy| Ran::of(toy.bare_command(&["build", "top"]).arg("--store").arg(&elsewhere)).expect(0);
    at(&one).says(&["built   top"]);
    at(&two).says(&["nothing to build"]);
}

#[test]
fn the_store_is_in_the_cache_folder_unless_said() {
    let toy = diamond();
    Ran::of(&mut toy.bare_command(&["build", "base"])).expect(0).says(&["built   base"]);
    assert!(toy.path().join("cache/rootbrew/store/format").is_file());
    let elsewhere = toy.path().join("elsewhere");
    Ran::of(toy.bare_command(&["build", "base"]).env("ROOTBREW_STORE", &elsewhere))
        .expect(0)
        .says(&["built   base"]);
    assert!(elsewhere.join("format").is_file());
}

#[test]
fn outside_of_a_tap_it_says_what_a_tap_is() {
    let toy = Toy::without_store();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    let ran = Ran::of(command.arg("list").current_dir(toy.path()).env_remove("ROOTBREW_TAP"));
    ran.expect(1).says(&["holds recipes/", "--tap DIR"]);
}
