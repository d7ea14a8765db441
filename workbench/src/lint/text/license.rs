//! T06 license-spdx, T07 license-gpl-plain: each name of a licence is on SPDX's list.

use std::ops::Range;

use kegs::reader::Place;

use super::Look;
use crate::lint::doc::Inner;
use crate::lint::finding::Finding;

pub fn check(look: &Look, findings: &mut Vec<Finding>) {
    for part in &look.parts {
        let Some(entry) = part.get("license") else { continue };
        let Some(license) = entry.at.text() else { continue };
        // What is no expression has no names: the loader told it.
        let told = |fault: &kegs::Fault| fault.text == *look.doc.text && fault.span == entry.at.span;
        if !look.tap.faults.0.iter().any(told) {
            judge(look, &entry.at, license, findings);
        }
    }
}

fn judge(look: &Look, at: &Place, license: &str, findings: &mut Vec<Finding>) {
    let mut exception = false;
    for (range, name) in words(license) {
        let fault = |message: String| look.doc.text.fault(at.within(range.clone()), message);
        if let Some(help) = plain_gnu(name) {
            findings.push(Finding::new(
                "T07",
                fault(format!("`{name}` does not say whether later versions may be chosen")).help(help),
            ));
        } else if !known(name, exception) {
            let kind = if exception { "exception" } else { "licence" };
            findings.push(Finding::new(
                "T06",
                fault(format!("`{name}` is no {kind} of SPDX's list")).help(near(name)),
            ));
        }
        exception = name == "WITH";
    }
}

/// Names and operators with their places.
fn words(license: &str) -> Vec<(Range<usize>, &str)> {
    let parts =
        license.split(|c: char| c.is_whitespace() || c == '(' || c == ')').filter(|word| !word.is_empty());
    let place = |word: &str| word.as_ptr() as usize - license.as_ptr() as usize;
    parts.map(|word| (place(word)..place(word) + word.len(), word)).collect()
}

fn known(name: &str, exception: bool) -> bool {
    if matches!(name, "AND" | "OR" | "WITH") {
        return true;
    }
    let own = name.split_once(':').map_or(name, |(_, own)| own);
    match exception {
        true => spdx::exception_id(name).is_some() || own.starts_with("AdditionRef-"),
        false => spdx::license_id(name).is_some() || own.starts_with("LicenseRef-"),
    }
}

/// SPDX withdrew `GPL-2.0` and `GPL-2.0+` for names that say it.
fn plain_gnu(name: &str) -> Option<String> {
    let id = spdx::license_id(name).filter(|id| id.is_gnu())?;
    if !id.is_deprecated() && !name.ends_with('+') {
        return None;
    }
    let plain = name.trim_end_matches('+');
    let right = |suffix: &str| spdx::license_id(&format!("{plain}-{suffix}")).is_some();
    (right("only") && right("or-later")).then(|| match name.ends_with('+') {
        true => format!("`{plain}-or-later`"),
        false => format!("`{plain}-only` or `{plain}-or-later`: upstream's file headers say which"),
    })
}

/// What people write for it, else the nearest of the list.
pub(in crate::lint) fn near(name: &str) -> String {
    if let Some((id, _)) = spdx::imprecise_license_id(name) {
        return format!("did you mean `{}`?", id.name);
    }
    let same = |id: &&str| id.eq_ignore_ascii_case(name);
    let all = || spdx::identifiers::LICENSES.iter().map(|license| license.name);
    match all().find(same).or_else(|| kegs::reader::nearest(name, all())) {
        Some(id) => format!("did you mean `{id}`?"),
        None => "a text that SPDX does not know is `LicenseRef-NAME`".to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let plain = |name: &str| plain_gnu(name).unwrap_or_default();
        assert_eq!(plain("GPL-2.0-only"), "");
        assert_eq!(plain("GPL-2.0+"), "`GPL-2.0-or-later`");
        assert_eq!(
            plain("LGPL-2.1"),
            "`LGPL-2.1-only` or `LGPL-2.1-or-later`: upstream's file headers say which"
        );
        assert_eq!(plain("MIT"), "");
        assert!(known("Linux-syscall-note", true) && !known("MIT", true) && !known("zlib License", false));
        assert!(known("LicenseRef-public-domain", false) && known("bzip2-1.0.6", false));
        assert_eq!(near("Zlbi"), "did you mean `Zlib`?");
    }
}
