//! Lints of `steps.sh`: T21 steps-unlisted, T22 shell, T23 cd-or-network.

use std::ops::Range;

use kegs::fault::Text;
use kegs::reader::meant;

use super::Look;
use super::shell::{code, commands, functions};
use crate::lint::doc::{Inner, Kind};
use crate::lint::finding::{Edit, Finding};

const STEPS: [&str; 5] = ["configure", "build", "check", "install", "finish"];

pub fn check(look: &Look, findings: &mut Vec<Finding>) {
    let path = format!("recipes/{}/steps.sh", look.folder.name);
    let Some(text) = look.tap.read(&path) else { return };
    let code = code(&text.content);
    listed(look, &text, &code, findings);
    shell(&text, &code, findings);
    outside(&text, &code, findings);
}

/// What `steps.sh` defines and what `override` names are the same.
fn listed(look: &Look, text: &Text, code: &str, findings: &mut Vec<Finding>) {
    let named: Vec<_> = look.parts.iter().flat_map(|part| part.strings("override")).collect();
    let script = look
        .parts
        .iter()
        .filter_map(|part| part.get("preset"))
        .any(|entry| entry.at.text() == Some("script"));
    let defined = functions(code);
    for (name, span) in &defined {
        let Some(step) = name.strip_prefix("do_") else { continue };
        if !STEPS.contains(&step) {
            let fault = text.fault(span.clone(), format!("no step is called `{step}`"));
            findings.push(Finding::new("T21", fault.help(meant(step, STEPS))));
        } else if !named.iter().any(|(named, _)| *named == step) && !(script && is_script(step)) {
            findings.push(unlisted(look, text, step, span.clone()));
        }
    }
    for (step, at) in named.iter().filter(|(step, _)| STEPS.contains(step)) {
        if !defined.iter().any(|(name, _)| name.strip_prefix("do_") == Some(*step)) {
            let fault = look.doc.text.fault(at.span.clone(), format!("steps.sh has no `do_{step}`"));
            findings.push(Finding::new("T21", fault.help("define it there, or take it out of `override`")));
        }
    }
}

/// The preset `script` runs these two, said or not.
fn is_script(step: &str) -> bool {
    matches!(step, "build" | "install")
}

fn unlisted(look: &Look, text: &Text, step: &str, span: Range<usize>) -> Finding {
    let fault = text.fault(span, format!("`do_{step}` is never run"));
    let finding =
        Finding::new("T21", fault.help(format!("`override = [\"{step}\"]` in recipe.toml, or take it out")));
    let root = look.parts.iter().find(|part| part.kind == Kind::Recipe);
    let what = format!("names `{step}` in `override`");
    let edit = match root.and_then(|root| root.get("override")) {
        Some(entry) => entry
            .at
            .items()
            .last()
            .filter(|last| last.text().is_some())
            .map(|last| Edit::new(look.doc.text, last.span.end..last.span.end, format!(", \"{step}\""))),
        None => root.and_then(|root| root.get("preset")).map(|preset| {
            Edit::new(
                look.doc.text,
                preset.at.span.end..preset.at.span.end,
                format!("\noverride = [\"{step}\"]"),
            )
        }),
    };
    match edit {
        Some(edit) => finding.fix(what, vec![edit]),
        None => finding,
    }
}

/// What sh has not, though a shell that people type in has; and what parts words where nobody meant it.
const SIGNS: [(&str, &str, &str); 8] = [
    ("[[", "`[[` is bash's", "`[ … ]`, each word in quotes"),
    ("<<<", "`<<<` is bash's", "`printf '%s\\n' \"$x\" | …`"),
    ("&>", "`&>` is bash's: sh runs it in the background", "`>file 2>&1`"),
    ("$'", "`$'…'` is bash's", "`printf`"),
    ("function ", "`function` is bash's", "`name() { …; }`"),
    ("`", "backticks nest by counting backslashes", "`$(…)`"),
    ("$@", "`$@` without quotes parts arguments at their blanks", "`\"$@\"`"),
    ("$*", "`$*` without quotes parts arguments at their blanks", "`\"$@\"`, or `\"$*\"` for one word"),
];

