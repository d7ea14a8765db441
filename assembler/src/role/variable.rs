//! A variable: one name of the environment's schema, what may differ between two hosts of a role.

use kegs::fault::Faults;
use kegs::reader::{Named, Place, Read, Scalar, Table};

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variable {
    pub kind: Kind,
    /// Of its kind; strings may hold `{host}` `{role}` `{stage}` `{number}`.
    pub default: Option<Value>,
    pub required: bool,
    /// Never printed, never with a default in an image.
    pub secret: bool,
    /// A regular expression that the whole value matches.
    pub pattern: Option<String>,
    /// Lowest and highest, both allowed; of integers.
    pub range: Option<(i64, i64)>,
    pub summary: Option<String>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Kind {
    /// One line.
    #[default]
    String,
    /// Any number of lines.
    Text,
    Integer,
    Boolean,
    /// Strings.
    List,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Scalar(Scalar),
    List(Vec<String>),
}

impl Read for Value {
    fn read(at: &Place, faults: &mut Faults) -> Option<Value> {
        if at.is_list() {
            return Vec::read(at, faults).map(Value::List);
        }
        Scalar::read(at, faults).map(Value::Scalar)
    }
}

impl Read for Kind {
    fn read(at: &Place, faults: &mut Faults) -> Option<Kind> {
        let words = [
            ("string", Kind::String),
            ("text", Kind::Text),
            ("integer", Kind::Integer),
            ("boolean", Kind::Boolean),
            ("list", Kind::List),
        ];
        at.word("type", &words, faults)
    }
}

impl Read for Variable {
    fn read(at: &Place, faults: &mut Faults) -> Option<Variable> {
        let mut table = at.table("a table", faults)?;
        let kind = table.need("type", "one of `string`, `text`, `integer`, `boolean`, `list`");
        let variable = Variable {
            kind: kind.unwrap_or_default(),
            default: table.take("default"),
            required: table.or_default("required"),
            secret: table.or_default("secret"),
            pattern: table.take("pattern"),
            range: range(&mut table),
            summary: table.take("summary"),
        };
        if kind.is_some() {
            agree(&variable, &mut table);
        }
        table.close("in a variable");
        Some(variable)
    }
}

fn range(table: &mut Table) -> Option<(i64, i64)> {
    let span = table.key_span("range");
    match table.take::<Vec<i64>>("range")?.as_slice() {
        [low, high] if low <= high => Some((*low, *high)),
        _ => {
            table.fault(
                span.unwrap_or_default(),
                "a range is its lowest and its highest",
                "as `range = [1, 64]`",
            );
            None
        }
    }
}

/// The keys of one variable fit together.
fn agree(variable: &Variable, table: &mut Table) {
    let mut fault = |key: &str, message: &str, help: &str| {
        let span = table.key_span(key).unwrap_or_default();
        table.fault(span, message, help);
    };
    if let Some(default) = &variable.default {
        if let Err(help) = fits(variable, default) {
            fault("default", "a default that the variable cannot have", &help);
        }
        if variable.required {
            fault(
                "required",
                "required, and has a default",
                "what has a default need not be given: drop one of the two",
            );
        }
        if variable.secret {
            fault(
                "default",
                "a secret with a default",
                "images are public: a secret is given, never built in",
            );
        }
    }
    if variable.range.is_some() && variable.kind != Kind::Integer {
        fault("range", "a range of what is no integer", "`type = \"integer\"`, or use `pattern`");
    }
    if variable.pattern.is_some() && !matches!(variable.kind, Kind::String | Kind::Text | Kind::List) {
        fault("pattern", "a pattern of what is no string", "`type = \"string\"`, or use `range`");
    }
}

fn fits(variable: &Variable, value: &Value) -> Result<(), String> {
    match (variable.kind, value) {
        (Kind::Boolean, Value::Scalar(Scalar::Bool(_))) => Ok(()),
        (Kind::Text, Value::Scalar(Scalar::String(text))) => words(text),
        (Kind::String, Value::Scalar(Scalar::String(text))) if !text.contains('\n') => words(text),
        (Kind::List, Value::List(items)) => items.iter().try_for_each(|item| words(item)),
        (Kind::Integer, Value::Scalar(Scalar::Integer(number))) => match variable.range {
            Some((low, high)) if !(low..=high).contains(number) => Err(format!("from {low} to {high}")),
            _ => Ok(()),
        },
        (Kind::String, _) => Err("a string of one line".to_string()),
        (Kind::Text, _) => Err("a string".to_string()),
        (Kind::Integer, _) => Err("an integer, without quotes".to_string()),
        (Kind::Boolean, _) => Err("`true` or `false`".to_string()),
        (Kind::List, _) => Err("a list of strings".to_string()),
    }
}

/// What a default may be derived from.
const WORDS: [&str; 4] = ["host", "role", "stage", "number"];

fn words(text: &str) -> Result<(), String> {
    for rest in text.split('{').skip(1) {
        let word = rest.split_once('}').map_or(rest, |(word, _)| word);
        if !WORDS.contains(&word) {
            return Err(format!("unknown word `{{{word}}}`; {}", kegs::reader::meant(word, WORDS)));
        }
    }
    Ok(())
}

pub fn take(table: &mut Table) -> Named<Variable> {
    let env: Named<Variable> = table.or_default("env");
    for (name, variable) in env.iter() {
        let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if !name.chars().all(inner) || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
            let help = "lower-case letters, digits and `_`: templates use it as it is";
            table.fault(variable.span.clone(), format!("`{name}` is no name of a variable"), help);
        }
    }
    env
}
