//! T24 reason-empty, where no loader sees it: `jobs = 1`.

use super::Look;
use crate::lint::doc::Part;
use crate::lint::finding::Finding;

pub fn check(look: &Look, findings: &mut Vec<Finding>) {
    look.parts.iter().for_each(|part| jobs(look, part, findings));
}

/// A comment stands on its line or above.
fn jobs(look: &Look, part: &Part, findings: &mut Vec<Finding>) {
    let Some(entry) = part.get("jobs") else { return };
    let one = entry.at.value.as_integer().is_some_and(|integer| integer.as_str() == "1");
    let content = &look.doc.text.content;
    let line_start = content[..entry.key_span.start].rfind('\n').map_or(0, |newline| newline + 1);
    let above = content[..line_start].lines().next_back().unwrap_or_default().trim_start();
    let rest = content[entry.at.span.end..].lines().next().unwrap_or_default();
    if one && !above.starts_with('#') && !rest.contains('#') {
        let fault = look.doc.text.fault(entry.key_span.clone(), "`jobs = 1` without a reason");
        findings.push(Finding::new(
            "T24",
            fault.help("say why in a comment above it: it makes the build many times longer"),
        ));
    }
}
