//! T04 summary-style, T05 summary-name.

use super::Look;
use crate::lint::doc::Inner;
use crate::lint::finding::{Edit, Finding};

/// A line of a table on a terminal, beside a name: as `apt`'s and `brew`'s authors keep it.
const SUMMARY_MAX: usize = 72;

pub fn check(look: &Look, findings: &mut Vec<Finding>) {
    let Some(entry) = look.doc.get("summary") else { return };
    let Some(summary) = entry.at.text() else { return };
    let text = look.doc.text;
    let (better, wrong) = style(summary, &|word| look.tap.catalogue.recipes.contains_key(word));
    if !wrong.is_empty() {
        let span = entry.at.within(0..summary.len());
        let fault = text.fault(entry.at.span.clone(), format!("a summary with {}", wrong.join(", ")));
        let finding = Finding::new("T04", fault.help(format!("as `{better}`")));
        findings.push(finding.fix("mends the summary", vec![Edit::new(text, span, better)]));
    }
    let count = summary.chars().count();
    if count > SUMMARY_MAX {
        let fault = text.fault(entry.at.span.clone(), format!("a summary of {count} characters"));
        findings.push(Finding::new(
            "T04",
            fault.help(format!("at most {SUMMARY_MAX} characters, no article, no name")),
        ));
    }
    name(look, summary, &entry.at, findings);
}

/// The summary as it should be, and what was wrong.
fn style(summary: &str, is_recipe: &dyn Fn(&str) -> bool) -> (String, Vec<&'static str>) {
    let mut wrong = Vec::new();
    let mut rest = summary.trim();
    if rest.ends_with('.') && !rest.ends_with("..") && !rest.ends_with("etc.") {
        wrong.push("a dot at its end");
        rest = rest.trim_end_matches('.');
    }
    let articles = ["A ", "An ", "The ", "a ", "an ", "the "];
    if let Some(after) = articles.iter().find_map(|article| rest.strip_prefix(article)) {
        wrong.push("an article");
        rest = after.trim_start();
    }
    let first = rest.split(|c: char| !c.is_alphanumeric() && c != '-').next().unwrap_or_default();
    // A program's own name is written as its makers do: `nginx`, `iSCSI`.
    let name = is_recipe(first) || first.chars().any(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let mut better = rest.to_string();
    if first.starts_with(|c: char| c.is_ascii_lowercase()) && !name {
        if wrong.is_empty() || summary.starts_with(|c: char| c.is_ascii_lowercase()) {
            wrong.push("a small first letter");
        }
        better[..1].make_ascii_uppercase();
    }
    (better, wrong)
}

fn name(look: &Look, summary: &str, at: &kegs::reader::Place, findings: &mut Vec<Finding>) {
    let name = look.folder.name.as_str();
    let begins = summary.get(..name.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(name));
    let ends = summary.get(name.len()..).is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()));
    if begins && ends {
        let fault =
            look.doc.text.fault(at.within(0..name.len()), format!("the summary repeats the name `{name}`"));
        findings.push(Finding::new("T05", fault.help("the name stands beside it: begin with what it is")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summaries() {
        let check = |summary: &str, better: &str, wrong: &[&str]| {
            assert_eq!(style(summary, &|word| word == "nginx"), (better.to_string(), wrong.to_vec()));
        };
        check("Lossless compression", "Lossless compression", &[]);
        check("a library.", "Library", &["a dot at its end", "an article", "a small first letter"]);
        check("The kernel", "Kernel", &["an article"]);
        check("nginx and TLS", "nginx and TLS", &[]);
        check("iSCSI, x86 etc.", "iSCSI, x86 etc.", &[]);
        check("small tools", "Small tools", &["a small first letter"]);
    }
}
