//! The ring `role`, as far as texts tell it: R02 new-port, T06 in `limits.licenses`.
//!
//! R01 and R04 need the composed image: whoever composes one says them, by `assembler::limit` and [`licenses::over`]. R03 is
//! a fault of the plan.

pub mod licenses;

use assembler::role::{Ready, Role};

use super::doc::{Doc, Inner};
use super::finding::Finding;
use super::tap::Tap;

pub fn findings(tap: &Tap) -> Vec<Finding> {
    tap.roles.values().flat_map(|role| [ports(role), licenses::findings(role)].concat()).collect()
}

/// Every port that a service waits for or a check asks stands in `limits.ports`, where there is such a list.
fn ports(role: &Role) -> Vec<Finding> {
    let Some(allowed) = &role.limits.ports else { return Vec::new() };
    let Some(doc) = Doc::parse(&role.text) else { return Vec::new() };
    let mut findings = Vec::new();
    let services = role.services.iter().filter_map(|(name, service)| match service.ready {
        Ready::Tcp(port) => {
            Some((port, format!("service `{name}` listens on"), span(&doc, &["service", name, "ready"], 0)))
        }
        _ => None,
    });
    let checks = role.checks.iter().enumerate().flat_map(|(nth, check)| {
        let span = span(&doc, &["check", "run"], nth);
        check.ports.iter().map(move |port| (*port, "a check asks".to_string(), span.clone()))
    });
    for (port, who, span) in services.chain(checks).filter(|(port, ..)| !allowed.contains(port)) {
        let listed: Vec<String> = allowed.iter().map(u16::to_string).collect();
        let fault = role.text.fault(span, format!("{who} port {port}, which `limits` does not list"));
        findings.push(Finding::new(
            "R02",
            fault.help(format!("`ports = [{}, {port}]`, if it is meant", listed.join(", "))),
        ));
    }
    findings
}

/// The value at a path of keys; of a list of tables the `nth`.
fn span(doc: &Doc, path: &[&str], nth: usize) -> std::ops::Range<usize> {
    let Some(mut entry) = doc.get(path[0]) else { return 0..0 };
    for (depth, key) in path.iter().enumerate().skip(1) {
        let items = entry.at.items();
        let item = items.get(if depth == 1 { nth } else { 0 });
        match item.and_then(|item| item.inner().into_iter().find(|entry| entry.key == *key)) {
            Some(inner) => entry = inner,
            None => break,
        }
    }
    entry.at.span
}
