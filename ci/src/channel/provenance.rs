//! How an image was made, as in-toto and SLSA say it: a statement of version 1 with SLSA's provenance of version 1.
//!
//! No time, host or user is in it: the same image from the same commit has the same statement.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What went into an image from outside.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Material {
    /// A URL; or words that name it, as a recipe says it: `crate bitflags=2.13.2`.
    pub place: String,
    pub sha256: Option<String>,
}

pub struct Made<'a> {
    pub role: &'a str,
    pub toolchain: &'a str,
    /// Name and sha256 of each output.
    pub subjects: &'a [(&'a str, &'a str)],
    pub commit: Option<&'a str>,
    /// By keg, the key of the action that made it.
    pub actions: &'a BTreeMap<String, String>,
    /// By keg, who said what its action comes to, where it was taken and not built.
    pub taken: &'a BTreeMap<String, String>,
    pub materials: &'a [Material],
    /// Of rootbrew.
    pub version: &'a str,
}

pub fn statement(made: &Made) -> Vec<u8> {
    let subjects: Vec<Value> = made
        .subjects
        .iter()
        .map(|(name, sha256)| json!({ "name": name, "digest": { "sha256": sha256 } }))
        .collect();
    let mut materials: Vec<Value> = made.materials.iter().map(material).collect();
    if let Some(commit) = made.commit {
        materials.insert(0, json!({ "name": "tap", "digest": { "gitCommit": commit } }));
    }
    let value = json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": subjects,
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": "urn:rootbrew:image:1",
                "externalParameters": { "role": made.role, "toolchain": made.toolchain },
                "internalParameters": { "actions": made.actions, "taken": made.taken },
                "resolvedDependencies": materials,
            },
            "runDetails": {
                "builder": { "id": "urn:rootbrew:builder:1", "version": { "rootbrew": made.version } },
                "metadata": {},
            },
        },
    });
    serde_json::to_vec(&value).unwrap_or_default()
}

fn material(material: &Material) -> Value {
    let field = if material.place.contains("://") { "uri" } else { "name" };
    let mut value = json!({ field: material.place });
    if let Some(sha256) = &material.sha256 {
        value["digest"] = json!({ "sha256": sha256 });
    }
    value
}
