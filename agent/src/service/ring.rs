//! The last lines of a service: a bounded ring, in memory or in two files of a data partition. Written and forgotten.
//!
//! ```text
//! NAME.old, NAME.log      2026-11-21T22:35:37.123Z text LF, oldest first; .old is the older half
//! ```
//! When a line would make `.log` longer than half of the bound, it is renamed over `.old` and begun anew. Nothing is synced: the
//! kernel writes when it likes (within 30 s), so a disk is not worn and PID 1 never waits for one; what a power cut takes is
//! what the kernel had not written, and of what a kill cuts at most the last line, which is cut off when it is opened.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::stamp;

/// Memory that a line costs beside its text.
const LINE_BYTES: usize = 40;

pub struct Ring {
    lines: VecDeque<(u64, String)>,
    bytes: usize,
    bytes_max: usize,
    /// The number of the next line; the first was 0.
    next: u64,
    disk: Option<Disk>,
}

impl Ring {
    pub fn in_memory(bytes_max: usize) -> Ring {
        Ring { lines: VecDeque::new(), bytes: 0, bytes_max, next: 0, disk: None }
    }

    /// From now on lines are on a disk too, `bytes_max` of them.
    ///
    /// # Errors
    /// The ring goes on in memory.
    pub fn keep_in(&mut self, folder: &Path, name: &str, bytes_max: u64) -> io::Result<()> {
        self.disk = Some(Disk::open(folder, name, bytes_max)?);
        Ok(())
    }

    /// `at_ms` since 1970. A disk that takes no line loses its place: the ring stays in memory.
    pub fn push(&mut self, at_ms: u64, text: &str) -> io::Result<()> {
        self.bytes += text.len() + LINE_BYTES;
        self.lines.push_back((at_ms, text.to_string()));
        self.next += 1;
        while self.bytes > self.bytes_max
            && let Some((_, gone)) = self.lines.pop_front()
        {
            self.bytes -= gone.len() + LINE_BYTES;
        }
        let Some(disk) = &mut self.disk else { return Ok(()) };
        let written = disk.push(&line(at_ms, text));
        if written.is_err() {
            self.disk = None;
        }
        written
    }

    /// The last `count` lines, each with its time, oldest first: of the disk where there is one.
    pub fn tail(&self, count: usize) -> Vec<String> {
        if let Some(lines) = self.disk.as_ref().and_then(|disk| disk.tail(count).ok()) {
            return lines;
        }
        let skip = self.lines.len().saturating_sub(count);
        self.lines.iter().skip(skip).map(|(at_ms, text)| line(*at_ms, text)).collect()
    }

    /// The number that the next line gets: where a reader that follows begins.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// The lines from number `from` on that are still held in memory, and the number to ask with next.
    pub fn since(&self, from: u64) -> (Vec<String>, u64) {
        let first = self.next - self.lines.len() as u64;
        let skip = from.saturating_sub(first) as usize;
        (self.lines.iter().skip(skip).map(|(at_ms, text)| line(*at_ms, text)).collect(), self.next)
    }
}

fn line(at_ms: u64, text: &str) -> String {
    format!("{} {text}", stamp::rfc3339(at_ms))
}

struct Disk {
    log: PathBuf,
    old: PathBuf,
    file: File,
    bytes: u64,
    half_bytes: u64,
}

impl Disk {
    fn open(folder: &Path, name: &str, bytes_max: u64) -> io::Result<Disk> {
        fs::create_dir_all(folder)?;
        let place = |end: &str| folder.join(format!("{name}.{end}"));
        let (log, old) = (place("log"), place("old"));
        let mut file = File::options().read(true).write(true).create(true).truncate(false).open(&log)?;
        let bytes = whole_lines(&mut file)?;
        let mut disk = Disk { log, old, file, bytes, half_bytes: bytes_max / 2 };
        // Of an image before, whose bound was wider.
        if fs::metadata(&disk.old).is_ok_and(|old| old.len() > disk.half_bytes) {
            fs::remove_file(&disk.old)?;
        }
        if disk.bytes > disk.half_bytes {
            disk.begin()?;
            fs::remove_file(&disk.old)?;
        }
        Ok(disk)
    }

    fn push(&mut self, line: &str) -> io::Result<()> {
        let bytes = line.len() as u64 + 1;
        if bytes > self.half_bytes {
            return Ok(());
        }
        if self.bytes + bytes > self.half_bytes {
            self.begin()?;
        }
        // One write, so that a kill leaves a line or none of it.
        self.file.write_all(format!("{line}\n").as_bytes())?;
        self.bytes += bytes;
        Ok(())
    }

