//! One action, here: put its inputs, run its sandbox, take its output in.
//!
//! The order makes a kill harmless: inputs before the start, output blobs before the result, the log beside. What a dead
//! build leaves is a file in the stage, which belongs to nobody.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use rustix::fs::{OFlags, ResolveFlags, openat2};

use kegs::{Keyed, Outcome, Store, StoreError};

use super::action::{Ground, Have, Prepared};
use super::opened::{self, Observed};
use crate::preset;
use crate::sandbox::{self, Bind, Build, Canceller, End, Ended, Face, Limits, Link, SandboxError, Setup};

/// How an execution differs from another of the same action: nothing here may be heard in the output.
#[derive(Debug, Clone)]
pub struct Manner {
    pub face: Face,
    pub build: Place,
    /// The `-j` that `MAKEFLAGS` says; fixed, whatever the pool has, so that a leak is the same everywhere.
    pub jobs: usize,
    pub limits: Limits,
}

/// Where `/build` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Memory,
    Disk,
}

/// What came of running.
#[derive(Debug)]
pub struct Ran {
    pub outcome: Outcome,
    pub cpu_s: f64,
    /// Seconds that the sandbox's start, hashing and commit took: ours, not the build's.
    pub own_s: f64,
    pub bytes: u64,
    /// What it opened; `None` where this machine does not let us hear.
    pub observed: Option<Observed>,
}

/// Why an action gave nothing.
#[derive(Debug)]
pub struct Failure {
    pub end: String,
    /// The step that was running.
    pub step: Option<String>,
    pub tail: Vec<String>,
    pub log: Option<PathBuf>,
    /// `/build` as the failure left it.
    pub kept: Option<PathBuf>,
    pub cancelled: bool,
}

/// All that one execution needs.
pub struct Execution<'a> {
    pub store: &'a Store,
    pub ground: &'a Ground,
    pub prepared: &'a Prepared,
    pub keyed: &'a Keyed,
    /// `name@slot`, for the folder of what a failure leaves.
    pub keg: &'a str,
    pub fifo: Option<&'a Path>,
    pub manner: &'a Manner,
    pub cancel: &'a AtomicBool,
    /// Given the way to end it, as soon as it runs.
    pub running: &'a (dyn Fn(Canceller) + Sync),
    pub step: &'a (dyn Fn(&str) + Sync),
}

/// 40 lines: what a terminal shows at once; the log has the rest.
const TAIL_LINES: usize = 40;

