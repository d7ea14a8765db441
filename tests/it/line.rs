//! A line of the role web, as a host would live on it: two images published, the newer booted from the line, the line rolled
//! back, the older booted.

use std::fs;
use std::process::Command;

use crate::support::{Ran, tap};

const PAGE: &str = "roles/web/index.html";

struct Line {
    tap: tempfile::TempDir,
    folder: tempfile::TempDir,
}

impl Line {
    fn new() -> Line {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
        fs::write(folder.path().join("passphrase"), "four words by chance\n").expect("a passphrase");
        Line { tap: tap::copy(), folder }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(&mut self.command(arguments)).expect(0)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("ROOTBREW_PASSPHRASE_FILE", self.folder.path().join("passphrase"));
        command.env("XDG_STATE_HOME", self.folder.path().join("state"));
        command
    }

    /// The role with this page, and a check that wants to see it.
    fn says(&self, text: &str) {
        fs::write(self.tap.path().join(PAGE), format!("<!doctype html>\n<title>{text}</title>\n"))
            .expect("a page");
        let role = self.tap.path().join("roles/web.toml");
        let text = format!(
            "\n[[check]]\nrun = [\"curl\", \"-fsS\", \"http://{{host}}:{{port:80}}/\"]\nstdout = \"{text}\"\n"
        );
        let written = fs::read_to_string(tap::repository().join("roles/web.toml")).expect("the role");
        fs::write(role, written + &text).expect("the role");
    }

    /// Booted and asked before it is.
    fn publish(&self) -> Ran {
        let tap = self.tap.path().to_string_lossy();
        let words =
            ["channel", "publish", "public", "web", "--line", "edge", "--keys", "keys", "--tap", &tap];
        self.run(&words)
    }

    /// As a host that has neither tap nor store: asked by the published role's checks, of which one wants its page.
    fn boots(&self, root: &str, text: &str) {
        let cache = self.folder.path().join("cache");
        let mut command = self.command(&["boot", "web", "--check", "--from", "public@edge", "--root", root]);
        let ran = Ran::of(command.env("XDG_CACHE_HOME", &cache)).expect(0);
        ran.says(&["HTTP/1.1 200 OK", "HTTP/2 200", "ready", text]);
    }
}

#[test]
fn two_are_published_and_the_older_boots_again() {
    let line = Line::new();
    let root = line.run(&["channel", "init", "public", "--keys", "keys"]).out.trim().to_string();
    // Other bytes each time: what was proven once is not booted again.
    let now = format!("{:?}", std::time::SystemTime::UNIX_EPOCH.elapsed().expect("a clock"));
    let pages = ["an older page", "a newer page"].map(|page| format!("{page} of {now}"));
    for text in &pages {
        line.says(text);
        line.publish().says(&["ready", "answer", "moved", "edge/web"]);
    }
    line.boots(&root, &pages[1]);
    line.run(&["channel", "rollback", "public", "edge", "web", "--keys", "keys"]);
    line.boots(&root, &pages[0]);
    line.run(&["channel", "verify", "public", "--keys", "keys"]).says(&["2 images", "0 faults"]);
}
