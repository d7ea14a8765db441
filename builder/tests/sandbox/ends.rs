//! How an action ends: by itself, by a limit, by its caller. And that nothing of it stays.

use std::fs;
use std::process::{Command, Stdio};

use builder::sandbox::{self, Build, End, Limiter, Setup};

use crate::toy::{self, eventually, pids_with, probe, shell};

fn check(setup: &Setup, expected: End) {
    let (ended, said) = toy::run(setup).unwrap();
    assert_eq!(ended.end, expected, "{said}");
}

#[test]
fn by_itself() {
    check(&shell("exit 0"), End::Exited(0));
    check(&shell("exit 3"), End::Exited(3));
    check(&probe(&["crash"]), End::Signalled(11));
}

#[test]
fn out_of_time() {
    let mut setup = shell("sleep 1000");
    setup.limits.wall_s = 0.3;
    check(&setup, End::OutOfTime);
}

#[test]
fn out_of_memory() {
    let mut setup = probe(&["eat"]);
    setup.limits.memory_bytes = 96 << 20;
    check(&setup, End::OutOfMemory);
}

#[test]
fn too_many_processes() {
    let mut setup = probe(&["bomb"]);
    setup.limits.processes = 50;
    let (running, _log) = toy::start(&setup).unwrap();
    assert_ne!(running.abilities().processes, Limiter::Nothing, "no means to hold a fork bomb here");
    assert_eq!(running.wait().unwrap().end, End::TooManyProcesses);
}

#[test]
fn too_many_bytes_in_memory() {
    let mut setup = shell("dd if=/dev/zero of=big bs=1M 2>/dev/null");
    setup.limits.output_bytes = 8 << 20;
    check(&setup, End::TooManyBytes);
}

#[test]
fn too_many_bytes_in_one_file_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = shell("dd if=/dev/zero of=big bs=1M 2>/dev/null");
    setup.build = Build::Folder(folder.path().into());
    setup.limits.output_bytes = 8 << 20;
    check(&setup, End::TooManyBytes);
}

#[test]
fn too_many_bytes_in_many_files_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let line = "n=0; while [ $n -lt 20 ]; do n=$((n+1)); dd if=/dev/zero of=f$n bs=1M count=4 2>/dev/null; done; sleep 1000";
    let mut setup = shell(line);
    setup.build = Build::Folder(folder.path().into());
    setup.limits.output_bytes = 32 << 20;
    check(&setup, End::TooManyBytes);
}

#[test]
fn cancelled_from_another_thread() {
    let (running, _log) = toy::start(&shell("sleep 1000")).unwrap();
    let canceller = running.canceller();
    let thread = std::thread::spawn(move || canceller.cancel());
    assert_eq!(running.wait().unwrap().end, End::Cancelled);
    thread.join().unwrap();
}

#[test]
fn orphans_die_with_the_command() {
    let mark = format!("1{}", std::process::id());
    let (ended, said) =
        toy::run(&shell(&format!("for n in 1 2 3; do setsid sleep {mark} & done; sleep 0.2"))).unwrap();
    assert_eq!((ended.end, said.as_str()), (End::Exited(0), ""));
    assert_eq!(pids_with(&mark), Vec::<u32>::new());
}

#[test]
fn dropped_is_killed() {
    let mark = format!("2{}", std::process::id());
    let (running, _log) = toy::start(&shell(&format!("sleep {mark}"))).unwrap();
    drop(running);
    assert_eq!(pids_with(&mark), Vec::<u32>::new());
}

/// The caller that [`a_killed_caller_takes_all_with_it`] kills.
#[test]
#[ignore = "is run by another test"]
fn caller_to_be_killed() {
    let mark = std::env::var("ROOTBREW_TEST_MARK").unwrap();
    let (running, _log) = toy::start(&shell(&format!("setsid sleep {mark} & sleep {mark}"))).unwrap();
    assert!(running.wait().is_ok());
}

#[test]
fn a_killed_caller_takes_all_with_it() {
    let mark = format!("3{}", std::process::id());
    let mut caller = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "ends::caller_to_be_killed", "--ignored"])
        .env("ROOTBREW_TEST_MARK", &mark)
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    assert!(eventually(|| pids_with(&mark).len() >= 2), "it never started");
    caller.kill().unwrap();
    caller.wait().unwrap();
    assert!(eventually(|| pids_with(&mark).is_empty()), "{:?} live on", pids_with(&mark));
}

#[test]
fn a_killed_helper_takes_all_with_it() {
    let mark = format!("4{}", std::process::id());
    let (running, _log) = toy::start(&shell(&format!("setsid sleep {mark} & sleep {mark}"))).unwrap();
    assert!(eventually(|| pids_with(&mark).len() >= 2), "it never started");
    assert!(Command::new("kill").args(["-9", &running.pid().to_string()]).status().unwrap().success());
    let error = running.wait().unwrap_err().to_string();
    assert!(error.contains("died without a report"), "{error}");
    assert!(eventually(|| pids_with(&mark).is_empty()), "{:?} live on", pids_with(&mark));
}

#[test]
fn many_at_once() {
    let run = |number: usize| toy::run(&shell(&format!("echo {number}"))).unwrap().1;
    let said: Vec<String> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..16).map(|number| scope.spawn(move || run(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(said, (0..16).map(|number| format!("{number}\n")).collect::<Vec<_>>());
}

#[test]
fn nothing_stays_behind() {
    let mounts = || fs::read_to_string("/proc/self/mountinfo").unwrap();
    let before = mounts();
    let (running, _log) = toy::start(&shell("sleep 0.1")).unwrap();
    let group = format!("rootbrew-{}", running.pid());
    assert_eq!(running.wait().unwrap().end, End::Exited(0));
    assert_eq!(mounts(), before);
    let found = Command::new("find").args(["/sys/fs/cgroup", "-name", &group]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
}

#[test]
fn outputs_outlive_the_command() {
    let (ended, _) = toy::run(&shell("mkdir out; echo kept > out/file")).unwrap();
    assert_eq!(fs::read_to_string(toy::build_folder(&ended, "out/file")).unwrap(), "kept\n");
    assert!(ended.cpu_s > 0.0 && ended.memory_peak_bytes > Some(0));
}

#[test]
fn probe_says_what_holds() {
    let abilities = sandbox::probe().unwrap();
    assert_ne!(abilities.memory, Limiter::Nothing);
}
