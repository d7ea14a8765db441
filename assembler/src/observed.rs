//! Observed: what the services of a running image asked of its tree, set against what the tree has.
//!
//! ```text
//! call TAB error TAB program TAB path LF        what the observing agent tells (agent/src/observe/mod.rs)
//!        │ parse            │ report, with the image's tree
//!        ▼                  ▼
//!      Asked              opened · never opened (bytes, why) · asked for and absent
//! ```
//! Pure. What is told comes from a guest and is hostile: a line that is none is passed over. It judges one run: a file that
//! nobody opened in it is a candidate, not a proof.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::follow::follow;
use crate::limit::chain;
use crate::tree::{ImageTree, Kind};

/// More lines than any role has paths; the rest is not held.
const LINES_MAX: usize = 200_000;

/// One thing that a service asked.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Asked {
    pub path: String,
    /// `open`, `run`, `map`, `look`, `link`.
    pub call: String,
    /// 0: it got it.
    pub error: i32,
    pub program: String,
}

/// What came of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Report {
    pub opened: Vec<Opened>,
    /// Largest first.
    pub never_opened: Vec<Unopened>,
    pub absent: Vec<Absent>,
}

/// A file or link of the image that was used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Opened {
    pub path: String,
    /// Programs, or `PID 1`, which is not observed: what it reads is known.
    pub by: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unopened {
    pub path: String,
    pub bytes: u64,
    /// Somebody asked whether it is there.
    pub looked_at: bool,
    pub why: String,
}

/// A path that was asked for in vain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Absent {
    pub path: String,
    pub error: String,
    pub calls: Vec<String>,
    pub by: Vec<String>,
}

/// The lines that are some, each once, sorted by path.
pub fn parse(told: &[u8]) -> Vec<Asked> {
    let lines = told.split(|byte| *byte == b'\n').take(LINES_MAX);
    lines
        .filter_map(|line| one(std::str::from_utf8(line).ok()?))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect()
}

fn one(line: &str) -> Option<Asked> {
    let [call, error, program, path] = line.split('\t').collect::<Vec<_>>()[..] else { return None };
    let known = ["open", "run", "map", "look", "link"].contains(&call);
    let error = error.parse().ok().filter(|error| (0..4096).contains(error))?;
    let (path, program) = (plain(path)?, plain(program)?);
    (known && path.starts_with('/')).then(|| Asked { path, call: call.into(), error, program })
}

/// `\xNN` to its byte.
fn plain(text: &str) -> Option<String> {
    let mut parts = text.split("\\x");
    let mut bytes = parts.next()?.as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(part.get(..2)?, 16).ok()?);
        bytes.extend(part[2..].bytes());
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What PID 1 reads at every start: its own file, the role, every template, and who the users are.
fn read_by_pid1(path: &str) -> bool {
    matches!(path, "sbin/init" | "etc/rootbrew/role.toml" | "etc/passwd")
        || path.starts_with("etc/rootbrew/templates/")
}

/// Sets what was asked against a tree.
pub fn report(tree: &ImageTree, asked: &[Asked]) -> Report {
    let (mut opened, mut looked_at) = (BTreeMap::<String, BTreeSet<&str>>::new(), BTreeSet::new());
    for (path, _) in tree.iter().filter(|(path, _)| read_by_pid1(path)) {
        opened.entry(path.to_string()).or_default().insert("PID 1");
    }
    for Asked { path, call, program, .. } in asked.iter().filter(|asked| asked.error == 0) {
        let passed = follow(tree, path).unwrap_or_default();
        match call.as_str() {
            "open" | "run" | "map" => {
                passed
                    .into_iter()
                    .for_each(|path| opened.entry(path).or_default().extend([program.as_str()]));
            }
            _ => looked_at.extend(passed.into_iter().chain([path.trim_start_matches('/').to_string()])),
        }
    }
    let (mut used, mut unused) = (Vec::new(), Vec::new());
    for (path, node) in tree.iter().filter(|(_, node)| node.kind != Kind::Folder) {
        match opened.get(path) {
            Some(by) => {
                used.push(Opened { path: path.into(), by: by.iter().map(|by| by.to_string()).collect() })
            }
            None => unused.push(Unopened {
                path: path.into(),
                bytes: node.size_bytes(),
                looked_at: looked_at.contains(path),
                why: chain(tree, path),
            }),
        }
    }
    unused.sort_by(|a, b| b.bytes.cmp(&a.bytes).then_with(|| a.path.cmp(&b.path)));
    Report { opened: used, never_opened: unused, absent: absent(asked) }
}

