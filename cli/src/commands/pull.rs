//! `rootbrew pull`: a line's newest image of a role, from a channel that a kept root of trust signs.

use std::path::PathBuf;

use builder::fetch::Step;
use ci::channel::{self, Pulling, now_s};

use crate::context::Context;
use crate::terminal::{bytes, data, event};
use crate::trouble::{Result, Trouble};
use crate::work::place::place;

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
    /// Begin to trust: the sha256 of the channel's first root, or that root in a file
    #[arg(long, value_name = "SHA256|FILE")]
    pub root: Option<String>,
    /// Where the root of trust is kept [default: by the channel's name, in ~/.local/state/rootbrew/trusted]
    #[arg(long, value_name = "DIR")]
    pub trusted: Option<PathBuf>,
    /// Everything that stands beside the image: papers, provenance, debug files
    #[arg(long)]
    pub all: bool,
}

/// What boots, and what tells it apart.
const PARTS: [&str; 4] = ["root.erofs", "vmlinuz", "tree.txt", "facts.json"];

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let place = place(context, &wish.from)?;
    let trusted = match &wish.trusted {
        Some(trusted) => trusted.clone(),
        None => state_folder(&wish.from)?,
    };
    if let Some(root) = &wish.root {
        channel::trusted(&trusted, place.as_ref(), &sha256(root)?)?;
    }
    let events = |told: builder::fetch::Event| {
        if let Step::Done { bytes: count } = told.step {
            event("fetched", &told.wanted.name, &bytes(count));
        }
    };
    let pulling = Pulling {
        place: place.as_ref(),
        trusted: &trusted,
        places: &context.places,
        events: &events,
        cancel: context.cancel.flag(),
        now_s: now_s(),
    };
    let to = wish.to.clone().unwrap_or_else(|| PathBuf::from(&wish.role));
    let wants = |name: &str| wish.all || PARTS.contains(&name);
    let pulled = channel::pull(&pulling, &wish.line, &wish.role, &to, &wants)?;
    event(
        "pulled",
        &format!("{}/{}", wish.line, wish.role),
        &format!("{} to {}", &pulled.sha256[..12], to.display()),
    );
    match context.json {
        true => data(&serde_json::json!({ "event": "pulled", "sha256": pulled.sha256, "bytes": pulled.bytes, "image": pulled.image }).to_string()),
        false => data(&to.display().to_string()),
    }
    Ok(())
}

/// A sha256 as it is, or that of a file.
fn sha256(root: &str) -> Result<String> {
    if kegs::digest::parse_sha256(root).is_some() {
        return Ok(root.to_string());
    }
    let bytes = std::fs::read(root).map_err(|error| {
        Trouble::Failed(format!("--root {root}: no sha256, and no file that can be read: {error}"))
    })?;
    Ok(trust::sha256(&bytes))
}

/// XDG base directory specification: `$XDG_STATE_HOME`, else `~/.local/state`.
fn state_folder(from: &str) -> Result<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")));
    let base = base.ok_or_else(|| {
        Trouble::Failed("neither XDG_STATE_HOME nor HOME says where trust is kept: give --trusted DIR".into())
    })?;
    let from =
        std::fs::canonicalize(from).map_or_else(|_| from.to_string(), |path| path.display().to_string());
    Ok(base.join("rootbrew/trusted").join(&trust::sha256(from.trim_end_matches('/').as_bytes())[..16]))
}
