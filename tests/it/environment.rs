//! A host's environment: tried on the desk, and changed under a guest that runs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::support::{Ran, tap};

fn rootbrew(runtime: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.args(words).current_dir(tap::repository()).env("XDG_RUNTIME_DIR", runtime);
    command
}

fn written(folder: &Path, name: &str, text: &str) -> String {
    fs::write(folder.join(name), text).expect("a file");
    folder.join(name).display().to_string()
}

#[test]
fn a_desk_says_what_the_host_would() {
    let folder = tempfile::tempdir().expect("a folder");
    let at = folder.path();
    let run = |words: &[&str]| Ran::of(&mut rootbrew(at, words));
    let key = "tls_certificate = \"c\"\ntls_key = \"hidden\"\n";
    let old = written(at, "old.toml", &format!("host = \"PROD_web_2\"\n{key}"));
    let ran = run(&["env", "check", "web", &old]).expect(0);
    ran.says(&[
        "host = PROD_web_2 (role web, stage prod, number 2)",
        "site = \"web2.prod.example\"",
        "tls_key = (secret)",
    ]);
    assert!(!format!("{}{}", ran.out, ran.err).contains("hidden"));
    let bad =
        written(at, "bad.toml", &format!("{key}workers = \"many\"\nwrokers = 2\n[network]\naddress = 1\n"));
    let ran = run(&["env", "check", "web", &bad]).expect(1);
    ran.says(&[
        "must be an integer, is string",
        "bad.toml:3:1",
        "the role has no such name",
        "bad.toml:4:1",
        "bad.toml:6:1",
    ]);
    let cut = written(at, "cut.toml", "site = \"a\nworkers = 1\n");
    run(&["env", "check", "web", &cut]).expect(1).says(&["cut.toml:1"]);
    let new = written(at, "new.toml", &format!("host = \"PROD_web_2\"\nworkers = 2\n{key}"));
    let ran = run(&["env", "plan", "web", &old, &new]).expect(0);
    ran.says(&["file     /run/etc/nginx/nginx.conf", "service  nginx reloads"]);
    run(&["env", "plan", "web", &old, &old]).expect(0).says(&["service  nginx stays", "nothing changes"]);
}

/// A guest of `rootbrew boot web`, until it is dropped.
struct Guest {
    child: Child,
    folder: tempfile::TempDir,
}

impl Guest {
    fn start() -> Guest {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = rootbrew(folder.path(), &["boot", "web"]);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stderr.take().expect("its words")).lines();
        let ready = lines.map_while(Result::ok).find(|line| line.starts_with("hint:"));
        assert!(ready.is_some_and(|line| line.contains("rootbrew ctl web")));
        Guest { child, folder }
    }

    fn ctl(&self, words: &[&str]) -> Ran {
        Ran::of(&mut rootbrew(self.folder.path(), &[&["ctl", "web"], words].concat()))
    }

    /// Puts an environment, and waits for the event.
    fn put(&self, text: &str, event: &str) -> String {
        let file = written(self.folder.path(), "environment.toml", text);
        let before = self.ctl(&["events"]).expect(0).out.lines().count();
        self.ctl(&["env", "put", &file]).expect(0);
        let begun = Instant::now();
        loop {
            let events = self.ctl(&["events"]).expect(0).out;
            if let Some(found) = events.lines().skip(before).find(|line| line.contains(event)) {
                return found.to_string();
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{event}: {events}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.ctl(&["poweroff"]);
        self.child.wait().expect("it ends");
    }
}

#[test]
fn a_guest_takes_what_is_good_and_keeps_what_was() {
    let guest = Guest::start();
    guest.ctl(&["status"]).expect(0).says(&["ready ", " web nginx"]);
    let changed = guest.put("site = \"one.example\"\n", "environment changed");
    assert!(changed.contains("nginx.conf, nginx reloads"), "{changed}");
    guest.ctl(&["env"]).expect(0).says(&["site = \"one.example\" (operator)"]);
    // Refused by the schema, by the server's own check, by being no TOML.
    let refused = guest.put("workers = \"many\"\n", "environment refused");
    assert!(refused.contains("workers (operator): must be an integer"), "{refused}");
    let refused = guest.put("site = \"one two; }\"\n", "environment refused");
    assert!(refused.contains("nginx: check exited with 1") && refused.contains("emerg"), "{refused}");
    guest.ctl(&["status"]).expect(0).says(&["last change refused"]);
    let file = written(guest.folder.path(), "cut.toml", "site = \"one");
    guest.ctl(&["env", "put", &file]).expect(1).says(&["operator: line 1"]);
    guest.ctl(&["env"]).expect(0).says(&["site = \"one.example\" (operator)"]);
    // A burst is one change.
    guest.ctl(&["env", "drop"]).expect(0);
    let changed = guest.put("workers = 2\n", "environment changed");
    assert!(changed.contains("nginx reloads"), "{changed}");
    guest.ctl(&["restart", "nginx"]).expect(0);
    guest.ctl(&["restart", "nobody"]).expect(1).says(&["no service `nobody`; there are nginx"]);
    guest.ctl(&["nonsense"]).expect(1).says(&["no such word"]);
    guest.ctl(&["top"]).expect(0).says(&["nginx "]);
}
