//! A record of OSV (ossf.github.io/osv-schema, 1.7), as far as it is compared. Unknown keys are no fault: the schema grows.

use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Record {
    pub id: String,
    #[serde(default)]
    pub aliases: Vec<String>,
    /// What a distribution's record is about.
    #[serde(default)]
    pub upstream: Vec<String>,
    #[serde(default)]
    pub withdrawn: Option<String>,
    #[serde(default)]
    pub summary: Option<String>,
    #[serde(default)]
    pub details: Option<String>,
    #[serde(default)]
    pub severity: Vec<Rating>,
    #[serde(default)]
    pub affected: Vec<Affected>,
    #[serde(default)]
    pub database_specific: Value,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Rating {
    /// A CVSS vector, which says itself of which version; some write a word.
    pub score: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Affected {
    #[serde(default)]
    pub package: Option<Package>,
    #[serde(default)]
    pub severity: Vec<Rating>,
    #[serde(default)]
    pub ranges: Vec<Range>,
    #[serde(default)]
    pub versions: Vec<String>,
    #[serde(default)]
    pub ecosystem_specific: Value,
    #[serde(default)]
    pub database_specific: Value,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Package {
    #[serde(default)]
    pub ecosystem: String,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub purl: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Range {
    /// `SEMVER`, `ECOSYSTEM`, `GIT`.
    #[serde(rename = "type", default)]
    pub kind: String,
    #[serde(default)]
    pub repo: Option<String>,
    #[serde(default)]
    pub events: Vec<Event>,
    #[serde(default)]
    pub database_specific: Value,
}

/// One of the four is there.
#[derive(Debug, Clone, Default, Deserialize)]
pub struct Event {
    #[serde(default)]
    pub introduced: Option<String>,
    #[serde(default)]
    pub fixed: Option<String>,
    #[serde(default)]
    pub last_affected: Option<String>,
    #[serde(default)]
    pub limit: Option<String>,
}

/// One record; or what the API answers, `{"vulns": [ … ]}`.
pub fn parse(bytes: &[u8]) -> Result<Vec<Record>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Answer {
        vulns: Vec<Record>,
    }
    match serde_json::from_slice::<Record>(bytes) {
        Ok(record) => Ok(vec![record]),
        Err(error) => serde_json::from_slice::<Answer>(bytes).map(|answer| answer.vulns).map_err(|_| error),
    }
}

impl Record {
    /// Every name that the vulnerability has.
    pub fn ids(&self) -> impl Iterator<Item = &String> {
        [&self.id].into_iter().chain(&self.aliases).chain(&self.upstream)
    }

    /// By the CVE, if it has exactly one; a record may collect several.
    pub fn called(&self) -> String {
        let mut cves = self.ids().filter(|id| id.starts_with("CVE-"));
        match (cves.next(), cves.next()) {
            (Some(cve), None) => cve.clone(),
            _ => self.id.clone(),
        }
    }

    /// One line without control characters.
    pub fn summary(&self, chars_max: usize) -> String {
        let text = self.summary.as_ref().or(self.details.as_ref()).map_or("", String::as_str);
        let line = text.lines().find(|line| !line.trim().is_empty()).unwrap_or("");
        line.trim().chars().filter(|c| !c.is_control()).take(chars_max).collect()
    }
}

/// Every text of a value that the schema leaves to its database, to a depth that serde_json allows.
pub fn texts<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(all) => all.iter().for_each(|value| texts(value, found)),
        Value::Object(all) => all.values().for_each(|value| texts(value, found)),
        _ => {}
    }
}

/// Lists of events in such a value: NVD's, in versions, beside those in commits (`versions`, `extracted_events`,
/// `unresolved_ranges[].events`).
pub fn version_events(value: &Value) -> Vec<Vec<Event>> {
    let events = |value: &Value| Vec::<Event>::deserialize(value).ok().filter(|events| !events.is_empty());
    let here = ["versions", "extracted_events", "events"].iter().filter_map(|key| events(value.get(key)?));
    let ranges = value.get("unresolved_ranges").and_then(Value::as_array);
    here.chain(ranges.into_iter().flatten().flat_map(version_events)).collect()
}
