//! Data for the page that compares: scripts that call one function each, since a page of `file://` may load those and nothing
//! else.
//!
//! ```text
//! images.js           rootbrewImages([[sha256, role, label], …])
//! image/<sha256>.js   rootbrewImage({sha256, role, root_bytes, …, parts: [[kind, name, version]], files: [[path, kind, "0755 0:0", bytes, digest or target]]})
//! ```
//! JSON in a script: what ends one, or a line of one, is escaped, and names come with what cannot be seen spelled out.

use assembler::{Bytes, Kind, Node};
use serde_json::{Value, json};

use super::packages;
use super::read::{Channel, Detail, Listed};
use super::{short, shown};
use crate::report::escape;

/// So much of a digest tells two files apart: 64 bits, and nobody chose both.
const DIGEST_CHARS: usize = 16;

pub fn image(listed: &Listed, detail: &Detail) -> String {
    let parts: Vec<Value> = detail
        .papers
        .iter()
        .flat_map(|papers| papers.parts.values())
        .map(|part| json!([part.id.kind(), packages::name(&part.id), shown(&part.version)]))
        .collect();
    let files: Vec<Value> =
        detail.tree.iter().flat_map(|tree| tree.iter()).map(|(path, node)| file(path, node)).collect();
    call(
        "rootbrewImage",
        &json!({
            "sha256": listed.sha256, "role": listed.image.role, "published": super::when(&listed.image.published),
            "root_bytes": listed.root_bytes(), "wire_bytes": listed.wire_bytes(), "kernel_bytes": listed.kernel_bytes(),
            "kernel": listed.image.kernel_sha256, "ready_ms": listed.figures.ready_ms.iter().min(),
            "ram_bytes": listed.figures.ram_bytes.iter().min(), "parts": parts, "files": files,
        }),
    )
}

fn file(path: &str, node: &Node) -> Value {
    let (kind, what) = match &node.kind {
        Kind::Folder => ("folder", String::new()),
        Kind::Link { target } => ("link", whole(target)),
        Kind::File(Bytes::Stored(digest)) => ("file", digest.hex()[..DIGEST_CHARS].to_string()),
        Kind::File(bytes) => ("file", bytes.digest().hex()[..DIGEST_CHARS].to_string()),
    };
    let mode = format!("{:04o} {}:{}", node.mode, node.uid, node.gid);
    json!([format!("/{}", whole(path)), kind, mode, node.size_bytes(), what])
}

/// Not cut: two long names must not become one.
fn whole(text: &str) -> String {
    escape::shown(text, usize::MAX)
}

/// Every image, the newest first, by role.
pub fn index(channel: &Channel) -> String {
    let mut images: Vec<&Listed> = channel.images.values().collect();
    images.sort_by(|a, b| {
        let key =
            |listed: &Listed| (listed.image.role.clone(), std::cmp::Reverse(listed.image.published.clone()));
        (key(a), &a.sha256).cmp(&(key(b), &b.sha256))
    });
    let one = |listed: &&Listed| {
        let label = format!("{}  {}", super::when(&listed.image.published), short(&listed.sha256));
        json!([listed.sha256, listed.image.role, label])
    };
    call("rootbrewImages", &images.iter().map(one).collect())
}

fn call(function: &str, value: &Value) -> String {
    let mut text = value.to_string();
    // All of these stand in strings only.
    for (sign, escaped) in [
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('&', "\\u0026"),
        ('\u{2028}', "\\u2028"),
        ('\u{2029}', "\\u2029"),
    ] {
        text = text.replace(sign, escaped);
    }
    format!("{function}({text});\n")
}