impl Execution<'_> {
    /// Runs it and puts the output tree; the result is recorded by the caller.
    pub fn run(&self) -> Result<Ran, Failure> {
        let build = self.build_place().map_err(Failure::world)?;
        let result = self.run_in(build.clone());
        if let Build::Folder(folder) = &build {
            // Outputs are blobs by now, a failure's remains are copied: what can't be removed is swept with the stage.
            std::fs::remove_dir_all(folder).ok();
        }
        result
    }

    /// The same on a given `/build`, which stays.
    pub fn run_in(&self, build: Build) -> Result<Ran, Failure> {
        let begun = Instant::now();
        self.put_inputs().map_err(Failure::world)?;
        let setup = self.setup(build).map_err(Failure::world)?;
        let log_path = self.store.stage_path("log");
        let log = File::options().read(true).append(true).create_new(true).open(&log_path);
        let log =
            log.map_err(|error| Failure::world(format!("cannot create {}: {error}", log_path.display())))?;
        let result = self.run_logged(&setup, &log, begun);
        let kept_log = self.keep_log(&log, &log_path);
        result.map_err(|failure| failure.with_log(kept_log, &log))
    }

    pub fn put_inputs(&self) -> Result<(), StoreError> {
        let files = self.prepared.files.iter().map(|(_, bytes)| (kegs::Digest::of(bytes), bytes.as_slice()));
        self.store.put_all(files)
    }

    fn run_logged(&self, setup: &Setup, log: &File, begun: Instant) -> Result<Ran, Failure> {
        let running = sandbox::start_observed(setup, opened::wish(), std::os::fd::AsFd::as_fd(log));
        let running = running.map_err(Failure::sandbox)?;
        (self.running)(running.canceller());
        if self.cancel.load(Ordering::Relaxed) {
            running.kill();
        }
        let started_s = begun.elapsed().as_secs_f64();
        let ended = self.follow(running, log)?;
        let after = Instant::now();
        if !ended.end.is_success() {
            return Err(self.failed(&ended));
        }
        let own = &self.prepared.action.environment["KEG"];
        let (output, tree) = self.take_output(self.open_output(&ended, own)?)?;
        let debug = self.take_debug(&ended, own)?;
        let own_s = started_s + after.elapsed().as_secs_f64();
        let outcome = Outcome { output, debug, wall_s: begun.elapsed().as_secs_f64() };
        let observed = ended.opened.as_ref().map(Observed::new);
        Ok(Ran { outcome, cpu_s: ended.cpu_s, own_s, bytes: tree.size_bytes(), observed })
    }

    /// Waits for the end, telling steps as their marks appear in the log (woken by inotify on the log).
    fn follow(&self, running: sandbox::Running, log: &File) -> Result<Ended, Failure> {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watcher = super::follow::Watcher::new(log);
            let bell = watcher.as_ref().ok().map(|watcher| watcher.bell());
            if let Ok(watcher) = watcher {
                let done = &done;
                scope.spawn(move || watcher.watch(done, self.step));
            }
            let ended = running.wait();
            done.store(true, Ordering::Relaxed);
            if let Some(bell) = bell {
                bell.ring();
            }
            ended.map_err(Failure::sandbox)
        })
    }

    /// What the build split off for debuggers; most that are not programs have none.
    fn take_debug(&self, ended: &Ended, own: &str) -> Result<Option<kegs::Digest>, Failure> {
        match self.open_below(ended, &format!("{}{own}", preset::DEBUG)) {
            Ok(folder) => Ok(Some(self.take_output(folder)?.0)),
            Err(rustix::io::Errno::NOENT) => Ok(None),
            Err(error) => Err(Failure::said(format!("the debug information of {own}: {error}"))),
        }
    }

    fn take_output(&self, keg: OwnedFd) -> Result<(kegs::Digest, kegs::Tree), Failure> {
        let own = &self.prepared.action.environment["KEG"];
        let declared: Vec<String> = self.prepared.kegs.iter().map(|(prefix, _, _)| prefix.clone()).collect();
        sandbox::check_outputs(&keg, own, &declared).map_err(Failure::world)?;
        // Nothing of the action is alive: what was checked is what is read.
        self.store
            .put_folder(&PathBuf::from(format!("/proc/self/fd/{}", keg.as_raw_fd())))
            .map_err(Failure::world)
    }

    fn open_output(&self, ended: &Ended, own: &str) -> Result<OwnedFd, Failure> {
        self.open_below(ended, own).map_err(|error| {
            let place = format!("/build/{}{own}", self.prepared.action.output);
            Failure::said(format!("the build installed nothing under {own} ({place}: {error})"))
        })
    }

    /// A folder of the output, reached through no link: the build wrote every name on the way.
    fn open_below(&self, ended: &Ended, inside: &str) -> rustix::io::Result<OwnedFd> {
        let path = format!("{}{inside}", self.prepared.action.output);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_SYMLINKS | ResolveFlags::BENEATH;
        openat2(&ended.build, &path, flags, rustix::fs::Mode::empty(), resolve)
    }

    fn failed(&self, ended: &Ended) -> Failure {
        let mut failure = Failure::said(ended.end.to_string());
        failure.cancelled = ended.end == End::Cancelled;
        if !failure.cancelled {
            let build = PathBuf::from(format!("/proc/self/fd/{}", ended.build.as_raw_fd()));
            // What can't be kept (a full disk) is said by `shell`; the failure itself is the news here.
            failure.kept = super::left::keep(self.store, self.keg, &build).ok();
        }
        failure
    }

    fn keep_log(&self, log: &File, staged: &Path) -> Option<PathBuf> {
        let packed = self.store.stage_path("log-packed");
        let result = compress(log, &packed)
            .and_then(|()| self.store.put_log(&self.keyed.key, &packed).map_err(std::io::Error::other));
        std::fs::remove_file(staged).ok();
        result.ok().map(|()| self.store.log_path(&self.keyed.key))
    }

    /// The sandbox of this action.
    pub fn setup(&self, build: Build) -> Result<Setup, StoreError> {
        let mut binds = Vec::new();
        let mut links = Vec::new();
        self.seed_top(&mut binds, &mut links)?;
        for (to, label, root) in &self.prepared.kegs {
            binds.push(Bind { from: self.store.lay_out(label, root)?, to: to.clone() });
        }
        for (to, have) in &self.prepared.sources {
            let from = match have {
                Have::Tree(root) => self.store.lay_out("source", root)?,
                Have::Blob(digest) => self.store.found(digest).ok_or(StoreError::Missing(*digest))?,
                Have::Nothing => continue,
            };
            binds.push(Bind { from, to: format!("/{to}") });
        }
        for (to, bytes) in &self.prepared.files {
            let digest = kegs::Digest::of(bytes);
            let from = self.store.found(&digest).ok_or(StoreError::Missing(digest))?;
            binds.push(Bind { from, to: format!("/{to}") });
        }
        Ok(Setup {
            binds,
            links,
            build,
            stage: Vec::new(),
            argv: self.prepared.action.arguments.clone(),
            env: self.environment(),
            cwd: format!("/{}", self.prepared.action.working_directory),
            limits: self.manner.limits.clone(),
            jobserver: self.fifo.map(Path::to_path_buf),
            face: self.manner.face.clone(),
        })
    }

    fn seed_top(&self, binds: &mut Vec<Bind>, links: &mut Vec<Link>) -> Result<(), StoreError> {
        let top = self.ground.seed(self.prepared.preset);
        let seed = self.store.lay_out("seed", &top.root)?;
        for (name, node) in &top.top.nodes {
            let path = format!("/{name}");
            match node {
                kegs::Node::Link { target } => links.push(Link { path, target: target.clone() }),
                _ => binds.push(Bind { from: seed.join(name), to: path }),
            }
        }
        Ok(())
    }

    /// The command's own environment, and the job server's, which is no part of the key.
    fn environment(&self) -> Vec<(String, String)> {
        let mut environment: Vec<_> = self.prepared.action.environment.clone().into_iter().collect();
        let jobs = self.manner.jobs;
        let flags = match self.fifo {
            Some(_) => format!(" -j{jobs} --jobserver-auth=fifo:/run/jobserver"),
            None => format!(" -j{jobs}"),
        };
        environment.push(("MAKEFLAGS".into(), flags));
        environment
    }

    fn build_place(&self) -> Result<Build, StoreError> {
        match self.manner.build {
            Place::Memory => Ok(Build::Memory),
            Place::Disk => {
                let path = self.store.stage_path("build");
                std::fs::create_dir(&path).map_err(|source| StoreError::Io {
                    tried: "create",
                    path: path.clone(),
                    source,
                })?;
                Ok(Build::Folder(path))
            }
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Failure {
        Failure::world(error)
    }
}

impl Failure {
    fn said(end: String) -> Failure {
        Failure { end, step: None, tail: Vec::new(), log: None, kept: None, cancelled: false }
    }

    pub(super) fn world(error: impl ToString) -> Failure {
        Failure::said(error.to_string())
    }

    pub(super) fn cancelled() -> Failure {
        Failure { cancelled: true, ..Failure::said(End::Cancelled.to_string()) }
    }

    fn sandbox(error: SandboxError) -> Failure {
        Failure::said(error.to_string())
    }

    fn with_log(mut self, path: Option<PathBuf>, log: &File) -> Failure {
        self.log = path;
        if let Ok(lines) = read_lines(log) {
            self.step =
                lines.iter().rev().find_map(|line| line.strip_prefix(super::STEP_MARK)).map(str::to_string);
            self.tail = lines[lines.len().saturating_sub(TAIL_LINES)..].to_vec();
        }
        self
    }
}

/// A log may hold any bytes, and one line of any length: what is not UTF-8 is shown as such, what is long is cut.
fn read_lines(mut log: &File) -> std::io::Result<Vec<String>> {
    let size = log.metadata()?.len();
    // 1 MiB from the end holds the last step's mark in all but the longest steps.
    log.seek(std::io::SeekFrom::Start(size.saturating_sub(1 << 20)))?;
    let mut lines = Vec::new();
    let mut reader = BufReader::new(log);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        lines.push(text.trim_end().chars().take(2000).collect());
        line.clear();
    }
    Ok(lines)
}

fn compress(log: &File, to: &Path) -> std::io::Result<()> {
    let mut encoder = zstd::Encoder::new(File::create_new(to)?, 3)?;
    let mut offset = 0;
    let mut buffer = vec![0; 64 << 10];
    loop {
        match log.read_at(&mut buffer, offset)? {
            0 => break,
            count => {
                std::io::Write::write_all(&mut encoder, &buffer[..count])?;
                offset += count as u64;
            }
        }
    }
    encoder.finish().map(drop)
}
