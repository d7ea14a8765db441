//! What one service's processes are put into, made ready before there is a process: a child between clone and exec may
//! neither allocate nor ask a file.

use std::collections::BTreeMap;
use std::ffi::CString;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};

use libc::{c_char, c_int, sock_filter};
use rustix::thread::CapabilitySet;

use super::landlock::May;
use super::{confine, seccomp};
use crate::passwd::User;
use crate::sys::child::landlock_version;
use host::error::{Error, Result};
use host::role::{Network, Service, Share};

/// Each service sees its own folder of this one as [`OWN`].
const ROOMS: &str = "/run/rootbrew/room";
pub const OWN: &str = "/run/rootbrew";
/// Where the assembler links the programs of all kegs.
const PATH: &str = "/bin";
/// What a program of the image is, reads and runs.
const IMAGE: [&str; 7] = ["/bin", "/sbin", "/lib", "/lib64", "/usr", "/kegs", "/etc"];
const READ: [&str; 2] = ["/run/etc", OWN];
/// Of the kernel's own memory, log, keys and switches; hidden where they are.
const MASKED: [&str; 11] = [
    "kcore",
    "kmsg",
    "kpagecount",
    "kpageflags",
    "kpagecgroup",
    "sysrq-trigger",
    "timer_list",
    "keys",
    "kallsyms",
    "vmallocinfo",
    "slabinfo",
];

/// The same for every process of a service.
#[derive(Clone)]
pub struct Room {
    pub user: User,
    pub keep: CapabilitySet,
    /// `CLONE_NEW…`
    pub namespaces: c_int,
    /// The folder that becomes [`OWN`].
    pub own: CString,
    pub writes: Vec<CString>,
    /// What stands at a path, and what is seen there in its place: a checker's, of files that are not swapped in yet.
    pub views: Vec<(CString, CString)>,
    pub masked: Vec<CString>,
    pub rules: Vec<(CString, May)>,
    /// 0: this kernel has none.
    pub landlock: i32,
    pub filter: Option<Vec<sock_filter>>,
    pub descriptors: u64,
    pub core: u64,
    pub shares: Vec<Share>,
    /// Nothing of the above but the user is done: for a tracer, which confines what it starts.
    pub bare: bool,
}

impl Room {
    /// `files` are the paths of the role's own files.
    pub fn new(name: &str, service: &Service, user: User, files: &[String]) -> Result<Room> {
        let keep = confine::capabilities(&service.caps)
            .map_err(|word| Error::input(format!("role.toml: service.{name}.caps: no such word `{word}`")))?;
        let masked =
            MASKED.iter().map(|file| format!("/proc/{file}")).filter(|path| Path::new(path).exists());
        let own = format!("{ROOMS}/{name}");
        fs::create_dir_all(&own).map_err(Error::world(format!("make {own}")))?;
        Ok(Room {
            user,
            keep,
            namespaces: namespaces(service),
            own: c_string(&own)?,
            writes: c_strings(writes(service))?,
            views: Vec::new(),
            masked: c_strings(masked)?,
            rules: rules(service, files)?,
            landlock: landlock_version().unwrap_or(0),
            filter: seccomp::program(service),
            descriptors: service.descriptors,
            core: service.core.unwrap_or(0),
            shares: service.shares.clone(),
            bare: false,
        })
    }

    /// The same, with other files in the places of its own.
    pub fn seeing(&self, views: &BTreeMap<PathBuf, PathBuf>) -> Result<Room> {
        let path = |path: &Path| c_string(&path.to_string_lossy());
        let views = views.iter().map(|(at, what)| Ok((path(at)?, path(what)?))).collect::<Result<_>>()?;
        Ok(Room { views, ..self.clone() })
    }

    pub fn shares(&self, what: Share) -> bool {
        self.shares.contains(&what)
    }

    /// Where a file of the service's own [`OWN`] is for the agent.
    pub fn place(name: &str, file: &str) -> String {
        format!("{ROOMS}/{name}/{file}")
    }
}

fn namespaces(service: &Service) -> c_int {
    let own = |share, flag| if service.shares.contains(&share) { 0 } else { flag };
    let network = if service.network == Network::None { libc::CLONE_NEWNET } else { 0 };
    libc::CLONE_NEWNS
        | libc::CLONE_NEWUTS
        | own(Share::Ipc, libc::CLONE_NEWIPC)
        | own(Share::Pids, libc::CLONE_NEWPID)
        | network
}

fn writes(service: &Service) -> impl Iterator<Item = String> {
    let shared = service.shares.contains(&Share::Tmp).then(|| "/tmp".to_string());
    service.writes.iter().cloned().chain(shared)
}

