//! `rootbrew seed`: show, unpack, refresh.

use std::fs;

use builder::seed;

use crate::arguments;
use crate::context::Context;
use crate::terminal::{bytes, data, talk};
use crate::trouble::{Result, Trouble};
use crate::work::ground;

pub fn run(context: &Context, command: &arguments::Seed) -> Result<()> {
    let (arguments::Seed::Show { name }
    | arguments::Seed::Unpack { name }
    | arguments::Seed::Refresh { name }) = command;
    let name = match name {
        Some(name) => name.clone(),
        None => ground::profile(context)?.seed,
    };
    let path = ground::seed_path(context, &name);
    if let arguments::Seed::Refresh { .. } = command {
        return refresh(context, &path);
    }
    let seed = seed::load(&path)?;
    match command {
        arguments::Seed::Show { .. } | arguments::Seed::Refresh { .. } => show(context, &name, &seed),
        arguments::Seed::Unpack { .. } => {
            let store = context.create_store()?;
            let _in_use = store.lock_in_use()?;
            let root = ground::unpacked(context, &store, &name, &seed)?;
            data(&store.lay_out("seed", &root)?.display().to_string());
            Ok(())
        }
    }
}

fn show(context: &Context, name: &str, seed: &seed::Seed) -> Result<()> {
    let wanted = seed::wanted(seed);
    for deb in &wanted {
        data(&format!("{} {:>10} {}", hex(&deb.sha256), deb.size_bytes.unwrap_or(0), deb.name));
    }
    let total: u64 = wanted.iter().filter_map(|deb| deb.size_bytes).sum();
    talk(&format!("seed    {name}: {} files, {}", wanted.len(), bytes(total)));
    let unpacked = context.open_store().ok().and_then(|store| store.result(&ground::key(seed)));
    if let Some(outcome) = unpacked {
        talk(&format!("        unpacked: tree {}", outcome.output));
    }
    Ok(())
}

fn hex(sha256: &[u8; 32]) -> String {
    kegs::Digest { sha256: *sha256, size_bytes: 0 }.hex()
}

fn refresh(context: &Context, path: &std::path::Path) -> Result<()> {
    let failed = |error: std::io::Error| Trouble::Failed(format!("{}: {error}", path.display()));
    let old = fs::read_to_string(path).map_err(failed)?;
    let seed = seed::parse(path, seed::by_hand(&old))?;
    let new = seed::refresh(&old, &seed, &context.apt())?;
    if new == old {
        talk("seed    already the newest");
        return Ok(());
    }
    workbench::file::replace(path, new.as_bytes()).map_err(failed)?;
    talk(&format!("seed    {} pinned anew: look at `git diff`", path.display()));
    Ok(())
}
