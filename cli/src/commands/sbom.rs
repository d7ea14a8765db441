//! `rootbrew sbom`: what is in a role's image, as SPDX or CycloneDX.

use std::path::{Path, PathBuf};

use assembler::papers::{cyclonedx, spdx};

use crate::context::Context;
use crate::terminal::{self, event};
use crate::trouble::Result;
use crate::work::papers;

#[derive(Debug, clap::Args)]
pub struct Wish {
    pub role: String,
    /// The document's form
    #[arg(long, value_enum, default_value_t = Format::Spdx)]
    pub format: Format,
    /// Write it to FILE [default: standard output]
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// SPDX 2.3, JSON
    Spdx,
    /// CycloneDX 1.6, JSON
    Cyclonedx,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let told = papers::of_role(context, &wish.role)?;
    let version = env!("CARGO_PKG_VERSION");
    let text = match wish.format {
        Format::Spdx => spdx::print(&told.papers, &format!("rootbrew-{version}")),
        Format::Cyclonedx => cyclonedx::print(&told.papers, version),
    };
    let count = format!("{} parts, {} files", told.papers.parts.len(), told.papers.files.len());
    event("papers", &wish.role, &count);
    terminal::write(wish.output.as_deref().unwrap_or(Path::new("-")), &text)
}
