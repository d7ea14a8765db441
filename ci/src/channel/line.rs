//! What stands in a line: an image and its parts, and the history of a role.
//!
//! ```text
//! image.json    {"format":1,"role":"web","root_sha256":…,"commit":…,"published":…,"parts":{"root.erofs":{"sha256":…,"size":…,"media":…,
//!                 "packed":{"sha256":…,"size":…}}, "vmlinuz":…, "tree.txt":…, "debug/7c1e….debug":…}}
//! history.json  {"format":1,"line":"edge","role":"web","held":null,"entries":[{"sha256":…,"size":…,"root_sha256":…,"when":…,"what":"published"}]}
//! ```
//! Both are targets of The Update Framework: read after their bytes were proven, and still not believed to be well-formed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::error::{Result, wrong};

pub const IMAGE_MAX_BYTES: u64 = 1 << 20;
pub const HISTORY_MAX_BYTES: u64 = 8 << 20;
/// A root of a machine is tens of megabytes; more than this is no image of ours.
const PART_MAX_BYTES: u64 = 8 << 30;
const FORMAT: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Image {
    pub format: u32,
    pub role: String,
    /// Of `root.erofs`: with the kernel's, what the image is.
    pub root_sha256: String,
    pub kernel_sha256: String,
    /// The tap's, where it stood clean at one.
    pub commit: Option<String>,
    pub published: String,
    /// By name; `debug/…` by build-id.
    pub parts: BTreeMap<String, Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub sha256: String,
    pub size: u64,
    pub media: String,
    /// The form that is kept, where it is not the bytes themselves: zstd.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub packed: Option<Packed>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packed {
    pub sha256: String,
    pub size: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    pub format: u32,
    pub line: String,
    pub role: String,
    /// Why nothing is published or promoted here.
    pub held: Option<String>,
    /// The newest last.
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Of the image's document.
    pub sha256: String,
    pub size: u64,
    pub root_sha256: String,
    pub kernel_sha256: String,
    pub commit: Option<String>,
    pub when: String,
    /// `published`, `promoted from edge`, `rolled back`.
    pub what: String,
}

impl Image {
    pub fn read(place: &str, bytes: &[u8]) -> Result<Image> {
        let image: Image = serde_json::from_slice(bytes).map_err(|error| wrong(place, error.to_string()))?;
        let ok = image.format == FORMAT
            && trust::is_role_name(&image.role)
            && image.parts.iter().all(|(name, part)| trust::is_target_path(name) && part.is_sound())
            && image.parts.get("root.erofs").is_some_and(|part| part.sha256 == image.root_sha256)
            && image.parts.get("vmlinuz").is_some_and(|part| part.sha256 == image.kernel_sha256);
        if ok { Ok(image) } else { Err(wrong(place, "is no image of format 1")) }
    }

    pub fn is(&self, root_sha256: &str, kernel_sha256: &str) -> bool {
        self.root_sha256 == root_sha256 && self.kernel_sha256 == kernel_sha256
    }
}

impl Part {
    /// Of the bytes that the channel holds.
    pub fn blob(&self) -> (&str, u64) {
        self.packed.as_ref().map_or((&self.sha256, self.size), |packed| (&packed.sha256, packed.size))
    }

    pub fn path(&self) -> String {
        blob_path(self.blob().0)
    }

    fn is_sound(&self) -> bool {
        let (sha256, size) = self.blob();
        is_sha256(&self.sha256) && is_sha256(sha256) && self.size.max(size) <= PART_MAX_BYTES
    }
}

impl History {
    pub fn new(line: &str, role: &str) -> History {
        History { format: FORMAT, line: line.into(), role: role.into(), ..History::default() }
    }

    pub fn read(place: &str, bytes: &[u8]) -> Result<History> {
        let history: History =
            serde_json::from_slice(bytes).map_err(|error| wrong(place, error.to_string()))?;
        let ok = history.format == FORMAT && history.entries.iter().all(|entry| is_sha256(&entry.sha256));
        if ok { Ok(history) } else { Err(wrong(place, "is no history of format 1")) }
    }

    pub fn newest(&self) -> Option<&Entry> {
        self.entries.last()
    }
}

impl Entry {
    pub fn is(&self, root_sha256: &str, kernel_sha256: &str) -> bool {
        self.root_sha256 == root_sha256 && self.kernel_sha256 == kernel_sha256
    }

    pub fn when_s(&self) -> u64 {
        trust::read_time(&self.when).unwrap_or(0)
    }
}

pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
}

pub fn blob_path(sha256: &str) -> String {
    format!("blobs/{}/{sha256}", sha256.get(..2).unwrap_or("00"))
}

/// The path by which metadata know a document.
pub fn target(line: &str, role: &str, name: &str) -> String {
    format!("{line}/{role}/{name}.json")
}

/// Where it lies: consistent snapshots put the digest before the name.
pub fn document_path(line: &str, role: &str, name: &str, sha256: &str) -> String {
    format!("targets/{line}/{role}/{sha256}.{name}.json")
}
