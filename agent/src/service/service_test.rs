//! Real processes, with the whole confinement: as root it is applied, elsewhere the kernel refuses it and the test says so
//! aloud. Limits of memory and tasks need a kernel with version 2 only: the image's own (`tests/it/services.rs`).

use std::sync::atomic::{AtomicU32, Ordering};

use super::event::What;
use super::*;
use crate::wait::News;

fn can_confine() -> bool {
    let root = rustix::process::geteuid().is_root();
    assert!(root || std::env::var_os("CI").is_none(), "CI must run these tests as root");
    if !root {
        eprintln!("skipped: confining a service needs root");
    }
    root
}

/// A machine of services, with their own loop.
pub struct Trial {
    pub supervisor: Supervisor,
    pub waiter: Waiter,
}

/// Names are of one test: rooms and cgroups are the machine's.
pub fn name() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("it-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Trial {
    /// `None` where services cannot be confined. `{name}` is a name of this test's own.
    pub fn start(text: &str) -> Option<Trial> {
        can_confine().then(|| {
            let role = host::role::parse(text).unwrap_or_else(|fault| panic!("{text}: {fault}"));
            let mut supervisor = Supervisor::new(&role, "it:x:65534:65534::/:\n").unwrap();
            supervisor.prepare().unwrap();
            Trial { supervisor, waiter: Waiter::new().unwrap() }
        })
    }

    /// One service.
    pub fn of(keys: &str) -> Option<Trial> {
        let user = if keys.contains("user = ") { "" } else { "user = \"it\"\n" };
        let ready = if keys.contains("ready_s = ") { "" } else { "ready_s = 5\n" };
        Trial::start(&format!("[service.{}]\n{user}{ready}{keys}", name()))
    }

    /// As the agent's own loop, but for the signals: a test has other children, so each of ours is asked for by its number.
    pub fn turn(&mut self) {
        self.supervisor.step(&self.waiter);
        let soon = Instant::now() + Duration::from_millis(5);
        let due = self.supervisor.due().map_or(soon, |due| due.min(soon));
        for news in self.waiter.wait(Some(due)).unwrap() {
            match news {
                News::Output(at) => self.supervisor.read_output(at),
                News::Word(at) => self.supervisor.read_word(at),
                News::Ended(at) => self.supervisor.ended(at),
                News::Timer(at) => self.supervisor.fired(at, &self.waiter),
                _ => {}
            }
        }
        for (at, running) in self.supervisor.services.iter_mut().enumerate() {
            let pids = [
                running.process.as_ref().map(|one| one.pid),
                running.command.as_ref().map(|one| one.pid),
                running.probe.as_ref().and_then(ready::Probe::asking),
            ];
            for pid in pids.into_iter().flatten() {
                if let Ok(Some((pid, status))) = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG) {
                    running.died(pid, status.as_raw(), &self.waiter, at as u32);
                }
            }
        }
        self.supervisor.collect(&self.waiter);
    }

    pub fn until(&mut self, limit_s: u64, mut done: impl FnMut(&Trial) -> bool) -> bool {
        let end = Instant::now() + Duration::from_secs(limit_s);
        while Instant::now() < end {
            if done(self) {
                return true;
            }
            self.turn();
        }
        eprintln!("{:?} {:?}", self.supervisor.states(), self.lines());
        false
    }

    pub fn verdict(&mut self) -> Verdict {
        self.until(30, |trial| trial.supervisor.verdict() != Verdict::Pending);
        self.supervisor.verdict()
    }

    pub fn happened(&self) -> Vec<What> {
        self.supervisor.events().since(0).0.map(|event| event.what.clone()).collect()
    }

    /// What the first service has written.
    pub fn lines(&self) -> Vec<String> {
        let lines = self.supervisor.services[0].log.ring().tail(1000);
        lines.iter().map(|line| line.split_once(' ').map_or("", |(_, text)| text).to_string()).collect()
    }

    pub fn says(&mut self, line: &str) {
        assert!(
            self.until(10, |trial| trial.lines().iter().any(|one| one == line)),
            "{line}: {:?}",
            self.lines()
        );
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        self.supervisor.stop();
        let rooms = self.supervisor.services.iter().map(|running| Room::place(&running.name, ""));
        rooms.for_each(|room| std::fs::remove_dir_all(room).unwrap_or_default());
    }
}

fn is_ready(keys: &str) {
    let Some(mut trial) = Trial::of(keys) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready, "{keys}: {:?}", trial.lines());
}

fn is_not_ready(keys: &str, reason: &str) {
    let Some(mut trial) = Trial::of(keys) else { return };
    let Verdict::NotReady(found) = trial.verdict() else { panic!("{keys}: ready") };
    assert_eq!(found.split_once(": ").unwrap().1, reason, "{keys}");
}

