//! `rootbrew text`: the text twin of an image, made to be diffed.

use super::subject;
use crate::context::Context;
use crate::terminal::data;
use crate::trouble::Result;

pub fn run(context: &Context, image: &str) -> Result<()> {
    let subject = subject::open(context, image)?;
    data(assembler::text::print(&subject.tree).trim_end());
    Ok(())
}
