//! `limits.licenses`: which licences a role's kegs may have.
//!
//! Judged by the recipes' own words: a keg of `MIT OR GPL-2.0-only` may be in where `MIT` is allowed, one of `MIT AND
//! GPL-2.0-only` only where both are.

use assembler::role::Role;
use kegs::fault::Fault;
use kegs::reader::Written;

use crate::lint::finding::Finding;
use crate::lint::text::near_licence;

/// A keg whose code is in an image.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Licensed {
    /// `openssl@3`.
    pub keg: String,
    /// As its recipe says it.
    pub license: String,
    /// `linked into nginx`.
    pub why: String,
}

/// R01: what a role's list does not allow, each keg at the list. A role without a list allows all.
pub fn over(role: &Role, kegs: &[Licensed]) -> Vec<Fault> {
    let Some(list) = &role.limits.licenses else { return Vec::new() };
    let fault = |keg: &Licensed| {
        let refused = refused(&keg.license, &list.value)?;
        let Licensed { keg, license, why } = keg;
        let message = format!("`{keg}` ({why}) has the licence `{license}`, which `licenses` does not allow");
        Some(
            role.text
                .fault(list.span.clone(), message)
                .help(format!("not in the list: `{refused}`"))
                .id("R01"),
        )
    };
    kegs.iter().filter_map(fault).collect()
}

/// What of an expression is not allowed; `None`: all that must be is.
fn refused(license: &str, list: &[Written<String>]) -> Option<String> {
    let Ok(expression) = spdx::Expression::parse(license) else { return Some(license.to_string()) };
    let allowed = |name: &str| list.iter().any(|entry| matches(&entry.value, name));
    let failures = expression.evaluate_with_failures(|wanted| {
        let name = wanted.to_string();
        // An exception takes nothing away from what its licence allows.
        allowed(&name) || name.split_once(" WITH ").is_some_and(|(plain, _)| allowed(plain))
    });
    let names = |failed: Vec<&spdx::expression::ExpressionReq>| {
        let names: Vec<String> = failed.iter().map(|failed| failed.req.to_string()).collect();
        names.join("`, `")
    };
    failures.err().map(names)
}

/// `*` stands for any part of a name.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(head) else { return false };
    let cuts = name.char_indices().map(|(at, _)| at).chain([name.len()]);
    cuts.into_iter().any(|cut| matches(rest, &name[cut..]))
}

/// T06: an entry that allows nothing that there is.
pub fn findings(role: &Role) -> Vec<Finding> {
    let Some(list) = &role.limits.licenses else { return Vec::new() };
    let unknown = list.value.iter().filter(|entry| !known(&entry.value));
    let finding = |entry: &Written<String>| {
        let message = format!("`{}` names no licence of SPDX's list", entry.value);
        Finding::new("T06", role.text.fault(entry.span.clone(), message).help(near_licence(&entry.value)))
    };
    unknown.map(finding).collect()
}

fn known(pattern: &str) -> bool {
    let (plain, exception) = pattern.split_once(" WITH ").unwrap_or((pattern, ""));
    let own = |name: &str| name.starts_with("LicenseRef-") || name.starts_with("DocumentRef-");
    let licence =
        own(plain) || spdx::identifiers::LICENSES.iter().any(|license| matches(plain, license.name));
    licence && (exception.is_empty() || exception.contains('*') || spdx::exception_id(exception).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(license: &str, list: &[&str], expected: Option<&str>) {
        let list: Vec<_> =
            list.iter().map(|entry| Written { value: entry.to_string(), span: 0..0 }).collect();
        assert_eq!(refused(license, &list).as_deref(), expected, "{license}");
    }

    #[test]
    fn expressions_are_judged_whole() {
        check("MIT", &["MIT"], None);
        check("MIT OR GPL-2.0-only", &["MIT"], None);
        check("MIT AND GPL-2.0-only", &["MIT"], Some("GPL-2.0-only"));
        check("BSD-2-Clause AND (Zlib OR LGPL-2.1-or-later)", &["BSD-*", "LGPL-*"], None);
        check("GPL-2.0-only WITH Linux-syscall-note", &["MIT"], Some("GPL-2.0-only WITH Linux-syscall-note"));
        check("GPL-2.0-only WITH Linux-syscall-note", &["GPL-2.0-only WITH Linux-syscall-note"], None);
        check("GPL-2.0-only", &["GPL-2.0-only WITH Linux-syscall-note"], Some("GPL-2.0-only"));
        check("GPL-2.0-only WITH Linux-syscall-note", &["GPL-2.0-only"], None);
        check("LicenseRef-public-domain", &["LicenseRef-*"], None);
        check("no expression", &["*"], Some("no expression"));
    }

    #[test]
    fn patterns() {
        assert!(matches("BSD-*-Clause", "BSD-3-Clause") && matches("*", "MIT") && matches("MIT*", "MIT"));
        assert!(!matches("BSD-*-Clause", "BSD-3") && !matches("MIT", "MIT-0") && !matches("", "MIT"));
        assert!(
            known("BSD-*")
                && known("MIT")
                && known("GPL-2.0-only WITH Linux-syscall-note")
                && known("LicenseRef-x")
        );
        assert!(!known("Zlbi") && !known("FOO-*") && !known("GPL-2.0-only WITH nothing"));
    }
}
