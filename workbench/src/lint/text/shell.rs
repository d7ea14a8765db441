//! A shell script with all that is no code blanked out, so that a look for a word finds the word and not its mention.
//!
//! POSIX sh, as far as lints need it: comments, quotes, here-documents. It expands nothing and runs nothing.

use std::ops::Range;

/// The same bytes with comments, quoted text and here-documents as blanks; line breaks stay. What stands in double
/// quotes becomes `_`, so that `"$@"` is still an argument and is not `$@`.
pub fn code(script: &str) -> String {
    let mut out: Vec<u8> = script.bytes().collect();
    let mut at = 0;
    let mut documents: Vec<String> = Vec::new();
    while at < out.len() {
        let end = match out[at] {
            b'\\' => at + 2,
            b'\'' => blank(&mut out, at, closing(script, at, b'\''), b'_'),
            b'"' => blank(&mut out, at, closing(script, at, b'"'), b'_'),
            b'#' if begins_word(script, at) => {
                let end = line_end(script, at);
                blank(&mut out, at, end, b' ')
            }
            b'<' if script[at..].starts_with("<<") && !script[at..].starts_with("<<<") => {
                documents.extend(delimiter(&script[at + 2..]));
                at + 2
            }
            b'\n' if !documents.is_empty() => here(script, &mut out, at + 1, std::mem::take(&mut documents)),
            _ => at + 1,
        };
        at = end;
    }
    // Only whole quoted pieces and lines were blanked, so it is still text.
    String::from_utf8(out).unwrap_or_default()
}

/// Functions that the script defines at the beginning of a line: names with their places.
pub fn functions(code: &str) -> Vec<(String, Range<usize>)> {
    let mut found = Vec::new();
    let mut at = 0;
    for line in code.split_inclusive('\n') {
        let name = line
            .trim_start()
            .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .next()
            .unwrap_or_default();
        let begin = at + line.len() - line.trim_start().len();
        let rest = code[begin + name.len()..].trim_start();
        if !name.is_empty() && rest.starts_with('(') && rest[1..].trim_start().starts_with(')') {
            found.push((name.to_string(), begin..begin + name.len()));
        }
        at += line.len();
    }
    found
}

/// Words at which a command begins, with the words behind them up to the command's end.
pub fn commands(code: &str) -> Vec<(Range<usize>, Vec<&str>)> {
    let mut found = Vec::new();
    let place = |word: &str| word.as_ptr() as usize - code.as_ptr() as usize;
    for piece in code.split(['\n', ';', '|', '&', '(', ')', '{', '}']) {
        let mut words = piece.split_whitespace().peekable();
        let before = ["then", "do", "else", "if", "while", "until", "elif", "!", "exec", "command", "time"];
        while words.next_if(|word| before.contains(word) || is_assignment(word)).is_some() {}
        if let Some(first) = words.next() {
            found.push((place(first)..place(first) + first.len(), words.collect()));
        }
    }
    found
}

fn is_assignment(word: &str) -> bool {
    let name = word.split('=').next().unwrap_or_default();
    word.contains('=') && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.is_empty()
}

fn begins_word(script: &str, at: usize) -> bool {
    at == 0 || script[..at].ends_with(|c: char| c.is_whitespace() || ";&|(){}".contains(c))
}

fn line_end(script: &str, at: usize) -> usize {
    script[at..].find('\n').map_or(script.len(), |end| at + end)
}

/// Behind the quote that closes the one at `at`; the end of the text where none does.
fn closing(script: &str, at: usize, quote: u8) -> usize {
    let bytes = script.as_bytes();
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != quote {
        end += if bytes[end] == b'\\' && quote == b'"' { 2 } else { 1 };
    }
    (end + 1).min(bytes.len())
}

fn blank(out: &mut [u8], from: usize, to: usize, with: u8) -> usize {
    let to = to.min(out.len());
    out[from..to].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = with);
    to
}

/// The word behind `<<`, without its quotes and `-`.
fn delimiter(rest: &str) -> Option<String> {
    let word = rest.trim_start_matches('-').trim_start_matches([' ', '\t']);
    let word = word.split(|c: char| c.is_whitespace() || ";&|<>()".contains(c)).next()?;
    let word = word.replace(['\'', '"', '\\'], "");
    (!word.is_empty()).then_some(word)
}

/// Blanks here-documents that begin at `at`; behind them.
fn here(script: &str, out: &mut [u8], mut at: usize, documents: Vec<String>) -> usize {
    for delimiter in documents {
        while at < script.len() {
            let end = line_end(script, at);
            let is_end = script[at..end].trim_start_matches('\t') == delimiter;
            blank(out, at, end, b' ');
            at = (end + 1).min(script.len());
            if is_end {
                break;
            }
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_code_is_left() {
        let script = "do_build() { # curl\n  echo 'curl x' \"a $(curl) b\" a#b\n  cat <<-'E' >x\n\tcurl y\n\tE\n  make ; curl z\n}\n";
        let code = code(script);
        assert_eq!(code.len(), script.len());
        assert_eq!(code.matches("curl").count(), 1, "{code}");
        assert_eq!(functions(&code), [("do_build".to_string(), 0..8)]);
        let named: Vec<&str> = commands(&code).iter().map(|(range, _)| &code[range.clone()]).collect();
        assert_eq!(named, ["do_build", "echo", "cat", "make", "curl"]);
    }

    #[test]
    fn no_script_makes_it_panic() {
        for script in [
            "",
            "'",
            "\"",
            "\\",
            "<<",
            "<<E",
            "<<E\n",
            "#",
            "\"\\",
            "ö'ä",
            "f(",
            "f ( )",
            "a <<E <<F\nx\nE\ny",
        ] {
            assert_eq!(code(script).len(), script.len(), "{script}");
            functions(&code(script));
            commands(&code(script));
        }
    }
}
