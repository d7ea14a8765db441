//! T02 key-order, T03 format: as `fmt` writes it.

use kegs::fault::Text;

use super::Look;
use crate::fmt::{File, Keys, format};
use crate::lint::finding::{Edit, Finding};

pub fn check(look: &Look, findings: &mut Vec<Finding>) {
    findings.extend(of(File::Recipe, &look.folder.text));
}

pub fn role(text: &Text) -> Vec<Finding> {
    of(File::Role, text)
}

/// At most one of the two: a text that is out of order is in no form either.
fn of(file: File, text: &Text) -> Vec<Finding> {
    let (Ok(formed), Ok(sorted)) =
        (format(file, &text.content, Keys::AsWritten), format(file, &text.content, Keys::Sorted))
    else {
        return Vec::new();
    };
    let whole = || vec![Edit::new(text, 0..text.content.len(), sorted.clone())];
    let mut findings = Vec::new();
    if *text.content != *formed {
        let fault = text.fault(differs(&text.content, &formed), "not in the canonical form");
        let help = "`rootbrew fmt` writes it";
        findings.push(Finding::new("T03", fault.help(help)).fix("writes the canonical form", whole()));
    } else if formed != sorted {
        let span = differs(&formed, &sorted);
        let wanted = sorted[span.start..].lines().find(|line| !line.is_empty() && !line.starts_with('#'));
        let wanted = wanted.and_then(|line| line.split('=').next()).unwrap_or_default().trim();
        let fault = text.fault(span, "keys out of order").help(format!("`{wanted}` stands here"));
        findings.push(Finding::new("T02", fault).fix("puts the keys in order", whole()));
    }
    findings
}

/// The first line of `text` that is another in `other`.
fn differs(text: &str, other: &str) -> std::ops::Range<usize> {
    let mut at = 0;
    for (line, wanted) in text.split_inclusive('\n').zip(other.split_inclusive('\n')) {
        if line != wanted {
            return at..at + line.trim_end().len();
        }
        at += line.len();
    }
    at.min(text.len())..text.len().min(at)
}
