//! One pool of job slots for all builds: never more at work than there are slots, and a killed build's tokens come back.

use std::collections::BTreeSet;

use crate::support::{Ran, Toy};

/// Takes tokens as `make` does, one for each worker but the first.
const WORKERS: &str = r#"
/usr/bin/usleep 100123 &
for at in 1 2 3 4 5 6; do
    token=$(dd bs=1 count=1 </run/jobserver 2>/dev/null)
    { /usr/bin/usleep 100123; printf %s "$token" >/run/jobserver; } &
done
wait
echo done >"$OUT/done"
"#;

/// Who sleeps just so long, in whatever sandbox.
fn workers() -> BTreeSet<String> {
    let pids = std::fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    pids.filter(|pid| {
        std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
            .is_ok_and(|line| line == "/usr/bin/usleep\x00100123\0")
    })
    .collect()
}

#[test]
fn never_more_at_work_than_slots() {
    let toy = Toy::new();
    toy.recipe("one", &[], "", WORKERS);
    toy.recipe("two", &[], "", WORKERS);
    let mut command = toy.command(&["build", "one", "two", "--jobs", "3"]);
    let mut child = command.spawn().expect("the program starts");
    let (mut most, mut before) = (0, workers());
    while child.try_wait().expect("our child").is_none() {
        let now = workers();
        // Who was there before and is there now was at work at the instant between the two looks.
        most = most.max(now.intersection(&before).count());
        before = now;
    }
    let ran = Ran::ended(format!("{command:?}"), child.wait_with_output().expect("it ends")).expect(0);
    assert!((2..=3).contains(&most), "{most} at once with 3 slots\n{ran}");
}

#[test]
fn a_build_that_dies_with_tokens_gives_them_back() {
    let toy = Toy::new();
    let take = |count: u8| {
        format!(
            "for at in $(seq {count}); do dd bs=1 count=1 </run/jobserver >>/build/tokens 2>/dev/null; done"
        )
    };
    toy.recipe("thief", &[], "", &format!("{}; exit 1", take(1)));
    // Beside the thief two tokens are left: the one that it takes comes back with its death alone.
    toy.recipe(
        "heir",
        &[],
        "",
        &format!("{}; cat /build/tokens >/run/jobserver; echo x >\"$OUT/x\"", take(2)),
    );
    let ran = toy.run(&["build", "thief", "heir", "--jobs", "4", "--limit", "wall=60"]).expect(1);
    ran.says(&["thief 1.0                   exited 1", "built   heir"]);
    toy.is_whole();
}
