//! A role: `roles/<name>.toml` and the templates in `roles/<name>/`, text to types.
//!
//! Says what one machine is: which kegs, services, configuration, limits, and what proves it. Every fault of a text comes
//! at once, at its place. It knows no recipe: whether a keg, a slot or an option exists is asked by whoever has the
//! recipes too. The agent reads the same text in the image, so what is right here is right there.

mod config;
mod confined;
mod facts;
mod host;
pub mod limits;
mod service;
#[cfg(test)]
mod tests;
mod trial;
mod user;
mod variable;
mod virtuals;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use kegs::fault::{Faults, Text};
use kegs::reader::{self, Named, Place, Read, Scalar, Table, Written};

pub use config::Config;
pub use confined::Confined;
pub use facts::Check;
pub use host::{Data, Lost};
pub use limits::Limits;
pub use service::{Ready, Reload, Restart, Service};
pub use trial::{Shape, Trial};
pub use user::User;
pub use variable::{Kind, Value, Variable};
pub use virtuals::Virtuals;

#[derive(Debug, Clone)]
pub struct Role {
    pub name: String,
    pub summary: String,
    /// At least one.
    pub kegs: Vec<Written<Asked>>,
    pub kernel: Option<Written<Asked>>,
    pub linkage: Option<Written<Linkage>>,
    /// Recipe to option to what it is set to (`true`, `false` or one of its values).
    pub options: Named<Named<Scalar>>,
    pub virtuals: Virtuals,
    pub services: Named<Service>,
    /// Users that have a shell or a home, by name.
    pub logins: Named<User>,
    /// By path in the machine, `/run/etc/nginx/nginx.conf`.
    pub configs: Named<Config>,
    /// The environment's schema.
    pub env: Named<Variable>,
    /// ed25519, in base64: who signs what comes to the environment from outside.
    pub environment_key: Option<Written<String>>,
    /// `None`: `/data` is memory.
    pub data: Option<Data>,
    /// The kernel's knobs, by their names in sysctl(8).
    pub sysctl: Named<Scalar>,
    /// A debug volume is taken, and a shell of it opened, whatever the kernel command line says.
    pub debug: bool,
    /// Core files are kept.
    pub cores: bool,
    pub limits: Limits,
    pub checks: Vec<Check>,
    pub trial: Trial,
    /// Sets of a recipe's `[runtime]`: `openssl/legacy`.
    pub runtime: Vec<Written<String>>,
    /// Globs with their place in the image: `/kegs/openssl/3/etc/ssl/cert.pem`.
    pub files: Vec<Written<String>>,
    /// A path that two kegs have, to the one that is meant.
    pub prefer: BTreeMap<String, String>,
    /// `roles/<name>`, where the templates are.
    pub folder: PathBuf,
    /// Verbatim what the agent gets.
    pub text: Text,
}

/// `name[@slot]`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub name: String,
    pub slot: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Linkage {
    Static,
    Shared,
}

/// One role of a tap.
///
/// # Errors
/// Every fault of its text; also that there is no such role, with the nearest.
pub fn load(tap: &Path, name: &str) -> Result<Role, Faults> {
    let mut faults = Faults::default();
    let known = names(tap).unwrap_or_default();
    if !known.iter().any(|known| known == name) {
        let fault = Text::new("roles", "").fault(0..0, format!("no role `{name}`"));
        faults.push(fault.help(reader::meant(name, known.iter().map(String::as_str).collect::<Vec<_>>())));
        return Err(faults);
    }
    let role = one(tap, name, &mut faults);
    role.ok_or_else(|| faults.or(()).err().unwrap_or_default())
}

/// Every role of a tap, by name.
///
/// # Errors
/// All faults of all files.
pub fn load_all(tap: &Path) -> Result<BTreeMap<String, Role>, Faults> {
    let mut faults = Faults::default();
    let names = names(tap).unwrap_or_else(|error| {
        let message = format!("cannot read {}: {error}", tap.join("roles").display());
        faults.push(Text::new("roles", "").fault(0..0, message).help("a tap has `roles/<name>.toml`"));
        Vec::new()
    });
    let roles = names.iter().filter_map(|name| one(tap, name, &mut faults));
    let roles = roles.map(|role| (role.name.clone(), role)).collect();
    faults.or(roles)
}

/// The roles of a tap, sorted: `roles/*.toml`.
pub fn names(tap: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(tap.join("roles"))? {
        let file = entry?.file_name().to_string_lossy().into_owned();
        names.extend(file.strip_suffix(".toml").filter(|name| !name.starts_with('.')).map(str::to_string));
    }
    names.sort();
    Ok(names)
}

fn one(tap: &Path, name: &str, faults: &mut Faults) -> Option<Role> {
    let path = Path::new("roles").join(format!("{name}.toml"));
    match std::fs::read(tap.join(&path)) {
        Ok(bytes) => Role::parse(name, &tap.join("roles").join(name), &path, &bytes, faults),
        Err(error) => {
            faults.push(Text::new(&path, "").fault(0..0, format!("cannot read it: {error}")));
            None
        }
    }
}

