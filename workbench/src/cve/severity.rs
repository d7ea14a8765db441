//! Severity: a record's rating in one of four words, by CVSS's own scale; the worst that it gives.

use std::str::FromStr;

use serde_json::Value;

use super::osv::{Affected, Rating, Record};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub fn word(self) -> &'static str {
        match self {
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }

    /// As databases write it; GitHub's `MODERATE` is medium.
    fn named(text: &str) -> Option<Severity> {
        match text.to_ascii_lowercase().as_str() {
            "low" | "minor" | "unimportant" => Some(Severity::Low),
            "medium" | "moderate" => Some(Severity::Medium),
            "high" | "important" => Some(Severity::High),
            "critical" => Some(Severity::Critical),
            _ => None,
        }
    }
}

/// `None` where nobody rated it, or in no way that is known here.
pub fn of(record: &Record, affected: &Affected) -> Option<Severity> {
    let vectors = record.severity.iter().chain(&affected.severity).filter_map(vector);
    let specific = [&record.database_specific, &affected.database_specific, &affected.ecosystem_specific];
    let words = specific.into_iter().filter_map(|value| value.get("severity").and_then(Value::as_str));
    vectors.chain(words.filter_map(Severity::named)).max()
}

fn vector(rating: &Rating) -> Option<Severity> {
    match cvss::Cvss::from_str(&rating.score) {
        Ok(vector) => Severity::named(vector.severity().as_str()),
        // Some write the word where a vector should be.
        Err(_) => Severity::named(&rating.score),
    }
}
