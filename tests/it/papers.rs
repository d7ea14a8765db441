//! The papers of this repository's roles, judged by the formats' own validators; licences and vulnerabilities beside them.
//!
//! In the user's own store, as tests/it/web.rs. The validators come from PyPI, once, into the user's cache folder; where
//! they cannot be had, the tests fail.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::{Ran, judge};

/// Pinned, so that a judge does not change its mind by itself.
const JUDGES: [&str; 2] = ["spdx-tools==0.8.5", "cyclonedx-python-lib[json-validation]==11.12.0"];

const SPDX: &str = r#"
import sys
from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document
messages = validate_full_spdx_document(parse_file(sys.argv[1]))
for message in messages:
    print(message.validation_message, message.context)
sys.exit(len(messages) > 0)
"#;

const CYCLONEDX: &str = r#"
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
error = JsonStrictValidator(SchemaVersion.V1_6).validate_str(open(sys.argv[1]).read())
if error:
    print(error)
sys.exit(error is not None)
"#;

fn tap() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace").to_path_buf()
}

fn rootbrew(arguments: &[&str]) -> Ran {
    Ran::of(Command::new(env!("CARGO_BIN_EXE_rootbrew")).args(arguments).arg("--tap").arg(tap()))
}

fn python() -> PathBuf {
    judge::python("papers-1", &JUDGES)
}

fn judged(judge: &str, path: &Path) {
    Ran::of(Command::new(python()).args(["-c", judge]).arg(path)).expect(0);
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).expect("the document")).expect("JSON")
}

fn all<'v>(value: &'v Value, key: &str) -> &'v Vec<Value> {
    value[key].as_array().unwrap_or_else(|| panic!("no list {key}"))
}

#[test]
fn the_papers_of_every_role_are_what_their_formats_say() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for role in ["web", "bastion", "cache", "resolver"] {
        for (format, judge) in [("spdx", SPDX), ("cyclonedx", CYCLONEDX)] {
            let path = folder.path().join(format!("{role}.{format}.json"));
            let again = folder.path().join("again.json");
            let arguments = ["sbom", role, "--format", format, "-o"];
            rootbrew(&[&arguments[..], &[&path.to_string_lossy()]].concat()).expect(0);
            judged(judge, &path);
            rootbrew(&[&arguments[..], &[&again.to_string_lossy()]].concat()).expect(0);
            assert!(
                fs::read(&path).unwrap() == fs::read(&again).unwrap(),
                "{role} {format}: two runs, two documents"
            );
        }
    }
}

#[test]
fn every_file_of_the_image_is_in_its_papers_and_what_is_linked_too() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("web.json");
    rootbrew(&["sbom", "web", "-o", &path.to_string_lossy()]).expect(0);
    let document = json(&path);
    let mut digests = BTreeMap::new();
    for file in all(&document, "files") {
        let name = file["fileName"].as_str().unwrap().trim_start_matches('.');
        digests.insert(name.to_string(), file["checksums"][1]["checksumValue"].as_str().unwrap().to_string());
    }
    assert!(digests.remove("/vmlinuz").is_some());
    let twin = rootbrew(&["image", "web", "--text"]).expect(0);
    let words = twin.out.lines().map(|line| line.split(' ').collect::<Vec<_>>());
    let files =
        words.filter(|words| words[0] == "file").map(|words| (words[5].to_string(), words[4].to_string()));
    assert_eq!(files.collect::<BTreeMap<_, _>>(), digests);

    let names: BTreeMap<&str, &Value> = all(&document, "packages")
        .iter()
        .map(|package| (package["SPDXID"].as_str().unwrap(), package))
        .collect();
    let nginx = all(&document, "files").iter().find(|file| file["fileName"] == "./kegs/nginx/0/bin/nginx");
    let nginx = &nginx.expect("nginx")["SPDXID"];
    let linked = all(&document, "relationships").iter().filter(|relation| {
        relation["spdxElementId"] == *nginx && relation["relationshipType"] == "STATIC_LINK"
    });
    let inside: Vec<&str> = linked
        .map(|relation| {
            assert!(relation["comment"].as_str().is_some_and(|how| how.len() > 10), "{relation}");
            names[relation["relatedSpdxElement"].as_str().unwrap()]["name"].as_str().unwrap()
        })
        .collect();
    assert_eq!(inside, ["musl", "openssl", "pcre2", "zlib", "libgcc-12-dev"]);
    let openssl = names["SPDXRef-keg-openssl-3"];
    assert_eq!(openssl["licenseDeclared"], "Apache-2.0");
    assert!(openssl["externalRefs"].to_string().contains("cpe:2.3:a:openssl:openssl:3."), "{openssl}");
    // The agent: its crates, by what is in the file and by the lock; Rust's own library. Its C library is nginx's too.
    for part in ["agent", "minijinja", "libstd-rust-dev", "linux"] {
        assert!(names.values().any(|package| package["name"] == part), "{part} is not in the papers");
    }
}

