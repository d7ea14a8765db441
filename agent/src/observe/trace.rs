//! The tracer: one process and all that it starts, stopped at calls with a path (ptrace(2), seccomp(2)). The only module of
//! this feature that is not safe code.
//!
//! ```text
//! seccomp stop (before the call) ─ path read, remembered ─▶ runs to the call's end ─ result told ─▶ runs on
//! ```

use std::collections::HashMap;
use std::ffi::CString;
use std::fs::File;
use std::io;
use std::os::fd::FromRawFd;

use libc::{c_int, c_void, pid_t};

use super::call::{self, Call};
use super::told::Told;
use super::{Asked, absolute, filter, mapped, program};
use crate::service::confine;

/// Longer ones are refused by the kernel (PATH_MAX).
const PATH_MAX: usize = 4096;
/// Signals by which a service is ended or told to reload: passed on.
const PASSED_ON: [c_int; 6] =
    [libc::SIGTERM, libc::SIGQUIT, libc::SIGINT, libc::SIGHUP, libc::SIGUSR1, libc::SIGUSR2];
const OPTIONS: c_int = libc::PTRACE_O_TRACESYSGOOD
    | libc::PTRACE_O_TRACEFORK
    | libc::PTRACE_O_TRACEVFORK
    | libc::PTRACE_O_TRACECLONE
    | libc::PTRACE_O_TRACEEXEC
    | libc::PTRACE_O_TRACESECCOMP
    | libc::PTRACE_O_EXITKILL;

/// What musl's `ptrace` takes, and glibc's.
#[cfg(target_env = "musl")]
type Request = c_int;
#[cfg(not(target_env = "musl"))]
type Request = libc::c_uint;
/// Of linux/ptrace.h: the crate has it for glibc only.
const PTRACE_GET_SYSCALL_INFO: Request = 0x420e;

/// A call that has begun.
struct Begun {
    call: Call,
    program: String,
    path: String,
}

