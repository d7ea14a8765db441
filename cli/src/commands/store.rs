//! `rootbrew store`: verify, collect, weigh.

use std::sync::atomic::{AtomicU64, Ordering};

use kegs::collect::{self, Kept};
use kegs::verify::{self, Damage};
use kegs::{Node, Store};

use crate::arguments;
use crate::context::Context;
use crate::terminal::{bytes, data, event, talk};
use crate::trouble::{Result, Trouble};

pub fn run(context: &Context, command: &arguments::Store) -> Result<()> {
    let store = context.open_store()?;
    match command {
        arguments::Store::Verify { repair } => verify(context, &store, *repair),
        arguments::Store::Gc { yes } => gc(&store, *yes),
        arguments::Store::Du => du(&store),
    }
}

fn verify(context: &Context, store: &Store, repair: bool) -> Result<()> {
    let in_use = store.lock_in_use()?;
    let total = AtomicU64::new(0);
    let seen = |bytes| {
        total.fetch_add(bytes, Ordering::Relaxed);
    };
    let damages = verify::verify(store, &seen)?;
    event("verify", &bytes(total.into_inner()), &format!("{} damaged", damages.len()));
    damages.iter().for_each(show);
    if damages.is_empty() {
        return Ok(());
    }
    if !repair {
        talk("hint: `rootbrew store verify --repair` removes what is damaged and builds just that again");
        return Err(Trouble::Said);
    }
    let keys = verify::remove_damaged(store, &damages)?;
    drop(in_use);
    rebuild(context, store, &keys)
}

fn show(damage: &Damage) {
    data(&format!("damaged {}: {}", damage.path.display(), damage.fault));
    damage.places.iter().for_each(|place| data(&format!("        in {place}")));
    damage.actions.iter().for_each(|action| data(&format!("        made by action {action}")));
    if damage.places.is_empty() {
        data(
            "        in no keg: a source or a file that no result names; the next fetch or build brings it again",
        );
    }
}

/// Builds what rests on the removed: whatever root held it.
fn rebuild(context: &Context, store: &Store, keys: &[kegs::Digest]) -> Result<()> {
    let mut names: Vec<String> = Vec::new();
    let mut seed = None;
    for (root, kept) in store.roots()? {
        if kept.iter().any(|kept| matches!(kept, Kept::Action(key) if keys.contains(key))) {
            match root.split_once('-') {
                Some(("seed", name)) => seed = Some(name.to_string()),
                Some((_, name)) => names.extend(name.split('+').map(str::to_string)),
                None => {}
            }
        }
    }
    names.sort();
    names.dedup();
    if let Some(seed) = seed {
        talk(&format!("repair  unpacking the seed `{seed}` again"));
        super::seed::run(context, &arguments::Seed::Unpack { name: Some(seed) })?;
    }
    talk(&format!("repair  {} actions forgotten; building `{}` again", keys.len(), names.join("`, `")));
    if names.is_empty() { Ok(()) } else { super::build::run(context, &names) }
}

fn gc(store: &Store, yes: bool) -> Result<()> {
    let busy = || Trouble::Failed("another rootbrew uses this store: try again when it is done".into());
    let _alone = store.try_lock_alone()?.ok_or_else(busy)?;
    let garbage = collect::plan(store)?;
    let (files, kegs) = (garbage.files.len(), garbage.kegs.len());
    event("gc", &bytes(garbage.bytes), &format!("{files} files and {kegs} laid-out kegs that no root needs"));
    if yes {
        collect::sweep(store, &garbage)?;
        talk("gc      removed");
    } else if files + kegs > 0 {
        talk("hint: nothing was removed; `rootbrew store gc --yes` removes it");
    }
    Ok(())
}

fn du(store: &Store) -> Result<()> {
    let usage = collect::usage(store)?;
    for (part, size) in &usage.parts {
        data(&format!("{:>10}  {part}", bytes(*size)));
    }
    for (root, kept) in store.roots()? {
        let size: u64 = kept.iter().map(|kept| weight(store, kept)).sum();
        data(&format!("{:>10}  root {root} ({} things)", bytes(size), kept.len()));
    }
    Ok(())
}

fn weight(store: &Store, kept: &Kept) -> u64 {
    let tree = |root: &kegs::Digest| store.tree(root).map_or(0, |tree| tree.nodes.values().map(size).sum());
    match kept {
        Kept::Blob(digest) => digest.size_bytes,
        Kept::Tree(root) => tree(root),
        Kept::Action(key) => store.result(key).map_or(0, |outcome| tree(&outcome.output)),
    }
}

fn size(node: &Node) -> u64 {
    match node {
        Node::File { digest, .. } => digest.size_bytes,
        _ => 0,
    }
}
