//! `rootbrew image`: a role's image, built when it has to be; copied out, or printed as text.

use std::fs;
use std::path::Path;

use crate::context::Context;
use crate::terminal::{bytes, data, event};
use crate::trouble::{Result, Trouble};
use crate::work::composed::composed;
use crate::work::image;

pub fn run(context: &Context, role: &str, to: Option<&Path>, text: bool) -> Result<()> {
    let image = composed(context, role)?.within_limits()?.image;
    if text {
        let path = image.text();
        let twin = fs::read_to_string(&path)
            .map_err(|error| Trouble::Failed(format!("cannot read {}: {error}", path.display())))?;
        data(twin.trim_end());
    }
    match to {
        Some(to) => copy(&image, to)?,
        None if !text => data(&image.folder.display().to_string()),
        None => {}
    }
    event(
        "image",
        role,
        &format!("root {}, kernel {}", bytes(image.facts.root_bytes), bytes(image.facts.kernel_bytes)),
    );
    Ok(())
}

fn copy(image: &image::Image, to: &Path) -> Result<()> {
    let failed =
        |error: std::io::Error| Trouble::Failed(format!("cannot write to {}: {error}", to.display()));
    fs::create_dir_all(to).map_err(failed)?;
    for name in ["root.erofs", "vmlinuz", "tree.txt", "facts.json"] {
        let target = to.join(name);
        if target.exists() {
            fs::remove_file(&target).map_err(failed)?;
        }
        fs::copy(image.folder.join(name), target).map_err(failed)?;
    }
    Ok(())
}
