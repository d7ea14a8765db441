//! `rootbrew size`: where the bytes of an image go, by keg and by file; as a picture too.

use std::path::{Path, PathBuf};

use assembler::diff::sum;
use assembler::size::{Share, size};
use assembler::{text, treemap};

use super::subject::{self, Subject};
use crate::context::Context;
use crate::terminal::{self, bytes, data, talk};
use crate::trouble::Result;

pub struct Wish {
    pub image: String,
    pub svg: Option<PathBuf>,
    pub html: Option<PathBuf>,
}

/// As many as a screen shows.
const FILES_SHOWN: usize = 15;

pub fn run(context: &Context, wish: &Wish) -> Result<()> {
    let subject = subject::open(context, &wish.image)?;
    let title = treemap::Title { name: subject.name.clone(), totals: totals(&subject) };
    if let Some(path) = &wish.svg {
        write(path, &treemap::svg(&subject.tree, &title))?;
    }
    if let Some(path) = &wish.html {
        write(path, &treemap::html(&subject.tree, &title))?;
    }
    match (&wish.svg, &wish.html) {
        (None, None) if context.json => json(&subject),
        (None, None) => print(&subject),
        _ => {}
    }
    Ok(())
}

/// `root image 7.68 MB in 12 files, 2.77 MB on the wire, kernel 2.97 MB`.
fn totals(subject: &Subject) -> String {
    let files = sum(&subject.tree).files;
    let mut parts = vec![format!("root image {} in {files} files", bytes(subject.root_bytes))];
    if let Some(facts) = &subject.facts {
        parts.extend(facts.root_wire_bytes.map(|wire| format!("{} on the wire", bytes(wire))));
        parts.push(format!("kernel {}", bytes(facts.kernel_bytes)));
    }
    parts.join(", ")
}

fn write(path: &Path, picture: &str) -> Result<()> {
    terminal::write(path, picture)?;
    if path != Path::new("-") {
        talk(&format!("size    {}", path.display()));
    }
    Ok(())
}

fn json(subject: &Subject) {
    let size = size(&subject.tree, FILES_SHOWN);
    let shares = |shares: &[Share]| -> Vec<_> {
        let one = |share: &Share| serde_json::json!({ "name": share.name, "bytes": share.bytes, "files": share.files });
        shares.iter().map(one).collect()
    };
    let whole = serde_json::json!({
        "facts": subject.facts, "root_bytes": subject.root_bytes, "kegs": shares(&size.kegs), "files": shares(&size.files),
    });
    data(&whole.to_string());
}

fn print(subject: &Subject) {
    let size = size(&subject.tree, FILES_SHOWN);
    let files: usize = size.kegs.iter().map(|keg| keg.files).sum();
    data(&format!("{:>10}  root image on disk, {files} files", bytes(subject.root_bytes)));
    if let Some(facts) = &subject.facts {
        let wire = facts.root_wire_bytes.map_or("unknown".into(), bytes);
        data(&format!("{wire:>10}  root image on the wire (zstd -19)"));
        data(&format!("{:>10}  kernel", bytes(facts.kernel_bytes)));
    }
    data("");
    for share in &size.kegs {
        data(&format!("{:>10}  {} ({} files)", bytes(share.bytes), text::escape(&share.name), share.files));
    }
    data("");
    for share in &size.files {
        data(&format!("{:>10}  {}", bytes(share.bytes), text::escape(&share.name)));
    }
}
