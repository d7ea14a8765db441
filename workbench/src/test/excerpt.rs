//! Excerpts: of what a program said, as much as a person wants to see beside a fault.

/// Lines from the end: the reason of a failure stands last.
const LINES_MAX: usize = 12;
const LINE_MAX_CHARS: usize = 160;

/// The last lines, each after `mark`; what is not UTF-8 is shown as such, what is long is cut.
pub fn tail(bytes: &[u8], mark: &str) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.trim_end().lines().collect();
    if lines.is_empty() {
        return format!("{mark}(nothing)");
    }
    let from = lines.len().saturating_sub(LINES_MAX);
    let mut shown: Vec<String> = lines[from..].iter().map(|line| format!("{mark}{}", cut(line))).collect();
    if from > 0 {
        shown.insert(0, format!("{mark}({from} lines before)"));
    }
    shown.join("\n")
}

/// No control sign of a program reaches the terminal.
fn cut(line: &str) -> String {
    let plain = line.chars().map(|c| if c.is_control() && c != '\t' { '\u{fffd}' } else { c });
    let mut shown: String = plain.take(LINE_MAX_CHARS).collect();
    if line.chars().count() > LINE_MAX_CHARS {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn the_end_of_a_long_text_is_shown_and_no_escape_of_it() {
        let text: String = (1..=14).map(|n| format!("line {n}\n")).collect();
        let shown = tail(format!("{text}\x1b[31mred").as_bytes(), "+ ");
        expect![[r#"
            + (3 lines before)
            + line 4
            + line 5
            + line 6
            + line 7
            + line 8
            + line 9
            + line 10
            + line 11
            + line 12
            + line 13
            + line 14
            + �[31mred"#]]
        .assert_eq(&shown);
        expect!["+ (nothing)"].assert_eq(&tail(b"\n", "+ "));
    }
}
