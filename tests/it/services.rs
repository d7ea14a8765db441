//! Bad neighbours of one that serves, in a real guest (`tests/taps/bad`): what each comes to is said, the machine tells its
//! status all the while, and the good one serves on.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::roles::tap;
use crate::support::Ran;

/// A guest of `rootbrew boot bad`, until it is dropped.
struct Guest {
    child: Child,
    runtime: tempfile::TempDir,
    /// What came from its console after it was ready.
    console: Arc<Mutex<Vec<String>>>,
    /// Holds the roles.
    _tap: tempfile::TempDir,
}

impl Guest {
    fn boot() -> Guest {
        let (tap, runtime) = (tap("bad"), tempfile::tempdir().expect("a folder"));
        let mut boot = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        boot.args(["boot", "bad", "--console", "--tap"])
            .arg(tap.path())
            .env("XDG_RUNTIME_DIR", runtime.path());
        let mut child = boot.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let ready =
            lines.by_ref().inspect(|line| said.push(line.clone())).any(|line| line.starts_with("hint:"));
        assert!(ready, "{}", said.join("\n"));
        let console = Arc::new(Mutex::new(Vec::new()));
        let kept = console.clone();
        std::thread::spawn(move || lines.for_each(|line| kept.lock().expect("nobody panics").push(line)));
        Guest { child, runtime, console, _tap: tap }
    }

    fn ctl(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["ctl", "bad"]).args(words).env("XDG_RUNTIME_DIR", self.runtime.path());
        Ran::of(&mut command)
    }

    /// What a service's second life comes to, in its log; and the machine tells its status.
    fn comes_to(&self, service: &str, word: &str) {
        self.ctl(&["restart", service]).expect(0);
        let begun = Instant::now();
        loop {
            self.ctl(&["status"]).expect(0).says(&["ready "]);
            let log = self.ctl(&["log", "-n", "2000", service]).expect(0).out;
            if log.contains(word) {
                return;
            }
            assert!(
                begun.elapsed() < Duration::from_secs(120),
                "{service} does not come to `{word}`:\n{log}"
            );
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn bad_neighbours_are_told_and_the_machine_serves_on() {
    let guest = Guest::boot();
    guest.comes_to("deaf", "did not end within 1 s, killed");
    guest.comes_to("brief", "exited with 3, 6 times in a row; stays down");
    guest.comes_to("late", "not ready within 2 s; stays down");
    guest.comes_to("hog", "ran out of its memory, was ended by signal 9; starts again");
    guest.comes_to("flood", " lines dropped: more than may be said");
    guest.comes_to("bomb", "has all of its 32 tasks");
    let status = guest.ctl(&["status"]).expect(0);
    status
        .says(&["now down: brief: exited with 3, 6 times in a row", "now down: late: not ready within 2 s"]);
    guest.ctl(&["top"]).expect(0).says(&["calm ready", "deaf ready"]);
    guest.ctl(&["restart", "calm"]).expect(0);
    let begun = Instant::now();
    while !guest.ctl(&["top"]).expect(0).out.contains("calm ready") {
        assert!(begun.elapsed() < Duration::from_secs(120), "calm starts no more");
        std::thread::sleep(Duration::from_millis(200));
    }
    guest.ctl(&["poweroff"]).expect(0);
}

/// Its other end reads nothing for a while: then PID 1 would wait in its next line, if it waited for it.
#[test]
fn a_console_that_stands_still_holds_nobody_up() {
    let guest = Guest::boot();
    let boot = rustix::process::Pid::from_child(&guest.child);
    let signal = |signal| rustix::process::kill_process(boot, signal).expect("our child");
    signal(rustix::process::Signal::STOP);
    // A flood is 200 lines a second, of 100 bytes: more than the line, QEMU, the pipe and the agent hold.
    guest.ctl(&["restart", "flood"]).expect(0);
    for _ in 0..40 {
        guest.ctl(&["status"]).expect(0).says(&["ready "]);
        std::thread::sleep(Duration::from_millis(500));
    }
    signal(rustix::process::Signal::CONT);
    let begun = Instant::now();
    let said = || guest.console.lock().expect("nobody panics").join("\n");
    while !said().contains("the console stood still: ") {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "it never stood still, or never said so:\n{}",
            said()
        );
        std::thread::sleep(Duration::from_millis(200));
        guest.ctl(&["restart", "flood"]).expect(0);
    }
    guest.ctl(&["poweroff"]).expect(0);
}
