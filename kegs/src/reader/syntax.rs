//! What a TOML parser says, as a person would: what stands there, and what would be right.

use std::ops::Range;

use crate::fault::{Fault, Text};

pub fn fault(text: &Text, error: &toml::de::Error) -> Fault {
    let end = text.content.len();
    let span = error.span().unwrap_or(0..0);
    let span = span.start.min(end)..span.end.min(end);
    let told = error.message().trim().replace('\n', ", ");
    if ["must be quoted", "invalid float", "invalid integer", "invalid datetime"]
        .iter()
        .any(|what| told.contains(what))
    {
        return unquoted(text, span);
    }
    for (what, message, help) in KNOWN {
        if told.contains(what) {
            return text.fault(span, message).help(help);
        }
    }
    text.fault(span, told)
}

/// What the parser says, and what we do.
const KNOWN: [(&str, &str, &str); 5] = [
    ("duplicate key", "this stands here twice", "leave one of the two out"),
    ("recursion depth", "nested too deep", "a recipe needs four levels, the reader takes 80"),
    (
        "missing escaped value",
        "an unknown escape",
        "a backslash is written `\\\\`, or the string in single quotes",
    ),
    ("invalid basic string, expected `\"`", "a string without its end", "close it by `\"` on the same line"),
    ("unclosed array", "a list without its end", "close it by `]`"),
];

/// A word where a value stands: text wants quotes, and a number is no version.
fn unquoted(text: &Text, span: Range<usize>) -> Fault {
    let content = &*text.content;
    let ends = |c: char| c.is_whitespace() || ",[]{}=#\"'".contains(c);
    let mut at = span.start;
    while !content.is_char_boundary(at) {
        at -= 1;
    }
    let begin = content[..at].rfind(ends).map_or(0, |before| before + 1);
    let end = content[begin..].find(ends).map_or(content.len(), |after| begin + after);
    match &content[begin..end] {
        "" => text.fault(span, "a value is missing").help("text stands in double quotes"),
        word => text
            .fault(begin..end, format!("`{word}` without quotes"))
            .help(format!("text is quoted, a version too: `\"{word}\"`")),
    }
}
