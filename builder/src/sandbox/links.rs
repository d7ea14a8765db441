//! Where the links of an output lead: inside the keg, or into a keg that the build was given.
//!
//! Followed on the list of entries, never on disk: as the kernel would, links inside of links included, so that
//! `a -> b/../..` is judged by what `b` is. A link to what is not there is no fault of a link.

use std::collections::{BTreeMap, VecDeque};

use super::outputs::{Entry, Kind, OutputError};

/// As the kernel: after 40 links it gives up, and so a loop leads nowhere.
const LINKS_MAX: usize = 40;

pub fn check(entries: &[Entry], own: &str, declared: &[String]) -> Result<(), OutputError> {
    let links: BTreeMap<&str, &str> = entries.iter().filter_map(link).collect();
    for (&path, &target) in &links {
        if !stays(path, &links, own, declared) {
            return Err(OutputError::Escape { path: path.to_string(), target: target.to_string() });
        }
    }
    Ok(())
}

fn link(entry: &Entry) -> Option<(&str, &str)> {
    match &entry.kind {
        Kind::Link { target } => Some((&entry.path, target)),
        _ => None,
    }
}

fn stays(path: &str, links: &BTreeMap<&str, &str>, own: &str, declared: &[String]) -> bool {
    let mut at: Vec<&str> = Vec::new();
    let mut ahead: VecDeque<&str> = path.split('/').collect();
    let mut followed = 0;
    while let Some(part) = ahead.pop_front() {
        match part {
            "" | "." => continue,
            ".." if at.pop().is_none() => return false,
            ".." => continue,
            name => at.push(name),
        }
        let Some(&target) = links.get(at.join("/").as_str()) else { continue };
        followed += 1;
        if followed > LINKS_MAX {
            return true;
        }
        at.pop();
        let relative = match target.strip_prefix('/') {
            None => target,
            Some(_) => match below(target, own) {
                Some(inside) => {
                    at.clear();
                    inside
                }
                // In another keg we know nothing of its links: it must be plain from there on.
                None => {
                    return declared.iter().any(|keg| is_plainly_in(target, keg)) && !ahead.contains(&"..");
                }
            },
        };
        relative.split('/').rev().for_each(|part| ahead.push_front(part));
    }
    true
}

/// What follows a prefix in an absolute path.
fn below<'a>(target: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = target.strip_prefix(prefix.trim_end_matches('/'))?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

fn is_plainly_in(target: &str, keg: &str) -> bool {
    below(target, keg).is_some_and(|rest| rest.split('/').all(|part| part != ".."))
}
