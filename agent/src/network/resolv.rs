//! `/run/etc/resolv.conf`: always a whole file.

use std::fs;
use std::path::Path;

use super::link::Link;
use host::error::{Error, Result};

/// What musl's resolver reads.
const SERVERS_MAX: usize = 3;

pub fn text(links: &[Link]) -> String {
    let mut servers: Vec<String> = Vec::new();
    for server in links.iter().flat_map(Link::nameservers) {
        if !servers.contains(&server) && servers.len() < SERVERS_MAX {
            servers.push(server);
        }
    }
    servers.iter().map(|server| format!("nameserver {server}\n")).collect()
}

/// Aside, then renamed: nobody reads half of it.
pub fn write(path: &Path, text: &str) -> Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::world(format!("make {}", folder.display())))?;
    }
    let aside = path.with_extension("conf.new");
    fs::write(&aside, text).map_err(Error::world(format!("write {}", aside.display())))?;
    fs::rename(&aside, path).map_err(Error::world(format!("replace {}", path.display())))
}
