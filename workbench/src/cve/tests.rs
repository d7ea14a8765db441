//! Records that are real and publicly known (`CVE-…`, by what their advisories say), and made-up ones (`TEST-…`).

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;

use assembler::papers::{Part, Source, Upstream};
use expect_test::{Expect, expect};
use kegs::Digest;

use super::*;

fn part(id: PartId, version: &str) -> Part {
    Part::new(id, version, "")
}

fn papers(parts: impl IntoIterator<Item = Part>) -> Papers {
    Papers {
        name: "toy".into(),
        summary: String::new(),
        digest: Digest::of(b"root"),
        kernel: None,
        parts: parts.into_iter().map(|part| (part.id.clone(), part)).collect(),
        files: Vec::new(),
        texts: BTreeMap::new(),
    }
}

fn keg(name: &str, slot: &str, version: &str) -> Part {
    part(PartId::keg(name, slot), version)
}

fn told(report: &Report) -> String {
    let mut out = String::new();
    for finding in &report.findings {
        let severity = finding.severity.map_or("unrated", Severity::word);
        let by: Vec<_> = finding.by.iter().copied().collect();
        let state = format!("{} {}", finding.state.word(), finding.state.reason().unwrap_or(""));
        let fixed: Vec<_> = finding.fixed.iter().map(String::as_str).collect();
        let line = format!(
            "{} {} {} {severity} {} by {} fixed {}",
            finding.id,
            finding.part,
            finding.version,
            state.trim(),
            by.join("+"),
            fixed.join(",")
        );
        writeln!(out, "{}", line.trim()).unwrap();
    }
    report.damaged.iter().for_each(|what| writeln!(out, "damaged {what}").unwrap());
    out
}

fn checked(papers: &Papers, db: &str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db.json");
    std::fs::write(&path, db).unwrap();
    check(papers, &[path]).unwrap()
}

fn check_told(parts: impl IntoIterator<Item = Part>, db: &str, expected: Expect) {
    expected.assert_eq(&told(&checked(&papers(parts), db)));
}

/// inflateGetHeader with a large extra field: zlib before 1.2.13.
const ZLIB: &str = r#"{
    "id": "CVE-2022-37434", "modified": "2024-01-01T00:00:00Z",
    "summary": "heap-based buffer over-read or overflow in inflate via a large gzip header extra field",
    "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
    "affected": [{
        "package": {"ecosystem": "", "name": "zlib", "purl": "pkg:generic/zlib"},
        "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "1.2.13"}]}]
    }]
}"#;

/// BN_mod_sqrt never ends: OpenSSL 1.0.2 before 1.0.2zd, 1.1.1 before 1.1.1n, 3.0 before 3.0.2.
const OPENSSL: &str = r#"{
    "id": "BIT-openssl-2022-0778", "aliases": ["CVE-2022-0778"], "modified": "2024-01-01T00:00:00Z",
    "summary": "Infinite loop in BN_mod_sqrt() reachable when parsing certificates",
    "affected": [{
        "package": {"ecosystem": "Bitnami", "name": "openssl", "purl": "pkg:bitnami/openssl"},
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H"}],
        "ranges": [{"type": "SEMVER", "events": [
            {"introduced": "1.0.2"}, {"fixed": "1.0.2zd"}, {"introduced": "1.1.1"}, {"fixed": "1.1.1n"},
            {"introduced": "3.0.0"}, {"fixed": "3.0.2"}]}]
    }]
}"#;