/// `None` or a fresh error: how most system calls answer.
fn ok(result: impl Into<i64>) -> io::Result<i64> {
    let result = result.into();
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// The descriptor that the agent handed down; not handed on to the service.
pub fn inherited(number: i32) -> io::Result<File> {
    // SAFETY: no memory is involved; nobody else in this process knows the number.
    unsafe {
        ok(libc::fcntl(number, libc::F_SETFD, libc::FD_CLOEXEC))?;
        Ok(File::from_raw_fd(number))
    }
}

/// Starts it and follows it to its end; the status by which it ended, as waitpid(2) has it.
pub fn run(asked: &Asked, mut told: Told) -> io::Result<c_int> {
    let signals = block()?;
    let (gate, opener) = io::pipe()?;
    // SAFETY: this process has one thread, so its copy may do all that it could do itself.
    let service = ok(unsafe { libc::fork() })? as pid_t;
    if service == 0 {
        drop(opener);
        become_service(asked, gate);
    }
    ptrace(libc::PTRACE_SEIZE, service, OPTIONS as usize)?;
    drop((gate, opener));
    let mut begun = HashMap::new();
    loop {
        while let Some((pid, status)) = next()? {
            if pid == service && (libc::WIFEXITED(status) || libc::WIFSIGNALED(status)) {
                return Ok(status);
            }
            // It may have been killed since: then its end is the next news.
            step(pid, status, &mut begun, &mut told).unwrap_or_default();
        }
        let signal = wait_signal(&signals);
        if PASSED_ON.contains(&signal) {
            // SAFETY: no memory is involved. The service leads a group of its own.
            unsafe { libc::kill(-service, signal) };
        }
    }
}

/// In the child: waits until it is traced, then is the service. The filter comes last, as it needs what `apply` sets.
fn become_service(asked: &Asked, mut gate: io::PipeReader) -> ! {
    io::Read::read(&mut gate, &mut [0]).unwrap_or_default();
    let fault = rustix::process::setsid()
        .map_err(io::Error::from)
        .and_then(|_| crate::sys::unblock_signals())
        .and_then(|()| confine::apply(asked.user, asked.keep))
        .and_then(|()| install())
        .and_then(|()| exec(&asked.argv));
    eprintln!("{}: {}", asked.argv[0], fault.err().map_or_else(String::new, |cause| cause.to_string()));
    std::process::exit(127)
}

fn exec(argv: &[String]) -> io::Result<()> {
    let words = argv.iter().map(|word| CString::new(word.as_str())).collect::<Result<Vec<_>, _>>()?;
    let mut pointers: Vec<*const libc::c_char> = words.iter().map(|word| word.as_ptr()).collect();
    pointers.push(std::ptr::null());
    // SAFETY: a list of live C strings that ends with null; on success this program is gone.
    ok(unsafe { libc::execvp(pointers[0], pointers.as_ptr()) }).map(drop)
}

fn install() -> io::Result<()> {
    let mut lines = filter::program();
    let program = libc::sock_fprog { len: lines.len() as u16, filter: lines.as_mut_ptr() };
    // SAFETY: the kernel copies the program, whose lines live until then.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) };
    ok(set).map(drop)
}

/// One piece of news of one process, and on it goes.
fn step(pid: pid_t, status: c_int, begun: &mut HashMap<pid_t, Begun>, told: &mut Told) -> io::Result<()> {
    if !libc::WIFSTOPPED(status) {
        begun.remove(&pid);
        return Ok(());
    }
    let signal = libc::WSTOPSIG(status);
    match status >> 16 {
        libc::PTRACE_EVENT_SECCOMP => match begin(pid) {
            Some(call) => {
                begun.insert(pid, call);
                ptrace(libc::PTRACE_SYSCALL, pid, 0)
            }
            None => ptrace(libc::PTRACE_CONT, pid, 0),
        },
        libc::PTRACE_EVENT_EXEC => {
            let by = begun.remove(&pid);
            if let Some(by) = by {
                told.tell(by.call, 0, &by.program, &by.path);
            }
            let new = program(pid);
            mapped(pid)?.iter().for_each(|path| told.tell(Call::Map, 0, &new, path));
            ptrace(libc::PTRACE_CONT, pid, 0)
        }
        // Stopped as a terminal stops a job: stays so until somebody wakes it.
        libc::PTRACE_EVENT_STOP if signal != libc::SIGTRAP => ptrace(libc::PTRACE_LISTEN, pid, 0),
        0 if signal == libc::SIGTRAP | 0x80 => {
            if let (Some(by), Some(error)) = (begun.remove(&pid), error(pid)) {
                told.tell(by.call, error, &by.program, &by.path);
            }
            ptrace(libc::PTRACE_CONT, pid, 0)
        }
        0 => ptrace(libc::PTRACE_CONT, pid, signal as usize),
        _ => ptrace(libc::PTRACE_CONT, pid, 0),
    }
}

/// The call at whose beginning a process stands. `None`: its path is empty, or cannot be read.
fn begin(pid: pid_t) -> Option<Begun> {
    let info = info(pid).ok()?;
    // entry.nr, entry.args of struct ptrace_syscall_info, from byte 24 on.
    let known = call::known(info[3])?;
    let argument = |at: usize| info[4 + at];
    let folder = known.at_folder.then(|| argument(0) as i32).filter(|folder| *folder != libc::AT_FDCWD);
    let path = text(pid, argument(known.at_folder.into()))?;
    let path = absolute(pid, folder, &path).filter(|_| !path.is_empty())?;
    Some(Begun { call: known.call, program: program(pid), path })
}

/// How the call ended: 0 or its error.
fn error(pid: pid_t) -> Option<i32> {
    let result = info(pid).ok()?[3] as i64;
    Some(if (-4095..0).contains(&result) { -result as i32 } else { 0 })
}

/// `struct ptrace_syscall_info` (Linux 5.3) in words of eight bytes.
fn info(pid: pid_t) -> io::Result<[u64; 11]> {
    let mut info = [0_u64; 11];
    // SAFETY: the kernel writes at most the size that it is given, and the array has it.
    let got = unsafe {
        libc::ptrace(PTRACE_GET_SYSCALL_INFO, pid, std::mem::size_of_val(&info), info.as_mut_ptr())
    };
    ok(got).map(|_| info)
}

/// The C string at `address` of a process that stands still.
fn text(pid: pid_t, address: u64) -> Option<String> {
    let mut bytes = Vec::new();
    while bytes.len() < PATH_MAX {
        // Whole words, so that none reaches over the end of a page.
        let at = address.checked_add(bytes.len() as u64)?;
        let skip = (at % 8) as usize;
        let word = peek(pid, at - skip as u64).ok()?.to_ne_bytes();
        let piece = &word[skip..];
        match piece.iter().position(|byte| *byte == 0) {
            Some(end) => {
                bytes.extend(&piece[..end]);
                return Some(String::from_utf8_lossy(&bytes).into_owned());
            }
            None => bytes.extend(piece),
        }
    }
    None
}

fn peek(pid: pid_t, address: u64) -> io::Result<i64> {
    // SAFETY: the C library's wrapper gives the word as its result and -1 with errno for an error; errno is its own.
    unsafe {
        *libc::__errno_location() = 0;
        let word = libc::ptrace(libc::PTRACE_PEEKDATA, pid, address as *mut c_void, 0_usize);
        if word == -1 && *libc::__errno_location() != 0 { Err(io::Error::last_os_error()) } else { Ok(word) }
    }
}

fn ptrace(request: Request, pid: pid_t, data: usize) -> io::Result<()> {
    // SAFETY: the requests that come here take numbers and no memory of ours.
    ok(unsafe { libc::ptrace(request, pid, 0_usize, data) }).map(drop)
}

/// News that has come already.
fn next() -> io::Result<Option<(pid_t, c_int)>> {
    let mut status = 0;
    // SAFETY: the kernel writes one number.
    match ok(unsafe { libc::waitpid(-1, &mut status, libc::__WALL | libc::WNOHANG) })? {
        0 => Ok(None),
        pid => Ok(Some((pid as pid_t, status))),
    }
}

/// From now on signals are taken one by one.
fn block() -> io::Result<libc::sigset_t> {
    // SAFETY: `set` is a plain C struct that sigemptyset fills before anyone reads it.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&mut set);
        for signal in PASSED_ON.into_iter().chain([libc::SIGCHLD]) {
            libc::sigaddset(&mut set, signal);
        }
        ok(libc::sigprocmask(libc::SIG_BLOCK, &set, std::ptr::null_mut()))?;
        Ok(set)
    }
}

/// Sleeps until there is one; 0 for none.
fn wait_signal(signals: &libc::sigset_t) -> c_int {
    let mut signal = 0;
    // SAFETY: a live set and a place for one number.
    unsafe { libc::sigwait(signals, &mut signal) };
    signal
}

/// Ends this process as the service ended.
pub fn end_like(status: c_int) -> ! {
    if libc::WIFSIGNALED(status) {
        // SAFETY: no memory of ours. A signal whose default is to end ends us, once nothing blocks it.
        unsafe {
            let mut set: libc::sigset_t = std::mem::zeroed();
            libc::sigfillset(&mut set);
            libc::sigprocmask(libc::SIG_UNBLOCK, &set, std::ptr::null_mut());
            libc::kill(libc::getpid(), libc::WTERMSIG(status));
        }
    }
    std::process::exit(libc::WEXITSTATUS(status))
}