#[test]
fn licences_come_with_their_texts() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let notice = rootbrew(&["licenses", "bastion"]).expect(0);
    notice.says(&["dropbear", "LicenseRef-public-domain", "from its source"]);
    notice.says(&["GNU GENERAL PUBLIC LICENSE"]);
    let out = folder.path().join("texts/");
    rootbrew(&["licenses", "web", "-o", &format!("{}/", out.display())]).expect(0);
    let text =
        |path: &str| fs::read_to_string(out.join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    assert!(text("keg-nginx-0/LICENSE").contains("Nginx, Inc."));
    assert!(text("index.txt").contains("openssl 3."));
    assert!(text("keg-openssl-3/LICENSE.txt").contains("Apache License"));
    let seed = out.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let libgcc = seed.into_iter().find(|name| name.starts_with("seed-libgcc-12-dev-")).expect("libgcc");
    assert!(text(&format!("{libgcc}/GCC-exception-3.1")).contains("GCC RUNTIME LIBRARY EXCEPTION"));
}

/// A made-up record that any version has, and a real one (CVE-2022-37434) that zlib 1.2.13 ended.
const DB: &str = r#"[
    {"id": "TEST-0001", "summary": "a made-up fault", "affected": [{"package": {"ecosystem": "", "name": "zlib", "purl": "pkg:generic/zlib"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}],
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}]}]},
    {"id": "CVE-2022-37434", "affected": [{"package": {"ecosystem": "", "name": "zlib", "purl": "pkg:generic/zlib"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.13"}]}]}]}
]"#;

#[test]
fn vulnerabilities_are_told_of_what_is_inside() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let db = folder.path().join("db.json");
    fs::write(&db, DB).unwrap();
    let db = db.to_string_lossy();
    let vex = folder.path().join("vex.json");
    let told = rootbrew(&["cve", "web", "--db", &db, "--vex", &vex.to_string_lossy()]).expect(0);
    told.says(&[
        "TEST-0001",
        "high",
        "open",
        "zlib",
        "a made-up fault",
        "/kegs/nginx/0/bin/nginx",
        "2 records read",
    ]);
    assert!(!told.out.contains("CVE-2022-37434"), "{told}");
    assert_eq!(json(&vex)["statements"][0]["status"], "affected");
    rootbrew(&["cve", "web", "--db", &db, "--fail-on", "critical"]).expect(0);
    rootbrew(&["cve", "web", "--db", &db, "--fail-on", "high"]).expect(1).says(&["1 open, high or worse"]);
    let line = rootbrew(&["cve", "web", "--db", &db, "--json"]).expect(0);
    let objects = line.out.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    assert!(
        objects.into_iter().any(|object| object["id"] == "TEST-0001" && object["state"] == "open"),
        "{line}"
    );
    fs::write(folder.path().join("db.json"), &DB[..DB.len() - 20]).unwrap();
    rootbrew(&["cve", "web", "--db", &db]).expect(1).says(&["cut short in the midst of record 2"]);
    rootbrew(&["cve", "web", "--db", "/nowhere"]).expect(1).says(&["cannot read /nowhere"]);
}
