//! CycloneDX 1.6, as JSON: a component a part with its files inside it, who holds whom as dependencies, and the evidence.
//!
//! ```text
//! metadata.component   the image
//! components           parts, each with evidence.identity (how it is known) and evidence.occurrences (where it is)
//! dependencies         image -> parts; a file -> the parts that are linked into it
//! compositions         complete, unless a part is only declared or only in a lock
//! ```
//! The schema is `bom-1.6.schema.json`; the judge in the tests is the CycloneDX project's own validator.

mod read;

use kegs::Digest;
use serde_json::{Value, json};

use super::identity::{CREATED, cpe, file_word, part_word, purl, uuid};
use super::{File, Papers, Part, PartId, Proof, Source, Upstream};

pub use read::read;

const IMAGE: &str = "image";

/// The document, with a line end. `version` is ours.
pub fn print(papers: &Papers, version: &str) -> String {
    let tool = json!({ "type": "application", "name": "rootbrew", "version": version });
    let own = papers.files_of(None).map(file);
    let parts = papers.parts.values().map(|part| component(papers, part));
    let mut document = json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "timestamp": CREATED,
            "tools": { "components": [tool] },
            "component": image(papers),
        },
        "components": parts.chain(own).collect::<Vec<_>>(),
        "dependencies": dependencies(papers),
        "compositions": [{ "aggregate": aggregate(papers), "assemblies": [IMAGE] }],
    });
    let digest = Digest::of(document.to_string().as_bytes());
    document["serialNumber"] = format!("urn:uuid:{}", uuid(&digest)).into();
    format!("{document:#}\n")
}

fn image(papers: &Papers) -> Value {
    json!({
        "type": "operating-system",
        "bom-ref": IMAGE,
        "name": papers.name,
        "version": papers.digest.hex(),
        "description": papers.summary,
        "hashes": [{ "alg": "SHA-256", "content": papers.digest.hex() }],
    })
}

fn component(papers: &Papers, part: &Part) -> Value {
    let files: Vec<&File> = papers.files_of(Some(&part.id)).collect();
    let mut component = json!({
        "type": kind(papers, part, &files),
        "bom-ref": part_word(&part.id),
        "name": part.id.name(),
        "version": part.version,
        "description": part.summary,
        "purl": purl(part),
        "externalReferences": references(part),
        "properties": properties(part),
        "evidence": evidence(papers, part, &files),
    });
    let mut set = |name: &str, value: Value| component[name] = value;
    if let Some(license) = &part.license {
        set("licenses", json!([{ "expression": license }]));
    }
    if let Some(cpe) = cpe(part) {
        set("cpe", cpe.into());
    }
    if !part.patches.is_empty() {
        set("pedigree", json!({ "notes": format!("patched by {}", part.patches.join(", ")) }));
    }
    if !files.is_empty() {
        set("components", files.into_iter().map(file).collect());
    }
    component
}

fn kind(papers: &Papers, part: &Part, files: &[&File]) -> &'static str {
    let is_program = |file: &&&File| file.path.split('/').any(|name| matches!(name, "bin" | "sbin"));
    match () {
        () if papers.kernel.as_ref() == Some(&part.id) => "operating-system",
        () if files.iter().any(|file| is_program(&file)) => "application",
        () => "library",
    }
}

fn references(part: &Part) -> Vec<Value> {
    let source = |source: &Source| {
        let hashes: Vec<Value> =
            source.sha256.iter().map(|hex| json!({ "alg": "SHA-256", "content": hex })).collect();
        Some(json!({ "type": "source-distribution", "url": source.url.as_ref()?, "hashes": hashes }))
    };
    let home = part.home.iter().map(|home| json!({ "type": "website", "url": home }));
    part.sources.iter().filter_map(source).chain(home).collect()
}

fn properties(part: &Part) -> Vec<Value> {
    let property = |name: &str, value: &str| json!({ "name": format!("rootbrew:{name}"), "value": value });
    let slot = match &part.id {
        PartId::Keg { slot, .. } => Some(property("slot", slot)),
        _ => None,
    };
    let sources = part.sources.iter().map(|source| property("source", &source.place));
    let kind = property("kind", part.id.kind());
    let said = part.cve.iter().map(|(id, said)| property("cve", &format!("{id} {said}")));
    let debian = match &part.upstream {
        Some(Upstream::Debian { source, .. }) => Some(property("debian-source", source)),
        _ => None,
    };
    [kind].into_iter().chain(slot).chain(sources).chain(said).chain(debian).collect()
}

/// A keg's own files are known by what was built; what is inside others by what those files say.
fn evidence(papers: &Papers, part: &Part, files: &[&File]) -> Value {
    let holders: Vec<(&File, Proof)> = papers.holders(&part.id).collect();
    let own = files
        .first()
        .map(|_| method("manifest-analysis", 1.0, "its own files, as its recipe's build gave them"));
    let best = holders.iter().map(|(_, proof)| *proof).min().map(|proof| {
        let (technique, confidence) = certainty(proof);
        method(technique, confidence, &proof.to_string())
    });
    let methods: Vec<Value> = own.into_iter().chain(best).collect();
    let confidence = methods.iter().filter_map(|method| method["confidence"].as_f64()).fold(0.0, f64::max);
    let occurrences: Vec<Value> =
        holders.iter().map(|(file, proof)| json!({ "location": format!("/{}", file.path), "additionalContext": proof.to_string() })).collect();
    json!({
        "identity": [{ "field": "purl", "confidence": confidence, "concludedValue": purl(part), "methods": methods }],
        "occurrences": occurrences,
    })
}

fn method(technique: &str, confidence: f64, value: &str) -> Value {
    json!({ "technique": technique, "confidence": confidence, "value": value })
}

/// The technique in CycloneDX's words. Its scale is from 0 to 1; ours has three steps and no decimals to be read into.
fn certainty(proof: Proof) -> (&'static str, f64) {
    match proof {
        Proof::Mark | Proof::Named => ("binary-analysis", 1.0),
        Proof::Declared => ("manifest-analysis", 0.5),
        Proof::Lock => ("manifest-analysis", 0.5),
    }
}

fn file(file: &File) -> Value {
    json!({
        "type": "file",
        "bom-ref": file_word(&file.path),
        "name": format!("/{}", file.path),
        "hashes": [
            { "alg": "SHA-1", "content": file.sha1 },
            { "alg": "SHA-256", "content": file.digest.hex() },
        ],
    })
}

fn dependencies(papers: &Papers) -> Vec<Value> {
    let image = json!({ "ref": IMAGE, "dependsOn": papers.parts.keys().map(part_word).collect::<Vec<_>>() });
    let holding = papers.files.iter().filter(|file| !file.holds.is_empty());
    let files = holding.map(|file| {
        json!({ "ref": file_word(&file.path), "dependsOn": file.holds.keys().map(part_word).collect::<Vec<_>>() })
    });
    [image].into_iter().chain(files).collect()
}

fn aggregate(papers: &Papers) -> &'static str {
    let proven = |proof: &Proof| matches!(proof, Proof::Mark | Proof::Named);
    let all = papers.files.iter().flat_map(|file| file.holds.values()).all(proven);
    if all { "complete" } else { "incomplete" }
}
