//! The report as files: Markdown for a forge's comment, JSON beside it.

use std::fs;
use std::path::Path;

use ci::report::{COMMENT_MAX, Report};

use crate::commands::ci::Run;
use crate::context::Context;
use crate::terminal::{data, event};
use crate::trouble::{Result, Trouble};

pub fn write(context: &Context, wish: &Run, report: &Report) -> Result<()> {
    let markdown = report.markdown(COMMENT_MAX);
    let Some(out) = &wish.out else {
        if !context.json {
            data(markdown.trim_end());
        }
        return Ok(());
    };
    file(&out.join("report.md"), &markdown)?;
    file(&out.join("report.json"), &report.json())?;
    event("wrote", &out.display().to_string(), "report.md, report.json");
    Ok(())
}

pub fn file(path: &Path, text: &str) -> Result<()> {
    let failed = |error| Trouble::Failed(format!("cannot write {}: {error}", path.display()));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}
