//! A shell of the debug volume: root, with the machine's own view, on a pseudo terminal of its own.
//!
//! ```text
//! console, port or socket ◀─ bytes ─▶ PID 1 ◀─ master │ slave ─▶ bash: session, job control
//! ```
//! It is in no service's room: neither landlock nor a filter nor a namespace limits it. PID 1 holds little of what either
//! side does not take, and asks for no more of it meanwhile. It ends with its terminal, and at the latest with the machine.

use std::ffi::{CStr, CString};
use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::process::{chdir, ioctl_tiocsctty, setsid};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::control::Size;
use crate::debug::AT;
use crate::sys::{self, child};

/// Root's alone: what a debugger reads of a home, no service may have written.
const HOME: &str = "/run/rootbrew/home";
const PENDING_MAX_BYTES: usize = 64 << 10;

pub struct Shell {
    master: File,
    pub pid: i32,
    /// Typed, and not taken yet.
    pending: Vec<u8>,
}

impl Shell {
    /// # Errors
    /// No pseudo terminal, no program.
    pub fn open(size: Size, term: &str) -> io::Result<Shell> {
        Shell::of(&words(Path::new(AT))?, size, term)
    }

    fn of(words: &[String], size: Size, term: &str) -> io::Result<Shell> {
        DirBuilder::new().recursive(true).mode(0o700).create(HOME)?;
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
        grantpt(&master)?;
        unlockpt(&master)?;
        rustix::io::ioctl_fionbio(&master, true)?;
        let slave = ptsname(&master, Vec::new())?;
        let slave = open(slave.as_c_str(), OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty())?;
        let words = c_strings(words)?;
        let environment = c_strings(&environment(term))?;
        let mut shell = Shell { master: File::from(master), pid: 0, pending: Vec::new() };
        shell.resize(size);
        let (words_at, environment_at) = (pointers(&words), pointers(&environment));
        shell.pid = child::clone(0)?;
        if shell.pid == 0 {
            become_shell(&slave, &words[0], &words_at, &environment_at);
        }
        Ok(shell)
    }

    pub fn resize(&self, (columns, rows): Size) {
        let size = Winsize { ws_col: columns, ws_row: rows, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.master, size).unwrap_or_default();
    }

    /// Whether it may be typed to: what is typed waits for the program to read it.
    pub fn is_hungry(&self) -> bool {
        self.pending.len() < PENDING_MAX_BYTES
    }

    pub fn take(&mut self, bytes: &[u8]) {
        self.pending.extend_from_slice(bytes);
        self.flush();
    }

    pub fn flush(&mut self) {
        while !self.pending.is_empty() {
            match self.master.write(&self.pending) {
                Ok(count @ 1..) => drop(self.pending.drain(..count)),
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
                _ => break,
            }
        }
    }

    /// What it wrote; `None`: nothing now.
    pub fn read(&mut self) -> Option<Vec<u8>> {
        let mut bytes = vec![0; 4096];
        let count = self.master.read(&mut bytes).ok().filter(|count| *count > 0)?;
        bytes.truncate(count);
        Some(bytes)
    }
}

impl AsFd for Shell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.master.as_fd()
    }
}

/// Nobody is at the terminal any more: the kernel tells all that are on it, and what is stopped hears it too.
impl Drop for Shell {
    fn drop(&mut self) {
        if self.pid > 1 {
            child::kill(-self.pid, libc::SIGHUP);
            child::kill(-self.pid, libc::SIGCONT);
        }
    }
}

/// bash with its lines edited, else any shell; each reads `etc/shrc`.
fn words(volume: &Path) -> io::Result<Vec<String>> {
    let own = |file: &str| volume.join(file).display().to_string();
    let (bash, sh, rc) = (own("bin/bash"), own("bin/sh"), own("etc/shrc"));
    let words: &[&str] = match (fs::exists(&bash), fs::exists(&sh)) {
        (Ok(true), _) => &[&bash, "--noprofile", "--rcfile", &rc, "-i"],
        (_, Ok(true)) => &[&sh, "-i"],
        _ => return Err(io::Error::other("the debug volume has no shell")),
    };
    Ok(words.iter().map(|word| word.to_string()).collect())
}

fn environment(term: &str) -> Vec<String> {
    vec![
        format!("PATH={AT}/bin:/bin:/sbin"),
        format!("HOME={HOME}"),
        format!("TERM={term}"),
        format!("TERMINFO={AT}/usr/share/terminfo"),
        format!("ENV={AT}/etc/shrc"),
        "USER=root".into(),
    ]
}

fn c_strings(texts: &[String]) -> io::Result<Vec<CString>> {
    texts.iter().map(|text| Ok(CString::new(text.as_str())?)).collect()
}

fn pointers(texts: &[CString]) -> Vec<*const libc::c_char> {
    texts.iter().map(|text| text.as_ptr()).chain([std::ptr::null()]).collect()
}

/// In the child: system calls only.
fn become_shell(
    terminal: &OwnedFd,
    program: &CStr,
    words: &[*const libc::c_char],
    environment: &[*const libc::c_char],
) -> ! {
    let ready = || -> io::Result<()> {
        setsid()?;
        ioctl_tiocsctty(terminal)?;
        (0..3).try_for_each(|number| sys::duplicate_onto(terminal.as_fd(), number))?;
        chdir(c"/")?;
        child::default_signals();
        sys::unblock_signals()
    };
    if ready().is_ok() {
        child::close_from(3);
        child::exec(program, words, environment);
    }
    child::end(127)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use rustix::process::{Pid, WaitOptions, waitpid};

    use super::*;

    /// All that a shell wrote until it said `word`.
    fn heard(shell: &mut Shell, word: &str) -> String {
        let (mut text, begun) = (String::new(), Instant::now());
        while !text.contains(word) {
            assert!(begun.elapsed() < Duration::from_secs(20), "{word}: {text}");
            shell.flush();
            match shell.read() {
                Some(bytes) => text.push_str(&String::from_utf8_lossy(&bytes)),
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
        text
    }

    #[test]
    fn it_has_a_terminal_a_session_and_jobs() {
        let words = ["/bin/sh", "-i"].map(str::to_string);
        let mut shell = Shell::of(&words, (100, 40), "vt100").expect("a shell");
        shell.take(b"tty; stty size; echo $TERM $((6*7))\n");
        let text = heard(&mut shell, "vt100 42");
        assert!(text.contains("/dev/pts/") && text.contains("40 100"), "{text}");
        assert!(!text.contains("job control"), "{text}");
        // Its own session, and what runs in front hears Ctrl-C.
        shell.take(b"ps -o sid= -p $$ | xargs echo sid; sleep 1000\n");
        assert!(heard(&mut shell, "sid ").contains("sid"));
        std::thread::sleep(Duration::from_millis(200));
        shell.take(b"\x03");
        shell.take(b"echo on $((1+1))\n");
        heard(&mut shell, "on 2");
        shell.resize((50, 20));
        shell.take(b"stty size\n");
        heard(&mut shell, "20 50");
        shell.take(b"exit 3\n");
        let ended = waitpid(Pid::from_raw(shell.pid), WaitOptions::empty()).expect("our child");
        assert_eq!(ended.and_then(|(_, status)| status.exit_status()), Some(3));
    }
}
