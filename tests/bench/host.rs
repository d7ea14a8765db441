//! The machine that a role becomes, from its start to its rest: what of the boot is the kernel's, the agent's, the service's;
//! what PID 1 and the whole guest take when idle; the smallest memory; requests lost while nginx reloads ten times.
//!
//! Guests are emulated, so times are shown as parts of one boot. Wake-ups and memory of PID 1 are read in the guest, by the
//! shell of its debug volume. `ROOTBREW_RELOADS=1` runs the reloads alone.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

use crate::table::{Times, figure};
use crate::{Result, Wish, warm};

const REQUESTS: usize = 10_000;
const RELOADS: usize = 10;
/// Of what a quiet minute is.
const IDLE_S: u64 = 60;
/// Megabytes, from what surely answers to what surely does not.
const MEMORY: [u32; 8] = [48, 40, 32, 28, 24, 22, 20, 18];

pub fn run(wish: &Wish) -> Result<()> {
    if std::env::var_os("ROOTBREW_RELOADS").is_none() {
        starts(wish)?;
        rest(wish)?;
        smallest(wish);
    }
    reloads(wish)
}

/// `rootbrew boot web`, until it is dropped.
struct Guest {
    folder: TempDir,
    child: Child,
    port: u16,
    /// Its console must not fill the pipe.
    _said: thread::JoinHandle<()>,
}

impl Guest {
    fn start(wish: &Wish, words: &[&str]) -> Result<Guest> {
        let folder = TempDir::new()?;
        let mut boot = warm::rootbrew(wish, &wish.store, &[&["boot", "web"], words].concat());
        boot.env("XDG_RUNTIME_DIR", folder.path()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = boot.spawn()?;
        let mut lines = BufReader::new(child.stderr.take().ok_or("no pipe")?).lines();
        let port = ready(&mut lines)?;
        let _said = thread::spawn(move || lines.for_each(drop));
        Ok(Guest { folder, child, port, _said })
    }

    fn ctl(&self, words: &[&str]) -> Command {
        // No store: all behind the guest's name are words to it.
        let mut command = Command::new(env!("CARGO_BIN_EXE_rootbrew"));
        command.args(["ctl", "web"]).args(words).env("XDG_RUNTIME_DIR", self.folder.path());
        command
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        Ok(String::from_utf8(warm::succeed(&mut self.ctl(words))?.stdout)?)
    }

    /// What a script of the debug volume's shell writes.
    fn shell(&self, script: &str) -> Result<String> {
        let mut command = self.ctl(&["shell"]);
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        // Open until the end: who has nothing more to type sends a Ctrl-D a second, and each wakes PID 1.
        let mut typed = shell.stdin.take().ok_or("no pipe")?;
        typed.write_all(format!("{script}\nexit\n").as_bytes())?;
        let output = shell.wait_with_output()?;
        drop(typed);
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.ctl(&["poweroff"]).output().ok();
        self.child.wait().ok();
    }
}

/// The host's port of the guest's 80, once the guest is ready.
fn ready(lines: &mut std::io::Lines<BufReader<ChildStderr>>) -> Result<u16> {
    let mut port = None;
    for line in lines {
        let line = line?;
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["port", "80", place] = words[..] {
            port = place.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        }
        if line.starts_with("hint:") {
            return Ok(port.ok_or("no port 80")?);
        }
    }
    Err("the guest was never ready".into())
}

/// Milliseconds since the kernel's start at which PID 1 began, its first service was started, and all was ready.
fn phases(events: &str) -> Option<[f64; 3]> {
    let at = |end: &str| {
        let line = events.lines().find(|line| line.contains(end))?;
        line.split(' ').next()?.parse().ok()
    };
    Some([at("start: kernel done")?, at("nginx: started")?, at(" ready ")?])
}

fn starts(wish: &Wish) -> Result<()> {
    let [mut kernel, mut agent, mut service, mut whole] = [const { Times::new() }; 4];
    let mut ratio = Times::new();
    for _ in 0..wish.rounds(10) {
        let guest = Guest::start(wish, &[])?;
        let [pid1, started, ready] = phases(&guest.ask(&["events"])?).ok_or("no events of a start")?;
        kernel.push(pid1);
        agent.push(started - pid1);
        service.push(ready - started);
        whole.push(ready);
        ratio.push(ready / pid1);
    }
    let row = |what: &str, times: &Times| {
        println!("{what:<44} {:>10} {:>7.0} ms {:>7.0} ms", "", times.min(), times.median());
    };
    row("kernel entry to PID 1", &kernel);
    row("PID 1 to the service's program", &agent);
    row("the service's program to ready", &service);
    row("kernel entry to ready", &whole);
    figure("ready / PID 1, median of rounds", "1.5", &format!("{:.2}", ratio.median()));
    Ok(())
}

/// `grep` of /proc/1/status, twice, with a minute of silence between; nothing is shown meanwhile, as that would wake it.
fn rest(wish: &Wish) -> Result<()> {
    let guest = Guest::start(wish, &["--debug"])?;
    let script = format!(
        "(sleep 30; grep -h ctxt /proc/1/status; sleep {IDLE_S}; grep -h ctxt /proc/1/status; \
         grep VmRSS /proc/1/status; cut -d' ' -f14,15 /proc/1/stat) > /run/rest 2>/dev/null; cat /run/rest; rm /run/rest"
    );
    let said = guest.shell(&script)?;
    // The terminal's own marks stand before some of them.
    let counts = said.lines().filter_map(|line| line.rsplit_once("voluntary_ctxt_switches:"));
    let counts: Vec<u64> = counts
        .filter(|(before, _)| !before.ends_with("non"))
        .filter_map(|(_, count)| count.trim().parse().ok())
        .collect();
    let [before, after] = counts[..] else { return Err(format!("not understood: {said:?}").into()) };
    figure(&format!("wake-ups of PID 1 in {IDLE_S} s at idle"), "0", &(after - before).to_string());
    let line = said.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    let resident = line.split_whitespace().nth(1).unwrap_or("?");
    figure("resident memory of PID 1", "3 MB", &format!("{resident} KiB"));
    drop(guest);
    let guest = Guest::start(wish, &[])?;
    let figures = guest.ask(&["figures"])?;
    let ram = figures.lines().find_map(|line| line.strip_prefix("figure ram ")?.split(' ').next());
    let ram: f64 = ram.and_then(|kib| kib.parse().ok()).ok_or("no figure of memory")?;
    figure("memory in use, idle guest", "14 MB", &format!("{:.1} MB", ram * 1024.0 / 1e6));
    Ok(())
}

/// The role's own checks, with less and less.
fn smallest(wish: &Wish) {
    let answers = |memory: &u32| {
        let words = ["boot", "web", "--check", "--memory", &memory.to_string()];
        warm::rootbrew(wish, &wish.store, &words).output().is_ok_and(|ran| ran.status.success())
    };
    let least = MEMORY.iter().take_while(|memory| answers(memory)).last();
    let least = least.map_or("none".to_string(), |memory| format!("{memory} MB"));
    figure("smallest -m in which its checks are answered", "32 MB", &least);
}

/// A connection each, so that none is lost by a race that HTTP allows: an idle one may be closed at any time.
fn is_answered(port: u16) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    let answer = ask().unwrap_or_default();
    let whole = answer.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: ")?.parse().ok());
        head.starts_with("HTTP/1.1 200 ") && length == Some(body.len())
    });
    if !whole {
        println!("  lost: {answer:?}");
    }
    whole
}

