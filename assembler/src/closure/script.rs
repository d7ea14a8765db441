//! `#!`: the interpreter that the kernel starts for a script, and what `env` would look for.

/// The interpreter's path as written, and the name that `env` is asked to find, if it is `env`.
#[derive(Debug, PartialEq, Eq)]
pub struct Interpreter {
    pub path: String,
    pub by_env: Option<String>,
}

/// What the kernel reads of a first line (`BINPRM_BUF_SIZE`).
pub const LINE_MAX_BYTES: usize = 256;

/// `None` for what is not a script, or names nothing.
pub fn interpreter(head: &[u8]) -> Option<Interpreter> {
    let line = head.strip_prefix(b"#!")?;
    let line = &line[..line.len().min(LINE_MAX_BYTES - 2)];
    let line = line.split(|byte| *byte == b'\n').next()?;
    let line = str::from_utf8(line).ok()?;
    let mut words = line.split_ascii_whitespace();
    let path = words.next()?.to_string();
    let is_env = path.rsplit('/').next() == Some("env");
    let named = |word: &&str| !word.starts_with('-') && !word.contains('=');
    let by_env = if is_env { words.find(named).map(str::to_string) } else { None };
    Some(Interpreter { path, by_env })
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn check(head: &[u8], expected: Expect) {
        let found =
            interpreter(head).map(|found| format!("{} {}", found.path, found.by_env.unwrap_or_default()));
        expected.assert_eq(found.unwrap_or_default().trim_end());
    }

    #[test]
    fn first_lines() {
        check(b"#!/bin/sh\necho", expect!["/bin/sh"]);
        check(b"#! /bin/sh -e\r\n", expect!["/bin/sh"]);
        check(b"#!/usr/bin/env python3\n", expect!["/usr/bin/env python3"]);
        check(b"#!/usr/bin/env -S A=1 perl -w\n", expect!["/usr/bin/env perl"]);
        check(b"#!", expect![""]);
        check(b"#!\xff\xfe\n", expect![""]);
        check(b"\x7fELF", expect![""]);
    }
}
