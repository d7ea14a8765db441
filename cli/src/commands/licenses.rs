//! `rootbrew licenses`: every part of a role's image with its licence and the texts.

use std::fs;
use std::path::{Path, PathBuf};

use workbench::papers::notice;

use crate::context::Context;
use crate::terminal::{self, data, event};
use crate::trouble::{Result, Trouble};
use crate::work::{self, papers};

#[derive(Debug, clap::Args)]
pub struct Wish {
    pub role: String,
    /// Write one text to FILE, or files into a folder where it is one or ends with `/` [default: standard output]
    #[arg(long, short, value_name = "FILE|DIR/")]
    pub output: Option<PathBuf>,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let told = papers::of_role(context, &wish.role)?;
    if context.json {
        let list = told.papers.parts.values().map(|part| {
            let texts = told.texts.parts.get(&part.id).into_iter().flatten();
            let texts: Vec<_> = texts.map(|text| &text.title).collect();
            serde_json::json!({ "kind": part.id.kind(), "name": part.id.name(), "version": part.version, "license": part.license, "texts": texts })
        });
        list.for_each(|line| data(&line.to_string()));
        return Ok(());
    }
    event("papers", &wish.role, &format!("{} parts", told.papers.parts.len()));
    match &wish.output {
        Some(path) if work::is_folder(path) => {
            let failed = |error: std::io::Error| {
                Trouble::Failed(format!("cannot write to {}: {error}", path.display()))
            };
            for (name, text) in notice::files(&told.papers, &told.texts) {
                let file = path.join(name);
                fs::create_dir_all(file.parent().unwrap_or(path)).map_err(failed)?;
                fs::write(&file, text).map_err(failed)?;
            }
            Ok(())
        }
        path => {
            let path = path.as_deref().unwrap_or(Path::new("-"));
            terminal::write(path, &notice::print(&told.papers, &told.texts))
        }
    }
}
