//! The `ar` format, as far as a `.deb` uses it.
//!
//! ```text
//! "!<arch>\n"
//! name 16 | mtime 12 | uid 6 | gid 6 | mode 8 | size 10 | "`\n"      60 bytes of text, space-padded
//! content, padded to an even length with one "\n"
//! ```
//! It reads members in order and never past the length that a header says.

use std::io::{self, Read, Take};

const HEADER_BYTES: usize = 60;

pub struct Archive<R> {
    reader: R,
}

pub struct Member<'a, R> {
    pub name: String,
    pub content: Take<&'a mut R>,
    size_bytes: u64,
}

impl<R: Read> Archive<R> {
    /// Reads the magic.
    pub fn open(mut reader: R) -> io::Result<Archive<R>> {
        let mut magic = [0; 8];
        reader.read_exact(&mut magic)?;
        if &magic != b"!<arch>\n" {
            return Err(bad("it does not begin with `!<arch>`"));
        }
        Ok(Archive { reader })
    }

    /// The next member; `None` at the end. The one before must have been read or skipped to its end.
    pub fn next(&mut self) -> io::Result<Option<Member<'_, R>>> {
        let mut header = [0; HEADER_BYTES];
        match self.reader.read(&mut header[..1])? {
            0 => return Ok(None),
            _ => self.reader.read_exact(&mut header[1..])?,
        }
        let (name, size_bytes) = parse(&header)?;
        Ok(Some(Member { name, content: (&mut self.reader).take(size_bytes), size_bytes }))
    }
}

impl<R: Read> Member<'_, R> {
    /// Passes over what was not read, and the padding.
    pub fn skip(mut self) -> io::Result<()> {
        io::copy(&mut self.content, &mut io::sink())?;
        let is_short = self.content.limit() > 0;
        if is_short {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!("`{}` is cut short", self.name),
            ));
        }
        let padding = self.size_bytes % 2;
        io::copy(&mut self.content.into_inner().take(padding), &mut io::sink())?;
        Ok(())
    }
}

fn parse(header: &[u8; HEADER_BYTES]) -> io::Result<(String, u64)> {
    let text = std::str::from_utf8(header).map_err(|_| bad("a member's header is not text"))?;
    // Multi-byte characters would make the columns lie.
    if !text.is_ascii() || &text[58..] != "`\n" {
        return Err(bad("a member's header does not end as it must"));
    }
    let size_bytes = text[48..58].trim_end().parse().map_err(|_| bad("a member's size is not a number"))?;
    Ok((text[..16].trim_end().trim_end_matches('/').to_string(), size_bytes))
}

fn bad(problem: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.to_string())
}
