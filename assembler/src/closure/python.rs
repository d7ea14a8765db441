//! Python: the modules that a file imports, read from its text; nothing is run.
//!
//! Every `import` and `from … import` of a file counts, whatever `if`, `try` or function it stands in: what may be imported
//! is in the image. What a program makes up (`__import__(name)`, `importlib`) is not seen: `[runtime] files` names it.

use super::script::Interpreter;

/// No module is longer; what is, names what it names before.
pub const TEXT_MAX_BYTES: u64 = 8 << 20;

/// By its name, or by who is asked to run it.
pub fn is_python(path: &str, interpreter: Option<&Interpreter>) -> bool {
    let program = interpreter.map(|asked| asked.by_env.as_deref().unwrap_or(&asked.path));
    let runs = program.and_then(|program| program.rsplit('/').next());
    path.ends_with(".py") || runs.is_some_and(|name| name.starts_with("python"))
}

/// One name that a file imports, as dots have it: `os.path`, `..util`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Import {
    /// How many folders up a relative one begins: 1 is the file's own package; 0 is absolute.
    pub up: usize,
    /// `xml.sax`; empty for `from . import x`.
    pub module: String,
    /// The names behind `import`, each of which may be a module in that package; empty for `import x`, `["*"]` for all.
    pub names: Vec<String>,
    /// At the left edge, outside of everything: without it the file cannot be imported at all.
    pub always: bool,
}

/// The imports of a source text, in their order. A text that is not Python gives few and harmless ones.
pub fn imports(text: &str) -> Vec<Import> {
    let mut imports = Vec::new();
    for line in logical_lines(text) {
        let code = line.code.trim_start();
        // `try: import x`, `if y: import x; import z`.
        let inner = code.split_once(": ").map_or(code, |(head, rest)| {
            if is_import(rest.trim_start()) && !is_import(head) { rest.trim_start() } else { code }
        });
        let always = inner.len() == line.code.len();
        inner.split(';').for_each(|statement| read(statement.trim(), always, &mut imports));
    }
    imports
}

fn is_import(code: &str) -> bool {
    code.starts_with("import ") || code.starts_with("from ")
}

fn read(code: &str, always: bool, imports: &mut Vec<Import>) {
    if let Some(rest) = code.strip_prefix("import ") {
        let modules = rest.split(',').filter_map(first_name);
        imports.extend(modules.filter(|name| is_dotted(name)).map(|module| Import {
            up: 0,
            module: module.to_string(),
            names: Vec::new(),
            always,
        }));
    } else if let Some((module, names)) = code.strip_prefix("from ").and_then(|rest| split_from(rest)) {
        let dotted = module.trim_start_matches('.');
        let names: Vec<String> = names
            .split(',')
            .filter_map(first_name)
            .filter(|name| *name == "*" || is_dotted(name))
            .map(str::to_string)
            .collect();
        if !names.is_empty() && (dotted.is_empty() || is_dotted(dotted)) {
            imports.push(Import {
                up: module.len() - dotted.len(),
                module: dotted.to_string(),
                names,
                always,
            });
        }
    }
}

/// `.a import (b, c)` to `.a` and `b, c`.
fn split_from(rest: &str) -> Option<(&str, String)> {
    let (module, names) =
        rest.split_once("import").filter(|(module, _)| module.ends_with([' ', '\t', '.']))?;
    let module = module.trim();
    let is_name = names.starts_with([' ', '\t', '(', '*']);
    (is_name && !module.is_empty()).then(|| (module, names.replace(['(', ')'], " ")))
}

/// `os.path as p` is `os.path`.
fn first_name(part: &str) -> Option<&str> {
    part.split_whitespace().next()
}

fn is_dotted(name: &str) -> bool {
    let is_part = |part: &str| {
        !part.is_empty()
            && !part.starts_with(|c: char| c.is_ascii_digit())
            && part.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    name.split('.').all(is_part)
}

struct Line {
    code: String,
}

/// Lines as Python counts them: joined over `\` and open brackets, without comments; strings are left out, as nothing in
/// them is an import.
fn logical_lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    let (mut code, mut depth) = (String::new(), 0_usize);
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let skip = match next {
            '#' => rest.find('\n').unwrap_or(rest.len()),
            '"' | '\'' => {
                code.push('_');
                string_end(rest)
            }
            '\\' if rest[1..].starts_with('\n') => {
                code.push(' ');
                2
            }
            '\n' if depth == 0 => {
                lines.push(Line { code: std::mem::take(&mut code) });
                1
            }
            other => {
                match other {
                    '(' | '[' | '{' => depth += 1,
                    ')' | ']' | '}' => depth = depth.saturating_sub(1),
                    _ => {}
                }
                code.push(if other == '\n' { ' ' } else { other });
                other.len_utf8()
            }
        };
        rest = &rest[skip..];
    }
    lines.push(Line { code });
    lines
}

/// Bytes of the string at the beginning of `text`, quotes and all; to the end of the line where it is not closed.
fn string_end(text: &str) -> usize {
    let quote = &text[..1];
    let triple = quote.repeat(3);
    let is_triple = text.starts_with(&triple);
    let end = if is_triple { triple.as_str() } else { quote };
    let mut at = end.len();
    while at < text.len() {
        let here = &text[at..];
        if here.starts_with('\\') {
            at += 1 + here[1..].chars().next().map_or(0, char::len_utf8);
        } else if here.starts_with(end) {
            return at + end.len();
        } else if !is_triple && here.starts_with('\n') {
            return at;
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(text: &str, expected: Expect) {
        let line = |import: &Import| {
            let dots = ".".repeat(import.up);
            let names = import.names.join(" ");
            let always = if import.always { "" } else { " perhaps" };
            format!("{dots}{} [{names}]{always}\n", import.module)
        };
        expected.assert_eq(&imports(text).iter().map(line).collect::<String>());
    }

    #[test]
    fn every_form_of_import() {
        check(
            "import os\nimport os.path as p, sys\nfrom xml import sax\nfrom . import a, b as c\nfrom ..x.y import (\n  d, # one\n  e,\n)\n\
             from z import *\nfrom .import q\n",
            expect![[r#"
                os []
                os.path []
                sys []
                xml [sax]
                . [a b]
                ..x.y [d e]
                z [*]
                . [q]
            "#]],
        );
    }

    #[test]
    fn what_stands_in_something_is_perhaps() {
        check(
            "try:\n    import winreg\nexcept ImportError: import x\ndef f():\n\tfrom a import b\nif y: import z; import w\nx = 1; import v\n",
            expect![[r#"
                winreg [] perhaps
                x [] perhaps
                a [b] perhaps
                z [] perhaps
                w [] perhaps
                v []
            "#]],
        );
    }

    #[test]
    fn text_is_no_import() {
        check(
            "'''\nimport a\n'''\n# import b\nx = \"import c\"\ny = 'it\\'s'; import d\nimportant = 1\nfromage = 2\nraise X from e\n\"open\nimport e\n",
            expect![[r#"
                d []
                e []
            "#]],
        );
    }

    #[test]
    fn what_is_no_python_does_no_harm() {
        for text in [
            "",
            "\\",
            "'",
            "\"\"\"",
            "import",
            "from",
            "from x",
            "import 1",
            "from . import",
            "\u{feff}é\\é'\\",
        ] {
            assert!(imports(text).is_empty(), "{text:?}");
        }
    }
}
