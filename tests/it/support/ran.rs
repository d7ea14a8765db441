//! One run of the program: its exit status, what it said, what it gave.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

#[derive(Debug, Clone)]
pub struct Ran {
    pub command: String,
    /// As a shell says it: 128 + the signal where one ended it.
    pub code: i32,
    /// Standard output: data.
    pub out: String,
    /// Standard error: talk.
    pub err: String,
}

impl Ran {
    /// Runs to the end.
    pub fn of(command: &mut Command) -> Ran {
        let output = command.output().unwrap_or_else(|error| panic!("cannot run {command:?}: {error}"));
        Ran::ended(format!("{command:?}"), output)
    }

    pub fn ended(command: String, output: Output) -> Ran {
        let code =
            output.status.code().or_else(|| output.status.signal().map(|signal| 128 + signal)).unwrap_or(-1);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ran { command, code, out: text(output.stdout), err: text(output.stderr) }
    }

    /// Panics with all that was said unless it ended so.
    #[track_caller]
    pub fn expect(self, code: i32) -> Ran {
        assert_eq!(self.code, code, "{self}");
        self
    }

    /// Every one of these must be said or given.
    #[track_caller]
    pub fn says(&self, words: &[&str]) {
        for word in words {
            assert!(self.out.contains(word) || self.err.contains(word), "not said: {word}\n{self}");
        }
    }

    /// None of these may be said or given.
    #[track_caller]
    pub fn is_silent_of(&self, words: &[&str]) {
        for word in words {
            assert!(!self.out.contains(word) && !self.err.contains(word), "said: {word}\n{self}");
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "{}\nexit {}\nstandard output:\n{}\nstandard error:\n{}",
            self.command, self.code, self.out, self.err
        )
    }
}
