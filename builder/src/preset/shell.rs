//! The parts of a script that every preset fills: four bodies, made of lines.

/// The bodies of a preset's steps. An empty one does nothing.
#[derive(Debug, Default)]
pub struct Steps {
    /// `"$@"` are further arguments, from a `steps.sh` that calls `preset_configure`.
    pub configure: Vec<String>,
    pub build: Vec<String>,
    pub check: Vec<String>,
    pub install: Vec<String>,
}

/// A shell function. `:` stands in an empty one, for POSIX has no empty body.
pub fn function(name: &str, body: &[String]) -> String {
    let mut text = format!("{name}() {{\n");
    if body.is_empty() {
        text.push_str("\t:\n");
    }
    for line in body {
        text.push('\t');
        text.push_str(line);
        text.push('\n');
    }
    text + "}\n"
}

/// A command and its words, the words already quoted; empty ones leave no gap.
pub fn command<T: AsRef<str>>(words: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for word in words {
        if !word.as_ref().is_empty() {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(word.as_ref());
        }
    }
    text
}
