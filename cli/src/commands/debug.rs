//! `rootbrew debug`: the debug volume of a role's image, made when it has to be; its path, or a copy.

use std::fs;
use std::path::PathBuf;

use crate::context::Context;
use crate::terminal::{bytes, data, event};
use crate::trouble::{Result, Trouble};
use crate::work::composed::composed;
use crate::work::debug;

#[derive(Debug, clap::Args)]
pub struct Wish {
    pub role: String,
    /// Recipes whose programs are in it too
    pub packages: Vec<String>,
    /// Copy it to this file
    #[arg(long, value_name = "FILE")]
    pub to: Option<PathBuf>,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let volume = debug::volume(context, &composed(context, &wish.role)?, &wish.packages)?;
    match &wish.to {
        None => data(&volume.path.display().to_string()),
        Some(to) => {
            let failed = |error| Trouble::Failed(format!("cannot write {}: {error}", to.display()));
            fs::copy(&volume.path, to).map_err(failed)?;
        }
    }
    for program in &volume.lacking {
        let id = program.build_id.as_ref().map_or("it has no build-id".into(), |id| format!("build-id {id}"));
        event("lacks", &program.path, &format!("no debug information is in the store: {id}"));
    }
    let told = format!("{}; debug information of {} programs", bytes(volume.bytes), volume.told);
    event("debug", &wish.role, &told);
    Ok(())
}
