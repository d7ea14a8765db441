//! Builds without measure: each ends with its reason, its neighbour is built, nothing of it stays alive.

use crate::support::{Events, Toy};

fn check(install: &str, limit: &str, why: &str) {
    let toy = Toy::new();
    toy.recipe("wild", &[], "", install);
    toy.recipe("tame", &[], "", "echo tame >\"$OUT/tame\"");
    let ran = toy.run(&["build", "wild", "tame", "--json", "--limit", limit]).expect(1);
    let events = Events::of(&ran);
    assert_eq!(events.why("wild"), why, "{ran}");
    assert_eq!(events.kegs("built"), ["tame"], "{ran}");
    toy.is_whole();
    assert_eq!(std::fs::read_dir(toy.store().join("stage")).expect("the stage").count(), 0, "{ran}");
}

#[test]
fn one_that_hangs() {
    check("sleep 3600 & sleep 3600", "wall=1", "ran longer than its time limit");
}

#[test]
fn one_that_eats_memory() {
    check(
        "awk 'BEGIN { while (1) all[n++] = \"more and more\" }'",
        "memory=64M",
        "used more than its memory limit",
    );
}

#[test]
fn one_that_fills_the_disk() {
    check("yes >\"$OUT/x\"", "output=8M", "wrote more than its limit of bytes");
}

#[test]
fn one_that_forks_without_end() {
    check("bomb() { bomb & bomb; }\nbomb", "processes=50", "started more processes than its limit");
}

#[test]
fn one_that_leaves_a_process_behind() {
    let toy = Toy::new();
    toy.recipe("orphan", &[], "", "sleep 3600 &\necho x >\"$OUT/x\"");
    toy.build("orphan");
    toy.is_whole();
}

#[test]
fn a_limit_that_is_none() {
    let toy = Toy::new();
    toy.run(&["build", "x", "--limit", "memory=lots"]).expect(1).says(&["memory=lots", "bytes as 64M, 2G"]);
}
