//! The same action again: varied, to see whether its output is reproducible; or opened by hand.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use kegs::{Digest, Keyed, Node, Store, StoreError, Tree};

use super::action::{Ground, PrepareError, Prepared, prepare};
use super::execute::{Execution, Failure, Manner, Place};
use super::opened::Observed;
use super::outlook;
use crate::plan::Plan;
use crate::sandbox::{self, Build, Face, Limits, Order, Setup};

/// One path whose node is not the same in two builds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub path: String,
    pub first: String,
    pub second: String,
}

/// The prepared action of a node whose dependencies are all built; `None` while a source is not in the store.
pub fn prepared(
    plan: &Plan,
    at: usize,
    store: &Store,
    ground: &Ground,
    outputs: &[Option<Digest>],
) -> Result<Option<(Prepared, Keyed)>, PrepareError> {
    let sources = outlook::sources(&plan.nodes()[at].variant, store);
    let prepared = prepare(plan, at, ground, &sources, &|dep| outputs[dep])?;
    Ok(prepared.map(|prepared| {
        let keyed = prepared.action.keyed();
        (prepared, keyed)
    }))
}

/// All that may differ between two builds of one key, as unlike the usual as it goes: host name, user, ids, processors,
/// job count, the order in which files are made, the file system of `/build`; the clock differs by itself.
pub fn varied(usual: Place) -> Manner {
    let face = Face {
        hostname: "elsewhere".into(),
        user: "somebody".into(),
        uid: 2345,
        gid: 678,
        cpus: Some(vec![0]),
        order: Order::Reversed,
    };
    let build = if usual == Place::Memory { Place::Disk } else { Place::Memory };
    Manner { face, build, jobs: 3, limits: Limits::default() }
}

/// Runs an action once more in the given manner and returns what came out, which is not recorded as a result.
pub fn again(
    store: &Store,
    ground: &Ground,
    (prepared, keyed): (&Prepared, &Keyed),
    keg: &str,
    manner: &Manner,
    cancel: &AtomicBool,
) -> Result<Digest, Failure> {
    let execution = unfollowed(store, ground, (prepared, keyed), keg, manner, cancel);
    let ran = execution.run()?;
    // The same action opens the same: a build that nobody heard is heard now. A note that can't be kept costs only itself.
    if let Some(observed) = ran.observed.filter(|_| Observed::remembered(store, &keyed.key).is_none()) {
        observed.remember(store, &keyed.key).ok();
    }
    Ok(ran.outcome.output)
}

/// An execution outside of a build: no job server, nobody who follows its steps.
pub(super) fn unfollowed<'a>(
    store: &'a Store,
    ground: &'a Ground,
    (prepared, keyed): (&'a Prepared, &'a Keyed),
    keg: &'a str,
    manner: &'a Manner,
    cancel: &'a AtomicBool,
) -> Execution<'a> {
    let (running, step) = (&|_| (), &|_: &str| ());
    Execution { store, ground, prepared, keyed, keg, fifo: None, manner, cancel, running, step }
}

/// What differs between two output trees, path by path.
pub fn differences(store: &Store, first: &Digest, second: &Digest) -> Result<Vec<Difference>, StoreError> {
    let (first, second): (Tree, Tree) = (store.tree(first)?, store.tree(second)?);
    let paths: BTreeSet<&String> = first.nodes.keys().chain(second.nodes.keys()).collect();
    let differs = paths.into_iter().filter(|path| first.nodes.get(*path) != second.nodes.get(*path));
    Ok(differs
        .map(|path| Difference {
            path: path.clone(),
            first: describe(first.nodes.get(path)),
            second: describe(second.nodes.get(path)),
        })
        .collect())
}

/// Keeps what checking an action found, so that others may say it: the paths that differ, none when it came out the same.
///
/// # Errors
/// A note that can't be written.
pub fn remember(store: &Store, key: &Digest, differences: &[Difference]) -> Result<(), StoreError> {
    let lines: String = differences.iter().map(|difference| format!("{}\n", difference.path)).collect();
    store.set_note("checked", &key.hex(), lines.as_bytes())
}

/// The paths that differed when this action was last checked; `None` when it never was.
pub fn checked(store: &Store, key: &Digest) -> Option<Vec<String>> {
    let note = String::from_utf8(store.note("checked", &key.hex())?).ok()?;
    Some(note.lines().map(str::to_string).collect())
}

fn describe(node: Option<&Node>) -> String {
    match node {
        None => "absent".into(),
        Some(Node::Folder | Node::Tree { .. }) => "folder".into(),
        Some(Node::Link { target }) => format!("link to {target}"),
        Some(Node::File { digest, executable }) => {
            format!(
                "{} bytes, sha256 {}{}",
                digest.size_bytes,
                digest.short(),
                if *executable { ", executable" } else { "" }
            )
        }
    }
}

/// The sandbox of an action with a shell in it, on `build` as `/build`; its exit code.
pub fn enter(
    store: &Store,
    ground: &Ground,
    (prepared, keyed): (&Prepared, &Keyed),
    keg: &str,
    build: &Path,
) -> Result<i32, Failure> {
    let manner = Manner {
        face: Face::default(),
        build: Place::Memory,
        jobs: super::JOBS_WORD,
        limits: Limits::default(),
    };
    let cancel = AtomicBool::new(false);
    let execution = unfollowed(store, ground, (prepared, keyed), keg, &manner, &cancel);
    execution.put_inputs().map_err(Failure::world)?;
    let mut setup: Setup = execution.setup().map_err(Failure::world)?;
    setup.build = Build::Folder(build.to_path_buf());
    setup.argv = vec!["/bin/sh".into(), "-i".into()];
    setup.env.push(("PS1".into(), format!("{keg} \\$ ").replace("\\$", "$")));
    setup.env.push(("TERM".into(), std::env::var("TERM").unwrap_or("dumb".into())));
    sandbox::enter(&setup).map_err(Failure::world)
}
