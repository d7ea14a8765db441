//! Builds that fail: what goes on, what is said, what is left to look at.

use std::io::Write;
use std::process::Stdio;

use crate::support::{Ran, Toy};

/// `bad` fails in its install step; `needs` needs it, `above` needs that; `good` does not.
fn broken() -> Toy {
    let toy = Toy::new();
    toy.recipe(
        "bad",
        &[],
        "",
        "echo precious >/build/source/left-file\necho 'cannot find the frobnicator' >&2\nexit 7",
    );
    toy.recipe("needs", &["bad"], "", "echo x >\"$OUT/x\"");
    toy.recipe("above", &["needs"], "", "echo x >\"$OUT/x\"");
    toy.recipe("good", &[], "", "echo fine >\"$OUT/fine\"");
    toy
}

#[test]
fn a_failure_stops_what_needs_it_and_nothing_else() {
    let toy = broken();
    let ran = toy.run(&["build", "above", "good"]).expect(1);
    ran.says(&[
        "install: exited 7",
        "| cannot find the frobnicator",
        "1 failed, 2 not tried because of it, the rest is built",
        "hint: `rootbrew log bad` shows it whole",
        "hint: `rootbrew shell bad` opens this sandbox as it was left",
    ]);
    assert_eq!(toy.read("good", "fine"), "fine\n");
    let events = crate::support::Events::of(&toy.run(&["build", "above", "good", "--json"]).expect(1));
    assert_eq!(events.kegs("skipped"), ["needs", "above"]);
    assert_eq!(events.kegs("failed"), ["bad"]);
    assert_eq!(events.kegs("found"), ["good"]);
    toy.is_whole();
}

#[test]
fn the_log_of_a_failure_is_shown() {
    let toy = broken();
    toy.run(&["build", "bad"]).expect(1);
    let log = toy.run(&["log", "bad"]).expect(0);
    assert!(log.out.contains("== install\ncannot find the frobnicator\n"), "{log}");
    toy.run(&["log", "good"]).expect(1).says(&["good"]);
}

#[test]
fn a_shell_opens_the_sandbox_as_the_failure_left_it() {
    let toy = broken();
    toy.run(&["build", "bad"]).expect(1);
    let shell = shell(&toy, "bad", "cat /build/source/left-file; ls /; exit\n");
    shell.says(&["precious", "recipe"]);
    toy.is_whole();
}

#[test]
fn a_shell_of_what_never_failed_is_empty() {
    let toy = broken();
    let shell = shell(&toy, "good", "ls -A /build; echo end-of-list; exit 3\n");
    assert_eq!(shell.code, 1, "{shell}");
    shell.says(&["end-of-list", "the shell ended with 3"]);
    shell.is_silent_of(&["left-file"]);
}

#[test]
fn a_mended_recipe_builds_and_what_failed_is_forgotten() {
    let toy = broken();
    toy.run(&["build", "above"]).expect(1);
    toy.steps("bad", "echo y >\"$OUT/y\"");
    assert_eq!(toy.build("above").kegs("built"), ["bad", "needs", "above"]);
    assert!(!toy.store().join("failed/bad").exists());
}

fn shell(toy: &Toy, keg: &str, typed: &str) -> Ran {
    let mut command = toy.command(&["shell", keg]);
    let mut child = command.stdin(Stdio::piped()).spawn().expect("the program starts");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(typed.as_bytes()).expect("it reads what is typed");
    drop(input);
    Ran::ended(format!("{command:?}"), child.wait_with_output().expect("it ends"))
}