fn shell(text: &Text, code: &str, findings: &mut Vec<Finding>) {
    let mut find = |range: Range<usize>, message: &str, help: &str| {
        findings.push(Finding::new("T22", text.fault(range, message).help(help)));
    };
    for (sign, message, help) in SIGNS {
        let begins =
            |at: &usize| !sign.starts_with(|c: char| c.is_alphabetic() || c == '[') || word_begins(code, *at);
        for at in code.match_indices(sign).map(|(at, _)| at).filter(begins) {
            find(at..at + sign.trim_end().len(), message, help);
        }
    }
    for (range, words) in commands(code) {
        match &code[range.clone()] {
            "source" => find(range, "`source` is bash's", "`. ./file`"),
            "[" if words.contains(&"==") => find(range, "`==` in `[ ]` is bash's", "`=`"),
            "let" | "declare" | "pushd" | "popd" | "shopt" | "mapfile" => {
                find(range, "a builtin of bash", "sh runs the steps: POSIX only")
            }
            _ => {}
        }
    }
}

fn word_begins(code: &str, at: usize) -> bool {
    at == 0 || code[..at].ends_with(|c: char| c.is_whitespace() || ";&|({!".contains(c))
}

const FETCHERS: [&str; 9] = ["curl", "wget", "aria2c", "scp", "ssh", "sftp", "ftp", "nc", "telnet"];

/// Programs of which only some words ask the network.
const ASKING: [(&str, &[&str]); 8] = [
    ("git", &["clone", "fetch", "pull", "submodule", "ls-remote"]),
    ("pip", &["install", "download"]),
    ("pip3", &["install", "download"]),
    ("npm", &["install", "ci"]),
    ("cargo", &["fetch", "install", "update"]),
    ("go", &["get", "install", "mod"]),
    ("cpan", &[""]),
    ("apt-get", &["install", "update"]),
];

fn outside(text: &Text, code: &str, findings: &mut Vec<Finding>) {
    for (range, words) in commands(code) {
        let name = code[range.clone()].rsplit('/').next().unwrap_or_default();
        let asks = ASKING
            .iter()
            .any(|(asker, verbs)| *asker == name && words.iter().any(|word| verbs.contains(word)));
        if FETCHERS.contains(&name) || asks {
            let fault = text.fault(range, format!("`{name}` asks the network, and a build has none"));
            findings
                .push(Finding::new("T23", fault.help("what a build needs is a `source` with its digest")));
        } else if name == "cd" && words.first().is_some_and(|to| leaves(to)) {
            let to = words[0];
            let span = to.as_ptr() as usize - code.as_ptr() as usize;
            let fault = text.fault(span..span + to.len(), format!("`cd {to}` leaves the tree"));
            findings.push(Finding::new(
                "T23",
                fault.help("`$TREE`, `$WORK` and `$OUT` name what a step may change"),
            ));
        }
    }
}

/// `/build` and `/src` are the sandbox's own.
fn leaves(to: &str) -> bool {
    to.starts_with('/')
        && !["/build", "/src"].iter().any(|own| to == *own || to.starts_with(&format!("{own}/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(script: &str) -> Vec<String> {
        let text = Text::new("steps.sh", script);
        let mut findings = Vec::new();
        shell(&text, &code(script), &mut findings);
        outside(&text, &code(script), &mut findings);
        findings.iter().map(|finding| format!("{} {}", finding.lint.id, finding.fault.message)).collect()
    }

    #[test]
    fn what_is_right_is_left_alone() {
        let none: [&str; 0] = [];
        assert_eq!(
            found(
                "do_build() {\n\tfor f in \"$@\"; do\n\t\tcp -- \"$f\" \"$OUT/\"\n\tdone\n\tcd usr\n\t[ \"$a\" = b ] || fail \"no `x` [[ here\"\n\techo 'curl' # wget\n}\n"
            ),
            none
        );
        assert_eq!(
            found("do_build() { cd \"$OUT\"; cd /build/source; git apply x; case $x in a) ;; esac; }"),
            none
        );
    }

    #[test]
    fn what_is_wrong_is_found() {
        assert_eq!(
            found(
                "do_build() { curl -O x && git clone y; cd /tmp; for f in $@; do [[ a == b ]]; done; x=`ls`; source y; }"
            ),
            [
                "T22 `[[` is bash's",
                "T22 backticks nest by counting backslashes",
                "T22 backticks nest by counting backslashes",
                "T22 `$@` without quotes parts arguments at their blanks",
                "T22 `source` is bash's",
                "T23 `curl` asks the network, and a build has none",
                "T23 `git` asks the network, and a build has none",
                "T23 `cd /tmp` leaves the tree",
            ]
        );
    }
}
