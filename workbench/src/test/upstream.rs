//! `--upstream`: upstream's own suite, by the preset's `check` step, in the sandbox that built the keg.
//!
//! A suite is not told what to skip, for each wants it said otherwise: it runs whole, and the tests that failed, as its log
//! names them, are compared with those that the recipe names in `upstream`, each with its reason.

use std::collections::BTreeSet;
use std::path::Path;

use builder::schedule::again;
use builder::schedule::beside::{self, Came, PLACE};
use builder::schedule::execute::{Failure, Manner, Place};
use kegs::{Fault, Node, Outcome, Tree};

use super::{Bench, Checked, Kind, Result, TestError, excerpt};

const STEPS: &str = "unpack patch configure build check";

/// A log that is larger is read to here.
const LOG_MAX_BYTES: u64 = 256 << 20;

pub fn test(bench: &Bench, at: usize) -> Result<Checked> {
    let mut checked = Checked::new("upstream's suite", Kind::Upstream);
    let node = &bench.plan.nodes()[at];
    let outputs: Vec<_> = bench.outputs.iter().copied().map(Some).collect();
    let prepared = again::prepared(bench.plan, at, bench.store, bench.ground, &outputs);
    let prepared = prepared.map_err(|error| TestError::World(error.to_string()))?;
    let Some((mut prepared, _)) = prepared else {
        return Err(TestError::World(format!("the sources of `{}` are not in the store", node.name())));
    };
    let action = &mut prepared.action;
    action.arguments = [
        "/bin/sh",
        "-c",
        "/bin/sh /steps/run && mkdir -p \"/build/out$KEG\" && echo good >\"/build/out$KEG/suite\"",
    ]
    .map(str::to_string)
    .into();
    action.environment.insert("STEPS".into(), STEPS.into());
    action.environment.insert("KEG".into(), PLACE.into());
    // All that fails is to be known, not the first only.
    action.environment.insert("GNUMAKEFLAGS".into(), "-k".into());
    let keyed = action.keyed();
    checked.keys.push(keyed.key);
    let name = format!("{}+suite", node.name());
    let manner = Manner {
        face: Default::default(),
        build: Place::Disk,
        jobs: builder::schedule::JOBS_WORD,
        limits: Default::default(),
    };
    match beside::run(bench.store, bench.ground, (&prepared, &keyed), &name, &manner, bench.cancel.flag()) {
        Ok((_, came)) => checked.found = came == Came::Found,
        Err(failure) if failure.cancelled || bench.cancel.is_said() => return Err(TestError::Cancelled),
        Err(failure) => {
            checked.found = false;
            checked.faults = judge(bench, at, &failure);
            if checked.faults.is_empty() {
                let mut tree = Tree::default();
                let digest = bench.store.put_bytes(b"good but for what the recipe names\n")?;
                tree.insert("suite", Node::File { digest, executable: false });
                let output = bench.store.put_tree(&tree)?;
                bench.store.put_result(&keyed, &Outcome::new(output, 0.0))?;
            } else {
                checked.keys.clear();
            }
        }
    }
    Ok(checked)
}

/// Nothing, when all that failed is named by the recipe.
fn judge(bench: &Bench, at: usize, failure: &Failure) -> Vec<Fault> {
    let variant = bench.variant(at);
    let skipped: BTreeSet<&str> =
        variant.tests.iter().flat_map(|test| test.upstream.keys()).map(String::as_str).collect();
    let log = failure.log.as_deref().map(read).unwrap_or_default();
    let failed = if failure.step.as_deref() == Some("check") { failed(&log) } else { BTreeSet::new() };
    let unknown: Vec<&str> =
        failed.iter().map(String::as_str).filter(|name| !skipped.contains(name)).collect();
    if !failed.is_empty() && unknown.is_empty() {
        return Vec::new();
    }
    let step = failure.step.as_deref().unwrap_or("start");
    let what = match unknown.as_slice() {
        [] => format!("upstream's suite failed ({step}: {})", failure.end),
        names => format!("{} of upstream's tests failed: `{}`", names.len(), names.join("`, `")),
    };
    let place = variant.tests.iter().find(|test| !test.upstream.is_empty());
    let span = place.map_or(variant.span.clone(), |test| test.span("upstream"));
    let at = failure.log.as_ref().map_or(String::new(), |log| format!("\nlog: {}", log.display()));
    let help = format!(
        "{}{at}\nwhat can't pass in a sandbox is named with its reason: `[[test]]`, `upstream = {{ \"name\" = \"reason\" }}`",
        excerpt::tail(failure.tail.join("\n").as_bytes(), "  | ")
    );
    vec![variant.text.fault(span, what).help(help)]
}