fn reloads(wish: &Wish) -> Result<()> {
    let guest = Guest::start(wish, &[])?;
    let (port, over) = (guest.port, AtomicBool::new(false));
    let (asked, lost, done) = thread::scope(|scope| {
        let clients: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let (mut asked, mut lost) = (0, 0);
                    while asked < REQUESTS / 2 || !over.load(Ordering::Relaxed) {
                        asked += 1;
                        lost += usize::from(!is_answered(port));
                    }
                    (asked, lost)
                })
            })
            .collect();
        let done = (0..RELOADS).map(|at| change(&guest, at)).collect::<Result<Vec<()>>>();
        over.store(true, Ordering::Relaxed);
        let sums = clients.into_iter().filter_map(|client| client.join().ok());
        let (asked, lost) = sums.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        (asked, lost, done)
    });
    done?;
    figure(&format!("requests lost, of {asked}, during {RELOADS} reloads"), "0", &lost.to_string());
    Ok(())
}

/// Another environment, until the agent says that nginx runs by it.
fn change(guest: &Guest, at: usize) -> Result<()> {
    let file = guest.folder.path().join("environment.toml");
    std::fs::write(&file, format!("site = \"site{at}.example\"\n"))?;
    let before = guest.ask(&["events"])?.lines().count();
    guest.ask(&["env", "put", &file.display().to_string()])?;
    for _ in 0..600 {
        let events = guest.ask(&["events"])?;
        if events.lines().skip(before).any(|line| line.contains("environment changed")) {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(200));
    }
    Err("a change was not told within two minutes".into())
}