#[test]
fn ready_by_descriptor() {
    is_ready("ready = \"fd\"\nrun = [\"sh\", \"-c\", \"sleep 0.1; echo >&3; exec sleep 60\"]");
}

#[test]
fn ready_by_command() {
    is_ready("ready = { exec = [\"true\"] }\nrun = [\"sleep\", \"60\"]");
}

#[test]
fn ready_by_port() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    is_ready(&format!("ready = {{ tcp = {port} }}\nrun = [\"sleep\", \"60\"]"));
}

#[test]
fn ready_by_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.sock");
    let keys = format!("ready = {{ unix = {path:?} }}\nrun = [\"sleep\", \"60\"]");
    let Some(mut trial) = Trial::of(&keys) else { return };
    (0..20).for_each(|_| trial.turn());
    assert_eq!(trial.supervisor.verdict(), Verdict::Pending);
    let _listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    assert_eq!(trial.verdict(), Verdict::Ready);
}

#[test]
fn never_ready() {
    is_not_ready("ready = \"fd\"\nrun = [\"sleep\", \"60\"]", "not ready within 5 s");
}

#[test]
fn dies_at_once_six_times() {
    is_not_ready("ready = \"fd\"\nrun = [\"sh\", \"-c\", \"exit 3\"]", "exited with 3, 6 times in a row");
}

#[test]
fn a_program_that_is_not_there() {
    let reason = "start `no-such-program`: run the program: No such file or directory (os error 2)";
    is_not_ready("run = [\"no-such-program\"]", reason);
}

#[test]
fn how_it_ended_is_told_though_another_stands_for_it() {
    is_not_ready("restart = \"never\"\nrun = [\"sh\", \"-c\", \"exit 3\"]\nready = \"fd\"", "exited with 3");
    let killed = "restart = \"never\"\nrun = [\"sh\", \"-c\", \"kill -9 $$\"]\nready = \"fd\"";
    is_not_ready(killed, "was ended by signal 9");
    is_not_ready(&format!("shares = [\"pids\"]\n{killed}"), "was ended by signal 9");
}

#[test]
fn once_is_ready_when_it_is_done_and_others_come_after() {
    let (first, second) = (name(), name());
    let text = format!(
        "[service.{first}]\nuser = \"it\"\nonce = true\nrun = [\"sh\", \"-c\", \"sleep 0.3; echo first\"]\n\
         [service.{second}]\nuser = \"it\"\nafter = [\"{first}\"]\nrun = [\"sleep\", \"60\"]"
    );
    let Some(mut trial) = Trial::start(&text) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready);
    let order: Vec<String> = trial
        .supervisor
        .events()
        .since(0)
        .0
        .map(|event| format!("{} {}", event.service, event.what))
        .collect();
    let waits = format!("{second} waits for {first}");
    let expected = [(&first, "started"), (&first, "ready"), (&second, "started"), (&second, "ready")];
    let mut expected = expected.map(|(name, what)| format!("{name} {what}")).to_vec();
    expected.insert(0, waits);
    assert_eq!(order, expected);
    assert_eq!(trial.lines(), ["first"]);
}

#[test]
fn once_that_fails_is_tried_again_unless_never() {
    is_not_ready("once = true\nrun = [\"false\"]", "exited with 1, 6 times in a row");
    is_not_ready("once = true\nrestart = \"never\"\nrun = [\"false\"]", "exited with 1");
}

#[test]
fn a_timer_runs_it_at_its_seconds() {
    let Some(mut trial) = Trial::of("timer = \"*:*:*\"\nrun = [\"echo\", \"tick\"]") else { return };
    assert_eq!(trial.verdict(), Verdict::Ready);
    assert!(trial.lines().is_empty());
    assert!(trial.until(10, |trial| trial.lines().len() >= 2), "{:?}", trial.lines());
    assert!(trial.lines().iter().all(|line| line == "tick"));
}

#[test]
fn what_ignores_term_is_killed() {
    let Some(mut trial) = Trial::of(
        "stop_s = 1\nready = \"fd\"\nrun = [\"sh\", \"-c\", \"trap '' TERM; echo >&3; while true; do sleep 1; done\"]",
    ) else {
        return;
    };
    assert_eq!(trial.verdict(), Verdict::Ready);
    let start = Instant::now();
    trial.supervisor.stop();
    assert!((900..5000).contains(&start.elapsed().as_millis()), "{:?}", start.elapsed());
    assert!(trial.lines().contains(&"did not end within 1 s, killed".to_string()));
}

#[test]
fn what_hears_term_ends_in_its_own_order() {
    let run =
        "ready = \"fd\"\nrun = [\"sh\", \"-c\", \"trap 'echo bye; exit 0' TERM; echo >&3; sleep 60 & wait\"]";
    let Some(mut trial) = Trial::of(run) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready);
    trial.supervisor.stop();
    assert_eq!(trial.lines(), ["bye"]);
}

