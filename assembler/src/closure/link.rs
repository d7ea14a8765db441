//! Links: where a path ends, across every keg at its place, as the kernel would follow it in the image.

use std::collections::{BTreeMap, BTreeSet};

use kegs::{Digest, tree::Node};

use super::keg::Keg;

/// All kegs of a role laid out under `kegs/`; paths without a leading slash.
pub struct Laid<'a> {
    nodes: BTreeMap<String, &'a Node>,
    folders: BTreeSet<String>,
    places: BTreeMap<String, usize>,
}

/// What stands at the end of a path, after the links that were passed, in their order.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    pub links: Vec<String>,
    pub path: String,
    pub found: Found,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    File { digest: Digest, executable: bool },
    Folder,
}

enum Lost {
    Nothing,
    Circle,
}

/// As many as Linux follows (`MAXSYMLINKS`).
const LINKS_MAX: usize = 40;

impl<'a> Laid<'a> {
    pub fn of(kegs: &'a [Keg]) -> Laid<'a> {
        let mut laid = Laid { nodes: BTreeMap::new(), folders: BTreeSet::new(), places: BTreeMap::new() };
        for (at, keg) in kegs.iter().enumerate() {
            let place = keg.place();
            for (path, node) in &keg.tree.nodes {
                laid.put(format!("{place}/{path}"), node);
            }
            laid.places.insert(place, at);
        }
        laid
    }

    fn put(&mut self, path: String, node: &'a Node) {
        let mut above = path.as_str();
        while let Some((parent, _)) = above.rsplit_once('/') {
            if !self.folders.insert(parent.to_string()) {
                break;
            }
            above = parent;
        }
        if matches!(node, Node::Folder) {
            self.folders.insert(path.clone());
        }
        self.nodes.insert(path, node);
    }

    /// Follows `path` to a file or folder; `None` where it leads to nothing, out of the kegs, or round in a circle.
    pub fn end(&self, path: &str) -> Option<End> {
        self.follow(path).ok()
    }

    /// What to say of a path that has no end.
    pub fn lost(&self, path: &str) -> &'static str {
        match self.follow(path) {
            Err(Lost::Circle) => "leads round in a circle of links",
            _ => "leads to nothing",
        }
    }

    fn follow(&self, path: &str) -> Result<End, Lost> {
        let mut rest: Vec<String> = components(path);
        let mut at: Vec<String> = Vec::new();
        let mut links = Vec::new();
        while let Some(name) = rest.pop() {
            if name == ".." {
                at.pop();
                continue;
            }
            at.push(name);
            let here = at.join("/");
            if let Some(Node::Link { target }) = self.nodes.get(&here) {
                if links.len() == LINKS_MAX {
                    return Err(Lost::Circle);
                }
                links.push(here);
                at.pop();
                if target.starts_with('/') {
                    at.clear();
                }
                rest.extend(components(target));
            } else if !rest.is_empty() && !self.folders.contains(&here) {
                return Err(Lost::Nothing);
            }
        }
        let path = at.join("/");
        let found = self.found(&path).ok_or(Lost::Nothing)?;
        Ok(End { links, path, found })
    }

    fn found(&self, path: &str) -> Option<Found> {
        match self.nodes.get(path) {
            Some(Node::File { digest, executable }) => {
                Some(Found::File { digest: *digest, executable: *executable })
            }
            _ => self.folders.contains(path).then_some(Found::Folder),
        }
    }

    /// The keg that a path is in, by its place in the list.
    pub fn keg_at(&self, path: &str) -> Option<usize> {
        let end = path.match_indices('/').nth(2).map_or(path.len(), |(at, _)| at);
        self.places.get(&path[..end]).copied()
    }

    /// The target as written of the link at `path`.
    pub fn target(&self, path: &str) -> Option<&'a str> {
        match self.nodes.get(path) {
            Some(Node::Link { target }) => Some(target),
            _ => None,
        }
    }

    /// Every file and link below a folder.
    pub fn below(&self, folder: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{folder}/");
        self.nodes
            .range(prefix.clone()..)
            .map(|(path, _)| path.as_str())
            .take_while(move |path| path.starts_with(&prefix))
    }
}

impl Laid<'_> {
    pub fn is_folder(&self, path: &str) -> bool {
        self.folders.contains(path)
    }

    /// The names of a folder's own files and links.
    pub fn files_in(&self, folder: &str) -> impl Iterator<Item = &str> {
        let start = folder.len() + 1;
        self.below(folder).filter_map(move |path| path.get(start..)).filter(|name| !name.contains('/'))
    }

    /// The names of a folder's own folders.
    pub fn folders_in(&self, folder: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("{folder}/");
        let start = prefix.len();
        let inside = self.folders.range(prefix.clone()..).take_while(move |path| path.starts_with(&prefix));
        inside.filter_map(move |path| path.get(start..)).filter(|name| !name.contains('/'))
    }
}

/// The names in a path, last first; `.` and empty ones are left out.
fn components(path: &str) -> Vec<String> {
    path.split('/').rev().filter(|name| !matches!(*name, "" | ".")).map(str::to_string).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(links: &[(&str, &str)], path: &str) -> Option<(Vec<String>, String)> {
        let mut keg = Keg { name: "a".into(), slot: "0".into(), ..Keg::default() };
        keg.tree.insert("lib/libz.so.1.3", Node::File { digest: Digest::of(b"z"), executable: true });
        for (path, target) in links {
            keg.tree.insert(*path, Node::Link { target: target.to_string() });
        }
        let kegs = [keg];
        Laid::of(&kegs).end(path).map(|end| (end.links, end.path))
    }

    #[test]
    fn follows_links_as_the_kernel_does() {
        let links = [
            ("lib64", "lib"),
            ("lib/libz.so", "libz.so.1"),
            ("lib/libz.so.1", "/kegs/a/0/./lib//libz.so.1.3"),
        ];
        let (links, path) = end(&links, "/kegs/a/0/lib64/../lib64/libz.so").unwrap();
        assert_eq!(path, "kegs/a/0/lib/libz.so.1.3");
        assert_eq!(links[0], "kegs/a/0/lib64");
        assert_eq!(links.last().unwrap(), "kegs/a/0/lib/libz.so.1");
    }

    #[test]
    fn a_circle_a_dangling_link_and_a_way_out_lead_nowhere() {
        let links = [("x", "y"), ("y", "x"), ("dangling", "nothing"), ("out", "../../../../etc/passwd")];
        for path in ["kegs/a/0/x", "kegs/a/0/dangling", "kegs/a/0/out", "kegs/a/0/lib/libz.so.1.3/more"] {
            assert_eq!(end(&links, path), None, "{path}");
        }
    }
}
