//! What a command sees, and which doors are closed to it.

use std::path::PathBuf;

use builder::sandbox::{Bind, Build, Face, Order, Stage, StageFrom};
use expect_test::{Expect, expect};

use crate::toy::{probe, shell, told};

fn check_shell(line: &str, expected: Expect) {
    expected.assert_eq(&told(&shell(line)));
}

#[test]
fn every_closed_call() {
    expect![[""]].assert_eq(&told(&probe(&["closed"])));
}

#[test]
fn state_of_a_new_process() {
    expect![[""]].assert_eq(&told(&probe(&["state"])));
}

#[test]
fn network_is_a_loopback_alone() {
    expect![[""]].assert_eq(&told(&probe(&["network"])));
}

#[test]
fn another_architecture_is_killed() {
    expect![[""]].assert_eq(&told(&probe(&["foreign"])));
}

#[test]
fn addresses_are_fixed() {
    let first = told(&probe(&["where"]));
    assert!(first.starts_with("0x"), "{first}");
    assert_eq!(first, told(&probe(&["where"])));
}

#[test]
fn mounts_are_the_declared_ones() {
    // The kernel's own words on where they come from differ from machine to machine.
    check_shell("cut -d' ' -f 5,6 /proc/self/mountinfo", expect![[""]]);
}

#[test]
fn devices() {
    check_shell("ls -1 /dev /dev/pts /dev/shm; cut -d' ' -f3 /proc/1/stat >/dev/null; echo x > /dev/full", expect![[""]]);
}

#[test]
fn root_and_etc() {
    check_shell("ls -1 / /etc; cat /etc/passwd /etc/group /etc/hosts", expect![[""]]);
}

#[test]
fn machine_is_made_up() {
    check_shell("hostname; cat /proc/loadavg /proc/uptime /proc/version; wc -l < /proc/cpuinfo; ls /sys; id", expect![[""]]);
}

#[test]
fn environment_is_what_was_said() {
    let mut setup = shell("env | sort");
    setup.env = vec![("PATH".into(), "/bin".into()), ("A".into(), "b c".into())];
    expect![[""]].assert_eq(&told(&setup));
}

#[test]
fn face_is_worn() {
    let mut setup = shell("hostname; id -u; id -g; cat /etc/passwd; nproc");
    let (hostname, user) = ("other".to_string(), "someone".to_string());
    setup.face = Face { hostname, user, uid: 4321, gid: 77, cpus: Some(vec![0]), order: Order::Sorted };
    expect![[""]].assert_eq(&told(&setup));
}

#[test]
fn stages_and_their_order() {
    let bytes = |to: &str, mode| Stage { from: StageFrom::Bytes(b"echo staged\n".into()), to: to.into(), mode };
    let mut setup = shell("./c.sh; ls -lU --full-time 2>/dev/null || ls -lU; ls -f");
    setup.argv[2] = "./c.sh; ls -f; cat d/e".into();
    setup.stage = vec![bytes("c.sh", 0o755), bytes("a", 0o644), bytes("d/e", 0o644), bytes("b", 0o644)];
    expect![[""]].assert_eq(&told(&setup));
    setup.face.order = Order::Reversed;
    expect![[""]].assert_eq(&told(&setup));
}

#[test]
fn a_stage_stays_in_build() {
    let mut setup = shell("true");
    setup.stage = vec![Stage { from: StageFrom::Bytes(vec![]), to: "../etc/x".into(), mode: 0o644 }];
    expect![[""]].assert_eq(&told(&setup));
}

#[test]
fn what_is_not_there_is_named() {
    let mut setup = shell("true");
    setup.binds.push(Bind { from: "/no/such/keg".into(), to: "/kegs/a/0".into() });
    expect![[""]].assert_eq(&told(&setup));
    let mut setup = shell("true");
    setup.argv = vec!["nothing".into()];
    expect![[""]].assert_eq(&told(&setup));
    let mut setup = shell("true");
    setup.cwd = "/nowhere".into();
    expect![[""]].assert_eq(&told(&setup));
    let mut setup = shell("true");
    setup.build = Build::Folder("/no/such/folder".into());
    expect![[""]].assert_eq(&told(&setup));
}

#[test]
fn a_bind_is_read_only_with_all_below_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("share/deep")).unwrap();
    let mut setup = shell("cd /kegs/a/0/share && touch deep/x; ln -s a b; : > c; ls");
    setup.binds.push(Bind { from: folder.path().into(), to: "/kegs/a/0".into() });
    expect![[""]].assert_eq(&told(&setup));
}

#[test]
fn no_link_inside_leads_a_bind_outside() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = shell("ls /kegs /place");
    setup.links.push(builder::sandbox::Link { path: "/kegs".into(), target: "/place".into() });
    setup.binds.insert(0, Bind { from: folder.path().into(), to: "/place/x".into() });
    setup.binds.push(Bind { from: folder.path().into(), to: "/kegs/a".into() });
    expect![[""]].assert_eq(&told(&setup));
}

#[test]
fn a_folder_on_disk_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = shell("echo made > out; id -u > who");
    setup.build = Build::Folder(folder.path().into());
    expect![[""]].assert_eq(&told(&setup));
    let text = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap();
    assert_eq!((text("out"), text("who")), ("made\n".into(), "1000\n".into()));
}

#[test]
fn jobserver_is_written_and_read() {
    let folder = tempfile::tempdir().unwrap();
    let fifo: PathBuf = folder.path().join("jobs");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    let mut setup = shell("exec 3<>/run/jobserver; echo token >&3; read word <&3; echo $word; ls -1 /run");
    setup.jobserver = Some(fifo);
    expect![[""]].assert_eq(&told(&setup));
}
