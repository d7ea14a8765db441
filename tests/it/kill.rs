//! Killed at any instant, and two at once: the store goes on, and comes to the same bytes.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Chance, Events, Ran, Toy, leftover};

/// Eight kegs in three rows, so that at each instant several things are under way.
fn graph(toy: &Toy) {
    let copy = |keg: &str| format!("cat \"$KEG_{}/all\" >>\"$OUT/all\"", keg.to_uppercase());
    toy.recipe("a", &[], "", "seq 1 2000 >\"$OUT/all\"; mkdir \"$OUT/bin\"; cp /usr/bin/sh \"$OUT/tool\"");
    for (name, below) in [
        ("b", &["a"][..]),
        ("c", &["a"]),
        ("d", &["a"]),
        ("e", &["b", "c"]),
        ("f", &["c", "d"]),
        ("g", &["b", "d"]),
    ] {
        let body: Vec<String> = below.iter().map(|keg| copy(keg)).collect();
        toy.recipe(name, below, "", &format!("echo {name} >\"$OUT/name\"; {}", body.join("; ")));
    }
    toy.recipe("h", &["e", "f", "g"], "", &format!("{}; {}; {}", copy("e"), copy("f"), copy("g")));
}

fn kill(child: &Child, signal: rustix::process::Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).expect("it is our child");
}

const KILLS: usize = 200;
/// Each round begins with nothing built, and ends with all built after this many kills.
const KILLS_A_ROUND: usize = 10;

#[test]
fn kill_nine_at_two_hundred_instants_gives_the_undisturbed_bytes() {
    let (calm, wild) = (Toy::new(), Toy::new());
    graph(&calm);
    graph(&wild);
    let begun = Instant::now();
    calm.build("h");
    let whole_us = begun.elapsed().as_micros() as u64;
    let mut chance = Chance(0x5eed);
    for round in 0..KILLS / KILLS_A_ROUND {
        for _ in 0..KILLS_A_ROUND {
            kill_after(&wild, Duration::from_micros(chance.below(whole_us / 4)));
        }
        leftover::none(wild.path());
        wild.run(&["build", "h"]).expect(0);
        assert_eq!(wild.outputs("h"), calm.outputs("h"), "round {round}");
        wild.is_whole();
        assert_eq!(wild.build("h").kegs("started"), [""; 0], "round {round}");
        std::fs::remove_dir_all(wild.store()).expect("the store is ours");
        crate::support::seed::copy_store(&wild.store());
    }
}

/// The instant is the test's input: nothing is waited for by it.
fn kill_after(toy: &Toy, instant: Duration) {
    let mut command = toy.command(&["build", "h"]);
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    std::thread::sleep(instant);
    kill(&child, rustix::process::Signal::KILL);
    child.wait().expect("it ends");
}

#[test]
fn two_builders_on_one_store_run_each_action_once() {
    builders(2);
}

#[test]
fn four_builders_on_one_store_run_each_action_once() {
    builders(4);
}

fn builders(count: usize) {
    let (alone, shared) = (Toy::new(), Toy::new());
    graph(&alone);
    graph(&shared);
    alone.build("h");
    let start = |_| {
        let mut command = shared.command(&["build", "h", "--json"]);
        (format!("{command:?}"), command.spawn().expect("the program starts"))
    };
    let running: Vec<(String, Child)> = (0..count).map(start).collect();
    let mut built = Vec::new();
    for (command, child) in running {
        let ran = Ran::ended(command, child.wait_with_output().expect("it ends")).expect(0);
        built.extend(Events::of(&ran).kegs("built"));
    }
    built.sort();
    assert_eq!(built, ["a", "b", "c", "d", "e", "f", "g", "h"]);
    assert_eq!(shared.outputs("h"), alone.outputs("h"));
    shared.is_whole();
}

#[test]
fn control_c_stops_and_the_same_command_goes_on() {
    let toy = Toy::new();
    toy.recipe("first", &[], "", "echo x >\"$OUT/x\"");
    toy.recipe("second", &["first"], "", "[ -e /recipe/go ] || sleep 3600; echo y >\"$OUT/y\"");
    let mut command = toy.command(&["build", "second", "--json"]);
    let child = until(&mut command, "\"event\":\"step\",\"at\":1,\"step\":\"install\"");
    kill(&child.child, rustix::process::Signal::INT);
    let ran = child.end();
    assert_eq!(ran.code, 130, "{ran}");
    ran.says(&["stopped; the same command goes on from here"]);
    ran.is_silent_of(&["failed"]);
    toy.is_whole();
    toy.steps("second", "echo y >\"$OUT/y\"");
    let events = toy.build("second");
    assert_eq!(
        (events.kegs("found"), events.kegs("built")),
        (vec!["first".to_string()], vec!["second".to_string()])
    );
}

#[test]
fn who_waits_for_another_builder_builds_the_rest_and_hears_control_c() {
    let toy = Toy::new();
    toy.recipe("slow", &[], "", "sleep 3600");
    toy.recipe("quick", &[], "", "echo x >\"$OUT/x\"");
    let first = until(&mut toy.command(&["build", "slow", "--json"]), "\"step\":\"install\"");
    let mut second = until(
        &mut toy.command(&["build", "slow", "quick", "--json", "--jobs", "2"]),
        "\"event\":\"waiting\"",
    );
    second.until("\"event\":\"built\"");
    kill(&second.child, rustix::process::Signal::INT);
    let ran = second.end();
    assert_eq!(ran.code, 130, "{ran}");
    kill(&first.child, rustix::process::Signal::INT);
    let ran = first.end();
    assert_eq!(ran.code, 130, "{ran}");
    toy.is_whole();
}

/// A run that has said a word on standard output.
struct Started {
    command: String,
    child: Child,
    said: String,
    rest: std::io::BufReader<std::process::ChildStdout>,
}

fn until(command: &mut Command, word: &str) -> Started {
    let mut child = command.spawn().expect("the program starts");
    let rest = std::io::BufReader::new(child.stdout.take().expect("a pipe"));
    let said = String::new();
    let mut started = Started { command: format!("{command:?}"), child, said, rest };
    started.until(word);
    started
}

impl Started {
    fn until(&mut self, word: &str) {
        while !self.said.contains(word) {
            let count = std::io::BufRead::read_line(&mut self.rest, &mut self.said).expect("a pipe");
            assert!(count > 0, "it ended without saying {word}:\n{}", self.said);
        }
    }

    fn end(mut self) -> Ran {
        std::io::Read::read_to_string(&mut self.rest, &mut self.said).expect("a pipe");
        let ran = Ran::ended(self.command, self.child.wait_with_output().expect("it ends"));
        Ran { out: self.said, ..ran }
    }
}