    fn begin(&mut self) -> io::Result<()> {
        fs::rename(&self.log, &self.old)?;
        self.file = File::options().read(true).write(true).create_new(true).open(&self.log)?;
        self.bytes = 0;
        Ok(())
    }

    fn tail(&self, count: usize) -> io::Result<Vec<String>> {
        let mut lines = last_lines(&self.log, self.half_bytes, count)?;
        if lines.len() < count {
            let older = last_lines(&self.old, self.half_bytes, count - lines.len()).unwrap_or_default();
            lines.splice(0..0, older);
        }
        Ok(lines)
    }
}

fn last_lines(path: &Path, bytes_max: u64, count: usize) -> io::Result<Vec<String>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(bytes_max).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    Ok(lines[lines.len().saturating_sub(count)..].iter().map(|line| line.to_string()).collect())
}

/// Cuts off what is behind the last end of a line, and stands there.
fn whole_lines(file: &mut File) -> io::Result<u64> {
    let size = file.metadata()?.len();
    let from = size.saturating_sub(2 * crate::lines::LINE_MAX_BYTES as u64);
    file.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    file.take(size - from).read_to_end(&mut end)?;
    let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| from + at as u64 + 1);
    file.set_len(whole)?;
    file.seek(SeekFrom::Start(whole))?;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[String]) -> Vec<&str> {
        lines.iter().map(|line| line.split_once(' ').unwrap().1).collect()
    }

    #[test]
    fn memory_is_bounded_and_followed() {
        let mut ring = Ring::in_memory(1000);
        for number in 0..100 {
            ring.push(number, &format!("line {number}")).unwrap();
        }
        assert!(ring.bytes <= 1000);
        assert_eq!(texts(&ring.tail(2)), ["line 98", "line 99"]);
        let (all, next) = ring.since(0);
        assert!(all.len() > 10 && next == 100);
        ring.push(100, "more").unwrap();
        assert_eq!(texts(&ring.since(next).0), ["more"]);
        assert!(ring.since(101).0.is_empty() && ring.since(9999).0.is_empty());
        assert_eq!(ring.tail(1)[0], "1970-01-01T00:00:00.100Z more");
    }

    #[test]
    fn a_disk_is_bounded_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let used = || -> u64 {
            fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
        };
        let mut ring = Ring::in_memory(100);
        ring.keep_in(folder.path(), "it", 10_000).unwrap();
        for number in 0..2000 {
            ring.push(number, &format!("line {number} {}", "x".repeat(number as usize % 50))).unwrap();
            assert!(used() <= 10_000);
        }
        assert!(ring.tail(60).len() == 60 && ring.tail(60)[59].contains("line 1999"));
        let mut again = Ring::in_memory(100);
        again.keep_in(folder.path(), "it", 10_000).unwrap();
        assert_eq!(again.tail(60), ring.tail(60));
        again.push(0, "after").unwrap();
        assert_eq!(texts(&again.tail(2))[1], "after");
        let mut narrow = Ring::in_memory(100);
        narrow.keep_in(folder.path(), "it", 2_000).unwrap();
        assert!(used() <= 2_000, "{}", used());
    }

    /// Cut at every byte: all lines but the last are there.
    #[test]
    fn a_cut_costs_the_last_line_at_most() {
        let folder = tempfile::tempdir().unwrap();
        let mut ring = Ring::in_memory(100);
        ring.keep_in(folder.path(), "it", 10_000).unwrap();
        (0..5).for_each(|number| ring.push(0, &format!("line {number}")).unwrap());
        let path = folder.path().join("it.log");
        let whole = fs::read(&path).unwrap();
        for size in 0..=whole.len() {
            fs::write(&path, &whole[..size]).unwrap();
            let mut ring = Ring::in_memory(100);
            ring.keep_in(folder.path(), "it", 10_000).unwrap();
            let lines = whole[..size].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(ring.tail(10).len(), lines, "cut at {size}");
            ring.push(0, "more").unwrap();
            assert_eq!(texts(&ring.tail(10)).last(), Some(&"more"));
        }
    }

    #[test]
    fn a_full_disk_leaves_memory() {
        let mut ring = Ring::in_memory(1000);
        ring.disk = Some(Disk {
            log: "/dev/full".into(),
            old: "/nonexistent".into(),
            file: File::options().write(true).open("/dev/full").unwrap(),
            bytes: 0,
            half_bytes: 1000,
        });
        assert!(ring.push(0, "one").is_err());
        ring.push(0, "two").unwrap();
        assert_eq!(texts(&ring.tail(9)), ["one", "two"]);
    }
}
