//! A change: what another environment does to a host that runs. Which files, and which services reload, restart or stay.

use std::collections::{BTreeMap, BTreeSet};

use crate::render::Files;
use crate::role::Role;

/// What a service has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Does {
    Stay,
    /// It reads its files again, by its signal.
    Reload,
    Restart,
}

impl Does {
    pub fn word(self) -> &'static str {
        match self {
            Does::Stay => "stays",
            Does::Reload => "reloads",
            Does::Restart => "restarts",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Files that have other bytes, mode or owner, and those that are new or gone.
    pub files: BTreeSet<String>,
    /// Every service of the role, and the files that it is because of.
    pub services: BTreeMap<String, (Does, Vec<String>)>,
}

/// What becomes of a host whose files were `old` and shall be `new`.
pub fn plan(role: &Role, old: &Files, new: &Files) -> Plan {
    let paths = old.keys().chain(new.keys());
    let files: BTreeSet<String> = paths.filter(|path| old.get(*path) != new.get(*path)).cloned().collect();
    let service = |name: &String| {
        let reads = files.iter().filter(|path| readers(role, path).contains(&name.as_str()));
        let because: Vec<String> = reads.cloned().collect();
        let does = match (&role.service[name].reload, because.is_empty()) {
            (_, true) => Does::Stay,
            (Some(_), false) => Does::Reload,
            (None, false) => Does::Restart,
        };
        (name.clone(), (does, because))
    };
    let services = role.service.keys().map(service).collect();
    Plan { files, services }
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

/// The services that read a file: those that its config names; else those whose words name its path; else all.
pub fn readers<'r>(role: &'r Role, path: &str) -> Vec<&'r str> {
    let named = role.config.get(path).map(|config| config.services.as_slice()).unwrap_or_default();
    let all = || role.service.iter().map(|(name, service)| (name.as_str(), service));
    if !named.is_empty() {
        return all().map(|(name, _)| name).filter(|name| named.iter().any(|one| one == name)).collect();
    }
    let words: Vec<&str> = all()
        .filter(|(_, service)| service.run.iter().chain(&service.check).any(|word| word.contains(path)))
        .map(|(name, _)| name)
        .collect();
    if words.is_empty() { all().map(|(name, _)| name).collect() } else { words }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::File;

    const ROLE: &str = r#"
[service.web]
run = ["nginx", "-c", "/run/web.conf"]
user = "web"
reload = "HUP"
[service.cache]
run = ["valkey", "/run/cache.conf"]
user = "cache"
[service.other]
run = ["other"]
user = "web"
[config."/run/web.conf"]
template = "w"
[config."/run/cache.conf"]
template = "c"
[config."/run/mime.types"]
template = "m"
services = ["web"]
[config."/run/all"]
template = "a"
"#;

    fn files(changed: &[&str]) -> Files {
        let role = crate::role::parse(ROLE).unwrap();
        let text = |path: &str| if changed.contains(&path) { "new" } else { "old" };
        let file = |path: &String| File { mode: 0o644, owner: "root".into(), text: text(path).into() };
        role.config.keys().map(|path| (path.clone(), file(path))).collect()
    }

    fn check(changed: &[&str], expected: [&str; 3]) {
        let role = crate::role::parse(ROLE).unwrap();
        let plan = plan(&role, &files(&[]), &files(changed));
        let found: Vec<_> = ["web", "cache", "other"].map(|name| plan.services[name].0.word()).into();
        assert_eq!(found, expected, "{changed:?}");
        assert_eq!(plan.files.iter().map(String::as_str).collect::<Vec<_>>(), changed);
    }

    #[test]
    fn who_reads_a_file_that_changed() {
        check(&[], ["stays", "stays", "stays"]);
        check(&["/run/web.conf"], ["reloads", "stays", "stays"]);
        check(&["/run/cache.conf"], ["stays", "restarts", "stays"]);
        check(&["/run/mime.types"], ["reloads", "stays", "stays"]);
        check(&["/run/all"], ["reloads", "restarts", "restarts"]);
    }

    #[test]
    fn what_is_gone_is_a_change() {
        let role = crate::role::parse(ROLE).unwrap();
        let mut new = files(&[]);
        new.remove("/run/web.conf");
        assert_eq!(plan(&role, &files(&[]), &new).services["web"].0, Does::Reload);
    }
}
