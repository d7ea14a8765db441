//! What is wanted, where it may be, and what is told on the way. Plain data.

use std::path::PathBuf;
use std::time::Duration;

use super::{Patience, Registry};

/// One file to bring into the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    /// For messages, and the name that a `--sources` folder has it under when no URL names one.
    pub name: String,
    pub sha256: [u8; 32],
    /// Where known, a place that offers another size is passed over at once.
    pub size_bytes: Option<u64>,
    /// The same bytes each; asked in this order.
    pub urls: Vec<String>,
    pub krate: Option<Crate>,
    pub debian: Option<Debian>,
    pub pool: Option<Pool>,
}

/// A crate as cargo's registry names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Crate {
    pub name: String,
    pub version: String,
}

/// A source in Debian's archive: `name=version`, of which only the upstream archive is taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debian {
    pub name: String,
    pub version: String,
    /// `bookworm`, `sid`, …; none: the likely ones are asked.
    pub suite: Option<String>,
    /// The file's name where a source has several archives; none: the digest tells them apart.
    pub file: Option<String>,
}

/// A binary of Debian's archive, by its path there: needs no package lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pool {
    pub suite: String,
    /// `pool/main/m/make-dfsg/make_4.3-4.1_amd64.deb`
    pub path: String,
}

/// Where to look, and how patiently.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// `--sources DIR`, each asked for the file's name and for its sha256.
    pub folders: Vec<PathBuf>,
    pub mirrors: Vec<Mirror>,
    /// Our own apt state (lists, locks), made when needed; none: Debian's archive is not asked.
    pub apt: Option<PathBuf>,
    /// None: cargo's registry is not asked.
    pub registry: Option<Registry>,
    pub network: Network,
    pub patience: Patience,
}

/// A URL that begins with `prefix` is also at `replacement` + the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    pub prefix: String,
    pub replacement: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Network {
    #[default]
    Allowed,
    /// `--offline`: only the store and folders.
    Offline,
}

/// Something happened to one wanted file.
#[derive(Debug, Clone, Copy)]
pub struct Event<'a> {
    pub wanted: &'a Wanted,
    pub step: Step<'a>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// A place is asked.
    Asking {
        place: &'a str,
    },
    /// Bytes so far, of how many (where anyone said). At most ten a second.
    Progress {
        bytes: u64,
        size_bytes: Option<u64>,
    },
    /// The place failed in a way that may pass.
    Retrying {
        place: &'a str,
        reason: &'a str,
        pause: Duration,
    },
    Done {
        bytes: u64,
    },
    Failed,
}

impl Mirror {
    pub fn apply(&self, url: &str) -> Option<String> {
        url.strip_prefix(&self.prefix).map(|rest| format!("{}{rest}", self.replacement))
    }
}

impl Wanted {
    /// The names that a folder may hold it under, likeliest first.
    pub fn file_names(&self) -> Vec<String> {
        let of_urls = self.urls.iter().filter_map(|url| url.split(['?', '#']).next()?.rsplit('/').next());
        let of_crate = self.krate.iter().map(|krate| format!("{}-{}.crate", krate.name, krate.version));
        let of_crate: Vec<String> = of_crate.collect();
        let of_debian = self.debian.iter().filter_map(|debian| debian.file.as_deref());
        let of_pool = self.pool.iter().filter_map(|pool| pool.path.rsplit('/').next());
        let hash = hex::encode(self.sha256);
        let mut names: Vec<String> = Vec::new();
        for name in of_crate
            .iter()
            .map(String::as_str)
            .chain(of_urls)
            .chain(of_debian)
            .chain(of_pool)
            .chain([self.name.as_str(), hash.as_str()])
        {
            let plain = !name.is_empty() && !name.contains(['/', '\0']) && name != "." && name != "..";
            if plain && !names.iter().any(|known| known == name) {
                names.push(name.to_string());
            }
        }
        names
    }
}
