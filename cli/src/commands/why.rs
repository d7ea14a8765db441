//! `rootbrew why`: the chain from the role down to a file of its image.

use assembler::why;

use crate::context::Context;
use crate::terminal::data;
use crate::trouble::{Result, Trouble};

pub fn run(context: &Context, role: &str, path: &str) -> Result<()> {
    let (image, _) = super::image::of(context, role)?;
    let tree = image.tree()?;
    let path = path.trim_start_matches('/');
    let chain = why(&tree, path).ok_or_else(|| {
        let near = kegs::reader::nearest(path, tree.iter().map(|(path, _)| path));
        let hint = near.map_or("nothing reaches it".into(), |near| format!("did you mean /{near}?"));
        Trouble::Failed(format!("/{path} is not in the image of `{role}`: {hint}"))
    })?;
    data(&format!("role {role}"));
    for (depth, (path, reason)) in chain.into_iter().enumerate() {
        data(&format!("{:indent$}/{path}  {}", "", reason.how, indent = 2 * (depth + 1)));
    }
    Ok(())
}
