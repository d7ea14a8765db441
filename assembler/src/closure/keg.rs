//! A keg as the closure sees it: a tree at its place, what it links, and what its files cannot say themselves.

use std::collections::BTreeMap;

/// `tree` is flat: files, links and folders, no grafted trees. `link` names other kegs, each by name and slot.
#[derive(Debug, Clone, Default)]
pub struct Keg {
    pub name: String,
    pub slot: String,
    pub version: String,
    pub tree: kegs::Tree,
    pub runtime: Runtime,
    pub link: Vec<(String, String)>,
}

/// A recipe's `[runtime]`: what no ELF file and no script shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runtime {
    /// Globs inside the keg, or of the image where they begin with `/`; one that names a folder takes all that is in it.
    pub files: Vec<String>,
    /// Texts that name files of kegs by their whole path, as globs; they are reached, and what they name.
    pub config: Vec<String>,
    /// Names of libraries that are opened by name.
    pub dlopen: Vec<String>,
    /// Programs that are started by name.
    pub run: Vec<String>,
    /// Only when a role asks for it, as `keg/name`.
    pub set: BTreeMap<String, Runtime>,
    /// Only with this file of the keg (`bin/git`).
    pub from: BTreeMap<String, Runtime>,
    /// Where programs look for a path of the keg: `/usr/share/zoneinfo` to `share/zoneinfo`.
    pub at: BTreeMap<String, String>,
}

impl Keg {
    /// `kegs/nginx/0`: where the keg stands in every image.
    pub fn place(&self) -> String {
        format!("kegs/{}/{}", self.name, self.slot)
    }

    /// As a person names it: `nginx`, or `openssl@3` where the slot is not `0`.
    pub fn called(&self) -> String {
        match self.slot.as_str() {
            "0" => self.name.clone(),
            slot => format!("{}@{slot}", self.name),
        }
    }

    /// Whether a person who wrote `name` or `name@slot` means this keg.
    pub fn is_called(&self, text: &str) -> bool {
        let (name, slot) = text.split_once('@').map_or((text, None), |(name, slot)| (name, Some(slot)));
        name == self.name && slot.is_none_or(|slot| slot == self.slot)
    }
}
