//! Core files: what a program was when a signal ended it, kept for a debugger; few, and bounded.
//!
//! ```text
//! kernel ──pipe──▶ /sbin/init --core PID SIGNAL LIMIT NAME ──▶ FOLDER/nginx.20261122-014530.57.SEGV   mode 0400
//!                         └─ `kept nginx.2026…` to the control's socket ──▶ an event
//! ```
//! What is zero is not stored, and does not count. Whatever a core is made of, the oldest go first, and what is too large is
//! cut: memory and disk are bounded, and so is the time. A core holds secrets: it is root's, and nobody else's.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};
use std::{env, process};

use crate::control::SOCKET;
use crate::events::tell;
use crate::stamp;
use host::Role;

const FACE: &str = "--core";
/// core(5): process as all see it, signal, its own limit, its name.
const PATTERN: &str = "|/sbin/init --core %P %s %c %e";
/// Written side by side; who dies beside them leaves none.
const AT_ONCE: &str = "4";
const KNOB: &str = "kernel.core_pattern";
const COUNT_MAX: usize = 8;
const DISK_MAX_BYTES: u64 = 256 << 20;
/// A part of the disk, and of the machine's memory, that they may take.
const DISK_PART: u64 = 10;
const MEMORY_PART: u64 = 16;
/// A process may have mapped much more than it ever touched: the kernel writes zeroes for it.
const TIME_MAX: Duration = Duration::from_secs(60);
/// Of the kernel's pages.
const PAGE: usize = 4096;
/// Of linux/magic.h.
const TMPFS: i64 = 0x0102_1994;
/// The signals that leave a core (signal(7)).
const SIGNALS: [(i32, &str); 10] = [
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (11, "SEGV"),
    (24, "XCPU"),
    (25, "XFSZ"),
    (31, "SYS"),
];

/// Tells the kernel where they go.
pub fn expect(role: &Role) {
    if !role.cores || role.sysctl.contains_key(KNOB) {
        return;
    }
    for (knob, value) in [("core_pipe_limit", AT_ONCE), ("core_pattern", PATTERN)] {
        // A kernel that writes no cores has neither.
        if let Err(cause) = fs::write(format!("/proc/sys/kernel/{knob}"), value)
            && cause.kind() != io::ErrorKind::NotFound
        {
            tell(format_args!("no cores are kept: {knob}: {cause}"));
        }
    }
}

/// Where they lie, and how many bytes they may have: on the data partition, else in memory.
struct Place {
    folder: PathBuf,
    bytes_max: u64,
}

fn place() -> Place {
    let data = rustix::fs::statfs("/data").ok().filter(|found| found.f_type as i64 != TMPFS);
    match data {
        Some(data) => {
            let part = data.f_blocks * data.f_bsize as u64 / DISK_PART;
            Place { folder: "/data/rootbrew/cores".into(), bytes_max: part.min(DISK_MAX_BYTES) }
        }
        None => {
            let memory = rustix::fs::statfs("/run").map_or(0, |run| run.f_blocks * run.f_bsize as u64 * 2);
            Place { folder: "/run/rootbrew/cores".into(), bytes_max: memory / MEMORY_PART }
        }
    }
}

/// Whether this process is the kernel's, to keep a core.
pub fn is_asked() -> bool {
    env::args_os().nth(1).is_some_and(|word| word == FACE) && process::id() != 1
}

/// Keeps what comes on standard input. The exit status: who would hear of a fault, but the agent's console?
pub fn keep() -> i32 {
    let words: Vec<String> = env::args().skip(2).collect();
    let Some(dead) = Dead::of(&words) else { return 2 };
    let kept = dead.keep(&place(), &mut io::stdin().lock());
    let said = match kept {
        Ok(None) => return 0,
        Ok(Some((name, whole))) => format!("kept {name}{}\n", if whole { "" } else { " cut" }),
        Err(cause) => format!("kept nothing of {}: {cause}\n", dead.program.replace('\n', " ")),
    };
    let told = UnixStream::connect(SOCKET).and_then(|mut agent| agent.write_all(said.as_bytes()));
    i32::from(told.is_err())
}

struct Dead {
    pid: u32,
    signal: i32,
    limit_bytes: u64,
    /// Its service's name, else its own.
    program: String,
}

impl Dead {
    fn of(words: &[String]) -> Option<Dead> {
        let [pid, signal, limit, name @ ..] = words else { return None };
        let pid = pid.parse().ok()?;
        let cgroup = fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap_or_default();
        let service = cgroup.lines().find_map(|line| line.strip_prefix("0::/services/"));
        let program = plain(&service.map_or_else(|| name.join(" "), str::to_string));
        Some(Dead { pid, signal: signal.parse().ok()?, limit_bytes: limit.parse().ok()?, program })
    }

