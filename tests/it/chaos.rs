//! Harm by chance (docs/chaos.md): a few rounds of one seed, in this repository's own roles and in one that keeps data; and
//! that a machine which was not started for it takes none.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use crate::roles::{run, tap};
use crate::support::{Events, Ran};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace")
}

/// What each round did, in words.
fn harmed(tap: &Path, role: &str, rounds: &str) -> Vec<String> {
    let ran = run(tap, &["boot", role, "--chaos", rounds, "--seed", "7", "--json"]).expect(0);
    let events = Events::of(&ran);
    let sum = events.with("chaos").next().expect("a sum");
    assert_eq!((sum["rounds"].to_string(), sum["seed"].as_u64()), (rounds.to_string(), Some(7)), "{ran}");
    let words = |round: &serde_json::Value| format!("{} {}", round["kind"], round["fault"]);
    events.with("round").map(words).collect()
}

#[test]
fn a_web_server_answers_after_each_round() {
    assert_eq!(harmed(repository(), "web", "12").len(), 12);
}

#[test]
fn what_lasts_is_harmed_and_answers_and_a_seed_is_a_sequence() {
    let tap = tap("data");
    let first = harmed(tap.path(), "keep", "8");
    assert_eq!(first[..3], harmed(tap.path(), "keep", "3"));
}

/// A guest of `rootbrew boot web`, until it is dropped.
struct Guest {
    child: std::process::Child,
    runtime: tempfile::TempDir,
}

impl Guest {
    fn boot() -> Guest {
        let runtime = tempfile::tempdir().expect("a folder");
        let mut boot = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        boot.args(["boot", "web", "--tap"]).arg(repository()).env("XDG_RUNTIME_DIR", runtime.path());
        let mut child = boot.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines().map_while(Result::ok);
        let ready = lines.find(|line| line.starts_with("hint:"));
        assert!(ready.is_some_and(|line| line.contains("rootbrew ctl web")));
        std::thread::spawn(move || lines.for_each(drop));
        Guest { child, runtime }
    }

    fn ctl(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["ctl", "web"]).args(words).env("XDG_RUNTIME_DIR", self.runtime.path());
        Ran::of(&mut command)
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn a_machine_that_is_not_started_for_it_takes_no_harm() {
    let guest = Guest::boot();
    for words in [["kill", "nginx", "KILL"].as_slice(), &["fill"], &["free"]] {
        guest.ctl(words).expect(1).says(&["not on this machine", "has no `rootbrew.chaos`"]);
    }
    guest.ctl(&["events"]).expect(0).is_silent_of(&["ended by signal"]);
    guest.ctl(&["status"]).expect(0).says(&["ready "]);
}
