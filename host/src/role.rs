//! The role as the agent needs it: services, configuration files, the environment's schema.
//!
//! Reads `/etc/rootbrew/role.toml`, which the assembler has checked whole; keys that are not ours are passed over.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::service::CORE_BYTES;
pub use crate::service::{Network, NoFilter, Ready, Reload, Restart, Seccomp, Service, Share};

#[derive(Debug, Clone, Default, Deserialize)]
pub struct Role {
    #[serde(default)]
    pub service: BTreeMap<String, Service>,
    /// By the path that is written.
    #[serde(default)]
    pub config: BTreeMap<String, Config>,
    #[serde(default)]
    pub env: BTreeMap<String, Variable>,
    /// ed25519, 32 bytes as base64: what comes from outside must be signed by it.
    pub environment_key: Option<String>,
    /// The kernel's knobs: `net.core.somaxconn`.
    #[serde(default)]
    pub sysctl: BTreeMap<String, toml::Value>,
    /// Without it, `/data` is memory.
    pub data: Option<Data>,
    /// Whether a debug volume is taken, and a shell of it opened, without the kernel command line's word.
    #[serde(default)]
    pub debug: bool,
    /// Whether core files are kept.
    #[serde(default = "yes")]
    pub cores: bool,
}

fn yes() -> bool {
    true
}

/// What lasts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct Data {
    /// Folders of the data partition, below `/data`.
    #[serde(default)]
    pub paths: Vec<String>,
    #[serde(default)]
    pub lost: Lost,
    /// How long a check may take.
    #[serde(default = "default_check_s")]
    pub check_s: u64,
}

/// What becomes of a machine whose data partition cannot be repaired.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Lost {
    /// It serves with `/data` in memory; the partition is left as it is.
    #[default]
    Memory,
    /// The partition is made anew.
    Fresh,
    /// It does not start its services.
    Stop,
}

/// A journal is read again in a second; a check of a terabyte takes minutes.
fn default_check_s() -> u64 {
    300
}

/// One rendered file.
#[derive(Debug, Clone, Deserialize)]
pub struct Config {
    /// A name under `/etc/rootbrew/templates/`.
    pub template: String,
    /// Octal.
    #[serde(default = "default_mode")]
    pub mode: String,
    #[serde(default = "default_owner")]
    pub owner: String,
    /// Written only when absent: what the operator put there stays.
    #[serde(default)]
    pub keep: bool,
    /// The services that read it. None named: those whose words name its path; where none does, all.
    #[serde(default)]
    pub services: Vec<String>,
}

fn default_mode() -> String {
    "0644".into()
}

fn default_owner() -> String {
    "root".into()
}

/// One name of the environment.
#[derive(Debug, Clone, Deserialize)]
pub struct Variable {
    #[serde(rename = "type")]
    pub kind: Kind,
    #[serde(default)]
    pub required: bool,
    /// Never printed; refused on the kernel's command line, which every process can read.
    #[serde(default)]
    pub secret: bool,
    /// Strings may hold the words `{host}` `{role}` `{stage}` `{number}`.
    pub default: Option<toml::Value>,
    /// A regular expression that a whole text matches, each of a list.
    pub pattern: Option<String>,
    /// Lowest and highest, both allowed.
    pub range: Option<[i64; 2]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// One line.
    String,
    /// Any number of lines.
    Text,
    Integer,
    Boolean,
    /// Strings.
    List,
}

pub fn parse(text: &str) -> Result<Role> {
    let role: Role = toml::from_str(text).map_err(|fault| Error::input(format!("role.toml: {fault}")))?;
    let mut faults = Vec::new();
    for (name, service) in &role.service {
        if service.run.is_empty() {
            faults.push(format!("role.toml: service.{name}.run is empty"));
        }
        let unknown = service.after.iter().filter(|other| !role.service.contains_key(*other));
        faults.extend(unknown.map(|other| format!("role.toml: service.{name}.after: no service `{other}`")));
    }
    if faults.is_empty() { Ok(role.settled()) } else { Err(Error::Input(faults)) }
}

impl Role {
    /// What services say nothing of, and the role does.
    fn settled(mut self) -> Role {
        let core = if self.cores { CORE_BYTES } else { 0 };
        self.service.values_mut().for_each(|service| _ = service.core.get_or_insert(core));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_ours_is_passed_over() {
        let role =
            parse("summary = \"x\"\nkegs = [\"nginx\"]\n[limits]\nports = [80]\n[[check]]\nrun = [\"curl\"]");
        assert!(role.unwrap().service.is_empty());
    }

    #[test]
    fn all_faults_at_once() {
        let faults = parse("[service.a]\nuser = \"u\"\nrun = []\nafter = [\"b\"]").unwrap_err().to_string();
        assert_eq!(faults, "role.toml: service.a.run is empty; role.toml: service.a.after: no service `b`");
    }
}
