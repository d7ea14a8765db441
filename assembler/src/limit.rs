//! Limits: what an image comes to in each figure that a role may limit, and what is said when it is too much.
//!
//! ```text
//! ImageTree ─figures─▶ Figure: key, count, the files that it is made of
//!                        │ over
//!                        ▼
//!            a fault at the limit's line, with the files that cost most and why each is there
//! ```
//! Pure, and of the tree alone: names and modes tell what a file is, no content is read. So an image that is in the store
//! already is judged by its text twin. What only a running machine can tell is asked elsewhere and judged here too.

mod program;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use kegs::fault::Fault;

use crate::role::Role;
use crate::role::limits::{Measure, Unit, measure_of};
use crate::tree::{ImageTree, Kind, Node, why};
use program::Named;

/// More do not fit a screen, and the first of them decide.
const FILES_SHOWN: usize = 10;

/// What the tree does not tell.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sizes {
    pub root_disk_bytes: u64,
    pub root_wire_bytes: u64,
    pub kernel_bytes: u64,
}

/// One figure of an image, by its limit's key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figure<'a> {
    pub key: &'static str,
    pub found: u64,
    /// The files that it is made of, the largest first; none where it is not of the root's files.
    pub files: Vec<&'a str>,
}

/// Every figure of an image but those of a running machine. `shells` are programs that somebody logs in to: paths.
pub fn figures<'a>(tree: &'a ImageTree, sizes: &Sizes, shells: &[String]) -> Vec<Figure<'a>> {
    let all = largest_first(tree);
    let named = Named::of(tree, shells);
    let count = |key, is: &dyn Fn(&str, &Node) -> bool| {
        let files: Vec<&str> =
            all.iter().filter(|(path, node)| is(path, node)).map(|(path, _)| *path).collect();
        Figure { key, found: files.len() as u64, files }
    };
    let bytes = |key, found| Figure { key, found, files: all.iter().map(|(path, _)| *path).collect() };
    vec![
        bytes("root_disk", sizes.root_disk_bytes),
        bytes("root_wire", sizes.root_wire_bytes),
        Figure { key: "kernel", found: sizes.kernel_bytes, files: Vec::new() },
        count("files", &|_, _| true),
        count("executables", &|path, node| program::is_program(path, node)),
        count("libraries", &|path, _| program::is_library(path)),
        count("shells", &|path, _| named.shells.contains(path)),
        count("interpreters", &|path, _| named.interpreters.contains(path)),
        count("setuid", &|_, node| node.mode & 0o6000 != 0),
        count("writable", &|_, node| node.uid != 0 || node.mode & 0o022 != 0),
    ]
}

/// What an image has over its role's limits: all of it, each at its limit (R01).
pub fn over(role: &Role, tree: &ImageTree, sizes: &Sizes) -> Vec<Fault> {
    let shells = role.logins.values().filter_map(|user| Some(format!("bin/{}", user.shell.as_ref()?)));
    let figures = figures(tree, sizes, &shells.collect::<Vec<_>>());
    let faults = figures.into_iter().filter_map(|figure| {
        let fault = exceeds(role, figure.key, figure.found)?;
        let help =
            costs(tree, &figure.files).unwrap_or_else(|| "`rootbrew info` names the kernel's options".into());
        Some(fault.help(help))
    });
    faults.collect()
}

/// The fault of one figure that is over its limit, at the limit.
pub fn exceeds(role: &Role, key: &str, found: u64) -> Option<Fault> {
    let measure = measure_of(key);
    let most = role.limits.most(measure).filter(|most| found > *most)?;
    let unsaid = if role.limits.says(key) { "" } else { " where a role says none" };
    let message =
        format!("`{key}` is {}, the limit is {}{unsaid}", told(measure, found), told(measure, most));
    Some(role.text.fault(role.limits.place(key), message).id("R01"))
}

/// A figure with its unit, digits in groups of three.
pub fn told(measure: &Measure, found: u64) -> String {
    let unit = match measure.unit {
        Unit::Bytes => " bytes",
        Unit::Milliseconds => " ms",
        Unit::Count => "",
    };
    format!("{}{unit}", grouped(found))
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let groups = digits.as_bytes()[first..].chunks(3).map(String::from_utf8_lossy);
    let head = (first > 0).then(|| digits[..first].into());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}

/// The files that cost most, a line each: bytes, path, and the chain of reasons from the role down.
fn costs(tree: &ImageTree, files: &[&str]) -> Option<String> {
    let lines = files.iter().take(FILES_SHOWN).map(|path| {
        let bytes = tree.get(path).map_or(0, Node::size_bytes);
        format!("{:>11}  /{path}  {}", grouped(bytes), chain(tree, path))
    });
    let lines: Vec<String> = lines.collect();
    let rest = match files.len().saturating_sub(FILES_SHOWN) {
        0 => String::new(),
        more => format!("\n{:>11}  more", format!("+{more}")),
    };
    (!lines.is_empty())
        .then(|| format!("what costs most, in bytes, and why it is there:\n{}{rest}", lines.join("\n")))
}

/// `role: service nginx runs nginx; /bin/nginx: points to it`.
pub fn chain(tree: &ImageTree, path: &str) -> String {
    let chain = why(tree, path).unwrap_or_default();
    chain.iter().map(|(_, reason)| reason.to_string()).collect::<Vec<_>>().join("; ")
}

fn largest_first(tree: &ImageTree) -> Vec<(&str, &Node)> {
    let mut files: Vec<_> = tree.iter().filter(|(_, node)| matches!(node.kind, Kind::File(_))).collect();
    files.sort_by_key(|(path, node)| (std::cmp::Reverse(node.size_bytes()), *path));
    files
}

/// A socket that waits for whoever comes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listens {
    pub port: u16,
    /// `tcp 0.0.0.0`.
    pub on: String,
    /// The programs that hold it, as the guest names them.
    pub by: Vec<String>,
}

/// Ports that listen and are not listed, each a fault at the list (R01). A role without a list lists none and forbids none.
pub fn ports(role: &Role, listens: &[Listens]) -> Vec<Fault> {
    let Some(listed) = &role.limits.ports else { return Vec::new() };
    let unlisted = listens.iter().filter(|listens| !listed.contains(&listens.port));
    let fault = |listens: &Listens| {
        let by: String = listens.by.iter().map(|by| format!(", {by}")).collect();
        let message =
            format!("port {} listens ({}{by}), and `ports` does not list it", listens.port, listens.on);
        let all: BTreeSet<u16> = listed.iter().copied().chain([listens.port]).collect();
        let all: Vec<String> = all.iter().map(u16::to_string).collect();
        role.text
            .fault(listed.span.clone(), message)
            .help(format!("`ports = [{}]`, if it is meant", all.join(", ")))
            .id("R01")
    };
    unlisted.map(fault).collect()
}

/// Ports that are listed, and on which nobody listens.
pub fn idle_ports(role: &Role, listens: &[Listens]) -> Vec<u16> {
    let listed = role.limits.ports.iter().flat_map(|ports| ports.value.iter().copied());
    listed.filter(|port| !listens.iter().any(|listens| listens.port == *port)).collect()
}
