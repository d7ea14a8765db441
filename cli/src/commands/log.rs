//! `rootbrew log`: what the last build of a keg said.

use std::fs::File;
use std::io;

use crate::context::Context;
use crate::trouble::{Result, Trouble};

pub fn run(context: &Context, name: &str) -> Result<()> {
    let store = context.open_store()?;
    let name = name.trim_end_matches("@0");
    let key = store.note("last", name).and_then(|note| String::from_utf8(note).ok()?.trim().parse().ok());
    let key = key.ok_or_else(|| {
        Trouble::Failed(format!("no build of `{name}` is known in {}", context.store.display()))
    })?;
    let path = store.log_path(&key);
    let failed =
        |error: io::Error| Trouble::Failed(format!("the log of `{name}`, {}: {error}", path.display()));
    let mut log = zstd::Decoder::new(File::open(&path).map_err(failed)?).map_err(failed)?;
    io::copy(&mut log, &mut io::stdout()).map_err(failed)?;
    Ok(())
}
