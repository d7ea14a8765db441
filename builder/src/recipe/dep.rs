//! A dependency's text: `name[@slot][[opt,-opt,opt=val]][ >= v]`.
//!
//! Only the form is judged here, each piece with its place; whether such a recipe exists is the plan's question.

use std::ops::Range;

use kegs::fault::Faults;
use kegs::reader::{Place, Read};

use super::variant::{Choice, Dep, OptionValue};
use super::version::{Version, why_not};

const FORM: &str = "as in \"zlib\", \"openssl@3\", \"pcre2[jit,-utf16] >= 10.40\"";

/// Of a recipe, a virtual, an option or a slot: lower-case letters, digits and `. _ + -`, no dot or dash first.
pub fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._+-".contains(c);
    text.len() <= 64
        && text.chars().all(inner)
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
}

/// Text that is eaten from the left, with the byte reached.
struct Cursor<'a> {
    raw: &'a str,
    at: usize,
}

/// Which bytes of the string are wrong, and why.
type Refused = (Range<usize>, String, String);

impl Read for Dep {
    fn read(at: &Place, faults: &mut Faults) -> Option<Dep> {
        let raw = at.string("a dependency", faults)?;
        match parse(at, raw) {
            Ok(dep) => Some(dep),
            Err((range, message, help)) => {
                faults.push(at.text.fault(at.within(range), message).help(help));
                None
            }
        }
    }
}

fn parse(at: &Place, raw: &str) -> Result<Dep, Refused> {
    let mut cursor = Cursor { raw, at: 0 };
    let name = cursor.name("a recipe's name")?;
    let slot = if cursor.eat("@") { Some(cursor.name("a slot")?) } else { None };
    let options = if cursor.eat("[") { cursor.options()? } else { Choice::default() };
    let bound = cursor.bound()?;
    let text_of = |range: &Range<usize>| raw[range.clone()].to_string();
    Ok(Dep {
        name: text_of(&name),
        slot: slot.as_ref().map(text_of),
        options,
        at_least: bound.as_ref().and_then(|range| Version::parse(&raw[range.clone()])),
        text: at.text.clone(),
        span: at.within(0..raw.len()),
        name_span: at.within(name),
        slot_span: slot.map(|range| at.within(range)),
        bound_span: bound.map(|range| at.within(range)),
    })
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.raw[self.at..]
    }

    fn eat(&mut self, token: &str) -> bool {
        let eaten = self.rest().starts_with(token);
        self.at += if eaten { token.len() } else { 0 };
        eaten
    }

    /// What stands here, up to a sign of the form.
    fn token(&mut self) -> Range<usize> {
        let end = self.rest().find(['@', '[', ']', ',', '=', ' ', '>', '<']).unwrap_or(self.rest().len());
        let range = self.at..self.at + end;
        self.at = range.end;
        range
    }

    fn name(&mut self, what: &str) -> Result<Range<usize>, Refused> {
        let range = self.token();
        let text = &self.raw[range.clone()];
        if is_name(text) {
            return Ok(range);
        }
        let message =
            if text.is_empty() { format!("{what} is missing") } else { format!("`{text}` is not {what}") };
        let wide = if range.is_empty() { range.start..self.raw.len() } else { range };
        Err((wide, message, FORM.to_string()))
    }

    /// After `[`, to and with `]`.
    fn options(&mut self) -> Result<Choice, Refused> {
        let mut choice = Choice::default();
        loop {
            let off = self.eat("-");
            let name = self.name("an option")?;
            let value = match (off, self.eat("=")) {
                (true, false) => OptionValue::Off,
                (false, false) => OptionValue::On,
                (false, true) => OptionValue::Value(self.raw[self.token()].to_string()),
                (true, true) => return Err((name, "an option is off or has a value".into(), FORM.into())),
            };
            choice.0.insert(self.raw[name].to_string(), value);
            if self.eat("]") {
                return Ok(choice);
            }
            if !self.eat(",") {
                return Err((self.at..self.raw.len(), "`]` is missing".into(), FORM.into()));
            }
        }
    }

    fn bound(&mut self) -> Result<Option<Range<usize>>, Refused> {
        let begin = self.at;
        self.at += self.rest().len() - self.rest().trim_start().len();
        if self.rest().is_empty() && self.at == begin {
            return Ok(None);
        }
        if !self.eat(">=") {
            let message = format!("`{}` is no lower bound", self.rest());
            let help = "a tap holds one version a slot: only ` >= version` can follow, or name a slot by `@`";
            return Err((self.at..self.raw.len(), message, help.into()));
        }
        self.at += self.rest().len() - self.rest().trim_start().len();
        let range = self.at..self.raw.len();
        match why_not(self.rest()) {
            Some(help) => Err((range, format!("`{}` is no version", self.rest()), help.into())),
            None => Ok(Some(range)),
        }
    }
}
