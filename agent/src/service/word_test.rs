//! What services say of themselves, and being told to reload and restart: real processes that speak by a real socket.

use super::event::What;
use super::tests::{Trial, name};
use super::*;

/// A service in perl, as no shell speaks to a datagram socket. `say` sends one message.
fn perl(script: &str) -> String {
    let head = "use Socket; $| = 1; socket(my $s, PF_UNIX, SOCK_DGRAM, 0); connect($s, sockaddr_un($ENV{NOTIFY_SOCKET})) or die $!; \
                sub say { send($s, $_[0], 0) } ";
    format!("run = [\"perl\", \"-e\", '''{head}{script}''']")
}

fn trial(keys: &str, script: &str) -> Option<Trial> {
    Trial::of(&format!("{keys}\n{}", perl(script)))
}

#[test]
fn ready_by_its_word() {
    let Some(mut trial) = trial("ready = \"notify\"", "say(\"READY=1\\nSTATUS=well\"); sleep 60") else {
        return;
    };
    assert_eq!(trial.verdict(), Verdict::Ready);
    assert!(trial.supervisor.states()[0].ends_with(" ready well"));
}

#[test]
fn garbage_is_passed_over() {
    let script =
        "for (1..300) { say(join('', map { chr(rand(256)) } 1..rand(8000))) } say('READY=1'); sleep 60";
    let Some(mut trial) = trial("ready_s = 30\nready = \"notify\"", script) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready);
}

#[test]
fn a_stranger_is_not_believed() {
    let Some(mut trial) = trial("ready = \"notify\"", "sleep 60") else { return };
    (0..20).for_each(|_| trial.turn());
    let path = Room::place(&trial.supervisor.names(), "notify");
    std::os::unix::net::UnixDatagram::unbound().unwrap().send_to(b"READY=1", &path).unwrap();
    trial.says("a word that is not of its own processes, passed over");
    assert_eq!(trial.supervisor.verdict(), Verdict::Pending);
}

#[test]
fn a_watchdog_that_is_not_heard_ends_it() {
    let keys = "ready = \"notify\"\nwatchdog_s = 2";
    let script = "say('READY=1'); for (1..4) { sleep 0.5; select(undef, undef, undef, 0.5); say('WATCHDOG=1') } print \"silent\\n\"; sleep 60";
    let Some(mut trial) = trial(keys, script) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready);
    trial.says("did not say WATCHDOG=1 within 2 s, killed");
    assert!(trial.lines().contains(&"silent".to_string()), "{:?}", trial.lines());
    assert!(
        trial.until(10, |trial| trial.happened().iter().filter(|what| **what == What::Ready).count() == 2)
    );
    assert!(trial.happened().contains(&What::Died("was ended by signal 9".into())));
}

/// It forks, names its child, and goes: the child is the service.
#[test]
fn another_main_process() {
    for shares in ["", "shares = [\"pids\"]"] {
        let keys = format!("{shares}\nready = \"notify\"\nrestart = \"never\"");
        let script = "my $pid = fork; if (!$pid) { sleep 2; exit 5 } say(\"MAINPID=$pid\\nREADY=1\"); exit 0";
        if !shares.is_empty() {
            // Only PID 1, or who says so, gets orphans.
            rustix::process::set_child_subreaper(Some(rustix::process::getpid())).unwrap();
        }
        let Some(mut trial) = trial(&keys, script) else { return };
        assert_eq!(trial.verdict(), Verdict::Ready, "{shares}");
        let start = Instant::now();
        assert!(trial.until(10, |trial| trial.happened().contains(&What::Failed("exited with 5".into()))));
        assert!(
            start.elapsed() > Duration::from_secs(1),
            "{shares}: the first one's end was not the service's"
        );
    }
}

fn again(trial: &mut Trial) -> What {
    let last = |trial: &Trial| {
        let happened = trial.happened().into_iter().rev();
        happened.into_iter().find(|what| matches!(what, What::Again | What::NotAgain(_)))
    };
    trial.until(20, |trial| last(trial).is_some());
    last(trial).unwrap_or(What::Stopped)
}

