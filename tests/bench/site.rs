//! The pages of a channel of a thousand synthetic images: written from nothing, again with nothing new, after one publication,
//! and with records of vulnerabilities.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use assembler::papers::{Papers, Part, PartId, cyclonedx};
use assembler::{ImageTree, Node, Reason, text};
use ci::channel::{self, Content, Desk, Folder, Item, Keyring, Life, Made, now_s, statement};
use ci::site;
use kegs::Digest;

use super::{Result, Wish};

const ROLES: usize = 10;
const IMAGES: usize = 100;
/// A role of ours has 12 to 40 files and 10 to 20 packages: several times that.
const FILES: usize = 200;
const PARTS: usize = 40;
const RECORDS: usize = 20_000;

pub fn run(_: &Wish) -> Result<()> {
    let home = tempfile::tempdir()?;
    let ask = || Ok(b"a passphrase".to_vec());
    let (folder, keys) =
        (Folder::create(&home.path().join("public"))?, Keyring::at(&home.path().join("keys"), &ask));
    channel::init(&folder, &keys, 3, 2, Life::default(), now_s())?;
    let publish = |image: usize, roles: usize| -> Result<()> {
        let mut desk = Desk::open(&folder, &keys, Life::default(), now_s())?;
        for role in 0..roles {
            desk.publish("edge", item(role, image)?)?;
        }
        desk.commit()?;
        Ok(())
    };
    (0..IMAGES).try_for_each(|image| publish(image, ROLES))?;
    let make = |what: &str, db: &[PathBuf]| -> Result<()> {
        let begun = Instant::now();
        let made = site::make(&folder, &keys.trusted(), db, now_s())?;
        let (wall_s, written) = (begun.elapsed().as_secs_f64(), made.written);
        println!("{what:<40} {wall_s:>7.2} s   {} files written, {} bytes", written.files, written.bytes);
        Ok(())
    };
    make(&format!("{} images, from nothing", ROLES * IMAGES), &[])?;
    make("again, nothing new", &[])?;
    publish(IMAGES, 1)?;
    make("again, one new image", &[])?;
    let db = home.path().join("all.jsonl");
    std::fs::write(&db, records())?;
    make(&format!("with {RECORDS} records, the first time"), std::slice::from_ref(&db))?;
    make("again", &[db])
}

fn item(role: usize, image: usize) -> Result<Item> {
    let (root, kernel) = (format!("root {role} {image}").repeat(500), format!("kernel {image}"));
    let (root_sha256, kernel_sha256) = (trust::sha256(root.as_bytes()), trust::sha256(kernel.as_bytes()));
    let part =
        |name: &str, bytes: String| (name.to_string(), "x/y".to_string(), Content::Bytes(bytes.into_bytes()));
    let actions: BTreeMap<String, String> =
        (0..PARTS).map(|at| (format!("keg-{at}"), root_sha256.clone())).collect();
    let told = statement(&Made {
        role: &format!("role-{role}"),
        toolchain: "seed",
        subjects: &[("root.erofs", &root_sha256), ("vmlinuz", &kernel_sha256)],
        commit: None,
        actions: &actions,
        taken: &BTreeMap::new(),
        materials: &[],
        version: "0",
    });
    Ok(Item {
        role: format!("role-{role}"),
        commit: None,
        parts: vec![
            part("root.erofs", root),
            part("vmlinuz", kernel),
            part("tree.txt", text::print(&tree(role, image)?)),
            part("image.cdx.json", cyclonedx::print(&papers(image), "0")),
            part("facts.json", format!(r#"{{"files":{FILES}}}"#)),
            part(
                "figures.json",
                format!(r#"{{"ready_ms":[{},{}],"ram_bytes":[9000000]}}"#, 400 + image, 420 + image),
            ),
        ],
        root_sha256,
        kernel_sha256,
        statement: Some(told),
    })
}

/// One file in twenty is another in each image.
fn tree(role: usize, image: usize) -> Result<ImageTree> {
    let mut tree = ImageTree::default();
    for at in 0..FILES {
        let change = if at % 20 == 0 { image } else { 0 };
        let digest = Digest {
            size_bytes: (1_000 * at + change) as u64,
            ..Digest::of(format!("{role} {at} {change}").as_bytes())
        };
        let node = Node::stored(digest, 0o644, Reason::image("a benchmark"));
        tree.insert(&format!("kegs/keg-{}/0/lib/folder-{}/file-{at}", at % PARTS, at % 7), node)?;
    }
    Ok(tree)
}

/// One package in ten is of another version every ten images.
fn papers(image: usize) -> Papers {
    let part = |at: usize| {
        let id = PartId::keg(format!("keg-{at}"), "0");
        let version = format!("1.{}", if at % 10 == 0 { image / 10 } else { 0 });
        Part { license: Some("MIT".into()), ..Part::new(id, &version, "A part of a benchmark") }
    };
    Papers {
        name: "role".into(),
        summary: String::new(),
        digest: Digest::of(&image.to_le_bytes()),
        kernel: None,
        parts: (0..PARTS).map(part).map(|part| (part.id.clone(), part)).collect(),
        files: Vec::new(),
        texts: BTreeMap::new(),
    }
}

/// One in a hundred is of a package that is there.
fn records() -> String {
    let one = |at: usize| {
        let name = if at % 100 == 0 { format!("keg-{}", at / 100 % PARTS) } else { format!("other-{at}") };
        format!(
            r#"{{"id":"CVE-2026-{at:05}","summary":"A record","affected":[{{"package":{{"ecosystem":"","name":"{name}","purl":"pkg:generic/{name}"}},"ranges":[{{"type":"ECOSYSTEM","events":[{{"introduced":"0"}},{{"fixed":"1.5"}}]}}]}}]}}"#
        ) + "\n"
    };
    (0..RECORDS).map(one).collect()
}
