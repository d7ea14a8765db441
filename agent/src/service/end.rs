//! How a process ended: a status as wait(2) has it, its own or told by the one that stood for it.

use std::fmt;
use std::fs::File;

use super::enter::{ENDED, read_record};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End(i32);

impl End {
    /// As `pipe` tells, else as the process itself ended.
    pub fn of(pipe: &File, status: i32) -> End {
        match read_record(pipe) {
            Some((ENDED, told)) => End(told as i32),
            _ => End(status),
        }
    }

    pub fn raw(status: i32) -> End {
        End(status)
    }

    pub fn is_good(self) -> bool {
        libc::WIFEXITED(self.0) && libc::WEXITSTATUS(self.0) == 0
    }
}

impl fmt::Display for End {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        match self.0 {
            status if libc::WIFEXITED(status) => write!(to, "exited with {}", libc::WEXITSTATUS(status)),
            status if libc::WIFSIGNALED(status) => write!(to, "was ended by signal {}", libc::WTERMSIG(status)),
            _ => write!(to, "ended"),
        }
    }
}