/// Processes that a service left in other sessions and groups, and twice removed, end with it.
#[test]
fn nothing_outlives_it() {
    for shares in ["", "shares = [\"pids\"]\n"] {
        let mark = format!("6{}", 100_000 + std::process::id());
        let run = format!("setsid sh -c 'sleep {mark} & sleep {mark}' & sleep 0.2; echo >&3; sleep 60");
        let keys = format!("{shares}restart = \"never\"\nready = \"fd\"\nrun = [\"sh\", \"-c\", \"{run}\"]");
        let Some(mut trial) = Trial::of(&keys) else { return };
        assert_eq!(trial.verdict(), Verdict::Ready);
        assert_eq!(count(&mark), 2);
        trial.supervisor.stop();
        assert!(trial.until(5, |_| count(&mark) == 0), "{shares}");
    }
}

/// Processes whose words have `mark`.
fn count(mark: &str) -> usize {
    let has = |entry: std::fs::DirEntry| {
        std::fs::read(entry.path().join("cmdline"))
            .is_ok_and(|words| String::from_utf8_lossy(&words) == format!("sleep\0{mark}\0"))
    };
    std::fs::read_dir("/proc").unwrap().flatten().filter(|_| true).map(has).filter(|has| *has).count()
}

#[test]
fn a_flood_is_bounded_and_the_others_are_served() {
    let (flood, calm) = (name(), name());
    let text = format!(
        "[service.{flood}]\nuser = \"it\"\nconsole = false\nrun = [\"yes\"]\n\
         [service.{calm}]\nuser = \"it\"\nready = \"fd\"\nrun = [\"sh\", \"-c\", \"sleep 1; echo >&3; exec sleep 60\"]"
    );
    let Some(mut trial) = Trial::start(&text) else { return };
    let start = Instant::now();
    assert_eq!(trial.verdict(), Verdict::Ready);
    assert!(start.elapsed() < Duration::from_secs(4));
    let kept = trial.lines().len() as u64;
    assert!(kept <= host::service::LOG_MEMORY_BYTES / 40, "{kept}");
    assert!(trial.until(5, |trial| trial.lines().iter().any(|line| line.contains("lines dropped"))));
}

#[test]
fn words_of_the_role_are_checked() {
    let new = |keys: &str| {
        let text = format!("[service.a]\nuser = \"root\"\nrun = [\"a\"]\n{keys}");
        Supervisor::new(&host::role::parse(&text).unwrap(), "").map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(new("caps = [\"net_bond\"]"), "role.toml: service.a.caps: no such word `net_bond`");
    assert_eq!(new("stop = \"SIGTERM\""), "role.toml: service.a.stop: no such word `SIGTERM`");
    assert_eq!(new("reload = \"SIGHUP\""), "role.toml: service.a.reload: no such word `SIGHUP`");
}

#[test]
fn a_checker_says_why_it_gave_up() {
    let verdict = |keys: &str| {
        let mut trial = Trial::of(keys)?;
        let verdict = trial.verdict();
        Some((verdict, trial.lines()))
    };
    let not_ready = |keys: &str, why: &str| match verdict(keys) {
        Some((Verdict::NotReady(said), _)) => assert!(said.ends_with(why), "{said}"),
        Some((other, _)) => panic!("{other:?}"),
        None => {}
    };
    not_ready("ready = \"fd\"\nrun = [\"false\"]\ncheck = [\"false\"]", ": `false` exited with 1");
    // More than a pipe holds.
    let much =
        "ready = \"fd\"\nrun = [\"false\"]\ncheck = [\"sh\", \"-c\", \"yes | head -c 200000; exit 4\"]";
    not_ready(much, ": `sh -c yes | head -c 200000; exit 4` exited with 4");
    // Content: then it is started again, as often as any.
    let Some((said, lines)) = verdict("ready = \"fd\"\nrun = [\"false\"]\ncheck = [\"true\"]") else {
        return;
    };
    assert!(matches!(said, Verdict::NotReady(why) if why.ends_with("6 times in a row")));
    assert!(lines.iter().any(|line| line.contains("starts again in 100 ms")), "{lines:?}");
}

#[test]
fn order_is_that_of_need() {
    let text = "[service.a]\nuser = \"u\"\nrun = [\"a\"]\nafter = [\"c\"]\n[service.b]\nuser = \"u\"\nrun = [\"b\"]\n\
                [service.c]\nuser = \"u\"\nrun = [\"c\"]\nafter = [\"b\"]";
    assert_eq!(order(&host::role::parse(text).unwrap().service).unwrap(), ["b", "c", "a"]);
    let circle = text.replace("[service.b]", "[service.b]\nafter = [\"a\"]");
    let fault = order(&host::role::parse(&circle).unwrap().service).unwrap_err();
    assert_eq!(fault.to_string(), "role.toml: `after` goes in a circle");
}
