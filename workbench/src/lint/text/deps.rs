//! T14 dup-dep: the same dependency twice in one list, its layers counted in.

use std::ops::Range;

use kegs::reader::Place;

use super::Look;
use crate::lint::doc::{Kind, Part};
use crate::lint::finding::{Edit, Finding};

pub fn check(look: &Look, findings: &mut Vec<Finding>) {
    for key in ["build", "link", "run"] {
        let below: Vec<&str> = look.root().strings(key).into_iter().map(|(dep, _)| named(dep)).collect();
        for part in &look.parts {
            let over = if part.kind == Kind::Recipe { &[][..] } else { &below };
            of_part(look, part, key, over, findings);
        }
    }
}

/// `below`: what the list of the recipe itself has, which this one is appended to.
fn of_part(look: &Look, part: &Part, key: &str, below: &[&str], findings: &mut Vec<Finding>) {
    let deps = part.strings(key);
    for (at, (dep, place)) in deps.iter().enumerate() {
        let before = deps[..at].iter().any(|(other, _)| named(other) == named(dep));
        if !before && !below.contains(&named(dep)) {
            continue;
        }
        let whose = if before { "twice here" } else { "for the whole recipe already" };
        let fault = look.doc.text.fault(place.span.clone(), format!("`{}` stands {whose}", named(dep)));
        let finding = Finding::new("T14", fault.help("leave one out"));
        findings.push(match without(&deps, at, look) {
            Some(span) => finding.fix("takes it out", vec![Edit::new(look.doc.text, span, "")]),
            None => finding,
        });
    }
}

/// With the slot, without options and bound.
fn named(dep: &str) -> &str {
    dep.split(['[', ' ']).next().unwrap_or(dep)
}

/// The bytes of one item of a list and of one comma beside it; none where a comment stands between.
pub fn without(items: &[(&str, Place)], at: usize, look: &Look) -> Option<Range<usize>> {
    let span = &items[at].1.span;
    let range = match at.checked_sub(1) {
        Some(before) => items[before].1.span.end..span.end,
        None => span.start..items.get(1)?.1.span.start,
    };
    let between = look.doc.text.content.get(range.clone())?;
    (!between.contains('#')).then_some(range)
}