/// By path and error, with everyone who asked.
fn absent(asked: &[Asked]) -> Vec<Absent> {
    let mut absent = BTreeMap::<(&str, i32), (BTreeSet<&str>, BTreeSet<&str>)>::new();
    for Asked { path, call, error, program } in asked.iter().filter(|asked| is_in_vain(asked)) {
        let (calls, by) = absent.entry((path, *error)).or_default();
        calls.insert(call);
        by.insert(program);
    }
    let texts = |set: BTreeSet<&str>| set.into_iter().map(str::to_string).collect();
    let one = |((path, error), (calls, by)): ((&str, i32), (BTreeSet<&str>, BTreeSet<&str>))| Absent {
        path: path.into(),
        error: error_name(error),
        calls: texts(calls),
        by: texts(by),
    };
    absent.into_iter().map(one).collect()
}

/// Not where the kernel lacks the call, nor where what is no link was asked where it points.
fn is_in_vain(asked: &Asked) -> bool {
    let is_no_link = asked.call == "link" && asked.error == 22;
    asked.error != 0 && asked.error != 38 && !is_no_link
}

/// asm-generic/errno-base.h and errno.h: those that a path may meet.
fn error_name(number: i32) -> String {
    let name = match number {
        1 => "EPERM",
        2 => "ENOENT",
        6 => "ENXIO",
        13 => "EACCES",
        17 => "EEXIST",
        19 => "ENODEV",
        20 => "ENOTDIR",
        21 => "EISDIR",
        22 => "EINVAL",
        26 => "ETXTBSY",
        30 => "EROFS",
        36 => "ENAMETOOLONG",
        40 => "ELOOP",
        _ => return format!("error {number}"),
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tree::{Node, Reason};

    fn tree() -> ImageTree {
        let mut tree = ImageTree::default();
        let file = |bytes: usize| Node::inline(vec![0; bytes], 0o755, Reason::role("says so"));
        for (path, bytes) in [
            ("sbin/init", 9),
            ("etc/rootbrew/role.toml", 8),
            ("etc/rootbrew/templates/a.conf", 7),
            ("kegs/a/0/bin/a", 6),
            ("kegs/a/0/share/looked", 5),
            ("kegs/a/0/share/never", 4),
        ] {
            tree.insert(path, file(bytes)).unwrap();
        }
        tree.insert("bin/a", Node::link("/kegs/a/0/bin/a", Reason::role("service a runs a"))).unwrap();
        tree
    }

    #[test]
    fn a_run_against_a_tree() {
        let told = b"run\t0\t/sbin/init\t/bin/a\nmap\t0\t/kegs/a/0/bin/a\t/kegs/a/0/bin/a\nopen\t2\ta\t/etc/localtime\n\
            look\t2\tb\t/etc/localtime\nlook\t0\ta\t/kegs/a/0/share/looked\nopen\t0\ta\t/run/x\\x09y\n\
            link\t22\ta\t/kegs/a/0/bin/a\nopen\t13\ta\t/etc/shadow\nopen\t38\ta\t/x\n";
        let report = report(&tree(), &parse(told));
        expect![[r#"
            {
              "opened": [
                {
                  "path": "bin/a",
                  "by": [
                    "/sbin/init"
                  ]
                },
                {
                  "path": "etc/rootbrew/role.toml",
                  "by": [
                    "PID 1"
                  ]
                },
                {
                  "path": "etc/rootbrew/templates/a.conf",
                  "by": [
                    "PID 1"
                  ]
                },
                {
                  "path": "kegs/a/0/bin/a",
                  "by": [
                    "/kegs/a/0/bin/a",
                    "/sbin/init"
                  ]
                },
                {
                  "path": "sbin/init",
                  "by": [
                    "PID 1"
                  ]
                }
              ],
              "never_opened": [
                {
                  "path": "kegs/a/0/share/looked",
                  "bytes": 5,
                  "looked_at": true,
                  "why": "role: says so"
                },
                {
                  "path": "kegs/a/0/share/never",
                  "bytes": 4,
                  "looked_at": false,
                  "why": "role: says so"
                }
              ],
              "absent": [
                {
                  "path": "/etc/localtime",
                  "error": "ENOENT",
                  "calls": [
                    "look",
                    "open"
                  ],
                  "by": [
                    "a",
                    "b"
                  ]
                },
                {
                  "path": "/etc/shadow",
                  "error": "EACCES",
                  "calls": [
                    "open"
                  ],
                  "by": [
                    "a"
                  ]
                }
              ]
            }"#]]
        .assert_eq(&serde_json::to_string_pretty(&report).unwrap());
    }

    #[test]
    fn what_is_no_line_is_passed_over() {
        let told = b"open\t0\ta\nopen\tx\ta\t/b\nread\t0\ta\t/b\nopen\t0\ta\tb\nopen\t-1\ta\t/b\nopen\t0\ta\t/\\xzz\n\xff\t\t\t\n\
            open\t0\ta\t/\\x\nopen\t99999999999\ta\t/b\nopen\t0\ta\t/b\te\n";
        assert_eq!(parse(told), []);
        assert_eq!(parse(b"open\t0\ta\t/\\xc3\\xa9")[0].path, "/\u{e9}");
    }
}
