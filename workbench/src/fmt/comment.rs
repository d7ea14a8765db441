//! Comments: what stands between the words of a text, as lines.

use toml_edit::RawString;

/// The white space and comments before a key or a header.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Before {
    /// A comment that ends the line of what stood before.
    pub end_of_line: Option<String>,
    /// Comments, and empty lines: never two in a row.
    pub lines: Vec<String>,
}

impl Before {
    /// `raw` begins behind something on the same line: in a list.
    pub fn behind(raw: &str) -> Before {
        let (first, rest) = raw.split_once('\n').unwrap_or((raw, ""));
        let first = first.trim();
        Before { end_of_line: (!first.is_empty()).then(|| first.to_string()), ..Before::line(rest) }
    }

    /// `raw` begins on a line of its own.
    pub fn line(raw: &str) -> Before {
        // The last piece is the indentation of what follows.
        let end = raw.rfind('\n').unwrap_or(0);
        let mut lines: Vec<String> = raw[..end].split('\n').map(|line| line.trim().to_string()).collect();
        lines.dedup_by(|line, last| line.is_empty() && last.is_empty());
        if end == 0 && !raw.starts_with('\n') {
            lines.clear();
        }
        Before { end_of_line: None, lines }
    }

    /// Nothing stands above: so does no empty line.
    pub fn first(mut self) -> Before {
        let empty = self.lines.iter().take_while(|line| line.is_empty()).count();
        self.lines.drain(..empty);
        self
    }

    /// Whether an empty line stands anywhere before what follows: a new block begins.
    pub fn parts(&self) -> bool {
        self.lines.iter().any(String::is_empty)
    }

    /// Takes what stands above the last empty line, and that line, away: it is the block's and not the key's.
    pub fn take_head(&mut self) -> Vec<String> {
        let own = self.lines.iter().rposition(String::is_empty).map_or(0, |at| at + 1);
        self.lines.drain(..own).collect()
    }
}

pub fn raw(text: Option<&RawString>) -> &str {
    text.and_then(RawString::as_str).unwrap_or_default()
}

/// `  # …`, or nothing.
pub fn suffix(text: Option<&RawString>) -> String {
    match raw(text).trim() {
        "" => String::new(),
        comment => format!("  {comment}"),
    }
}
