//! What a container of a role is: which service, as whom, with which files.

use std::collections::BTreeMap;

use serde::Serialize;

use super::render::{self, Rendered};
use crate::role::{Ready, Role, Service};
use crate::tree::{ImageTree, Kind, Node, Reason, Refused};
use crate::user;

/// One service of a role, in an engine's words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Container {
    pub role: String,
    pub service: String,
    /// `uid:gid`, as engines and orchestrators check numbers and not names.
    pub user: String,
    pub entrypoint: Vec<String>,
    pub environment: Vec<String>,
    /// `443/tcp`: a role does not say which of its ports speak UDP.
    pub ports: Vec<String>,
    pub labels: BTreeMap<String, String>,
    /// `SIGQUIT`
    pub stop_signal: String,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ContainerError {
    #[error("role `{role}` has no service: a container runs one")]
    NoService { role: String },
    #[error(
        "role `{role}` has {}, and a container runs one: say which, by --service {}",
        services.join(" and "), services.first().map_or("", String::as_str)
    )]
    Several { role: String, services: Vec<String> },
    #[error("role `{role}` has no service `{asked}`: it has {}", services.join(" and "))]
    Unknown { role: String, asked: String, services: Vec<String> },
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// The agent's, and what an engine puts there itself.
const LEFT_OUT: [&str; 3] = ["sbin/init", "etc/rootbrew", "etc/resolv.conf"];

/// The container of a service (of the only one, unless it is named) and its tree. `version` is of what it is about.
///
/// # Errors
/// A service that is not there, or that must be named; two things at one path.
pub fn container(
    role: &Role,
    service: Option<&str>,
    version: &str,
    tree: &ImageTree,
) -> Result<(Container, ImageTree, Rendered), ContainerError> {
    let (name, service) = chosen(role, service)?;
    let rendered = render::render(role);
    let mut inside = kept(tree)?;
    for path in &service.writes {
        folders(&mut inside, path, service)?;
    }
    for (path, node) in &rendered.files {
        inside.insert(path.trim_start_matches('/'), node.clone())?;
    }
    let container = Container {
        role: role.name.clone(),
        service: name.to_string(),
        user: format!("{0}:{0}", id(&service.user)),
        entrypoint: entrypoint(service, tree),
        environment: vec!["PATH=/bin".into()],
        ports: ports(role, service),
        labels: labels(role, name, version, &rendered),
        stop_signal: format!("SIG{}", service.stop),
    };
    Ok((container, inside, rendered))
}

fn chosen<'r>(role: &'r Role, asked: Option<&str>) -> Result<(&'r str, &'r Service), ContainerError> {
    let services: Vec<String> = role.services.keys().map(|name| format!("`{name}`")).collect();
    let mut all = role.services.iter();
    let found = match (asked, services.len()) {
        (Some(asked), _) => all.find(|(name, _)| *name == asked).ok_or_else(|| ContainerError::Unknown {
            role: role.name.clone(),
            asked: asked.to_string(),
            services,
        }),
        (None, 0 | 1) => all.next().ok_or_else(|| ContainerError::NoService { role: role.name.clone() }),
        (None, _) => Err(ContainerError::Several {
            role: role.name.clone(),
            services: role.services.keys().cloned().collect(),
        }),
    };
    found.map(|(name, service)| (name.as_str(), &service.value))
}

fn kept(tree: &ImageTree) -> Result<ImageTree, Refused> {
    let left_out = |path: &str| {
        LEFT_OUT
            .iter()
            .any(|left| path.strip_prefix(left).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
    };
    // Made to hold PID 1 alone, it would be left empty.
    let empty = |path: &str| {
        path == "sbin" && !tree.iter().any(|(path, _)| path.starts_with("sbin/") && !left_out(path))
    };
    let mut kept = ImageTree::default();
    for (path, node) in tree.iter().filter(|(path, _)| !left_out(path) && !empty(path)) {
        kept.replace(path, node.clone())?;
    }
    Ok(kept)
}

/// The folder, its user's; those above it stay root's.
fn folders(tree: &mut ImageTree, path: &str, service: &Service) -> Result<(), Refused> {
    let id = id(&service.user);
    let why = Reason::role("the service writes there");
    tree.replace(path.trim_start_matches('/'), Node { uid: id, gid: id, ..Node::folder(0o755, why) })
}

pub(super) fn id(name: &str) -> u32 {
    if name == "root" { 0 } else { user::uid(name) }
}

/// The program by its path, so that no `PATH` of who starts it is asked.
fn entrypoint(service: &Service, tree: &ImageTree) -> Vec<String> {
    let mut run = service.run.clone();
    if let Some(program) = run.first_mut() {
        let place = format!("/bin/{program}");
        if tree.get(&place).is_some_and(|node| !matches!(node.kind, Kind::Folder)) {
            *program = place;
        }
    }
    run
}

fn ports(role: &Role, service: &Service) -> Vec<String> {
    let mut ports: Vec<u16> = match &role.limits.ports {
        // The limit is of all services together.
        Some(ports) if role.services.len() == 1 => ports.value.clone(),
        _ => Vec::new(),
    };
    ports.extend(match service.ready {
        Ready::Tcp(port) => Some(port),
        _ => None,
    });
    ports.sort_unstable();
    ports.dedup();
    ports.iter().map(|port| format!("{port}/tcp")).collect()
}

fn labels(role: &Role, service: &str, version: &str, rendered: &Rendered) -> BTreeMap<String, String> {
    let mounts: Vec<&str> = rendered.mounts.iter().map(|mount| mount.path.as_str()).collect();
    let labels = [
        ("org.opencontainers.image.title", role.name.as_str()),
        ("org.opencontainers.image.description", &role.summary),
        ("org.opencontainers.image.version", version),
        ("org.rootbrew.service", service),
        ("org.rootbrew.mounts", &mounts.join(" ")),
    ];
    let said = labels.into_iter().filter(|(_, value)| !value.is_empty());
    said.map(|(name, value)| (name.to_string(), value.to_string())).collect()
}
