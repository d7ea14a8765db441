//! `rootbrew channel site`: pages that tell what a channel's lines hold, written beside its files.

use std::path::PathBuf;

use ci::channel::{Folder, now_s};
use ci::site;

use crate::context::Context;
use crate::terminal::{bytes, data, event, talk};
use crate::trouble::{Result, Trouble};

#[derive(Debug, clap::Args)]
pub struct Wish {
    pub dir: PathBuf,
    /// The folder of keys, with the root of trust that their owner follows; no key is opened
    #[arg(long, value_name = "DIR", env = "ROOTBREW_KEYS", required_unless_present = "trusted")]
    pub keys: Option<PathBuf>,
    /// Where a root of trust is kept, for who has no keys
    #[arg(long, value_name = "DIR")]
    pub trusted: Option<PathBuf>,
    /// Records of OSV, to say which images a vulnerability touches: a .json, .jsonl or .zip, or a folder of them; may be
    /// given more than once
    #[arg(long, value_name = "FILE")]
    pub db: Vec<PathBuf>,
}

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let trusted = match (&wish.trusted, &wish.keys) {
        (Some(trusted), _) => trusted.clone(),
        (None, Some(keys)) => keys.join("trusted"),
        (None, None) => return Err(Trouble::Failed("give --keys DIR or --trusted DIR".into())),
    };
    if wish.dir.starts_with("s3:") {
        let what = "pages are written into a folder: copy the bucket, make them, and put `site/` and `index.html` back";
        return Err(Trouble::Failed(what.into()));
    }
    if !wish.dir.join("metadata/1.root.json").exists() {
        let what = format!("{} is no channel: `rootbrew channel init` makes one", wish.dir.display());
        return Err(Trouble::Failed(what));
    }
    let folder = Folder::create(&wish.dir)?;
    let made = site::make(&folder, &trusted, &wish.db, now_s())
        .map_err(|error| Trouble::Failed(error.to_string()))?;
    made.faults.iter().for_each(|fault| talk(&format!("warning: {fault}")));
    if made.written.is_shut {
        talk("warning: the channel's index.html is another's, and stays: the pages begin at site/index.html");
    }
    tell(context, wish, &made);
    Ok(())
}

fn tell(context: &Context, wish: &Wish, made: &site::Made) {
    let page = wish.dir.join("site/index.html");
    let written = &made.written;
    if context.json {
        let told = serde_json::json!({
            "event": "site", "page": page, "lines": made.lines, "images": made.images, "written": written.files,
            "bytes": written.bytes, "same": written.same, "removed": written.removed, "faults": made.faults,
        });
        return data(&told.to_string());
    }
    let rest = format!(
        "{} images in {} lines: {} files written, {}; {} the same, {} removed",
        made.images,
        made.lines,
        written.files,
        bytes(written.bytes),
        written.same,
        written.removed
    );
    event("site", &wish.dir.display().to_string(), &rest);
    data(&page.display().to_string());
}
