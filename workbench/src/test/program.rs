//! One program in a closure: its key, its run, what it said.
//!
//! ```text
//! /kegs/...    the closure, read-only; nothing of a seed      /build   the test's files; it starts here
//! output       stdout  stderr  status  answer                 only the sandbox's own loopback network
//! ```
//! What it said is an action's output, recorded by who found it right.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::fd::AsFd;
use std::time::Instant;

use builder::recipe::Get;
use builder::sandbox::{
    self, Bind, Build, End, Face, Limits, Link, Running, Setup, Stage, StageFrom, Streams,
};
use kegs::{Action, Digest, Keyed, Node, Outcome, Tree};
use rustix::fs::{MemfdFlags, OFlags};

use super::closure::Closure;
use super::files::TestFile;
use super::{Bench, Result, TestError, door, lock};

/// What a stream may hold to be judged; a test that says more is wrong.
pub const STREAM_MAX_BYTES: u64 = 4 << 20;

/// Beyond what any test of a keg wrote, below what would hurt the machine.
const LIMITS: Limits =
    Limits { memory_bytes: 2 << 30, processes: 512, output_bytes: 256 << 20, wall_s: 60.0 };

/// A program to be run.
pub struct Program<'a> {
    pub argv: Vec<String>,
    pub env: BTreeMap<String, String>,
    pub stdin: &'a [u8],
    pub files: &'a [TestFile],
    pub timeout_s: f64,
    /// A port to wait for, and what to ask there; the program is ended then.
    pub serve: Option<(u16, Option<&'a Get>)>,
    pub arch: &'a str,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// As a shell says it; what [`End`] says where it did not end by itself.
    pub end: Ended,
    pub stdout: Vec<u8>,
    pub stderr: Vec<u8>,
    /// What the server answered, head and all.
    pub answer: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    Status(i32),
    /// The port accepted, and it was ended by us.
    Served,
    /// It ended before its port accepted.
    NeverServed(String),
    /// A limit, or no such program.
    Not(String),
}

pub struct Ran {
    pub said: Said,
    pub keyed: Keyed,
    pub wall_s: f64,
    pub found: bool,
}

impl Program<'_> {
    /// From the store, or run now; [`record`] keeps what was right.
    pub fn run(&self, bench: &Bench, closure: &Closure) -> Result<Ran> {
        bench.go_on()?;
        let keyed = self.action(closure).keyed();
        if let Some(said) = remembered(bench, &keyed.key) {
            return Ok(Ran { said, keyed, wall_s: 0.0, found: true });
        }
        let begun = Instant::now();
        let said = self.start(bench, closure)?;
        bench.go_on()?;
        Ok(Ran { said, keyed, wall_s: begun.elapsed().as_secs_f64(), found: false })
    }

    fn action(&self, closure: &Closure) -> Action {
        let mut input = closure.input();
        let mut file = |path: String, bytes: &[u8], executable: bool| {
            input.insert(path, Node::File { digest: Digest::of(bytes), executable });
        };
        file("stdin".into(), self.stdin, false);
        for test in self.files {
            file(format!("build/{}", test.path), &test.bytes, test.executable);
        }
        if let Some((port, get)) = &self.serve {
            let asked = get.map_or(String::new(), |get| get.path.clone());
            file("asked".into(), format!("{port} {asked}").as_bytes(), false);
        }
        Action {
            arguments: self.argv.clone(),
            environment: self.environment(closure),
            working_directory: "build".into(),
            output: "out".into(),
            platform: [("ISA".to_string(), self.arch.replace('_', "-")), ("OSFamily".into(), "linux".into())]
                .into(),
            input,
        }
    }

    fn environment(&self, closure: &Closure) -> BTreeMap<String, String> {
        let own = closure.kegs.first().map_or("", |(prefix, ..)| prefix);
        let fixed = [("HOME", "/build"), ("TMPDIR", "/tmp"), ("LC_ALL", "C"), ("TZ", "UTC"), ("KEG", own)];
        let mut environment: BTreeMap<String, String> =
            fixed.into_iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        environment.insert("PATH".into(), closure.path());
        if !closure.library_path.is_empty() {
            environment.insert("LD_LIBRARY_PATH".into(), closure.library_path.join(":"));
        }
        environment.extend(self.env.clone());
        environment
    }

    fn start(&self, bench: &Bench, closure: &Closure) -> Result<Said> {
        let setup = self.setup(bench, closure)?;
        let mut input = stream()?;
        input.write_all(self.stdin).and_then(|()| input.rewind()).map_err(world("write the test's input"))?;
        let (output, errors) = (stream()?, stream()?);
        let streams = Streams { input: input.as_fd(), output: output.as_fd(), errors: errors.as_fd() };
        let (end, answer) = match sandbox::start_on(&setup, &streams) {
            Ok(running) => self.follow(bench, running)?,
            Err(sandbox::SandboxError::Setup(why)) => (Ended::Not(why), Vec::new()),
            Err(error) => return Err(error.into()),
        };
        Ok(Said { end, stdout: heard(output)?, stderr: heard(errors)?, answer })
    }

    fn setup(&self, bench: &Bench, closure: &Closure) -> Result<Setup> {
        let bind = |(to, label, root): &(String, String, Digest)| {
            Ok(Bind { from: bench.store.lay_out(label, root)?, to: to.clone() })
        };
        let link = |(path, target): &(String, String)| Link { path: path.clone(), target: target.clone() };
        let stage = |file: &TestFile| Stage {
            from: StageFrom::Bytes(file.bytes.clone()),
            to: file.path.clone(),
            mode: if file.executable { 0o755 } else { 0o644 },
        };
        let mut binds: Vec<Bind> = closure.kegs.iter().map(bind).collect::<Result<_>>()?;
        if let Some(seed) = &closure.seed {
            let from = bench.store.lay_out("seed", &seed.root)?.join("usr");
            binds.push(Bind { from, to: "/usr".into() });
        }
        Ok(Setup {
            binds,
            links: closure.links.iter().map(link).collect(),
            build: Build::Memory,
            stage: self.files.iter().map(stage).collect(),
            argv: self.argv.clone(),
            env: self.environment(closure).into_iter().collect(),
            cwd: "/build".into(),
            limits: Limits { wall_s: self.timeout_s, ..LIMITS },
            jobserver: None,
            face: Face::default(),
        })
    }

    fn follow(&self, bench: &Bench, mut running: Running) -> Result<(Ended, Vec<u8>)> {
        bench.hold(running.canceller());
        let Some((port, get)) = self.serve else { return Ok((ended(running)?, Vec::new())) };
        let Some(socket) = running.take_door() else {
            return Err(TestError::World("no file descriptor left for a socket (raise `ulimit -n`)".into()));
        };
        let (over, canceller) = (door::Over::default(), running.canceller());
        let answered = std::sync::Mutex::new(None);
        let end = std::thread::scope(|scope| {
            scope.spawn(|| {
                if let Some(stream) = door::connect(socket, port, &over) {
                    let answer = get.map_or(Vec::new(), |get| door::get(stream, port, &get.path));
                    *lock(&answered) = Some(answer);
                    canceller.cancel();
                }
            });
            let end = ended(running);
            over.say();
            end
        })?;
        Ok(match (answered.into_inner().unwrap_or_else(|poisoned| poisoned.into_inner()), end) {
            (Some(answer), _) => (Ended::Served, answer),
            (None, Ended::Status(status)) => (Ended::NeverServed(format!("exited {status}")), Vec::new()),
            (None, end) => (end, Vec::new()),
        })
    }
}

