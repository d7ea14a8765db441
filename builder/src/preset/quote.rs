//! Strings of a recipe as words of a POSIX shell. Nothing of a recipe stands in a script in another way.

/// One word, whatever is in it. Plain words stay as they are, so that a person can read the script.
///
/// ```text
/// --with-threads        -> --with-threads
/// it's here             -> 'it'\''s here'
/// ```
pub fn word(text: &str) -> String {
    if !text.is_empty() && text.chars().all(is_plain) {
        return text.to_string();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

/// Words with a space between.
pub fn words<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> String {
    texts.into_iter().map(|text| word(text.as_ref())).collect::<Vec<_>>().join(" ")
}

// `=` and `~` are not quoted by others' tables, but `a=b` as a command's first word is an assignment and `~` a home.
// Only arguments are written by us, where `=` is plain.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_./=+:,@%".contains(c)
}
