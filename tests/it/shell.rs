//! A machine from within: the debug volume, its shell, cores, and the picture of a start, in guests of a real image.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::roles::tap;
use crate::support::Ran;

/// Of all that a guest is asked: emulation on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(120);

struct Place {
    tap: tempfile::TempDir,
    /// Of the sockets of its guests.
    runtime: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let runtime = tempfile::tempdir().expect("a folder");
        Place { tap: tap("debug"), runtime }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(words).env("XDG_RUNTIME_DIR", self.runtime.path());
        command.arg("--tap").arg(self.tap.path());
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        Ran::of(&mut self.command(words))
    }

    fn boot(&self, words: &[&str]) -> Guest<'_> {
        let mut command = self.command(&[&["boot", "fault"], words].concat());
        let mut child = command.stderr(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stderr.take().expect("its words")).lines().map_while(Result::ok);
        let said: Vec<String> = lines.by_ref().take_while(|line| !line.starts_with("hint:")).collect();
        let is_ready = said.iter().any(|line| line.starts_with("ready"));
        assert!(is_ready, "{}", said.join("\n"));
        // Its words must not fill the pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Guest { child, place: self }
    }
}

/// `rootbrew boot fault`, until it is dropped.
struct Guest<'p> {
    child: Child,
    place: &'p Place,
}

impl Guest<'_> {
    fn ctl(&self, words: &[&str]) -> Ran {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["ctl", "fault"]).args(words);
        Ran::of(command.env("XDG_RUNTIME_DIR", self.place.runtime.path()))
    }

    /// The first event that holds `words`.
    fn event(&self, words: &str) -> String {
        let begun = Instant::now();
        loop {
            let events = self.ctl(&["events"]).expect(0).out;
            if let Some(found) = events.lines().find(|line| line.contains(words)) {
                return found.to_string();
            }
            assert!(begun.elapsed() < PATIENCE, "{words}: {events}");
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    /// What a shell shows of these lines, which end it.
    fn shell(&self, lines: &str) -> String {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["ctl", "fault", "shell"]).env("XDG_RUNTIME_DIR", self.place.runtime.path());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let mut input = child.stdin.take().expect("a pipe");
        input.write_all(format!("{lines}\nexit\n").as_bytes()).expect("it reads");
        let mut seen = String::new();
        child.stdout.take().expect("a pipe").read_to_string(&mut seen).expect("text");
        assert!(child.wait().expect("it ends").success(), "{seen}");
        seen
    }
}

impl Drop for Guest<'_> {
    fn drop(&mut self) {
        self.ctl(&["poweroff"]);
        self.child.wait().expect("it ends");
    }
}

fn says(seen: &str, words: &[&str]) {
    words.iter().for_each(|word| assert!(seen.contains(word), "`{word}` in {seen}"));
}

#[test]
fn a_shell_of_the_volume_debugs_a_service_and_its_core() {
    let place = Place::new();
    let plot = place.runtime.path().join("start.svg");
    let guest = place.boot(&["--debug", "--plot", plot.to_str().expect("text")]);
    guest.event("debug volume: /dev/vdb at /run/rootbrew/debug");
    let seen = guest.shell("id -u; tty; echo jobs $-; ls /sys/class/block; rootbrewctl status");
    // Root, on a terminal, with jobs (`m`), with the machine's own view.
    says(&seen, &["0\r\n", "/dev/pts/", "vdb", "ready "]);
    assert!(seen.lines().any(|line| line.starts_with("jobs ") && line.contains('m')), "{seen}");

    let rests = "$(pidof -s sleep)";
    let seen = guest.shell(&format!("gdb -q -batch -ex bt -p {rests}; timeout 3 strace -p {rests}"));
    // Names and lines, of the C library and of the program.
    says(&seen, &["in main (", "coreutils/sleep.c:", "strace: Process", "nanosleep"]);

    guest.ctl(&["restart", "crash"]).expect(0);
    let event = guest.event("its core: crash.");
    assert!(event.contains("was ended by SIGSEGV"), "{event}");
    guest.event("crash: stays down");
    let cores = guest.ctl(&["cores"]).expect(0).out;
    let names: Vec<&str> = cores.lines().skip(1).filter_map(|line| line.split(' ').next()).collect();
    assert!((1..=8).contains(&names.len()), "{cores}");
    let core = names[0];
    let seen = guest
        .shell(&format!("ls -ln /run/rootbrew/cores; gdb -q -batch -ex bt /kegs/busybox/0/bin/busybox /run/rootbrew/cores/{core}"));
    says(&seen, &["-r-------- ", " 0        0 ", "SIGSEGV", "procps/kill.c:", "in main ("]);

    let to = place.runtime.path().join("core");
    guest.ctl(&["cores", "get", core, to.to_str().expect("text")]).expect(0);
    let brought = fs::read(&to).expect("a core");
    assert!(brought.starts_with(b"\x7fELF") && brought.len() > 16 << 10, "{} bytes", brought.len());
    assert_eq!(fs::metadata(&to).expect("a core").permissions().mode() & 0o777, 0o600);
    guest.ctl(&["cores", "get", "../x", "y"]).expect(1);
    guest.ctl(&["cores", "drop"]).expect(0);
    assert_eq!(guest.ctl(&["cores"]).expect(0).out.lines().count(), 1);
    drop(guest);

    let picture = fs::read_to_string(&plot).expect("a picture");
    says(&picture, &[">kernel<", ">mounts<", ">first<", ">crash<", "rests waits for first", ">ms<"]);
    well_formed(&picture);
}

/// Each element that begins ends, in order; no `&` or `<` stands alone.
fn well_formed(picture: &str) {
    let mut open = Vec::new();
    for element in picture.split('<').skip(1) {
        let (tag, text) = element.split_once('>').expect("an element's end");
        assert!(!text.contains('&'), "{text}");
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name)),
            None if tag.ends_with('/') => {}
            None => open.extend(tag.split(' ').next()),
        }
    }
    assert!(picture.starts_with("<svg ") && open.is_empty(), "{open:?}");
}

#[test]
fn a_shell_is_refused_where_nobody_allows_it_and_of_another_image() {
    let place = Place::new();
    let plain = place.boot(&[]);
    plain.ctl(&["shell"]).expect(1).says(&["neither the role (`debug = true`) nor the kernel command line"]);
    drop(plain);
    // Another role's has the same agent, and one program more.
    let made = place.run(&["debug", "other"]).expect(0);
    let other = place.boot(&[&format!("--debug={}", made.out.trim())]);
    let refused = other.event("debug volume: /dev/vdb: refused: it is of another image");
    assert!(refused.contains("/kegs/dash/0/bin/dash has the build-id none"), "{refused}");
    other.ctl(&["shell"]).expect(1).says(&["it is of another image"]);
}

fn position(bytes: &[u8], word: &[u8]) -> Option<usize> {
    bytes.windows(word.len()).position(|window| window == word)
}

#[test]
fn a_volume_is_the_same_for_the_same_image() {
    let place = Place::new();
    let made = |_: u8| place.run(&["debug", "fault"]).expect(0).out;
    let (one, two) = (made(1), made(2));
    assert_eq!(one, two);
    let text = fs::read(Path::new(one.trim())).expect("a volume");
    for word in [&b"/usr/lib/debug"[1..], b"manifest.toml", b"role  = \"fault\""] {
        let name = word.rsplit(|byte| *byte == b'/').next().expect("a name");
        assert!(position(&text, name).is_some(), "{}", String::from_utf8_lossy(word));
    }
}