    /// The core's name, and whether it is whole; `None` where the program wants none.
    fn keep(&self, place: &Place, from: &mut impl Read) -> io::Result<Option<(String, bool)>> {
        let bytes_max = self.limit_bytes.min(place.bytes_max);
        if bytes_max == 0 {
            return Ok(None);
        }
        DirBuilder::new().recursive(true).mode(0o700).create(&place.folder)?;
        // Room first: what is kept and what is being kept are never more than twice the bound.
        sweep(&place.folder, COUNT_MAX - 1, place.bytes_max);
        let aside = place.folder.join(format!(".{}", self.pid));
        fs::remove_file(&aside).or_else(absent)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o400).open(&aside)?;
        let whole = copy(from, &file, bytes_max)?;
        let name = self.name();
        file.sync_all()?;
        fs::rename(&aside, place.folder.join(&name))?;
        sweep(&place.folder, COUNT_MAX, place.bytes_max);
        Ok(Some((name, whole)))
    }

    /// `nginx.20261122-014530.57.SEGV`
    fn name(&self) -> String {
        let time = stamp::rfc3339(stamp::now_ms());
        let digits: String = time[..19].replace('T', "-").replace(['-', ':'], "");
        let (day, time) = digits.split_at(8);
        let signal = signal_name(self.signal);
        format!("{}.{day}-{time}.{}.{signal}", self.program, self.pid)
    }
}

fn signal_name(number: i32) -> String {
    let known = SIGNALS.iter().find(|(known, _)| *known == number);
    known.map_or_else(|| number.to_string(), |(_, name)| name.to_string())
}

/// What may stand in a file's name and on a console.
fn plain(name: &str) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() || "_+-.".contains(c) { c } else { '_' };
    let name: String = name.trim_start_matches('.').chars().take(64).map(fits).collect();
    if name.is_empty() { "program".into() } else { name }
}

fn absent(cause: io::Error) -> io::Result<()> {
    if cause.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(cause) }
}

/// Whether all of it was there, had room, and came in its time. Pages of zeroes become holes.
fn copy(from: &mut impl Read, to: &File, bytes_max: u64) -> io::Result<bool> {
    let until = Instant::now() + TIME_MAX;
    let (mut at, mut stored, mut whole) = (0, 0, true);
    let mut page = [0; PAGE];
    loop {
        let size = fill(from, &mut page)?;
        let zero = page[..size].iter().all(|&byte| byte == 0);
        if !zero {
            let full = stored + size as u64 > bytes_max;
            if full || Instant::now() > until || to.write_all_at(&page[..size], at).is_err() {
                whole = false;
                break;
            }
            stored += size as u64;
        }
        at += size as u64;
        if size < PAGE {
            break;
        }
    }
    to.set_len(at)?;
    Ok(whole)
}