fn ended(running: Running) -> Result<Ended> {
    let end = match running.wait() {
        Ok(ended) => ended.end,
        // No such program, or no interpreter that it names.
        Err(sandbox::SandboxError::Setup(why)) => return Ok(Ended::Not(why)),
        Err(error) => return Err(error.into()),
    };
    Ok(match end {
        End::OutOfTime => Ended::Not("ran longer than its time".into()),
        end => end.code().map_or_else(|| Ended::Not(end.to_string()), Ended::Status),
    })
}

/// A file in memory to which everything is appended, also by who opens `/dev/stdout` anew.
fn stream() -> Result<File> {
    let file = rustix::fs::memfd_create("rootbrew-test", MemfdFlags::CLOEXEC);
    let file = file.map_err(|error| world("make a file in memory")(error.into()))?;
    rustix::fs::fcntl_setfl(&file, OFlags::APPEND)
        .map_err(|error| world("make a file in memory")(error.into()))?;
    Ok(File::from(file))
}

fn heard(mut stream: File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = stream.rewind().and_then(|()| stream.take(STREAM_MAX_BYTES + 1).read_to_end(&mut bytes));
    read.map_err(world("read what the test said"))?;
    Ok(bytes)
}

fn world(what: &'static str) -> impl FnOnce(std::io::Error) -> TestError {
    move |error| TestError::World(format!("cannot {what}: {error}"))
}

/// Keeps what a program said as its action's output.
pub fn record(bench: &Bench, ran: &Ran) -> Result<()> {
    let status = match &ran.said.end {
        Ended::Status(status) => status.to_string(),
        Ended::Served => "served".into(),
        // Nothing to rely on: it runs again.
        Ended::NeverServed(_) | Ended::Not(_) => return Ok(()),
    };
    if ran.found {
        return Ok(());
    }
    let said = &ran.said;
    let parts = [("stdout", &said.stdout), ("stderr", &said.stderr), ("answer", &said.answer)];
    let status = status.into_bytes();
    let mut tree = Tree::default();
    for (name, bytes) in parts.into_iter().chain([("status", &status)]) {
        tree.insert(name, Node::File { digest: bench.store.put_bytes(bytes)?, executable: false });
    }
    let output = bench.store.put_tree(&tree)?;
    Ok(bench.store.put_result(&ran.keyed, &Outcome::new(output, ran.wall_s))?)
}

/// What it said when it was right; what can't be read is not there.
fn remembered(bench: &Bench, key: &Digest) -> Option<Said> {
    let outcome = bench.store.result(key)?;
    let tree = bench.store.tree(&outcome.output).ok()?;
    let read = |name: &str| match tree.nodes.get(name) {
        Some(Node::File { digest, .. }) => bench.store.get(digest).ok(),
        _ => None,
    };
    let status = String::from_utf8(read("status")?).ok()?;
    let end = match status.as_str() {
        "served" => Ended::Served,
        status => Ended::Status(status.parse().ok()?),
    };
    Some(Said { end, stdout: read("stdout")?, stderr: read("stderr")?, answer: read("answer")? })
}