#[test]
fn reload_by_signal_and_its_own_word() {
    let script = "$SIG{HUP} = sub { say(\"RELOADING=1\\nMONOTONIC_USEC=99999999999999\"); print \"reads\\n\"; select(undef, undef, undef, 0.5); \
                  say('READY=1'); print \"read\\n\" }; say('READY=1'); while (1) { sleep 60 }";
    let Some(mut trial) = trial("ready = \"notify\"\nreload = \"HUP\"", script) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready);
    let name = trial.supervisor.names();
    trial.supervisor.reload(&name).unwrap();
    assert_eq!(again(&mut trial), What::Again);
    trial.says("read");
}

#[test]
fn a_reload_that_never_ends() {
    let script = "$SIG{HUP} = sub { say('RELOADING=1') }; say('READY=1'); while (1) { sleep 60 }";
    let Some(mut trial) = trial("ready = \"notify\"\nreload = \"HUP\"", script) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready);
    let name = trial.supervisor.names();
    trial.supervisor.reload(&name).unwrap();
    assert_eq!(again(&mut trial), What::NotAgain("not ready again within 5 s".into()));
    assert_eq!(trial.supervisor.verdict(), Verdict::Ready);
}

#[test]
fn a_reload_that_kills_it() {
    let run = "reload = \"HUP\"\nrun = [\"sleep\", \"60\"]";
    let Some(mut trial) = Trial::of(run) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready);
    let name = trial.supervisor.names();
    trial.supervisor.reload(&name).unwrap();
    assert_eq!(again(&mut trial), What::NotAgain("was ended by signal 1".into()));
}

#[test]
fn reload_by_command() {
    for (command, expected) in
        [("true", What::Again), ("false", What::NotAgain("its command to reload exited with 1".into()))]
    {
        let Some(mut trial) = Trial::of(&format!("reload = [\"{command}\"]\nrun = [\"sleep\", \"60\"]"))
        else {
            return;
        };
        assert_eq!(trial.verdict(), Verdict::Ready);
        let name = trial.supervisor.names();
        trial.supervisor.reload(&name).unwrap();
        assert_eq!(again(&mut trial), expected, "{command}");
    }
}

#[test]
fn restart_in_order_and_its_sockets_stay() {
    // `wait`, since dash loses a signal that comes while it starts a command in front (vfork).
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.sock");
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let script = "[ $LISTEN_FDS = 2 ] && [ $LISTEN_PID = $$ ] && [ -S /dev/fd/3 ] && [ -S /dev/fd/4 ] || exit 1; trap 'sleep 0.5; exit 0' TERM; echo life; \
                  echo $LISTEN_FDNAMES >&5; sleep 60 & wait";
    let keys = format!(
        "listen = [\"tcp:127.0.0.1:{free}\", {path:?}]\nready = \"fd\"\nrun = [\"sh\", \"-c\", '''{script}''']"
    );
    let Some(mut trial) = Trial::of(&keys) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready, "{:?}", trial.lines());
    let name = trial.supervisor.names();
    trial.supervisor.restart(&name).unwrap();
    let mut asked = 0;
    while trial.lines().len() < 2 && asked < 1000 {
        std::net::TcpStream::connect(("127.0.0.1", free)).expect("nobody is refused");
        std::os::unix::net::UnixStream::connect(&path).expect("nobody is refused");
        asked += 1;
        trial.turn();
    }
    assert_eq!(again(&mut trial), What::Again);
    assert!(asked > 10 && trial.lines() == ["life", "life"], "{asked} {:?}", trial.lines());
}

#[test]
fn what_does_not_run_is_not_reloaded() {
    let Some(mut trial) = Trial::of("run = [\"sleep\", \"60\"]") else { return };
    let own = trial.supervisor.names();
    let fault = trial.supervisor.reload(&own).unwrap_err().to_string();
    assert!(fault.ends_with("does not run, or its role says no way to reload"), "{fault}");
    let other = name();
    let fault = trial.supervisor.restart(&other).unwrap_err().to_string();
    assert_eq!(fault, format!("no service `{other}`"));
}
