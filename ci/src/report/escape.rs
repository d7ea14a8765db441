//! Words of strangers in Markdown: always code, so that they mean nothing.
//!
//! A path, a version, a line of a log may hold anything: fences, HTML, a person's name after `@`, letters that turn the
//! reading order around. In code a forge sees no link, no mention and no tag; what code itself can't hold is spelled out.

/// Longer names are cut: nobody reads them, and a report has an end.
const NAME_MAX: usize = 200;
/// Of a log.
const LINE_MAX: usize = 300;

/// As a code span, also in a table's cell.
pub fn code(text: &str) -> String {
    let text = shown(text, NAME_MAX);
    let fence = "`".repeat(longest_run(&text) + 1);
    // A space on both sides is taken away again (CommonMark 6.1).
    let pad =
        if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    // In a cell a bar ends it even in code, unless it is escaped (GFM 4.10); a bar in a name is shown as another letter.
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "¦"))
}

/// Several, with commas.
pub fn codes<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    texts.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

/// As HTML: a `<summary>` knows no Markdown.
pub fn html(text: &str) -> String {
    let text = shown(text, NAME_MAX).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<code>{}</code>", text.replace('"', "&quot;"))
}

/// Lines in a fence that none of them ends.
pub fn fence(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| shown(line, LINE_MAX)).collect();
    let longest = lines.iter().map(|line| longest_run(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}text\n{}\n{fence}\n", lines.join("\n"))
}

/// Cut, and with what can't be seen spelled out.
pub fn shown(text: &str, chars_max: usize) -> String {
    let mut shown = String::new();
    for (at, letter) in text.chars().enumerate() {
        if at == chars_max {
            shown.push('…');
            break;
        }
        match letter {
            '\t' => shown.push(' '),
            letter if is_unseen(letter) => shown.extend(letter.escape_unicode()),
            letter => shown.push(letter),
        }
    }
    shown
}

/// Controls, marks that turn the reading order, and what has no width (Unicode, "Bidirectional Character Types"; TR36).
fn is_unseen(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

fn longest_run(text: &str) -> usize {
    let (mut longest, mut run) = (0, 0);
    for letter in text.chars() {
        run = if letter == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}
