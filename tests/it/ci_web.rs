//! Changes of the role web, proven by `ci run` on this repository's tap: booted once for its bytes; a boot that fails is told.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ran, tap};

/// This repository's tap, committed.
fn committed() -> tempfile::TempDir {
    let tap = tap::copy();
    for part in ["recipes", "toolchains", "seeds"] {
        let place = tap.path().join(part);
        fs::remove_file(&place).expect("a link");
        Ran::of(Command::new("cp").arg("-a").arg(tap::repository().join(part)).arg(&place)).expect(0);
    }
    for words in [&["init", "-q", "-b", "main"][..], &["add", "-A"], &["commit", "-q", "-m", "all of it"]] {
        let mut git = Command::new("git");
        git.current_dir(tap.path()).args(["-c", "user.name=A", "-c", "user.email=a@host"]).args(words);
        Ran::of(&mut git).expect(0);
    }
    tap
}

fn edit(tap: &Path, path: &str, from: &str, to: &str) {
    let text = fs::read_to_string(tap.join(path)).expect("a text");
    assert!(text.contains(from), "{text}");
    fs::write(tap.join(path), text.replace(from, to)).expect("another text");
}

fn report(tap: &Path, code: i32, more: &[&str]) -> (Ran, Value, String) {
    let out = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    command.args(["ci", "run", "--base", "HEAD", "--out"]).arg(out.path()).args(more).current_dir(tap);
    let ran = Ran::of(&mut command).expect(code);
    let json = fs::read_to_string(out.path().join("report.json")).expect("a report");
    let text = fs::read_to_string(out.path().join("report.md")).expect("a report");
    (ran, serde_json::from_str(&json).expect("JSON"), text)
}

/// One record of what nobody has, one of what our zlib is said to have.
fn records(tap: &Path) -> String {
    let folder = tap.join("osv");
    fs::create_dir(&folder).expect("a folder");
    for (id, name) in [("CVE-2026-0001", "zlib"), ("CVE-2026-0002", "nobody")] {
        let record = serde_json::json!({
            "id": id, "modified": "2026-11-01T00:00:00Z",
            "affected": [{ "package": { "ecosystem": "", "name": name, "purl": format!("pkg:generic/{name}") },
                           "ranges": [{ "type": "SEMVER", "events": [{ "introduced": "0" }] }] }],
        });
        fs::write(folder.join(format!("{id}.json")), record.to_string()).expect("a record");
    }
    folder.display().to_string()
}

#[test]
fn a_page_is_booted_once_and_a_broken_server_is_told() {
    let tap = committed();
    let (page, server) = ("roles/web/index.html", "roles/web/nginx.conf");
    let mark = format!("<!-- {:?} -->", std::time::SystemTime::now());
    fs::write(tap.path().join(page), format!("<!doctype html>\n<title>other</title>{mark}\n"))
        .expect("a page");
    let (ran, json, text) = report(tap.path(), 0, &[]);
    ran.says(&["ready", "answer  HTTP/2 200", "report  good"]);
    let figures = json["roles"][0]["figures"].as_array().expect("figures");
    let keys: Vec<&str> = figures.iter().filter_map(|figure| figure["key"].as_str()).collect();
    assert!(keys.contains(&"boot_ms") && keys.contains(&"ram_idle"), "{json:#}");
    assert!(text.contains("~ /etc/web/index.html") || text.contains("index.html"), "{text}");
    let (ran, _, _) = report(tap.path(), 0, &[]);
    ran.is_silent_of(&["ready", "answer "]);

    edit(tap.path(), server, "worker_processes", "no_such_word 7;\nworker_processes");
    let (ran, json, text) = report(tap.path(), 1, &[]);
    ran.says(&["report  1 failures"]);
    let failure = &json["failures"][0];
    assert_eq!((&failure["subject"], &failure["step"]), (&"role web".into(), &"boot".into()), "{json:#}");
    let tail = failure["tail"].to_string() + &failure["end"].to_string();
    assert!(tail.contains("no_such_word"), "{json:#}");
    assert!(text.contains("### rootbrew: failed"), "{text}");
}

#[test]
fn records_of_vulnerabilities_are_told_of_both_sides() {
    let tap = committed();
    let records = records(tap.path());
    fs::write(tap.path().join("roles/web/index.html"), "<!doctype html>\n<title>other</title>\n")
        .expect("a page");
    let (_, json, text) = report(tap.path(), 0, &["--no-boot", "--db", &records]);
    let cves = json["roles"][0]["cves"].to_string();
    assert!(cves.contains("CVE-2026-0001") && !cves.contains("CVE-2026-0002"), "{cves}\n{text}");
}
