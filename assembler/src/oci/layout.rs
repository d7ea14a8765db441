//! The layout of a container image: a folder of blobs by digest. Facts: OCI image specification 1.1, `image-layout.md`,
//! `manifest.md`, `config.md`.
//!
//! ```text
//! oci-layout            {"imageLayoutVersion":"1.0.0"}
//! index.json            -> the manifest, called `latest`
//! blobs/sha256/<hex>    the manifest -> the config, the layers
//! ```
//! The only time in it is the one that every image has. Keys stand in a fixed order.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use kegs::Digest;
use serde::Serialize;

use super::container::Container;
use super::layers::{self, Compression, Layer, Layers};
use crate::content::Content;
use crate::tree::ImageTree;

/// `erofs::TIME`, as RFC 3339 writes it.
const CREATED: &str = "2026-01-01T00:00:00Z";
pub(super) const TAG: &str = "latest";

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    pub config: Digest,
    pub manifest: Digest,
    pub layers: Vec<Layer>,
}

/// Writes the layout into an empty folder.
///
/// # Errors
/// What can't be written, the content's, and content of another length than its digest says.
pub fn write_layout(
    container: &Container,
    tree: &ImageTree,
    content: &dyn Content,
    how: (Layers, Compression),
    folder: &Path,
) -> io::Result<Image> {
    let blobs = folder.join("blobs/sha256");
    fs::create_dir_all(&blobs)?;
    let layers = layers::write(tree, content, how, &blobs)?;
    let config = put(&blobs, &config(container, &layers))?;
    let manifest = put(&blobs, &manifest(config, how.1, &layers))?;
    fs::write(folder.join("index.json"), json(&index(manifest, &container.role))?)?;
    fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#)?;
    Ok(Image { config, manifest, layers })
}

fn put(blobs: &Path, value: &impl Serialize) -> io::Result<Digest> {
    let bytes = json(value)?;
    let digest = Digest::of(&bytes);
    fs::write(blobs.join(digest.hex()), bytes)?;
    Ok(digest)
}

pub(super) fn json(value: &impl Serialize) -> io::Result<Vec<u8>> {
    Ok(serde_json::to_vec(value)?)
}

/// As Go calls processors.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[derive(Serialize)]
struct Config<'a> {
    created: &'static str,
    architecture: &'static str,
    os: &'static str,
    config: Execution<'a>,
    rootfs: RootFs,
    history: Vec<History>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Execution<'a> {
    user: &'a str,
    exposed_ports: BTreeMap<&'a str, Empty>,
    env: &'a [String],
    entrypoint: &'a [String],
    working_dir: &'static str,
    labels: &'a BTreeMap<String, String>,
    stop_signal: &'a str,
}

/// `{}`, which is how a set is written.
#[derive(Serialize)]
struct Empty {}

#[derive(Serialize)]
struct RootFs {
    #[serde(rename = "type")]
    kind: &'static str,
    diff_ids: Vec<String>,
}

#[derive(Serialize)]
struct History {
    created: &'static str,
    created_by: String,
}

fn config<'a>(container: &'a Container, layers: &[Layer]) -> Config<'a> {
    let history =
        |layer: &Layer| History { created: CREATED, created_by: format!("rootbrew: {}", layer.what) };
    Config {
        created: CREATED,
        architecture: architecture(),
        os: "linux",
        config: Execution {
            user: &container.user,
            exposed_ports: container.ports.iter().map(|port| (port.as_str(), Empty {})).collect(),
            env: &container.environment,
            entrypoint: &container.entrypoint,
            working_dir: "/",
            labels: &container.labels,
            stop_signal: &container.stop_signal,
        },
        rootfs: RootFs { kind: "layers", diff_ids: layers.iter().map(|layer| named(&layer.diff)).collect() },
        history: layers.iter().map(history).collect(),
    }
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: &'static str,
    digest: String,
    size: u64,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'static str, String>,
}

fn descriptor(media_type: &'static str, digest: Digest) -> Descriptor {
    Descriptor { media_type, digest: named(&digest), size: digest.size_bytes, annotations: BTreeMap::new() }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    schema_version: u32,
    media_type: &'static str,
    config: Descriptor,
    layers: Vec<Descriptor>,
}

fn manifest(config: Digest, compression: Compression, layers: &[Layer]) -> Manifest {
    Manifest {
        schema_version: 2,
        media_type: MANIFEST,
        config: descriptor("application/vnd.oci.image.config.v1+json", config),
        layers: layers.iter().map(|layer| descriptor(compression.media_type(), layer.digest)).collect(),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index {
    schema_version: u32,
    media_type: &'static str,
    manifests: Vec<Descriptor>,
}

fn index(manifest: Digest, role: &str) -> Index {
    let mut manifest = descriptor(MANIFEST, manifest);
    // The first is what containerd, and so `docker load` on it, calls the image.
    manifest.annotations = BTreeMap::from([
        ("io.containerd.image.name", format!("{role}:{TAG}")),
        ("org.opencontainers.image.ref.name", TAG.to_string()),
    ]);
    Index {
        schema_version: 2,
        media_type: "application/vnd.oci.image.index.v1+json",
        manifests: vec![manifest],
    }
}

fn named(digest: &Digest) -> String {
    format!("sha256:{}", digest.hex())
}
