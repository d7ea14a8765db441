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
    fn start(words: &[&str]) -> Guest {
        let folder = tempfile::tempdir().expect("a folder");
        let mut command = rootbrew(folder.path(), &[&["boot", "web"], words].concat());
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
    let guest = Guest::start(&[]);
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

/// A key, an environment with a certificate for it to sign, and a tap whose web role believes that key alone.
fn signed_only() -> (tempfile::TempDir, tempfile::TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let openssl = |words: &str| {
        let mut openssl = Command::new("openssl");
        Ran::of(openssl.args(words.split(' ')).current_dir(folder.path())).expect(0);
    };
    openssl("genpkey -algorithm ed25519 -out key.pem");
    openssl("genpkey -algorithm ed25519 -out other.pem");
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=web -days 9 -keyout tls.key -out tls.pem",
    );
    let text = |name: &str| fs::read_to_string(folder.path().join(name)).expect("openssl wrote it");
    let (certificate, key) = (text("tls.pem"), text("tls.key"));
    let environment =
        format!("tls_certificate = \"\"\"\n{certificate}\"\"\"\ntls_key = \"\"\"\n{key}\"\"\"\n");
    written(folder.path(), "env.toml", &environment);
    let tap = tap::copy();
    let signed = Ran::of(&mut rootbrew(
        folder.path(),
        &["env", "sign", &at(&folder, "env.toml"), "--key", &at(&folder, "key.pem")],
    ))
    .expect(0);
    written(folder.path(), "signed.toml", &signed.out);
    let said = signed.err.split('`').nth(1).expect("the role's line").to_string();
    let web = tap.path().join("roles/web.toml");
    let role = fs::read_to_string(&web).expect("the role").replace("kernel  =", &format!("{said}\nkernel ="));
    fs::write(&web, role).expect("written");
    (folder, tap)
}

fn at(folder: &tempfile::TempDir, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

#[test]
fn what_is_not_signed_is_refused_on_the_desk_and_by_the_guest() {
    let (folder, tap) = signed_only();
    let tap = tap.path().display().to_string();
    let run = |words: &[&str]| Ran::of(&mut rootbrew(folder.path(), &[words, &["--tap", &tap]].concat()));
    let (plain, signed) = (at(&folder, "env.toml"), at(&folder, "signed.toml"));
    run(&["env", "check", "web", &plain]).expect(0).says(&["not signed: a host of this role takes it once"]);
    let key = at(&folder, "other.pem");
    let foreign = run(&["env", "sign", &plain, "--key", &key]).expect(0).out;
    let foreign = written(folder.path(), "foreign.toml", &foreign);
    run(&["env", "check", "web", &foreign]).expect(1).says(&["signed by another key, or changed since"]);
    run(&["env", "sign", &signed, "--key", &key]).expect(1).says(&["is signed already"]);
    run(&["env", "check", "web", &signed]).expect(0).says(&["tls_key = (secret)"]);
    let boot = run(&["boot", "web", "--check", "--environment", &plain]);
    boot.expect(1).says(&["fw_cfg: refused: not signed"]);
    let guest = Guest::start(&["--tap", &tap, "--environment", &signed]);
    let refused = guest.ctl(&["env", "put", &foreign]).expect(1);
    refused.says(&["operator: refused: signed by another key, or changed since"]);
    guest.ctl(&["env", "put", &signed]).expect(0);
    guest.ctl(&["status"]).expect(0).says(&["ready "]);
}