fn read(log: &Path) -> String {
    let mut bytes = Vec::new();
    let decoder = std::fs::File::open(log).and_then(zstd::Decoder::new);
    // A log that is gone names nothing: then the suite has failed, and that is said.
    if let Ok(decoder) = decoder {
        std::io::Read::read_to_end(&mut std::io::Read::take(decoder, LOG_MAX_BYTES), &mut bytes).ok();
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The names of tests that failed, as the usual runners print them.
fn failed(log: &str) -> BTreeSet<String> {
    log.lines().filter_map(|line| failed_by(line.trim_end())).map(str::to_string).collect()
}

fn failed_by(line: &str) -> Option<&str> {
    // automake; unittest.
    if let Some(name) = ["FAIL: ", "ERROR: ", "XPASS: "].iter().find_map(|word| line.strip_prefix(word)) {
        return name.split_whitespace().next();
    }
    // pytest.
    if let Some(name) = line.strip_prefix("FAILED ") {
        return name.split_whitespace().next();
    }
    // TAP. What is to do or skipped does not fail.
    if let Some(rest) = line.trim_start().strip_prefix("not ok ") {
        let name = rest.split_once(" - ")?.1;
        return (!name.contains("# TODO") && !name.contains("# SKIP")).then_some(name.trim());
    }
    // cargo.
    if let Some(name) = line.strip_prefix("test ").and_then(|rest| rest.strip_suffix(" ... FAILED")) {
        return Some(name);
    }
    // prove's summary: `t/a.t   (Wstat: 256 Tests: 3 Failed: 1)`.
    if let Some((name, rest)) = line.split_once("(Wstat: ") {
        return (!rest.contains("Failed: 0") || !rest.starts_with("0 ")).then(|| name.trim());
    }
    // ctest's summary: `	 12 - name (Failed)`.
    if let Some((_, rest)) = line.trim_start().split_once(" - ").filter(|(number, _)| is_number(number)) {
        let (name, how) = rest.rsplit_once(" (")?;
        return ["Failed)", "Timeout)", "SEGFAULT)", "Not Run)"].contains(&how).then_some(name);
    }
    // meson: ` 3/12 suite / name   FAIL   0.02s`.
    let (number, rest) = line.trim_start().split_once(' ')?;
    let (done, all) = number.split_once('/')?;
    let mut words = rest.split("  ").map(str::trim).filter(|word| !word.is_empty());
    let name = words.next()?;
    let bad =
        words.next().is_some_and(|how| ["FAIL", "TIMEOUT", "ERROR"].iter().any(|word| how.starts_with(word)));
    (is_number(done) && is_number(all) && bad).then_some(name)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runners_name_what_failed_each_in_its_way() {
        let lines = [
            ("FAIL: tests/a.sh", Some("tests/a.sh")),
            ("# FAIL:  1", None),
            ("PASS: b", None),
            ("not ok 3 - opens", Some("opens")),
            ("not ok 4 - later # TODO not yet", None),
            ("ok 5 - fine", None),
            ("test net::dials ... FAILED", Some("net::dials")),
            ("FAILED tests/test_x.py::test_y - AssertionError", Some("tests/test_x.py::test_y")),
            ("t/op/a.t   (Wstat: 256 (exited 1) Tests: 3 Failed: 1)", Some("t/op/a.t")),
            ("\t 12 - regress_ssl (Failed)", Some("regress_ssl")),
            ("\t 13 - regress_zlib (Passed)", None),
            (" 3/12 core / link   FAIL   0.02s   exit status 1", Some("core / link")),
            (" 4/12 core / name   OK     0.01s", None),
            ("1/2 of it", None),
        ];
        for (line, expected) in lines {
            assert_eq!(failed_by(line), expected, "{line}");
        }
    }
}
