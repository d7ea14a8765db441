//! `rootbrew pull`: a line's newest image of a role, from a channel that a kept root of trust signs.

use std::path::PathBuf;

use crate::context::Context;
use crate::terminal::data;
use crate::trouble::Result;
use crate::work::taken::{self, Trust};

#[derive(Debug, clap::Args)]
pub struct Wish {
    pub line: String,
    pub role: String,
    /// The channel: a URL, a folder, or s3://BUCKET/PREFIX
    #[arg(long, value_name = "URL|DIR")]
    pub from: String,
    /// Where the image goes [default: ROLE]
    #[arg(long, value_name = "DIR")]
    pub to: Option<PathBuf>,
    #[command(flatten)]
    pub trust: Trust,
    /// Everything that stands beside the image: papers, provenance, debug files
    #[arg(long)]
    pub all: bool,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let to = wish.to.clone().unwrap_or_else(|| PathBuf::from(&wish.role));
    let wants = |name: &str| wish.all || taken::PARTS.contains(&name);
    let pulled = taken::pull(context, &wish.from, &wish.trust, (&wish.line, &wish.role), &to, &wants)?;
    match context.json {
        true => data(&serde_json::json!({ "event": "pulled", "sha256": pulled.sha256, "bytes": pulled.bytes, "image": pulled.image }).to_string()),
        false => data(&to.display().to_string()),
    }
    Ok(())
}