#[test]
fn a_range_has_an_end() {
    let db = format!("[{ZLIB},\n{OPENSSL}]");
    let slots =
        [("1.0", "1.0.2zc"), ("1.1", "1.1.1n"), ("3", "3.0.1"), ("3.0", "3.0.2"), ("1.1.1", "1.1.1m")];
    let openssl = slots.map(|(slot, version)| keg("openssl", slot, version));
    check_told(
        openssl.into_iter().chain([keg("zlib", "0", "1.2.12"), keg("zlib", "ng", "1.2.13")]),
        &db,
        expect![[r#"
            CVE-2022-37434 zlib 1.2.12 critical open by purl fixed 1.2.13
            CVE-2022-0778 openssl@1.0 1.0.2zc high open by ecosystem fixed 1.0.2zd,1.1.1n,3.0.2
            CVE-2022-0778 openssl@1.1.1 1.1.1m high open by ecosystem fixed 1.0.2zd,1.1.1n,3.0.2
            CVE-2022-0778 openssl@3 3.0.1 high open by ecosystem fixed 1.0.2zd,1.1.1n,3.0.2
        "#]],
    );
}

#[test]
fn a_recipes_word_is_heard() {
    let with = |slot: &str, said: &str| Part {
        cve: [("CVE-2022-37434".to_string(), said.to_string())].into(),
        ..keg("zlib", slot, "1.2.12")
    };
    check_told(
        [
            with("a", "fixed patches/cve-2022-37434.patch"),
            with("b", "not-affected inflateGetHeader is not called"),
            with("c", "disputed upstream says no"),
        ],
        ZLIB,
        expect![[r#"
            CVE-2022-37434 zlib@c 1.2.12 critical disputed upstream says no by purl fixed 1.2.13
            CVE-2022-37434 zlib@a 1.2.12 critical fixed patches/cve-2022-37434.patch by purl fixed 1.2.13
            CVE-2022-37434 zlib@b 1.2.12 critical not-affected inflateGetHeader is not called by purl fixed 1.2.13
        "#]],
    );
}

#[test]
fn two_records_of_one_vulnerability_are_one() {
    let other = r#"{"id": "OSV-TEST-0001", "aliases": ["CVE-2022-37434"], "affected": [{
        "package": {"ecosystem": "OSS-Fuzz", "name": "zlib"}, "versions": ["v1.2.11", "v1.2.12"],
        "ecosystem_specific": {"severity": "MEDIUM"}}]}"#;
    let report = checked(&papers([keg("zlib", "0", "1.2.12")]), &format!("{ZLIB}\n{other}\n"));
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].records.len(), 2);
    expect![[r#"
        CVE-2022-37434 zlib 1.2.12 critical open by ecosystem+purl fixed 1.2.13
    "#]]
    .assert_eq(&told(&report));
}

#[test]
fn names_of_other_kinds() {
    let source = Source {
        place: String::new(),
        url: Some("https://github.com/openssl/openssl/releases/download/x".into()),
        sha256: None,
    };
    let openssl =
        Part { sources: vec![source], cpe: Some("openssl:openssl".into()), ..keg("openssl", "3", "3.6.3") };
    let memchr = part(PartId::Crate { name: "memchr".into(), version: "2.8.3".into() }, "2.8.3");
    let deb = Upstream::Debian { source: "glibc".into(), suite: "bookworm".into(), arch: "amd64".into() };
    let libc = Part {
        upstream: Some(deb),
        ..part(PartId::Seed { name: "libc6-dev".into(), version: "2.36-9".into() }, "2.36-9+deb12u14")
    };
    let supervisor =
        Part { upstream: Some(Upstream::PyPI("supervisor".into())), ..keg("supervisor", "0", "4.3.0") };
    let db = [
        // By repository: tags; a conversion of NVD's, with versions beside the commits; commits alone.
        r#"{"id": "TEST-0001", "affected": [{"ranges": [{"type": "GIT", "repo": "https://github.com/openssl/openssl.git", "events": [{"introduced": "0"}]}], "versions": ["openssl-3.6.2", "openssl-3.6.3"]}]}"#,
        r#"{"id": "TEST-0002", "affected": [{"ranges": [{"type": "GIT", "repo": "https://github.com/openssl/openssl", "events": [{"introduced": "abc"}],
            "database_specific": {"versions": [{"introduced": "3.6.0"}, {"last_affected": "3.6.3"}]}}]}]}"#,
        r#"{"id": "TEST-0003", "affected": [{"ranges": [{"type": "GIT", "repo": "https://github.com/openssl/openssl", "events": [{"introduced": "0"}]}]}]}"#,
        r#"{"id": "TEST-0004", "affected": [{"ranges": [{"type": "GIT", "repo": "https://github.com/openssl/openssl", "events": []}], "versions": ["openssl-3.0.7"]}]}"#,
        // By CPE.
        r#"{"id": "TEST-0005", "affected": [{"database_specific": {"unresolved_ranges": [{"cpe": "cpe:2.3:a:openssl:openssl:*:*:*:*:*:*:*:*", "events": [{"introduced": "3.0.0"}, {"fixed": "3.6.4"}]}]}}]}"#,
        r#"{"id": "TEST-0006", "affected": [{"database_specific": {"cpes": ["cpe:2.3:a:openssl:openssl:3.6.3:*:*:*:*:*:*:*", "cpe:2.3:a:other:openssl:3.6.3:*:*:*:*:*:*:*"]}}]}"#,
        r#"{"id": "TEST-0007", "affected": [{"database_specific": {"cpes": ["cpe:2.3:a:openssl:openssl:3.6.2:*:*:*:*:*:*:*"]}}]}"#,
        // A crate, a package of the seed, one of Python.
        r#"{"id": "TEST-0008", "affected": [{"package": {"ecosystem": "crates.io", "name": "memchr", "purl": "pkg:cargo/memchr"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0.0.0-0"}, {"fixed": "2.8.4"}]}]}]}"#,
        r#"{"id": "TEST-0009", "affected": [{"package": {"ecosystem": "crates.io", "name": "memchr"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0.0.0-0"}, {"fixed": "2.8.3"}]}]}]}"#,
        r#"{"id": "DSA-TEST-0010", "upstream": ["CVE-TEST-10"], "affected": [{"package": {"ecosystem": "Debian:12", "name": "glibc", "purl": "pkg:deb/debian/glibc?arch=source"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "2.36-9+deb12u15"}]}]}]}"#,
        r#"{"id": "DSA-TEST-0011", "affected": [{"package": {"ecosystem": "Debian:13", "name": "glibc"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}"#,
        r#"{"id": "TEST-0012", "affected": [{"package": {"ecosystem": "PyPI", "name": "Supervisor"}, "versions": ["4.2.0", "4.3.0"]}], "database_specific": {"severity": "MODERATE"}}"#,
        // A distribution's numbers of the same software, another's package of that name, one taken back.
        r#"{"id": "TEST-0013", "affected": [{"package": {"ecosystem": "Debian:12", "name": "openssl"}, "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}]}]}]}"#,
        r#"{"id": "TEST-0014", "affected": [{"package": {"ecosystem": "npm", "name": "openssl"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#,
        r#"{"id": "TEST-0015", "withdrawn": "2024-01-01T00:00:00Z", "affected": [{"package": {"ecosystem": "Bitnami", "name": "openssl"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}]}]}"#,
        // A version without order.
        r#"{"id": "TEST-0016", "affected": [{"package": {"ecosystem": "Bitnami", "name": "openssl"}, "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "next"}]}]}]}"#,
    ];
    check_told(
        [openssl, memchr, libc, supervisor],
        &db.join("\n"),
        expect![[r#"
        TEST-0012 supervisor 4.3.0 medium open by ecosystem fixed
        TEST-0001 openssl@3 3.6.3 unrated open by repository fixed
        TEST-0002 openssl@3 3.6.3 unrated open by repository fixed
        TEST-0005 openssl@3 3.6.3 unrated open by cpe fixed
        TEST-0006 openssl@3 3.6.3 unrated open by cpe fixed
        CVE-TEST-10 seed libc6-dev 2.36-9 2.36-9+deb12u14 unrated open by ecosystem fixed 2.36-9+deb12u15
        TEST-0008 crate memchr 2.8.3 2.8.3 unrated open by purl fixed 2.8.4
        TEST-0003 openssl@3 3.6.3 unrated unsure by repository fixed
        TEST-0016 openssl@3 3.6.3 unrated unsure by ecosystem fixed next
    "#]],
    );
}

#[test]
fn the_kernel_is_linux() {
    let mut papers = papers([keg("linux", "0", "6.12.107")]);
    papers.kernel = Some(PartId::keg("linux", "0"));
    let db = r#"{"id": "TEST-0020", "affected": [{"package": {"ecosystem": "Linux", "name": "Kernel"}, "ranges": [{"type": "ECOSYSTEM",
        "events": [{"introduced": "6.12.0"}, {"fixed": "6.12.108"}]}]}]}"#;
    expect![[r#"
        TEST-0020 linux 6.12.107 unrated open by ecosystem fixed 6.12.108
    "#]]
    .assert_eq(&told(&checked(&papers, db)));
}

#[test]
fn exports_in_every_form_say_the_same() {
    let papers = papers([keg("zlib", "0", "1.2.12")]);
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let line = serde_json::from_str::<serde_json::Value>(ZLIB).unwrap().to_string();
    std::fs::write(path("one.json"), ZLIB).unwrap();
    std::fs::write(path("list.json"), format!("\u{feff}[{line}, {line}]\n")).unwrap();
    std::fs::write(path("lines.jsonl"), format!("{line}\n\n{line}\n")).unwrap();
    std::fs::write(path("answer.json"), format!("{{\"vulns\": [{line}]}}")).unwrap();
    std::fs::create_dir_all(path("folder/deep/.git")).unwrap();
    std::fs::write(path("folder/deep/a.json"), ZLIB).unwrap();
    std::fs::write(path("folder/deep/.git/b.json"), "no record").unwrap();
    std::fs::write(path("folder/README"), "no record").unwrap();
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path("all.zip")).unwrap());
    zip.start_file("CVE-2022-37434.json", zip::write::SimpleFileOptions::default()).unwrap();
    zip.write_all(ZLIB.as_bytes()).unwrap();
    zip.finish().unwrap();
    for name in ["one.json", "list.json", "lines.jsonl", "answer.json", "folder", "all.zip"] {
        let report = check(&papers, &[path(name)]).unwrap();
        assert_eq!(report.findings.len(), 1, "{name}");
        assert_eq!(report.damaged_count, 0, "{name}");
    }
}

