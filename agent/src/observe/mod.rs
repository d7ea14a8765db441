//! Observing, in images made for it only (cargo feature `observe`): which paths each service asks for, and what it got.
//!
//! ```text
//! agent ──fork, exec /proc/self/exe observe UID GID CAPS--▶ tracer (root) ──fork, confine, filter, exec──▶ service
//!                                                             │ a stop at each call with a path
//!                                                             ▼
//!                                       virtio port org.rootbrew.observe: a line a path, each once
//! ```
//! A line is `call TAB error TAB program TAB path LF`: one of `open` `run` `map` `look` `link`, 0 or the number of the error,
//! who asked, and for what, absolute. Bytes that are no plain text are `\xNN`. What PID 1 itself opens is not in it.
//!
//! The tracer holds every right, so that it reads the memory of who gave up his; the service is as confined as ever. It
//! never changes a call, and ends as the service ends.

mod call;
mod filter;
mod told;
#[allow(unsafe_code)]
mod trace;

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::OnceLock;
use std::time::Duration;

use rustix::thread::CapabilitySet;

use crate::passwd::User;

const PORT: &str = "org.rootbrew.observe";
/// Where the tracer finds the port: above what any service is handed.
pub const PORT_FD: i32 = 100;
/// The first word of the tracer's arguments.
const WORD: &str = "observe";

/// A command's words under a tracer of its own, and the descriptor that it finds at [`PORT_FD`]. `None` where the machine
/// has no such port: then nobody listens.
pub fn watched(
    words: &[String],
    user: User,
    keep: CapabilitySet,
) -> Option<(Vec<String>, BorrowedFd<'static>)> {
    static HELD: OnceLock<Option<File>> = OnceLock::new();
    let port = HELD.get_or_init(port).as_ref()?;
    let head = ["/proc/self/exe".into(), WORD.into(), user.uid.to_string(), user.gid.to_string()];
    let all = head.into_iter().chain([keep.bits().to_string()]).chain(words.iter().cloned());
    Some((all.collect(), port.as_fd()))
}

/// The port's name comes from the host by a message of its own, a moment after the device.
fn port() -> Option<File> {
    (0..100).find_map(|_| {
        let found = find().and_then(|path| OpenOptions::new().write(true).open(path).ok());
        if found.is_none() {
            std::thread::sleep(Duration::from_millis(10));
        }
        found
    })
}

fn find() -> Option<String> {
    let ports = fs::read_dir("/sys/class/virtio-ports").ok()?;
    ports.flatten().find_map(|port| {
        let name = fs::read_to_string(port.path().join("name")).ok()?;
        (name.trim() == PORT).then(|| format!("/dev/{}", port.file_name().display()))
    })
}

/// What the tracer is to start.
struct Asked {
    user: User,
    keep: CapabilitySet,
    /// The program first.
    argv: Vec<String>,
}

fn asked(words: &[String]) -> Option<Asked> {
    let [word, uid, gid, caps, argv @ ..] = words else { return None };
    let keep = CapabilitySet::from_bits_retain(caps.parse().ok()?);
    let user = User { uid: uid.parse().ok()?, gid: gid.parse().ok()? };
    (word == WORD && !argv.is_empty()).then(|| Asked { user, keep, argv: argv.to_vec() })
}

/// Does not return where this process was started to trace.
pub fn trace_if_asked() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let Some(asked) = asked(&words) else { return };
    let ended = trace::inherited(PORT_FD).and_then(|port| trace::run(&asked, told::Told::new(port)));
    match ended {
        Ok(end) => trace::end_like(end),
        Err(cause) => {
            eprintln!("{}: cannot be observed: {cause}", asked.argv[0]);
            std::process::exit(1)
        }
    }
}

/// `path` as the process `pid` means it: absolute from our root, with nothing resolved. `None` where that is not told.
fn absolute(pid: i32, folder: Option<i32>, path: &str) -> Option<String> {
    let of =
        |name: &str| Some(fs::read_link(format!("/proc/{pid}/{name}")).ok()?.to_string_lossy().into_owned());
    if path.starts_with('/') {
        let root = of("root")?;
        return Some(format!("{}{path}", root.trim_end_matches('/')));
    }
    let folder = match folder {
        Some(number) => of(&format!("fd/{number}"))?,
        None => of("cwd")?,
    };
    Some(format!("{}/{path}", folder.trim_end_matches('/')))
}

/// The program of a process, as the kernel names it.
fn program(pid: i32) -> String {
    fs::read_link(format!("/proc/{pid}/exe")).map(|path| path.display().to_string()).unwrap_or_default()
}

/// The files that a process has mapped: after an exec, its program and what loads it.
fn mapped(pid: i32) -> io::Result<Vec<String>> {
    let text = fs::read_to_string(format!("/proc/{pid}/maps"))?;
    let paths = text.lines().filter_map(|line| Some(line[line.find('/')?..].to_string()));
    Ok(paths.collect())
}
