use expect_test::expect;

use super::*;
use crate::affected;

fn keg(name: &str, old: &str, new: &str, why: affected::Why) -> affected::Keg {
    affected::Keg {
        keg: name.into(),
        version: Some(new.into()),
        old_version: Some(old.into()),
        why,
        same_bytes: None,
        roles: ["web".to_string()].into(),
    }
}

fn figure(key: &str, unit: Unit, new: u64, old: u64, limit: Option<u64>) -> Figure {
    Figure { key: key.into(), unit, new, old: Some(old), noise: None, limit }
}

fn sides(new: &[&str], old: &[&str]) -> Sides {
    let list = |words: &[&str]| words.iter().map(|word| word.to_string()).collect();
    Sides { new: list(new), old: Some(list(old)) }
}

fn good() -> Report {
    let boot = Figure {
        noise: Some(Noise::of(&[410], &[400, 430])),
        ..figure("boot_ms", Unit::Milliseconds, 410, 400, Some(2000))
    };
    let web = Role {
        role: "web".into(),
        why: vec!["`openssl@3` produced other bytes".into()],
        has_base: true,
        asked: Asked::Ready,
        figures: vec![
            figure("root_disk", Unit::Bytes, 7_534_592, 7_530_496, Some(12_000_000)),
            figure("root_wire", Unit::Bytes, 2_720_100, 2_718_900, None),
            figure("files", Unit::Count, 12, 12, None),
            figure("setuid", Unit::Count, 0, 0, Some(0)),
            boot,
        ],
        ports: sides(&["tcp 0.0.0.0:443"], &["tcp 0.0.0.0:443"]),
        licenses: sides(&["MIT", "Zlib"], &["MIT"]),
        versions: vec!["openssl@3 3.6.2 → 3.6.3".into()],
        files: vec![File {
            what: "changed".into(),
            path: "/kegs/nginx/0/bin/nginx".into(),
            old_bytes: 5_670_000,
            new_bytes: 5_674_096,
            how: vec!["content".into()],
        }],
        files_in_all: 12,
        picture: Some("web.svg".into()),
        ..Role::default()
    };
    let touched = |keg: &str, why: &str, became| Keg {
        keg: keg.into(),
        version: "1.0".into(),
        old_version: None,
        why: why.into(),
        became,
        wall_s: Some(41.0),
        ran: true,
    };
    Report {
        good: true,
        base: "3f1c2aa0123456789".into(),
        wall_s: 581.0,
        roles: vec![web],
        same_roles: 5,
        kegs: vec![
            touched("curl", "`openssl@3` produced other bytes", Became::SameBytes),
            touched("openssl@3", "source changed", Became::OtherBytes),
        ],
        kegs_in_all: 84,
        tests: Tests { passed: 31, failed: 0, in_store: 20 },
        cache: Cache {
            actions: 231,
            found: 214,
            critical: vec!["openssl@3".into(), "nginx".into()],
            critical_s: 362.0,
        },
        affected: Affected {
            kegs: vec![keg("openssl@3", "3.6.2", "3.6.3", affected::Why::Changed("source changed".into()))],
            ..Affected::default()
        },
        ..Report::default()
    }
}

