//! Where a finding of a keg points: the words of the recipe that made it so.

use std::ops::Range;

use kegs::fault::Fault;

use super::super::doc::{Doc, Inner, Kind};
use super::super::finding::Edit;
use super::Built;

/// At the preset: whoever made the file, it is what ran.
pub fn maker(built: &Built, message: impl Into<String>) -> Fault {
    let text = &built.variant().text;
    text.fault(maker_span(built).unwrap_or(0..0), message)
}

fn maker_span(built: &Built) -> Option<Range<usize>> {
    let variant = built.variant();
    let doc = Doc::parse(&variant.text)?;
    let parts = doc.parts();
    let mut own = parts.iter().filter(|part| match part.kind {
        Kind::Recipe => true,
        Kind::Slot => part.name == variant.slot,
        _ => false,
    });
    own.find_map(|part| part.get("preset")).map(|entry| entry.at.span.clone())
}

/// A string of the recipe's `args`, `args_off` or `build_args`, wherever, or an option's `flag` that gives it.
pub fn argument(built: &Built, is: &dyn Fn(&str) -> bool) -> Option<Range<usize>> {
    let doc = Doc::parse(&built.variant().text)?;
    for part in doc.parts() {
        for key in ["args", "args_off", "build_args"] {
            let found = part.strings(key).into_iter().find(|(text, _)| is(text));
            if let Some((_, at)) = found {
                return Some(at.span.clone());
            }
        }
        if let Some(entry) = part.get("flag")
            && entry.at.text().is_some_and(is)
        {
            return Some(entry.at.span.clone());
        }
    }
    None
}

/// The first test's table, or the place of the preset where there is none.
pub fn tests(built: &Built) -> Option<Range<usize>> {
    let doc = Doc::parse(&built.variant().text)?;
    let entry = doc.get("test")?;
    entry.at.items().first().map(|item| item.span.clone())
}

/// Takes an item out of a list, with its comma.
pub fn without(fault: &Fault) -> Edit {
    let (content, span) = (&fault.text.content, &fault.span);
    // A dependency's place is inside its quotes.
    let quoted = content[..span.start].ends_with(['"', '\'']) && content[span.end..].starts_with(['"', '\'']);
    let span = if quoted { span.start - 1..span.end + 1 } else { span.clone() };
    let after = content[span.end..].trim_start();
    let span = match after.strip_prefix(',') {
        Some(rest) => span.start..content.len() - rest.trim_start_matches(' ').len(),
        None => {
            let before = content[..span.start].trim_end();
            before.strip_suffix(',').map_or(span.start, str::len)..span.end
        }
    };
    Edit::new(&fault.text, span, "")
}
