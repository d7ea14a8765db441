//! Calls of m4, CMake and meson in a text: `NAME(argument, [quoted, argument])`.
//!
//! No interpreter: what a variable or another macro would give is not known here, and is left as it is written.

/// The arguments of each call of `name`, brackets and quotes taken off, in the order of the text. Comments (`dnl`, `#`)
/// are no calls.
pub fn calls(text: &str, name: &str) -> Vec<Vec<String>> {
    let open = format!("{name}(");
    let mut found = Vec::new();
    for (at, _) in text.match_indices(&open) {
        let line = &text[text[..at].rfind('\n').map_or(0, |newline| newline + 1)..at];
        let letter = |c: char| c.is_alphanumeric() || c == '_';
        if line.ends_with(letter) || line.trim_start().starts_with("dnl") || line.contains('#') {
            continue;
        }
        found.extend(arguments(&text[at + open.len()..]));
    }
    found
}

/// Up to the parenthesis that closes; `None` where it never does.
fn arguments(text: &str) -> Option<Vec<String>> {
    let (mut depth, mut brackets) = (0, 0);
    let (mut all, mut one) = (Vec::new(), String::new());
    let mut quote = None;
    // No call that we look for is longer.
    for c in text.chars().take(20_000) {
        match (c, quote) {
            (_, Some(mark)) if c == mark => quote = None,
            (_, Some(_)) => {}
            ('\'' | '"', None) if brackets == 0 => quote = Some(c),
            ('[', _) => brackets += 1,
            (']', _) => brackets -= 1,
            ('(', _) => depth += 1,
            (')', _) if depth == 0 && brackets <= 0 => {
                all.push(bare(&one));
                return Some(all);
            }
            (')', _) => depth -= 1,
            (',', _) if depth == 0 && brackets <= 0 => {
                all.push(bare(&one));
                one.clear();
                continue;
            }
            _ => {}
        }
        one.push(c);
    }
    None
}

/// Without quotes, brackets and blanks around it.
fn bare(argument: &str) -> String {
    argument.trim().trim_matches(['[', ']', '"', '\'']).trim().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_parted_at_their_own_commas() {
        let text = "dnl AC_INIT([no])\nAC_INIT([jq],\n  [1.7], [https://x/y?a(b),c], [jq])\nMY_AC_INIT(no)\n";
        assert_eq!(calls(text, "AC_INIT"), [["jq", "1.7", "https://x/y?a(b),c", "jq"]]);
        assert_eq!(calls("x = dependency('zlib', version: ['>1', '<3'])", "dependency")[0][0], "zlib");
        assert!(calls("AC_INIT([open", "AC_INIT").is_empty());
    }
}