/// As much as there is, up to a page: a pipe gives it in parts.
fn fill(from: &mut impl Read, page: &mut [u8]) -> io::Result<usize> {
    let mut size = 0;
    while size < page.len() {
        match from.read(&mut page[size..]) {
            Ok(0) => break,
            Ok(count) => size += count,
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
    Ok(size)
}

/// One that is kept.
struct Core {
    name: String,
    /// As it is stored, without its holes.
    bytes: u64,
    since: SystemTime,
}

/// The oldest first. One that is being written is none.
fn cores(folder: &Path) -> Vec<Core> {
    let core = |entry: fs::DirEntry| {
        let (name, found) = (entry.file_name().into_string().ok()?, entry.metadata().ok()?);
        let bytes = found.blocks() * 512;
        (!name.starts_with('.')).then(|| Some(Core { name, bytes, since: found.modified().ok()? }))?
    };
    let mut cores: Vec<Core> =
        fs::read_dir(folder).into_iter().flatten().flatten().filter_map(core).collect();
    cores.sort_by(|one, two| (one.since, &one.name).cmp(&(two.since, &two.name)));
    cores
}

/// The oldest go, until no more than so many and so much are left; and what a power cut left half written.
fn sweep(folder: &Path, count_max: usize, bytes_max: u64) {
    let cores = cores(folder);
    let mut bytes: u64 = cores.iter().map(|core| core.bytes).sum();
    for (at, core) in cores.iter().enumerate() {
        if cores.len() - at <= count_max && bytes <= bytes_max {
            break;
        }
        fs::remove_file(folder.join(&core.name)).unwrap_or_default();
        bytes -= core.bytes;
    }
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let age = entry.metadata().and_then(|found| found.modified()).ok().and_then(|at| at.elapsed().ok());
        if entry.file_name().as_encoded_bytes().starts_with(b".") && age.is_some_and(|age| age > TIME_MAX * 2)
        {
            fs::remove_file(entry.path()).unwrap_or_default();
        }
    }
}

/// One line each, the oldest first.
pub fn lines() -> Vec<String> {
    let Place { folder, bytes_max } = place();
    let cores = cores(&folder);
    let head = format!(
        "{} of at most {COUNT_MAX} and {} kB, in {}",
        cores.len(),
        bytes_max / 1000,
        folder.display()
    );
    let line = |core: &Core| format!("{} {} kB", core.name, core.bytes / 1000);
    std::iter::once(head).chain(cores.iter().map(line)).collect()
}

/// Removes all.
pub fn drop_all() {
    sweep(&place().folder, 0, 0);
}

/// One that is kept, by its name.
pub fn open(name: &str) -> io::Result<File> {
    let known = !name.contains('/') && !name.starts_with('.');
    let path = known.then(|| place().folder.join(name));
    File::open(path.ok_or(io::ErrorKind::NotFound)?)
}

/// The word of the one who keeps: `NAME`, `NAME cut`, or `nothing of PROGRAM: why`.
pub fn told(words: &str) {
    let (name, cut) = words.split_once(' ').map_or((words, false), |(name, rest)| (name, rest == "cut"));
    let parts: Vec<&str> = name.rsplitn(4, '.').collect();
    match (parts.as_slice(), open(name).and_then(|file| file.metadata())) {
        ([signal, pid, _, program], Ok(found)) => {
            let cut = if cut { ", cut" } else { "" };
            let bytes = found.blocks() * 512 / 1000;
            tell(format_args!(
                "{program}: process {pid} was ended by SIG{signal}; its core: {name}, {bytes} kB{cut}"
            ));
        }
        _ => tell(format_args!("a core is lost: kept {words}")),
    }
}

/// Of a core that is brought out: the parts that are not zero, each line `OFFSET BASE64`; the last one is its length.
pub struct Copy {
    file: File,
    at: u64,
    length: u64,
}

impl Copy {
    pub fn of(name: &str) -> io::Result<Copy> {
        let file = open(name)?;
        let length = file.metadata()?.len();
        Ok(Copy { file, at: 0, length })
    }

    /// The next part; `None`: that was all.
    pub fn next(&mut self, encode: impl Fn(&[u8]) -> String) -> io::Result<Option<String>> {
        let mut part = [0; 3 * PAGE];
        while self.at < self.length {
            let size = part.len().min((self.length - self.at) as usize);
            self.file.read_exact_at(&mut part[..size], self.at)?;
            let at = self.at;
            self.at += size as u64;
            if part[..size].iter().any(|&byte| byte != 0) {
                return Ok(Some(format!("{at} {}", encode(&part[..size]))));
            }
            // The rest of a hole costs a look, not a read.
            let more = rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Data(self.at));
            self.at = more.map_or(self.length, |more| more / PAGE as u64 * PAGE as u64).max(self.at);
        }
        Ok(None)
    }

    pub fn length(&self) -> u64 {
        self.length
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn dead(pid: u32, limit_bytes: u64) -> Dead {
        Dead { pid, signal: 11, limit_bytes, program: "nginx".into() }
    }

    fn place_of(folder: &Path, bytes_max: u64) -> Place {
        Place { folder: folder.join("cores"), bytes_max }
    }

    #[test]
    fn a_core_is_kept_without_its_zeroes_and_cut_at_its_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place_of(folder.path(), 1 << 20);
        let mut core = vec![0; 3 * PAGE + 5];
        (core[1], core[2 * PAGE], core[3 * PAGE + 4]) = (7, 8, 9);
        let (name, whole) = dead(57, 1 << 20).keep(&place, &mut core.as_slice()).unwrap().expect("kept");
        assert!(whole && name.starts_with("nginx.20") && name.ends_with(".57.SEGV"), "{name}");
        let path = place.folder.join(&name);
        assert_eq!(fs::read(&path).unwrap(), core);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o400);
        let (name, whole) =
            dead(58, 2 * PAGE as u64).keep(&place, &mut core.as_slice()).unwrap().expect("kept");
        assert!(!whole);
        assert_eq!(fs::read(place.folder.join(name)).unwrap(), core[..3 * PAGE]);
        assert_eq!(dead(59, 0).keep(&place, &mut core.as_slice()).unwrap(), None);
    }

    #[test]
    fn the_oldest_go_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let place = place_of(folder.path(), 64 << 10);
        let core = vec![1; 16 << 10];
        for pid in 100..120 {
            dead(pid, 1 << 20).keep(&place, &mut core.as_slice()).unwrap().expect("kept");
            // Times of files are as fine as the kernel's clock.
            std::thread::sleep(Duration::from_millis(15));
        }
        let left: Vec<String> = cores(&place.folder).into_iter().map(|core| core.name).collect();
        assert!((3..=4).contains(&left.len()), "{left:?}");
        assert!(left.last().is_some_and(|name| name.ends_with(".119.SEGV")), "{left:?}");
        for pid in 200..220 {
            dead(pid, 1 << 20).keep(&place, &mut &b"small"[..]).unwrap().expect("kept");
        }
        assert_eq!(cores(&place.folder).len(), COUNT_MAX);
    }

    #[test]
    fn what_the_kernel_says_is_no_path() {
        let words = |text: &str| text.split(' ').map(str::to_string).collect::<Vec<_>>();
        let of = |text: &str| Dead::of(&words(text)).map(|dead| dead.program);
        assert_eq!(of("0 11 100 ../a b").as_deref(), Some("_a_b"));
        assert_eq!(of("0 11 100").as_deref(), Some("program"));
        assert_eq!(of("x 11 100 a"), None);
        assert_eq!(signal_name(11), "SEGV");
        assert!(open("../passwd").is_err() && open(".1").is_err());
    }
}
