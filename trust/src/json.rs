//! JSON as it is signed: OLPC's canonical form, and fields out of hostile text.
//!
//! ```text
//! {"a":1,"b":["x"]}      names sorted, no space, `"` and `\` alone escaped, whole numbers only
//! ```
//! A signature is over the canonical form of what was read, so that spaces and order don't matter, and a name that stands
//! twice is signed as it was understood: the last one.

use serde_json::{Map, Value};

/// The bytes that a signature is over; `None` where a number is not whole.
pub fn canonical(value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    put(value, &mut out)?;
    Some(out)
}

fn put(value: &Value, out: &mut Vec<u8>) -> Option<()> {
    match value {
        Value::Null => out.extend(b"null"),
        Value::Bool(true) => out.extend(b"true"),
        Value::Bool(false) => out.extend(b"false"),
        Value::Number(number) if number.is_f64() => return None,
        Value::Number(number) => out.extend(number.to_string().bytes()),
        Value::String(text) => put_text(text, out),
        Value::Array(values) => list(values.iter(), *b"[]", out, put)?,
        Value::Object(map) => put_map(map, out)?,
    }
    Some(())
}

fn put_map(map: &Map<String, Value>, out: &mut Vec<u8>) -> Option<()> {
    let mut pairs: Vec<_> = map.iter().collect();
    // Sorted here: another crate of the same program may make maps keep their order.
    pairs.sort_by_key(|(name, _)| *name);
    list(pairs.into_iter(), *b"{}", out, |(name, value), out| {
        put_text(name, out);
        out.push(b':');
        put(value, out)
    })
}

fn list<T>(
    parts: impl Iterator<Item = T>,
    [open, close]: [u8; 2],
    out: &mut Vec<u8>,
    put: impl Fn(T, &mut Vec<u8>) -> Option<()>,
) -> Option<()> {
    out.push(open);
    for (at, part) in parts.enumerate() {
        if at > 0 {
            out.push(b',');
        }
        put(part, out)?;
    }
    out.push(close);
    Some(())
}

fn put_text(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for byte in text.bytes() {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

/// An object whose fields are asked for; a fault is a few words.
#[derive(Clone, Copy)]
pub struct Fields<'a>(&'a Map<String, Value>);

pub type Read<T> = Result<T, String>;

impl<'a> Fields<'a> {
    pub fn of(value: &'a Value, what: &str) -> Read<Fields<'a>> {
        value.as_object().map(Fields).ok_or_else(|| format!("{what} is no object"))
    }

    pub fn get(self, name: &str) -> Read<&'a Value> {
        self.0.get(name).ok_or_else(|| format!("`{name}` is missing"))
    }

    pub fn maybe(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    pub fn text(self, name: &str) -> Read<&'a str> {
        self.get(name)?.as_str().ok_or_else(|| format!("`{name}` is no text"))
    }

    pub fn count(self, name: &str) -> Read<u64> {
        self.get(name)?.as_u64().ok_or_else(|| format!("`{name}` is no whole number"))
    }

    pub fn fields(self, name: &str) -> Read<Fields<'a>> {
        Fields::of(self.get(name)?, &format!("`{name}`"))
    }

    pub fn values(self, name: &str) -> Read<&'a [Value]> {
        self.get(name)?.as_array().map(Vec::as_slice).ok_or_else(|| format!("`{name}` is no list"))
    }

    pub fn texts(self, name: &str) -> Read<Vec<String>> {
        let text = |value: &Value| value.as_str().map(str::to_string);
        let texts: Option<Vec<String>> = self.values(name)?.iter().map(text).collect();
        texts.ok_or_else(|| format!("`{name}` is no list of texts"))
    }

    pub fn all(self) -> impl Iterator<Item = (&'a String, &'a Value)> {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, wanted: Option<&str>) {
        let value: Value = serde_json::from_str(text).unwrap();
        assert_eq!(canonical(&value).map(|bytes| String::from_utf8(bytes).unwrap()).as_deref(), wanted);
    }

    #[test]
    fn the_canonical_form() {
        check(
            "{ \"b\": [1, true, null, -3],\n \"a\": \"\\u00e9\\n\\\"\\\\\" }",
            Some("{\"a\":\"é\n\\\"\\\\\",\"b\":[1,true,null,-3]}"),
        );
        check(r#"{"a":1,"a":2}"#, Some(r#"{"a":2}"#));
        check("[1.5]", None);
        check("[1e3]", None);
    }
}
