//! A fault: what a person wrote and must mend, with the place in their text.
//!
//! The one shape of *input* errors in the whole house (recipes, roles, seeds, environments). It only
//! carries; the terminal draws it.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One text as it was read, shared by the faults in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    /// Shared, as the content is: every dependency and source of a tap carries its text.
    pub path: Arc<Path>,
    pub content: Arc<str>,
}

/// What is wrong (`message`), where (`text`, `span` in bytes), what stands there (`label`), what would be right (`help`).
/// `id` names the lint that found it (`T01`); its page says why. Faults are equal by what they say, and `id` is part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub text: Text,
    pub span: Range<usize>,
    pub message: String,
    pub label: String,
    pub help: Option<String>,
    pub id: Option<&'static str>,
}

impl Text {
    pub fn new(path: impl Into<PathBuf>, content: &str) -> Text {
        Text { path: path.into().into(), content: content.into() }
    }

    pub fn fault(&self, span: Range<usize>, message: impl Into<String>) -> Fault {
        Fault {
            text: self.clone(),
            span,
            message: message.into(),
            label: String::new(),
            help: None,
            id: None,
        }
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn position(&self, byte: usize) -> (usize, usize) {
        let mut at = byte.min(self.content.len());
        while !self.content.is_char_boundary(at) {
            at -= 1;
        }
        let before = &self.content[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Fault {
    pub fn label(mut self, label: impl Into<String>) -> Fault {
        self.label = label.into();
        self
    }

    pub fn help(mut self, help: impl Into<String>) -> Fault {
        self.help = Some(help.into());
        self
    }

    /// The lint that it is. The first one stays: who is nearer to the place knows better.
    pub fn id(mut self, id: &'static str) -> Fault {
        self.id.get_or_insert(id);
        self
    }
}

/// `file:line:column: message (label); help`, one line.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let (line, column) = self.text.position(self.span.start);
        write!(f, "{}:{line}:{column}: {}", self.text.path.display(), self.message)?;
        if !self.label.is_empty() {
            write!(f, " ({})", self.label)?;
        }
        match &self.help {
            Some(help) => write!(f, "; {help}"),
            None => Ok(()),
        }
    }
}

/// All faults of one go, in the order of files and places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    pub fn push(&mut self, fault: Fault) {
        self.0.push(fault);
    }

    /// Takes in what is not said yet: a fault that several plans meet is said once.
    pub fn absorb(&mut self, more: Faults) {
        for fault in more.0 {
            if !self.0.contains(&fault) {
                self.0.push(fault);
            }
        }
    }

    /// `value` when there is no fault, else all of them, sorted.
    pub fn or<T>(mut self, value: T) -> Result<T, Faults> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by(|a, b| (&a.text.path, a.span.start).cmp(&(&b.text.path, b.span.start)));
        Err(self)
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        for fault in &self.0 {
            writeln!(f, "{fault}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_at_the_character_and_not_at_the_byte() {
        let text = Text::new("a.toml", "x = 1\nö = zlip\n");
        let fault = text.fault(11..15, "no such recipe").label("here").help("did you mean `zlib`?");
        assert_eq!(fault.to_string(), "a.toml:2:5: no such recipe (here); did you mean `zlib`?");
    }

    #[test]
    fn what_is_said_already_is_absorbed_once() {
        let text = Text::new("a.toml", "abc");
        let mut faults = Faults(vec![text.fault(0..1, "known")]);
        faults.absorb(Faults(vec![text.fault(0..1, "known"), text.fault(1..2, "new")]));
        assert_eq!(faults.or(()).unwrap_err().to_string(), "a.toml:1:1: known\na.toml:1:2: new\n");
    }

    #[test]
    fn faults_come_in_the_order_of_places() {
        let text = Text::new("a.toml", "abc");
        let mut faults = Faults::default();
        faults.push(text.fault(2..3, "second"));
        faults.push(text.fault(0..1, "first"));
        assert_eq!(faults.or(()).unwrap_err().to_string(), "a.toml:1:1: first\na.toml:1:3: second\n");
    }
}
