//! Real processes. Capabilities are those of the test's user: as root the whole confinement is applied, elsewhere the
//! kernel refuses it and the test says so aloud.

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

/// Runs the service `text` until a verdict; gives it and how often the service was started.
fn check(text: &str) -> Option<Verdict> {
    if !can_confine() {
        return None;
    }
    let service = format!("[service.it]\nuser = \"it\"\nready_s = 5\n{text}");
    let role = host::role::parse(&service).unwrap();
    let mut supervisor = Supervisor::new(&role.service, "it:x:65534:65534::/:\n").unwrap();
    supervisor.prepare().unwrap();
    let waiter = Waiter::new().unwrap();
    let mut verdict = Verdict::Pending;
    while verdict == Verdict::Pending {
        supervisor.step(&waiter);
        verdict = supervisor.verdict();
        if verdict == Verdict::Pending {
            hear(&mut supervisor, &waiter);
        }
    }
    supervisor.stop();
    Some(verdict)
}

/// As the agent's own loop, but for the signals: a test has other children, so each of ours is asked for by its number.
fn hear(supervisor: &mut Supervisor, waiter: &Waiter) {
    let soon = Instant::now() + Duration::from_millis(5);
    let due = supervisor.due().map_or(soon, |due| due.min(soon));
    for news in waiter.wait(Some(due)).unwrap() {
        match news {
            News::Output(at) => supervisor.read_output(at),
            News::Word(at) => supervisor.read_word(at),
            _ => {}
        }
    }
    for running in &mut supervisor.services {
        let children = [running.pid, running.probe.as_ref().and_then(ready::Probe::asking)];
        for pid in children.into_iter().flatten() {
            if let Ok(Some((pid, status))) = rustix::process::waitpid(Some(pid), WaitOptions::NOHANG) {
                running.died(pid, status);
            }
        }
    }
}

fn is_ready(text: &str) {
    assert!(matches!(check(text), None | Some(Verdict::Ready)), "{text}");
}

fn is_not_ready(text: &str, reason: &str) {
    let expected = Verdict::NotReady(format!("it: {reason}"));
    assert!(check(text).is_none_or(|verdict| verdict == expected), "{text}: {:?}", check(text));
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
fn never_ready() {
    is_not_ready("ready = \"fd\"\nrun = [\"sleep\", \"60\"]", "not ready within 5 s");
}

#[test]
fn dies_at_once_six_times() {
    is_not_ready("ready = \"fd\"\nrun = [\"sh\", \"-c\", \"exit 3\"]", "exited with 3, 6 times in a row");
}

#[test]
fn holds_its_capabilities_and_no_others() {
    let status = "grep -q 'CapEff:.0000000000000400$' /proc/self/status && grep -q 'CapBnd:.0000000000000400$' \
                  /proc/self/status && grep -q 'NoNewPrivs:.1$' /proc/self/status && test $(id -u) = 65534";
    let run = format!("run = [\"sh\", \"-c\", \"{status} && echo >&3 && exec sleep 60\"]");
    is_ready(&format!("caps = [\"net_bind_service\"]\nready = \"fd\"\n{run}"));
}

#[test]
fn a_checker_that_fails_stops_the_start() {
    if !can_confine() {
        return;
    }
    let role =
        host::role::parse("[service.it]\nuser = \"root\"\nrun = [\"true\"]\ncheck = [\"false\"]").unwrap();
    let supervisor = Supervisor::new(&role.service, "").unwrap();
    assert_eq!(supervisor.prepare().unwrap_err().to_string(), "it: `false` exited with 1");
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

#[test]
fn words_of_the_role_are_checked() {
    let new = |keys: &str| {
        let role =
            host::role::parse(&format!("[service.a]\nuser = \"root\"\nrun = [\"a\"]\n{keys}")).unwrap();
        Supervisor::new(&role.service, "").map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(new("caps = [\"net_bond\"]"), "role.toml: service.a.caps: no such word `net_bond`");
    assert_eq!(new("stop = \"SIGTERM\""), "role.toml: service.a.stop: no such word `SIGTERM`");
}
