//! The canonical form of recipes and roles: the same bytes for the same words, comments kept.
//!
//! ```text
//! order      which key stands before which
//! section    [headers] and the tables below them
//! entry      `key = value  # comment`, its `=` below the others'
//! value      strings, lists, tables in braces
//! comment    what stands between the words
//! ```
//! It changes white space, the order of keys within a block, and quotes; never a word, a comment, or whether a table
//! stands under a header or in braces. What is no TOML it leaves alone.

mod comment;
mod entry;
pub mod order;
mod section;
pub mod tap;
#[cfg(test)]
mod tests;
mod value;

pub use order::File;

/// Whether keys are put in their canonical order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keys {
    /// Within each block of lines that no empty line parts.
    Sorted,
    /// As they stand.
    AsWritten,
}

/// Why there is no canonical form.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    #[error("not TOML: {0}")]
    Syntax(#[from] toml_edit::TomlError),
    /// Ours: the form would say something else than the text did.
    #[error("its canonical form would change its meaning: left as it is, please report it")]
    Meaning,
}

/// The canonical form of `text`.
///
/// # Errors
/// The text is no TOML, or (our fault, looked for each time) its form would mean something else.
pub fn format(file: File, text: &str, keys: Keys) -> Result<String, FormatError> {
    let document = text.parse::<toml_edit::DocumentMut>()?;
    let formatted = section::document(file, &document, keys);
    if means(text) != means(&formatted) {
        return Err(FormatError::Meaning);
    }
    Ok(formatted)
}

fn means(text: &str) -> Option<toml::Table> {
    text.parse().ok()
}