fn rules(service: &Service, files: &[String]) -> Result<Vec<(CString, May)>> {
    let folders = files.iter().filter_map(|path| Some(Path::new(path).parent()?.to_str()?.to_string()));
    // A file that stands in the root itself brings no rule: it would open all.
    let read = READ.iter().map(|path| path.to_string()).chain(folders.filter(|folder| folder.len() > 1));
    let read = read.chain(service.reads.iter().cloned());
    let sys = service.shares.contains(&Share::Sys).then(|| "/sys".to_string());
    let rules = IMAGE.iter().map(|path| (path.to_string(), May::Run));
    let rules = rules.chain([("/proc".to_string(), May::Read), ("/dev".to_string(), May::Write)]);
    let rules = rules.chain(read.chain(sys).map(|path| (path, May::Read)));
    let all = writes(service).chain(["/tmp".to_string()]).map(|path| (path, May::All));
    rules.chain(all).map(|(path, may)| Ok((c_string(&path)?, may))).collect()
}

/// One command in a room, with what only it is given.
pub struct Job {
    pub words: Vec<String>,
    pub program: CString,
    arguments: Vec<CString>,
    /// Each ends with a zero.
    environment: Vec<Vec<u8>>,
    /// Those whose value is the number of the process, which only the child knows.
    of_pid: Vec<usize>,
    pub arguments_at: Vec<*const c_char>,
    pub environment_at: Vec<*const c_char>,
    /// A descriptor at a number of its own.
    pub also: Option<(OwnedFd, i32)>,
    /// Whoever stands for it asks the agent before all ends, since it may have named another process.
    pub asks: bool,
}

/// Of a number's digits, and the zero.
const PID_BYTES: usize = 11;

impl Job {
    pub fn new(words: &[String]) -> Result<Job> {
        let mut job = Job {
            words: Vec::new(),
            program: CString::default(),
            arguments: Vec::new(),
            environment: Vec::new(),
            of_pid: Vec::new(),
            arguments_at: Vec::new(),
            environment_at: Vec::new(),
            also: None,
            asks: false,
        };
        job.run(words)?;
        job.set("PATH", PATH);
        job.set("HOME", "/");
        Ok(job)
    }

    /// Runs these words.
    pub fn run(&mut self, words: &[String]) -> Result<()> {
        let program = words.first().ok_or_else(|| Error::input("an empty command"))?;
        let path = if program.contains('/') { program.clone() } else { format!("{PATH}/{program}") };
        (self.program, self.arguments) = (c_string(&path)?, c_strings(words.iter().cloned())?);
        self.words = words.to_vec();
        Ok(())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.push(format!("{name}={value}\0").into_bytes());
    }

    /// To the number of the process itself.
    pub fn set_pid(&mut self, name: &str) {
        let mut word = format!("{name}=").into_bytes();
        word.resize(word.len() + PID_BYTES, 0);
        self.of_pid.push(self.environment.len());
        self.environment.push(word);
    }

    /// Lays out the lists that exec wants. Nothing is added after this.
    pub fn seal(&mut self) {
        let null = [std::ptr::null()];
        self.arguments_at = self.arguments.iter().map(|word| word.as_ptr()).chain(null).collect();
        self.environment_at = self.environment.iter().map(|word| word.as_ptr().cast()).chain(null).collect();
    }

    /// In the child: writes its number where it is asked for. No memory is asked for.
    pub fn fill_pid(&mut self, mut pid: u32) {
        let mut digits = [0; PID_BYTES];
        let mut count = 0;
        while count == 0 || pid > 0 {
            digits[count] = b'0' + (pid % 10) as u8;
            pid /= 10;
            count += 1;
        }
        digits[..count].reverse();
        for at in &self.of_pid {
            let word = &mut self.environment[*at];
            let start = word.len() - PID_BYTES;
            word[start..].copy_from_slice(&digits);
        }
    }
}

fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::input(format!("a zero byte in `{}`", text.replace('\0', "\\0"))))
}

fn c_strings(texts: impl IntoIterator<Item = String>) -> Result<Vec<CString>> {
    texts.into_iter().map(|text| c_string(&text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_fills_its_word() {
        let mut job = Job::new(&["true".into()]).unwrap();
        job.set_pid("LISTEN_PID");
        job.seal();
        let before = job.environment_at.clone();
        job.fill_pid(4_294_967_295);
        assert_eq!(job.environment[2], b"LISTEN_PID=4294967295\0");
        job.fill_pid(2);
        assert_eq!(job.environment[2], b"LISTEN_PID=2\0\0\0\0\0\0\0\0\0\0");
        assert_eq!(job.environment_at, before);
        assert_eq!(job.program.to_str().unwrap(), "/bin/true");
    }
}
