//! What a keg offers to compilers: every `.pc` resolves and links, every header compiles.
//!
//! A header is tried as its users include it, alone and then after the C library's usual ones. No fault are those that
//! say by `#error` what they want, those of other systems (`windows.h`), C++ where there is only C, folders named
//! `internal`, `private`, `detail` or `impl`, and those that a header which compiles includes. Bootstrap kegs
//! (`cc = "seed"`) are not asked: the compiler that is made of them proves them with every keg.

use builder::preset::word;
use builder::recipe::{Cc, Linkage};
use builder::schedule::beside::{self, Against, Came};
use kegs::{Node, Tree};

use super::compile::manner;
use super::kept::{Finding, Kept};
use super::{Bench, Checked, Kind, Result, TestError};

const SCRIPT: &str = include_str!("offers.sh");

const INTERNAL: [&str; 4] = ["internal", "private", "detail", "impl"];

/// Where pkg-config looks.
const MODULES: [&str; 2] = ["lib/pkgconfig/", "share/pkgconfig/"];

/// One test for the modules and one for the headers, where there are any.
pub fn test(bench: &Bench, at: usize) -> Result<Vec<Checked>> {
    let variant = bench.variant(at);
    let tree = bench.store.tree(&bench.outputs[at])?;
    let (modules, headers) = (modules(&tree), headers(&tree));
    if variant.cc == Cc::Seed || (modules.is_empty() && headers.is_empty()) {
        return Ok(Vec::new());
    }
    let kept = ask(bench, at, &modules, &headers)?;
    let mut tests = Vec::new();
    let asked =
        [("pc files", Kind::Pc, modules.len(), "pc"), ("headers", Kind::Headers, headers.len(), "header")];
    for (name, kind, count, word) in asked.into_iter().filter(|(_, _, count, _)| *count > 0) {
        let mut checked = Checked::new(&format!("{count} {name}"), kind);
        let findings = kept.findings.iter().filter(|finding| finding.detail.starts_with(word));
        let findings = findings.map(|finding| told(finding, word)).collect();
        checked.take(bench, at, Kept { findings, key: kept.key, found: kept.found });
        tests.push(checked);
    }
    Ok(tests)
}

fn told(finding: &Finding, word: &str) -> Finding {
    let detail = finding.detail[word.len()..].to_string();
    Finding { detail, ..finding.clone() }
}

fn modules(tree: &Tree) -> Vec<String> {
    let module = |path: &String| {
        let name = MODULES.iter().find_map(|folder| path.strip_prefix(folder))?.strip_suffix(".pc")?;
        (!name.contains('/')).then(|| name.to_string())
    };
    tree.nodes.keys().filter_map(module).collect()
}

fn headers(tree: &Tree) -> Vec<String> {
    let header = |(path, node): (&String, &Node)| {
        let below = path.strip_prefix("include/")?;
        let is_internal = below.split('/').any(|part| INTERNAL.contains(&part));
        let is_file = matches!(node, Node::File { .. });
        (is_file && below.ends_with(".h") && !is_internal).then(|| below.to_string())
    };
    tree.nodes.iter().filter_map(header).collect()
}

fn ask(bench: &Bench, at: usize, modules: &[String], headers: &[String]) -> Result<Kept> {
    let against = Against { plan: bench.plan, at, besides: &[], outputs: bench.outputs };
    let prepared = against.prepared(bench.ground, script(bench, at, modules, headers), Vec::new());
    let keyed = prepared.action.keyed();
    let name = format!("{}+offers", bench.plan.nodes()[at].name());
    let (store, ground, cancel) = (bench.store, bench.ground, bench.cancel.flag());
    match beside::run(store, ground, (&prepared, &keyed), &name, &manner(), cancel) {
        Ok((outcome, came)) => {
            let tree = store.tree(&outcome.output)?;
            let findings = match tree.nodes.get("findings") {
                Some(Node::File { digest, .. }) => parse(&String::from_utf8_lossy(&store.get(digest)?)),
                _ => Vec::new(),
            };
            Ok(Kept { findings, key: keyed.key, found: came == Came::Found })
        }
        Err(failure) if failure.cancelled || bench.cancel.is_said() => Err(TestError::Cancelled),
        Err(failure) => Err(TestError::World(format!(
            "cannot try what `{name}` offers: {}\n{}",
            failure.end,
            failure.tail.join("\n")
        ))),
    }
}

fn script(bench: &Bench, at: usize, modules: &[String], headers: &[String]) -> String {
    let variant = bench.variant(at);
    let mut flags = bench.ground.profile.flags(variant).ldflags;
    if variant.linkage == Linkage::Shared {
        flags.push(format!("-Wl,-rpath,{}/lib", variant.keg()));
    }
    let mut script =
        format!("PREFIX={}\nPLAIN_LDFLAGS={}\n{SCRIPT}\n", word(&variant.keg()), word(&flags.join(" ")));
    modules.iter().for_each(|module| script.push_str(&format!("pc {}\n", word(module))));
    headers.iter().for_each(|header| script.push_str(&format!("header {}\n", word(header))));
    script + "judge\nexit 0\n"
}

/// `kind<tab>name`, then lines after `| `. The kind stays before the detail until it is known whose the finding is.
fn parse(text: &str) -> Vec<Finding> {
    let mut findings: Vec<Finding> = Vec::new();
    for line in text.lines() {
        match (line.strip_prefix("| "), line.split_once('\t'), findings.last_mut()) {
            (Some(detail), _, Some(last)) => last.detail.push_str(&format!("  | {detail}\n")),
            (None, Some((kind, name)), _) => findings.push(finding(kind, name)),
            _ => {}
        }
    }
    findings
}

fn finding(kind: &str, name: &str) -> Finding {
    let (file, what) = match kind {
        "pc" => (format!("{name}.pc"), "does not resolve"),
        _ => (format!("include/{name}"), "does not compile"),
    };
    Finding { file, what: what.into(), detail: kind.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_read_with_their_lines() {
        let findings = parse("pc\tzlib\n| no such\n| module\nheader\tz.h\n");
        assert_eq!(findings.len(), 2);
        assert_eq!(told(&findings[0], "pc").detail, "  | no such\n  | module\n");
        assert_eq!((findings[1].file.as_str(), findings[1].detail.as_str()), ("include/z.h", "header"));
    }
}
