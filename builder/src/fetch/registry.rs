//! Cargo's registry as a place for crates.
//!
//! Cargo says where; we fetch that one file ourselves, and our digest decides. A crate that the machine's cargo has
//! already is taken from its cache.
//!
//! Asked once a run: a manifest that wants one crate, in a folder and a `CARGO_HOME` of our own, leaves the registry's
//! `config.json` there, whose `dl` is the form of every crate's URL (the Cargo book, "Registry Index").
//! Cargo's own folders are only read. A registry that wants credentials is no place for us.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

use kegs::Digest;
use serde::Deserialize;

use super::download::{self, Job, Stop};
use super::error::{Attempt, Miss};
use super::folder;
use super::partial::Partial;
use super::wanted::{Crate, Network, Step};

/// The machine's cargo, and what it said.
#[derive(Debug, Clone)]
pub struct Registry {
    /// A folder of ours, made when needed.
    state: PathBuf,
    /// Shared by all copies: one question a run.
    said: Arc<Mutex<Option<Result<String, String>>>>,
}

#[derive(Debug, thiserror::Error)]
enum RegistryError {
    #[error("cannot run `cargo`: {0}; the registry of crates is a place only where cargo is installed")]
    Missing(io::Error),
    #[error("cannot ask cargo in {}: {source}", .path.display())]
    State { path: PathBuf, source: io::Error },
    #[error("cargo names no registry that can be asked for one file: {0}")]
    NoRegistry(String),
}

/// `config.json` of a registry's index.
#[derive(Deserialize)]
struct Config {
    dl: String,
    #[serde(default, rename = "auth-required")]
    auth_required: bool,
}

pub fn search(job: &Job, partial: &mut Partial, tried: &mut Vec<Attempt>) -> Result<Digest, Stop> {
    let (Some(krate), Some(registry)) = (&job.wanted.krate, &job.places.registry) else {
        return Err(Stop::Missed);
    };
    for cache in caches() {
        // That a cache does not have it, or has other bytes, is no news: the registry is asked next.
        if let Ok(digest) = folder::look(job, partial, &cache)? {
            return Ok(digest);
        }
    }
    let place = format!("crate {} {}", krate.name, krate.version);
    let missed = |miss| Attempt { place: place.clone(), miss, tries: 1 };
    if job.places.network == Network::Offline {
        tried.push(missed(Miss::Offline));
        return Err(Stop::Missed);
    }
    job.tell(Step::Asking { place: &place });
    match registry.form(krate) {
        Ok(form) => download::from(job, job.client, &[url(&form, krate, &job.wanted.sha256)], partial, tried),
        Err(said) => {
            tried.push(missed(Miss::Cargo(said)));
            Err(Stop::Missed)
        }
    }
}

impl Registry {
    pub fn new(state: &Path) -> Registry {
        Registry { state: state.to_path_buf(), said: Arc::default() }
    }

    /// The form of a crate's URL; `krate` is what the first asker wants.
    fn form(&self, krate: &Crate) -> Result<String, String> {
        let mut said = self.said.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        said.get_or_insert_with(|| ask(&self.state, krate).map_err(|error| error.to_string())).clone()
    }
}

fn ask(state: &Path, krate: &Crate) -> Result<String, RegistryError> {
    let at = |source| RegistryError::State { path: state.to_path_buf(), source };
    fs::create_dir_all(state).map_err(at)?;
    let folder = tempfile::tempdir_in(state).map_err(at)?;
    let home = folder.path().join("home");
    fs::create_dir_all(folder.path().join("src")).map_err(at)?;
    fs::write(folder.path().join("src/lib.rs"), "").map_err(at)?;
    fs::write(folder.path().join("Cargo.toml"), manifest(krate)).map_err(at)?;
    let mut command = Command::new("cargo");
    command.arg("generate-lockfile").current_dir(folder.path()).env("CARGO_HOME", &home).stdin(Stdio::null());
    if let Some(config) = config() {
        command.arg("--config").arg(config);
    }
    let output = command.output().map_err(RegistryError::Missing)?;
    // Not its exit status: a crate that was yanked can't be asked for, and the registry was named all the same.
    let said = String::from_utf8_lossy(&output.stderr).trim().replace('\n', "; ");
    dl(&home)?.ok_or(RegistryError::NoRegistry(said))
}