#[test]
fn a_good_one() {
    expect![[r#"
        ### rootbrew: ready to merge
        9 min 41 s · base `3f1c2aa01234`

        `openssl@3` `3.6.2` → `3.6.3`

        | role | boot | RAM | wire | disk | files | setuid | ports |
        |---|---|---|---|---|---|---|---|
        | `web` | ready 0.41 s (=) | – | 2.72 MB (+1.2 kB) | 7.53 MB (+4.1 kB) | 12 (=) | 0 (=) | 1 (=) |

        5 other roles: same bytes.

        **Licences** `web` +`Zlib`.  
        **Limits** `web` 62 % of 12.00 MB (`root_disk`).  

        <details><summary>Touched 2 of 84 kegs, 1 stopped by early cutoff</summary>

        | keg | why | time | result |
        |---|---|---|---|
        | `openssl@3` `1.0` | `source changed` | 41 s | other bytes |
        | `curl` `1.0` | `openssl@3 produced other bytes` | 41 s | **same bytes** |

        Cache: 214 of 231 actions. Critical path `openssl@3` → `nginx`, 6 min 02 s.

        </details>

        <details><summary>Files changed in <code>web</code> (1 of 12)</summary>

        `openssl@3 3.6.2 → 3.6.3`  

        ```text
        ~ /kegs/nginx/0/bin/nginx  5.67 MB  +4.1 kB
        ```

        As a picture: `web.svg`

        </details>

        31 tests passed (20 before)

        Reproduce: `rootbrew ci run --base 3f1c2aa01234`
    "#]]
    .assert_eq(&good().markdown(COMMENT_MAX));
}

#[test]
fn a_failed_one() {
    let failure = Failure {
        subject: "nginx 1.26.3".into(),
        step: Some("install step".into()),
        end: "make exited 2".into(),
        tail: (0..20).map(|at| format!("line {at}")).collect(),
        command: Some("rootbrew shell nginx".into()),
        not_tried: vec!["tool".into(), "role web".into()],
        on_base: OnBase::No,
    };
    let report = Report { base: "3f1c2aa".into(), failures: vec![failure], ..Report::default() };
    expect![[r#"
        ### rootbrew: failed
        0.0 s · base `3f1c2aa`

        **failed: `nginx 1.26.3`**, `install step`: `make exited 2`

        ```text
        line 5
        line 6
        line 7
        line 8
        line 9
        line 10
        line 11
        line 12
        line 13
        line 14
        line 15
        line 16
        line 17
        line 18
        line 19
        ```

        Also fails on base: no. Not tried because of it: `tool`, `role web`. More: `rootbrew shell nginx`

        Reproduce: `rootbrew ci run --base 3f1c2aa`
    "#]]
    .assert_eq(&report.markdown(COMMENT_MAX));
}

#[test]
fn nothing_affected_is_three_lines() {
    let report = Report { good: true, base: "3f1c2aa".into(), same_roles: 9, ..Report::default() };
    expect![[r#"
        ### rootbrew: ready to merge, nothing is affected
        0.0 s · base `3f1c2aa`

        9 roles: same bytes.

        Reproduce: `rootbrew ci run --base 3f1c2aa`
    "#]]
    .assert_eq(&report.markdown(COMMENT_MAX));
}

/// Names of strangers: whatever is in them, what comes out is code, and no fence or fold ends early.
#[test]
fn hostile_names_stay_code() {
    let evil =
        "/a`b``c|d</details><img src=x onerror=y>@octocat #1 https://e.example \u{202e}gpj.exe\n```\n# h";
    let mut report = good();
    report.good = false;
    report.roles[0].role = evil.into();
    report.roles[0].files[0].path = evil.into();
    report.kegs[0].keg = evil.into();
    report.affected.kegs[0].version = Some(evil.into());
    report.failures =
        vec![Failure { subject: evil.into(), tail: vec![evil.into(), "````".into()], ..Failure::default() }];
    let text = report.markdown(COMMENT_MAX);
    assert!(!text.contains('\u{202e}') && !text.contains("\n# h") && !text.contains("\n```\n# h"), "{text}");
    // Outside of code there is nothing of it.
    assert!(!plain(&text).contains("octocat") && !plain(&text).contains("onerror"), "{}", plain(&text));
    assert_eq!(text.matches("<details>").count(), text.lines().filter(|line| *line == "</details>").count());
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let columns = line.matches('|').count();
        assert!(columns == 9 || columns == 5, "{columns} in {line}");
    }
}

/// What is in no fence, no code span and no `<code>`.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut fence: Option<String> = None;
    for line in text.lines() {
        let ticks: String = line.chars().take_while(|letter| *letter == '`').collect();
        match &fence {
            Some(open) if line.trim_end() == open => fence = None,
            Some(_) => {}
            None if ticks.len() >= 3 => fence = Some(ticks),
            None => out.push_str(&spans(line)),
        }
    }
    assert!(fence.is_none(), "a fence is open:\n{text}");
    out
}

/// A line without its code spans (CommonMark 6.1: a run of backticks is ended by one as long).
fn spans(line: &str) -> String {
    let line = match (line.find("<code>"), line.rfind("</code>")) {
        (Some(from), Some(to)) if from < to => format!("{}{}", &line[..from], &line[to..]),
        _ => line.to_string(),
    };
    let letters: Vec<char> = line.chars().collect();
    let run = |at: usize| letters[at..].iter().take_while(|letter| **letter == '`').count();
    let (mut out, mut at) = (String::new(), 0);
    while at < letters.len() {
        let ticks = run(at);
        if ticks == 0 {
            out.push(letters[at]);
            at += 1;
            continue;
        }
        let mut end = at + ticks;
        while end < letters.len() && run(end) != ticks {
            end += run(end).max(1);
        }
        at = if end < letters.len() { end + ticks } else { at + ticks };
    }
    out
}

#[test]
fn it_fits_whatever_is_told() {
    let mut report = good();
    let file = report.roles[0].files[0].clone();
    report.roles[0].files = vec![file; 20_000];
    let keg = report.kegs[0].clone();
    report.kegs = vec![keg; 5_000];
    let mut role = report.roles[0].clone();
    role.files.truncate(30);
    report.roles.extend(vec![role; 300]);
    report.failures =
        vec![Failure { tail: vec!["x".repeat(5_000); 15], end: "y".repeat(9_000), ..Failure::default() }; 50];
    for max in [COMMENT_MAX, 20_000, 4_000] {
        let text = report.markdown(max);
        assert!(text.len() <= max, "{} of {max}", text.len());
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count(), "{max}");
        assert!(text.starts_with("### rootbrew: ready to merge"), "{text}");
    }
    assert!(report.markdown(COMMENT_MAX).contains(" more, in `report.json`"));
}

#[test]
fn a_difference_within_the_noise_is_none() {
    let noise = |new: &[u64], old: &[u64]| Noise::of(new, old).0;
    assert_eq!(noise(&[400], &[400]), 40);
    assert_eq!(noise(&[400, 520], &[410]), 120);
    let figure =
        |new, old| Figure { noise: Some(Noise(40)), ..figure("boot_ms", Unit::Milliseconds, new, old, None) };
    assert_eq!(figure(430, 400).cell(), "0.43 s (=)");
    assert_eq!(figure(500, 400).cell(), "0.50 s (+0.10 s)");
    assert_eq!(figure(300, 400).cell(), "0.30 s (−0.10 s)");
}
