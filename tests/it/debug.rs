//! A real gdb reads the core of a program that died in a guest: its image holds no debug information, and this machine no
//! file of it; `rootbrew debuginfod` serves both the program and what is to be known of it.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use crate::roles::{run, tap};
use crate::support::Ran;

/// `rootbrew debuginfod` at a port of its own, until it is dropped.
struct Server {
    child: Child,
    url: String,
    said: BufReader<ChildStderr>,
}

impl Server {
    fn start(tap: &Path) -> Server {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["debuginfod", "--listen", "127.0.0.1:0", "--tap"]).arg(tap);
        let mut child = command.stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe"));
        let mut line = String::new();
        while !line.contains("http://") {
            line.clear();
            assert_ne!(said.read_line(&mut line).expect("text"), 0, "it ended before it served");
        }
        let url = line.split_whitespace().find(|word| word.starts_with("http://")).expect("an address");
        Server { child, url: url.to_string(), said }
    }

    /// What it told of each request, when it was stopped as a terminal stops it.
    fn stop(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("our child");
        let mut told = String::new();
        self.said.read_to_string(&mut told).expect("text");
        self.child.wait().expect("it ends");
        told
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

#[test]
fn gdb_reads_a_core_of_the_guest() {
    let tap = tap("cores");
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary folder");
    let core = folder.path().join("core");
    let mut boot = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    boot.args(["boot", "cores", "--check", "--tap"]).arg(tap.path()).env("CORE", &core);
    Ran::of(&mut boot).expect(0);
    let image = run(tap.path(), &["image", "cores"]).expect(0);
    let root = std::fs::read(Path::new(image.out.trim()).join("root.erofs")).expect("the image");
    // Where compilers put the path of each source.
    let path = b"/usr/src/busybox";
    assert!(!root.windows(path.len()).any(|word| word == path), "the image holds debug information");

    // What the machine ran, out of its image; gdb before 16 does not find it by itself, as it is position independent and static.
    let program = folder.path().join("busybox");
    let mut cat = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
    cat.args(["cat", "cores", "/kegs/busybox/0/bin/busybox", "--tap"]).arg(tap.path());
    let status = cat.stdout(std::fs::File::create(&program).expect("a file")).status().expect("it starts");
    assert!(status.success());

    let server = Server::start(tap.path());
    let mut gdb = Command::new("gdb");
    gdb.args(["-nx", "-batch", "-iex", "set debuginfod enabled on", "-iex", "set width 0"])
        .args(["-ex", "bt", "-ex", "list kill_main"])
        .args([&program, &core])
        .env("DEBUGINFOD_URLS", &server.url)
        .env("DEBUGINFOD_CACHE_PATH", folder.path().join("cache"));
    let seen = Ran::of(&mut gdb).expect(0);
    let told = server.stop();
    assert!(seen.out.contains("SIGSEGV"), "{seen}\n{told}");
    // The C library's part of the program, from its keg; the caller, with its source; the start.
    for words in [" kill (pid=", "in main (", "procps/kill.c:"] {
        assert!(seen.out.contains(words), "`{words}` in {seen}\n{told}");
    }
    assert!(seen.out.contains("int kill_main(int argc UNUSED_PARAM, char **argv)"), "{seen}\n{told}");
    for part in ["/debuginfo", "/executable", "/source/usr/src/busybox-"] {
        assert!(told.lines().any(|line| line.contains("served") && line.contains(part)), "{part} in {told}");
    }
}
