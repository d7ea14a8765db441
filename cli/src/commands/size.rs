//! `rootbrew size`: where the bytes of an image go, by keg and by file.

use assembler::size::{Share, size};

use crate::context::Context;
use crate::terminal::{bytes, data};
use crate::trouble::Result;

/// As many as a screen shows.
const FILES_SHOWN: usize = 15;

pub fn run(context: &Context, role: &str) -> Result<()> {
    let (image, _) = super::image::of(context, role)?;
    let size = size(&image.tree()?, FILES_SHOWN);
    let facts = &image.facts;
    if context.json {
        let shares = |shares: &[Share]| -> Vec<_> {
            let one = |share: &Share| serde_json::json!({ "name": share.name, "bytes": share.bytes, "files": share.files });
            shares.iter().map(one).collect()
        };
        let whole =
            serde_json::json!({ "facts": facts, "kegs": shares(&size.kegs), "files": shares(&size.files) });
        data(&whole.to_string());
        return Ok(());
    }
    data(&format!("{:>10}  root image on disk, {} files", bytes(facts.root_bytes), facts.files));
    data(&format!("{:>10}  root image on the wire (zstd -19)", bytes(facts.root_wire_bytes)));
    data(&format!("{:>10}  kernel", bytes(facts.kernel_bytes)));
    data("");
    for share in &size.kegs {
        data(&format!("{:>10}  {} ({} files)", bytes(share.bytes), share.name, share.files));
    }
    data("");
    for share in &size.files {
        data(&format!("{:>10}  {}", bytes(share.bytes), share.name));
    }
    Ok(())
}