#[test]
fn files_that_are_none_are_said() {
    let papers = papers([keg("zlib", "0", "1.2.12")]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let mut out = String::new();
    let cases: [(&str, Vec<u8>); 8] = [
        ("nothing", Vec::new()),
        ("text", b"hello".to_vec()),
        ("cut short", ZLIB.as_bytes()[..ZLIB.len() - 2].to_vec()),
        ("no zip", b"PK\x03\x04rubbish".to_vec()),
        ("endless", [br#"{"id": ""#.to_vec(), vec![b'a'; 33 << 20]].concat()),
        (
            "deep",
            [
                br#"{"id": "x", "database_specific": "#.to_vec(),
                vec![b'['; 100_000],
                vec![b']'; 100_000],
                b"}".to_vec(),
            ]
            .concat(),
        ),
        ("no record", br#"{"name": "x"} {"id": 7} {"id": "x", "affected": {}}"#.to_vec()),
        ("a quote", br#"{"id": "}\"{", "affected": []}"#.to_vec()),
    ];
    for (name, bytes) in cases {
        std::fs::write(&path, bytes).unwrap();
        let said = match check(&papers, &[&path]) {
            Ok(report) => format!("{} records\n{}", report.records, told(&report)),
            Err(error) => format!("{error}\n"),
        };
        writeln!(out, "{name}: {}", said.replace(&path.display().to_string(), "db").trim_end()).unwrap();
    }
    expect![[r#"
        nothing: db: no record of OSV is in it: they are objects of JSON
        text: db: it is no JSON, or no list of records
        cut short: db: cut short in the midst of record 1
        no zip: db: the zip archive is broken: invalid Zip archive: Could not find EOCD
        endless: db: record 1 has more than 33554432 bytes
        deep: 0 records
        damaged db: recursion limit exceeded at line 1 column 160
        no record: 0 records
        damaged db: missing field `id` at line 1 column 13
        damaged db, record 2: invalid type: integer `7`, expected a string at line 1 column 8
        damaged db, record 3: invalid type: map, expected a sequence at line 1 column 24
        a quote: 1 records
    "#]]
    .assert_eq(&out);
}

#[test]
fn what_is_found_is_openvex() {
    let papers = papers([keg("zlib", "0", "1.2.12")]);
    let text = vex::print(&papers, &checked(&papers, ZLIB));
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["statements"][0]["vulnerability"]["name"], "CVE-2022-37434");
    assert_eq!(document["statements"][0]["status"], "affected");
    assert_eq!(text, vex::print(&papers, &checked(&papers, ZLIB)));
}
