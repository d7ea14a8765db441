//! A toy command in a sandbox, and what came of it.

use std::fs::{self, File};
use std::io::Read;
use std::os::fd::{AsFd, AsRawFd};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use builder::sandbox::{self, Bind, Build, Ended, Link, Running, SandboxError, Setup};

const BUSYBOX: &str = "/bin/busybox";

/// A shell line by busybox.
pub fn shell(line: &str) -> Setup {
    toy(&["/bin/sh", "-c", line])
}

/// Words for the probe (`probe.c`).
pub fn probe(words: &[&str]) -> Setup {
    let argv: Vec<&str> = std::iter::once("/probe").chain(words.iter().copied()).collect();
    toy(&argv)
}

fn toy(argv: &[&str]) -> Setup {
    let bind = |from: &Path, to: &str| Bind { from: from.into(), to: to.into() };
    let link = |name: &str| Link { path: format!("/bin/{name}"), target: "busybox".into() };
    let names = [
        "sh", "cat", "ls", "id", "sleep", "setsid", "dd", "ip", "mkfifo", "ln", "mkdir", "touch", "hostname",
        "grep", "true", "wc", "cut", "sort", "env", "readlink", "nproc", "find",
    ];
    Setup {
        binds: vec![bind(Path::new(BUSYBOX), "/bin/busybox"), bind(compiled_probe(), "/probe")],
        links: names.map(link).into(),
        build: Build::Memory,
        stage: vec![],
        argv: argv.iter().map(|word| word.to_string()).collect(),
        env: vec![("PATH".into(), "/bin".into())],
        cwd: "/build".into(),
        limits: Default::default(),
        jobserver: None,
        face: Default::default(),
    }
}

/// The log's fd, and its file.
pub fn start(setup: &Setup) -> Result<(Running, File), SandboxError> {
    let log = tempfile::tempfile().expect("a temporary file");
    Ok((sandbox::start(setup, log.as_fd())?, log))
}

/// How it ended and all that it said.
pub fn run(setup: &Setup) -> Result<(Ended, String), SandboxError> {
    let (running, log) = start(setup)?;
    let ended = running.wait()?;
    Ok((ended, read(&log)))
}

/// End and words in one text, for expected data.
pub fn told(setup: &Setup) -> String {
    match run(setup) {
        Ok((ended, said)) => format!("{said}{}\n", ended.end),
        Err(error) => format!("error: {error}\n"),
    }
}

pub fn read(log: &File) -> String {
    let mut said = String::new();
    let mut log = File::open(format!("/proc/self/fd/{}", log.as_raw_fd())).expect("the log");
    log.read_to_string(&mut said).expect("a log in UTF-8");
    said
}

/// A folder of `/build` seen from outside.
pub fn build_folder(ended: &Ended, name: &str) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}/{name}", ended.build.as_raw_fd()))
}

/// Compiled once a run, static, so that it needs nothing inside.
fn compiled_probe() -> &'static Path {
    static PROBE: OnceLock<(tempfile::TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = PROBE.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (source, program) = (folder.path().join("probe.c"), folder.path().join("probe"));
        fs::write(&source, include_str!("probe.c")).expect("the probe's source");
        let status =
            Command::new("gcc").args(["-O1", "-static", "-w", "-o"]).arg(&program).arg(&source).status();
        assert!(status.expect("gcc (apt-get install gcc libc6-dev)").success(), "gcc failed on probe.c");
        assert!(Path::new(BUSYBOX).exists(), "no {BUSYBOX} (apt-get install busybox-static)");
        (folder, program)
    });
    path
}

/// Pids of the host whose command line holds `word`.
pub fn pids_with(word: &str) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("/proc");
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let has =
        |pid: &u32| fs::read_to_string(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line.contains(word));
    pids.filter(has).collect()
}

/// Waits until `done`, at most 20 s: only for what has no event to wait for.
pub fn eventually(done: impl Fn() -> bool) -> bool {
    (0..200).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        done()
    })
}
