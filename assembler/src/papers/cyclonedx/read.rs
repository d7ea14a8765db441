//! A document of ours read back: its parts, as far as records of vulnerabilities are compared with them.
//!
//! Files and proofs are left out. Nothing is believed to be there: what has no name or version is no part.

use std::collections::BTreeMap;

use kegs::{Digest, digest::parse_sha256};
use serde_json::Value;

use crate::papers::{Papers, Part, PartId, Source, Upstream};

/// The papers of a document, without files.
///
/// # Errors
/// No CycloneDX.
pub fn read(bytes: &[u8]) -> Result<Papers, String> {
    let document: Value = serde_json::from_slice(bytes).map_err(|error| format!("is no JSON: {error}"))?;
    if document["bomFormat"] != "CycloneDX" {
        return Err("is no CycloneDX".to_string());
    }
    let image = &document["metadata"]["component"];
    let components = list(&document["components"]);
    let kernel = components.clone().find(|component| component["type"] == "operating-system").and_then(id);
    Ok(Papers {
        name: text(image, "name"),
        summary: text(image, "description"),
        digest: Digest { sha256: parse_sha256(&text(image, "version")).unwrap_or_default(), size_bytes: 0 },
        kernel,
        parts: components.filter_map(part).map(|part| (part.id.clone(), part)).collect(),
        files: Vec::new(),
        texts: BTreeMap::new(),
    })
}

fn part(component: &Value) -> Option<Part> {
    let mut part = Part::new(id(component)?, &text(component, "version"), &text(component, "description"));
    part.license = list(&component["licenses"]).next().map(|license| text(license, "expression"));
    part.cpe = product(&text(component, "cpe"));
    part.upstream = upstream(component);
    for reference in list(&component["externalReferences"]) {
        let url = text(reference, "url");
        match reference["type"].as_str() {
            Some("website") => part.home = Some(url),
            _ => part.sources.push(Source { place: url.clone(), url: Some(url), sha256: hash(reference) }),
        }
    }
    for said in properties(component, "cve") {
        let (id, said) = said.split_once(' ').unwrap_or((said, ""));
        part.cve.insert(id.to_string(), said.to_string());
    }
    Some(part)
}

fn id(component: &Value) -> Option<PartId> {
    let (name, version) = (text(component, "name"), text(component, "version"));
    let slot = properties(component, "slot").next().unwrap_or("0").to_string();
    match properties(component, "kind").next()? {
        _ if name.is_empty() => None,
        "keg" => Some(PartId::Keg { name, slot }),
        "seed" => Some(PartId::Seed { name, version }),
        "crate" => Some(PartId::Crate { name, version }),
        _ => None,
    }
}

/// `pkg:deb/debian/libc6@2.36?arch=amd64&distro=bookworm`, `pkg:pypi/six@1.0`.
fn upstream(component: &Value) -> Option<Upstream> {
    let purl = text(component, "purl");
    if let Some(rest) = purl.strip_prefix("pkg:pypi/") {
        return Some(Upstream::PyPI(rest.split(['@', '?']).next()?.to_string()));
    }
    let (_, words) = purl.strip_prefix("pkg:deb/debian/")?.split_once('?')?;
    let word = |name: &str| words.split('&').find_map(|word| word.strip_prefix(name)).map(str::to_string);
    let source = properties(component, "debian-source").next()?.to_string();
    Some(Upstream::Debian { source, suite: word("distro=")?, arch: word("arch=")? })
}

fn product(cpe: &str) -> Option<String> {
    let mut words = cpe.strip_prefix("cpe:2.3:")?.split(':').skip(1);
    Some(format!("{}:{}", words.next()?, words.next()?).replace('\\', ""))
}

fn hash(reference: &Value) -> Option<String> {
    list(&reference["hashes"]).find(|hash| hash["alg"] == "SHA-256").map(|hash| text(hash, "content"))
}

fn properties<'v>(component: &'v Value, name: &str) -> impl Iterator<Item = &'v str> {
    let name = format!("rootbrew:{name}");
    list(&component["properties"])
        .filter(move |property| property["name"] == name.as_str())
        .filter_map(|property| property["value"].as_str())
}

fn list(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value.as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::papers::cyclonedx::print;

    #[test]
    fn what_was_written_is_read() {
        let keg = Part {
            license: Some("Zlib".into()),
            home: Some("https://zlib.net".into()),
            cpe: Some("zlib:zlib".into()),
            cve: [("CVE-2022-37434".to_string(), "fixed patches/a.patch".to_string())].into(),
            ..Part::new(PartId::keg("zlib", "ng"), "1.2.12", "Deflate")
        };
        let seed = PartId::Seed { name: "libc6-dev".into(), version: "2.36".into() };
        let debian =
            Upstream::Debian { source: "glibc".into(), suite: "bookworm".into(), arch: "amd64".into() };
        let seed = Part { upstream: Some(debian), ..Part::new(seed, "2.36", "") };
        let parts: BTreeMap<PartId, Part> = [keg, seed].map(|part| (part.id.clone(), part)).into();
        let digest = Digest { size_bytes: 0, ..Digest::of(b"root") };
        let papers = Papers {
            name: "web".into(),
            summary: "A server".into(),
            digest,
            kernel: None,
            parts,
            files: Vec::new(),
            texts: BTreeMap::new(),
        };
        assert_eq!(read(print(&papers, "0").as_bytes()).unwrap(), papers);
    }

    #[test]
    fn what_is_none_is_refused_or_left_out() {
        assert!(read(b"").is_err() && read(b"[]").is_err() && read(b"{}").is_err());
        let odd = br#"{"bomFormat":"CycloneDX","components":[1,{"name":"x"},{"properties":[{"name":"rootbrew:kind","value":"keg"}]}]}"#;
        assert!(read(odd).unwrap().parts.is_empty());
    }
}
