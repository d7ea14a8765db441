//! OpenVEX 0.2.0: what is found and what recipes say of it, for other scanners to heed.
//!
//! No clock: the time is that of all kegs, and the id is the content's digest.

use assembler::papers::Papers;
use assembler::papers::identity::{CREATED, purl, uuid};
use kegs::Digest;
use serde_json::{Value, json};

use super::{Finding, Report, State};

/// The document, with a line end.
pub fn print(papers: &Papers, report: &Report) -> String {
    let statements: Vec<Value> =
        report.findings.iter().filter_map(|finding| statement(papers, finding)).collect();
    let mut document = json!({
        "@context": "https://openvex.dev/ns/v0.2.0",
        "author": "rootbrew",
        "timestamp": CREATED,
        "version": 1,
        "statements": statements,
    });
    let digest = Digest::of(document.to_string().as_bytes());
    document["@id"] = format!("urn:uuid:{}", uuid(&digest)).into();
    format!("{document:#}\n")
}

fn statement(papers: &Papers, finding: &Finding) -> Option<Value> {
    let part = papers.parts.get(&finding.part)?;
    let mut statement = json!({
        "vulnerability": { "name": finding.id, "aliases": finding.records },
        "products": [{
            "@id": format!("pkg:generic/{}?checksum=sha256:{}", papers.name, papers.digest.hex()),
            "subcomponents": [{ "@id": purl(part) }],
        }],
    });
    let (status, key, text) = match &finding.state {
        State::Open => {
            ("affected", "action_statement", format!("take a version that has it mended: {}", list(finding)))
        }
        State::Unsure => (
            "under_investigation",
            "status_notes",
            "the record names no versions that can be compared".into(),
        ),
        State::Disputed(reason) => ("under_investigation", "status_notes", format!("disputed: {reason}")),
        State::Fixed(reason) => ("fixed", "status_notes", reason.clone()),
        State::NotAffected(reason) => ("not_affected", "impact_statement", reason.clone()),
    };
    statement["status"] = status.into();
    statement[key] = text.into();
    Some(statement)
}

fn list(finding: &Finding) -> String {
    match finding.fixed.is_empty() {
        true => "none is known".to_string(),
        false => finding.fixed.iter().cloned().collect::<Vec<_>>().join(", "),
    }
}
