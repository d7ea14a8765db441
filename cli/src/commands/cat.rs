//! `rootbrew cat`: the bytes of one file of an image.

use std::io;

use assembler::erofs::read::ReadError;
use assembler::resolve;

use super::subject;
use crate::context::Context;
use crate::terminal;
use crate::trouble::{Result, Trouble};

/// A link is followed inside the image.
pub fn run(context: &Context, image: &str, path: &str) -> Result<()> {
    let place = subject::place(context, image)?;
    let image = place.image()?;
    let contents = match image.contents(path) {
        // Only then is the whole image looked at.
        Err(ReadError::NotThere(_) | ReadError::NotAFile(_, "link")) => {
            let tree = image.tree().map_err(|error| place.wrong(&error))?;
            let lost = |lost: resolve::Lost| match lost {
                resolve::Lost::NotThere(path) => super::ls::absent(&tree, &place.name, &path),
                other => format!("{}: {other}", place.name),
            };
            let end = resolve::end(&tree, path).map_err(|why| Trouble::Failed(lost(why)))?;
            image.contents(&end)
        }
        found => found,
    };
    let contents = contents.map_err(|error| place.wrong(&error))?;
    let failed = |error: io::Error| Trouble::Failed(format!("{}: {path}: {error}", place.root.display()));
    terminal::pour(contents).map_err(failed)
}
