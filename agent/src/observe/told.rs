//! What is told: each line once, and no more of them than a host wants to read.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;

use super::call::Call;

/// A program that asks for ever new names must not fill the machine's memory.
const LINES_MAX: usize = 20_000;

pub struct Told {
    port: File,
    lines: HashSet<String>,
}

impl Told {
    pub fn new(port: File) -> Told {
        Told { port, lines: HashSet::new() }
    }

    /// `error` is 0 where the call gave what it was asked for.
    pub fn tell(&mut self, call: Call, error: i32, program: &str, path: &str) {
        let line = format!("{}\t{error}\t{}\t{}\n", call.word(), plain(program), plain(path));
        if self.lines.len() < LINES_MAX && !self.lines.contains(&line) {
            // One write a line: other tracers write to the same port. A host that is gone reads nothing.
            self.port.write_all(line.as_bytes()).unwrap_or_default();
            self.lines.insert(line);
        }
    }
}

fn plain(text: &str) -> String {
    let mut plain = String::new();
    for byte in text.bytes() {
        match byte {
            b'\\' | 0..0x20 | 0x7f.. => plain.push_str(&format!("\\x{byte:02x}")),
            _ => plain.push(byte as char),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_once_and_plain() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut told = Told::new(file.reopen().unwrap());
        told.tell(Call::Open, 2, "/bin/a", "/etc/x\ty\\\u{e9}");
        told.tell(Call::Open, 2, "/bin/a", "/etc/x\ty\\\u{e9}");
        told.tell(Call::Look, 0, "/bin/a", "/etc");
        let text = std::fs::read_to_string(file.path()).unwrap();
        assert_eq!(text, "open\t2\t/bin/a\t/etc/x\\x09y\\x5c\\xc3\\xa9\nlook\t0\t/bin/a\t/etc\n");
    }
}
