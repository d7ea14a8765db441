//! `rootbrew why`: the chain from the role down to a file of its image.

use assembler::{text, why};

use super::{ls, subject};
use crate::context::Context;
use crate::terminal::data;
use crate::trouble::{Result, Trouble};

pub fn run(context: &Context, image: &str, path: &str) -> Result<()> {
    let subject = subject::open(context, image)?;
    let path = path.trim_start_matches('/');
    let chain =
        why(&subject.tree, path).ok_or_else(|| Trouble::Failed(ls::absent(&subject.tree, image, path)))?;
    if subject.reasons.is_none() {
        return Err(Trouble::Failed(format!(
            "{image} alone holds no reasons: its text twin, tree.txt, must lie beside it (`rootbrew image ROLE --to DIR`)"
        )));
    }
    let kind = if subject::is_place(image) { "image" } else { "role" };
    data(&format!("{kind} {image}"));
    for (depth, (path, reason)) in chain.into_iter().enumerate() {
        data(&format!("{:indent$}/{}  {}", "", text::escape(path), reason.how, indent = 2 * (depth + 1)));
    }
    Ok(())
}
