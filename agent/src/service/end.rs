//! How a process ended: a status as wait(2) has it, its own or told by the one that stood for it.

use std::fmt;
use std::fs::File;

use super::enter::{ENDED, MAIN, read_record};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End(i32);

impl End {
    /// As `pipe` tells, else as the process itself ended.
    pub fn of(pipe: &File, status: i32) -> End {
        End(told(pipe).map_or(status, |(_, status)| status))
    }

    pub fn raw(status: i32) -> End {
        End(status)
    }

    pub fn is_good(self) -> bool {
        libc::WIFEXITED(self.0) && libc::WEXITSTATUS(self.0) == 0
    }

    /// It gave up by itself, as a program does that cannot use its files; nobody killed it.
    pub fn gave_up(self) -> bool {
        libc::WIFEXITED(self.0) && !self.is_good()
    }
}

/// A main process that has ended, as its own processes are counted, and its status.
pub fn told(pipe: &File) -> Option<(i32, i32)> {
    let mut main = 0;
    while let Some((kind, word)) = read_record(pipe) {
        match kind {
            MAIN => main = word as i32,
            ENDED => return Some((main, word as i32)),
            _ => {}
        }
    }
    None
}

impl fmt::Display for End {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            status if libc::WIFEXITED(status) => write!(to, "exited with {}", libc::WEXITSTATUS(status)),
            status if libc::WIFSIGNALED(status) => {
                write!(to, "was ended by signal {}", libc::WTERMSIG(status))
            }
            _ => write!(to, "ended"),
        }
    }
}