impl Role {
    /// Parses `bytes`; templates are in `folder`; `path` is what faults call the file. `None` when any fault was pushed.
    pub fn parse(name: &str, folder: &Path, path: &Path, bytes: &[u8], faults: &mut Faults) -> Option<Role> {
        let before = faults.0.len();
        let role = reader::parse(path, bytes, faults, |text, table| {
            let mut role = take(name, folder, text, table);
            service::check(&role, table);
            host::check(&role, table);
            host::fill(&mut role);
            trial::check(&role, table);
            config::fill(&mut role, table.faults);
            role
        })?;
        (faults.0.len() == before).then_some(role)
    }

    /// Users that services run as or somebody logs in as, sorted, each once; not root.
    pub fn users(&self) -> Vec<&str> {
        let of_services = self.services.values().map(|service| service.user.as_str());
        let mut users: Vec<_> = of_services.chain(self.logins.keys().map(String::as_str)).collect();
        users.sort();
        users.dedup();
        users.retain(|user| *user != "root");
        users
    }

    /// Programs that the role runs, each with what for: `service nginx`, `check of nginx`.
    pub fn programs(&self) -> Vec<(String, String)> {
        let mut programs = Vec::new();
        for (name, service) in self.services.iter() {
            let mut add =
                |argv: &[String], by: String| programs.extend(argv.first().map(|run| (run.clone(), by)));
            add(&service.run, format!("service {name}"));
            add(&service.check, format!("check of {name}"));
            if let Some(Reload::Command(argv)) = &service.reload {
                add(argv, format!("reload of {name}"));
            }
            if let Ready::Exec(argv) = &service.ready {
                add(argv, format!("readiness of {name}"));
            }
        }
        let shell =
            |(name, user): (&String, &Written<User>)| Some((user.shell.clone()?, format!("shell of {name}")));
        programs.extend(self.logins.iter().filter_map(shell));
        let of_data = host::PROGRAMS.iter().filter(|_| self.data.is_some());
        programs.extend(of_data.map(|program| (program.to_string(), "the data partition".to_string())));
        programs
    }
}

fn take(name: &str, folder: &Path, text: Text, table: &mut Table) -> Role {
    let role = Role {
        name: name.to_string(),
        summary: facts::summary(table),
        kegs: kegs(table),
        kernel: table.take("kernel"),
        linkage: table.take("linkage"),
        options: table.or_default("options"),
        virtuals: table.or_default("virtual"),
        services: table.or_default("service"),
        logins: table.or_default("user"),
        configs: table.or_default("config"),
        env: variable::take(table),
        environment_key: host::environment_key(table),
        data: table.take("data"),
        sysctl: host::sysctl(table),
        debug: table.take("debug").unwrap_or(false),
        cores: table.take("cores").unwrap_or(true),
        limits: table.or_default("limits"),
        checks: table.or_default("check"),
        trial: table.or_default("trial"),
        runtime: facts::runtime(table),
        files: facts::files(table),
        prefer: facts::prefer(table),
        folder: folder.to_path_buf(),
        text,
    };
    table.close("in a role");
    role
}

fn kegs(table: &mut Table) -> Vec<Written<Asked>> {
    let kegs: Vec<Written<Asked>> = table.need("kegs", "as `kegs = [\"nginx\"]`").unwrap_or_default();
    let mut known = BTreeSet::new();
    for keg in &kegs {
        if !known.insert(&keg.value) {
            table.fault(keg.span.clone(), format!("`{}` stands here twice", keg.name), "leave one out");
        }
    }
    kegs
}

impl Read for Asked {
    fn read(at: &Place, faults: &mut Faults) -> Option<Asked> {
        let text = at.string("a keg's name", faults)?;
        let (name, slot) = text.split_once('@').map_or((text, None), |(name, slot)| (name, Some(slot)));
        if is_name(name) && slot.is_none_or(is_name) {
            return Some(Asked { name: name.to_string(), slot: slot.map(str::to_string) });
        }
        at.fail(
            format!("`{text}` names no keg"),
            "as \"nginx\", or with a slot \"openssl@3\"; options stand in `[options.…]`",
            faults,
        )
    }
}

/// Of a keg, a slot, a service: lower-case letters, digits and `. _ + -`, a letter or digit first.
fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._+-".contains(c);
    text.len() <= 64
        && text.chars().all(inner)
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// What keeps `path` from being an absolute path without detours.
fn path_fault(path: &str) -> Option<&'static str> {
    let mut parts = path.split('/').skip(1);
    match path {
        _ if !path.starts_with('/') => Some("it begins with `/`"),
        _ if parts.clone().any(|part| part == "..") => Some("a path may not hold `..`"),
        _ if parts.any(|part| part.is_empty() || part == ".") => {
            Some("write it without `.`, `//` and a trailing `/`")
        }
        _ => None,
    }
}

impl Read for Linkage {
    fn read(at: &Place, faults: &mut Faults) -> Option<Linkage> {
        at.word("linkage", &[("static", Linkage::Static), ("shared", Linkage::Shared)], faults)
    }
}