/// A package that wants one crate.
fn manifest(krate: &Crate) -> String {
    format!(
        "[package]\nname = \"asked\"\nversion = \"0.0.0\"\nedition = \"2021\"\n[workspace]\n[dependencies.a]\n\
         package = \"{}\"\nversion = \"={}\"\ndefault-features = false\n",
        krate.name,
        krate.version.split('+').next().unwrap_or_default(),
    )
}

/// What the index that cargo asked says.
fn dl(home: &Path) -> Result<Option<String>, RegistryError> {
    let indexes = fs::read_dir(home.join("registry/index")).into_iter().flatten().flatten();
    for index in indexes {
        let Ok(bytes) = fs::read(index.path().join("config.json")) else { continue };
        let refuse = |why: String| RegistryError::NoRegistry(why);
        let config: Config = serde_json::from_slice(&bytes).map_err(|error| refuse(error.to_string()))?;
        if config.auth_required {
            return Err(refuse("it wants credentials".to_string()));
        }
        if !config.dl.starts_with("https://") && !config.dl.starts_with("http://") {
            return Err(refuse(format!("`{}` is no URL", config.dl)));
        }
        return Ok(Some(config.dl));
    }
    Ok(None)
}

/// The form with the crate's words in it; a form without any gets the usual ending.
fn url(form: &str, krate: &Crate, sha256: &[u8; 32]) -> String {
    // `+` in a path is a plus, but not to every server.
    let version = krate.version.replace('+', "%2B");
    let words = [
        ("{crate}", krate.name.clone()),
        ("{version}", version.clone()),
        ("{prefix}", prefix(&krate.name)),
        ("{lowerprefix}", prefix(&krate.name.to_lowercase())),
        ("{sha256-checksum}", hex::encode(sha256)),
    ];
    if !words.iter().any(|(word, _)| form.contains(word)) {
        return format!("{form}/{}/{version}/download", krate.name);
    }
    words.iter().fold(form.to_string(), |form, (word, value)| form.replace(word, value))
}

/// The folders of the index: `1`, `2`, `3/c`, `ca/rg`.
fn prefix(name: &str) -> String {
    match name.len() {
        1 | 2 => name.len().to_string(),
        3 => format!("3/{}", &name[..1]),
        _ => format!("{}/{}", &name[..2], &name[2..4]),
    }
}

/// Of this machine's user.
fn home() -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("CARGO_HOME").or_else(|| absolute("HOME").map(|home| home.join(".cargo")))
}

/// Where a person says that there is a mirror; both names are cargo's.
fn config() -> Option<PathBuf> {
    let home = home()?;
    ["config.toml", "config"].iter().map(|name| home.join(name)).find(|path| path.is_file())
}

fn caches() -> Vec<PathBuf> {
    let caches = home().and_then(|home| fs::read_dir(home.join("registry/cache")).ok());
    let mut caches: Vec<PathBuf> = caches.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    caches.sort();
    caches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: &str, name: &str, expected: &str) {
        let krate = Crate { name: name.into(), version: "1.2.3+spec".into() };
        assert_eq!(url(form, &krate, &[0xab; 32]), expected);
    }

    #[test]
    fn a_form_becomes_a_crates_url() {
        check("https://x.example/crates", "serde", "https://x.example/crates/serde/1.2.3%2Bspec/download");
        check("https://x.example/{crate}-{version}.crate", "a", "https://x.example/a-1.2.3%2Bspec.crate");
        check("https://x.example/{prefix}/{crate}", "Cargo", "https://x.example/Ca/rg/Cargo");
        check("https://x.example/{lowerprefix}/{crate}", "Abc", "https://x.example/3/a/Abc");
        check("https://x.example/{sha256-checksum}", "ab", &format!("https://x.example/{}", "ab".repeat(32)));
    }

    fn said(config: &str) -> String {
        let home = tempfile::tempdir().unwrap();
        let index = home.path().join("registry/index/x");
        fs::create_dir_all(&index).unwrap();
        fs::write(index.join("config.json"), config).unwrap();
        dl(home.path()).map_or_else(|error| error.to_string(), |form| form.unwrap_or_default())
    }

    #[test]
    fn an_index_says_where_crates_are() {
        assert_eq!(said(r#"{"dl": "https://x.example/dl", "api": null}"#), "https://x.example/dl");
        let refused = "cargo names no registry that can be asked for one file: ";
        assert_eq!(said(r#"{"dl": "file:///etc"}"#), format!("{refused}`file:///etc` is no URL"));
        let secret = r#"{"dl": "https://x.example", "auth-required": true}"#;
        assert_eq!(said(secret), format!("{refused}it wants credentials"));
        assert!(said("nonsense").starts_with(refused));
    }
}
