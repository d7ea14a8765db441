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
    expect![[r#"
        clone3: ENOSYS
        openat2: ENOSYS
        io_uring_setup: ENOSYS
        io_uring_enter: ENOSYS
        io_uring_register: ENOSYS
        userfaultfd: ENOSYS
        perf_event_open: ENOSYS
        bpf: ENOSYS
        keyctl: ENOSYS
        add_key: ENOSYS
        request_key: ENOSYS
        unshare user: EPERM
        clone user: EPERM
        clone mount: EPERM
        setns: EPERM
        mount: EPERM
        umount2: EPERM
        pivot_root: EPERM
        chroot: EPERM
        fsopen: EPERM
        fsmount: EPERM
        open_tree: EPERM
        move_mount: EPERM
        mount_setattr: EPERM
        open_by_handle_at: EPERM
        reboot: EPERM
        init_module: EPERM
        clock_settime: EPERM
        syslog: EPERM
        chmod 644: open
        chmod 4755: EPERM
        chmod 2755: EPERM
        fchmodat 4755: EPERM
        fchmodat2 4755: EPERM
        fchmod 4755: EPERM
        open create 4755: EPERM
        open read, mode ignored: open
        openat create 2755: EPERM
        openat tmpfile 4755: EPERM
        creat 4755: EPERM
        setxattr: EOPNOTSUPP
        lsetxattr: EOPNOTSUPP
        fsetxattr: EOPNOTSUPP
        setxattrat: EOPNOTSUPP
        mknod char: EPERM
        mknod whiteout: EPERM
        mknodat block: EPERM
        mknod setuid file: EPERM
        mknod fifo: open
        ioctl TIOCSTI: EPERM
        ioctl TIOCSTI, high bits: EPERM
        ioctl TIOCLINUX: EPERM
        socket unix: open
        socket inet: open
        socket raw: EPERM
        socket packet: EAFNOSUPPORT
        socket vsock: EAFNOSUPPORT
        socket alg: EAFNOSUPPORT
        setuid 0: EINVAL
        setgid 0: EINVAL
        chown 0: EINVAL
        ptrace pid 1: EPERM
        kill pid 1 (heard, ignored): open
        sethostname: EPERM
        nice -1: EACCES
        iopl: EPERM
        x32 getpid: ENOSYS
        chmod /dev/null: EROFS
        write /probe: ETXTBSY
        create in /: EROFS
        create in /dev: EROFS
        create in /etc: EROFS
        own oom_score_adj: EROFS
        core_pattern: closed
        memory of pid 1: EACCES
        files of pid 1: EACCES
        exited 0
    "#]]
    .assert_eq(&told(&probe(&["closed"])));
}

#[test]
fn state_of_a_new_process() {
    expect![[r#"
        pid 2 ppid 1 sid is own
        uid 1000 1000 gid 100 100
        no_new_privs 1 dumpable 1
        umask 022 personality 0x40000
        bounding capabilities 0
        limit core 0 0
        limit files 4096 4096
        limit stack 8388608 8388608
        limit memlock 65536 65536
        fd 0
        fd 1
        fd 2
        tty ENXIO
        exited 0
    "#]]
    .assert_eq(&told(&probe(&["state"])));
}

#[test]
fn network_is_a_loopback_alone() {
    expect![[r#"
        bind loopback: open
        listen: open
        connect loopback: open
        connect outside: ENETUNREACH
        exited 0
    "#]]
    .assert_eq(&told(&probe(&["network"])));
}

#[test]
fn another_architecture_is_killed() {
    expect![[r#"
        killed by signal 31
    "#]]
    .assert_eq(&told(&probe(&["foreign"])));
}

#[test]
fn addresses_are_fixed() {
    let first = told(&probe(&["where"]));
    assert!(first.starts_with("0x"), "{first}");
    assert_eq!(first, told(&probe(&["where"])));
}

#[test]
fn mounts_are_the_declared_ones() {
    // Where they come from differs from machine to machine, and which secrets a kernel has to be masked.
    let masked = "kcore|keys|kmsg|sysrq-trigger|timer_list";
    check_shell(
        &format!("cut -d' ' -f 5,6 /proc/self/mountinfo | grep -vE '^/proc/({masked}) ro'"),
        expect![[r#"
        /proc ro,nosuid,nodev,noexec,relatime
        / ro,nosuid,nodev,relatime
        /bin/busybox ro,nosuid,nodev,relatime
        /probe ro,nosuid,nodev,relatime
        /dev/null ro,nosuid,noexec,relatime
        /dev/zero ro,nosuid,noexec,relatime
        /dev/full ro,nosuid,noexec,relatime
        /dev/random ro,nosuid,noexec,relatime
        /dev/urandom ro,nosuid,noexec,relatime
        /dev/tty ro,nosuid,noexec,relatime
        /build rw,nosuid,nodev,relatime
        /tmp rw,nosuid,nodev,relatime
        /dev/shm rw,nosuid,nodev,relatime
        /dev/pts rw,nosuid,noexec,relatime
        /proc/cpuinfo ro,nosuid,nodev,noexec,relatime
        /proc/loadavg ro,nosuid,nodev,noexec,relatime
        /proc/stat ro,nosuid,nodev,noexec,relatime
        /proc/uptime ro,nosuid,nodev,noexec,relatime
        /proc/version ro,nosuid,nodev,noexec,relatime
        exited 0
    "#]],
    );
}

#[test]
fn secrets_of_the_kernel_are_masked() {
    check_shell(
        "cd /proc; for name in kcore keys kmsg timer_list; do cat $name; done 2>&1 | grep -v 'No such file'",
        expect![[r#"
        exited 1
    "#]],
    );
}

#[test]
fn devices() {
    check_shell(
        "ls -1 /dev /dev/pts /dev/shm; cut -d' ' -f3 /proc/1/stat >/dev/null; echo x > /dev/full",
        expect![[r#"
        /dev:
        fd
        full
        null
        ptmx
        pts
        random
        shm
        stderr
        stdin
        stdout
        tty
        urandom
        zero

        /dev/pts:
        ptmx

        /dev/shm:
        sh: write error: No space left on device
        exited 1
    "#]],
    );
}

#[test]
fn root_and_etc() {
    check_shell(
        "ls -1 / /etc; cat /etc/passwd /etc/group /etc/hosts",
        expect![[r#"
        /:
        bin
        build
        dev
        etc
        probe
        proc
        tmp

        /etc:
        group
        hosts
        passwd
        root:x:0:0::/:/bin/sh
        builder:x:1000:100::/build:/bin/sh
        root:x:0:
        builder:x:100:
        127.0.0.1 localhost rootbrew
        ::1 localhost
        exited 0
    "#]],
    );
}

#[test]
fn machine_is_made_up() {
    check_shell(
        "hostname; cat /proc/loadavg /proc/uptime /proc/version; wc -l < /proc/cpuinfo; ls /sys; id",
        expect![[r#"
        rootbrew
        0.00 0.00 0.00 1/1 1
        1.00 1.00
        Linux version 6.1.0 (rootbrew@rootbrew) #1 SMP
        7
        ls: /sys: No such file or directory
        uid=1000(builder) gid=100(builder)
        exited 0
    "#]],
    );
}

#[test]
fn environment_is_what_was_said() {
    let mut setup = shell("env | sort");
    setup.env = vec![("PATH".into(), "/bin".into()), ("A".into(), "b c".into())];
    expect![[r#"
        A=b c
        PATH=/bin
        PWD=/build
        SHLVL=1
        exited 0
    "#]]
    .assert_eq(&told(&setup));
}

#[test]
fn face_is_worn() {
    let mut setup = shell("hostname; id -u; id -g; cat /etc/passwd; nproc");
    let (hostname, user) = ("other".to_string(), "someone".to_string());
    setup.face = Face { hostname, user, uid: 4321, gid: 77, cpus: Some(vec![0]), order: Order::Sorted };
    expect![[r#"
        other
        4321
        77
        root:x:0:0::/:/bin/sh
        someone:x:4321:77::/build:/bin/sh
        1
        exited 0
    "#]]
    .assert_eq(&told(&setup));
}

#[test]
fn stages_and_their_order() {
    let bytes =
        |to: &str, mode| Stage { from: StageFrom::Bytes(b"echo staged\n".into()), to: to.into(), mode };
    let mut setup = shell("./c.sh; find . /kegs; cat d/e");
    setup.stage = vec![bytes("c.sh", 0o755), bytes("a", 0o644), bytes("d/e", 0o644), bytes("b", 0o644)];
    let empty = tempfile::tempdir().unwrap();
    let keg = |name: &str| Bind { from: empty.path().into(), to: format!("/kegs/{name}") };
    setup.binds.extend([keg("a"), keg("b"), keg("c")]);
    // A tmpfs lists what was made last first.
    expect![[r#"
        staged
        .
        ./d
        ./d/e
        ./c.sh
        ./b
        ./a
        /kegs
        /kegs/c
        /kegs/b
        /kegs/a
        echo staged
        exited 0
    "#]]
    .assert_eq(&told(&setup));
    setup.face.order = Order::Reversed;
    expect![[r#"
        staged
        .
        ./a
        ./b
        ./c.sh
        ./d
        ./d/e
        /kegs
        /kegs/a
        /kegs/b
        /kegs/c
        echo staged
        exited 0
    "#]]
    .assert_eq(&told(&setup));
}

#[test]
fn a_stage_stays_in_build() {
    let mut setup = shell("true");
    setup.stage = vec![Stage { from: StageFrom::Bytes(vec![]), to: "../etc/x".into(), mode: 0o644 }];
    expect![[r#"
        error: the sandbox cannot be set up: stage ../etc/x: not a path inside /build
    "#]]
    .assert_eq(&told(&setup));
}

#[test]
fn what_is_not_there_is_named() {
    let mut setup = shell("true");
    setup.binds.push(Bind { from: "/no/such/keg".into(), to: "/kegs/a/0".into() });
    expect![[r#"
        error: the sandbox cannot be set up: bind /no/such/keg at /kegs/a/0: No such file or directory (os error 2)
    "#]].assert_eq(&told(&setup));
    let mut setup = shell("true");
    setup.argv = vec!["nothing".into()];
    expect![[r#"
        error: the sandbox cannot be set up: cannot execute `nothing`: No such file or directory (os error 2)
    "#]]
    .assert_eq(&told(&setup));
    let mut setup = shell("true");
    setup.cwd = "/nowhere".into();
    expect![[r#"
        error: the sandbox cannot be set up: cwd /nowhere: No such file or directory (os error 2)
    "#]]
    .assert_eq(&told(&setup));
    let mut setup = shell("true");
    setup.build = Build::Folder("/no/such/folder".into());
    expect![[r#"
        error: the sandbox cannot be set up: /build: No such file or directory (os error 2)
    "#]]
    .assert_eq(&told(&setup));
}

#[test]
fn a_bind_is_read_only_with_all_below_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("share/deep")).unwrap();
    let mut setup = shell("cd /kegs/a/0/share && touch deep/x; ln -s a b; : > c; ls");
    setup.binds.push(Bind { from: folder.path().into(), to: "/kegs/a/0".into() });
    expect![[r#"
        touch: deep/x: Read-only file system
        ln: b: Read-only file system
        /bin/sh: can't create c: Read-only file system
        exited 1
    "#]]
    .assert_eq(&told(&setup));
}

#[test]
fn no_link_inside_leads_a_bind_outside() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = shell("ls /kegs /place");
    setup.links.push(builder::sandbox::Link { path: "/kegs".into(), target: "/place".into() });
    setup.binds.insert(0, Bind { from: folder.path().into(), to: "/place/x".into() });
    setup.binds.push(Bind { from: folder.path().into(), to: "/kegs/a".into() });
    expect![[r#"
        /kegs:
        a
        x

        /place:
        a
        x
        exited 0
    "#]]
    .assert_eq(&told(&setup));
}

#[test]
fn a_folder_on_disk_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let mut setup = shell("echo made > out; id -u > who");
    setup.build = Build::Folder(folder.path().into());
    expect![[r#"
        exited 0
    "#]]
    .assert_eq(&told(&setup));
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
    expect![[r#"
        token
        jobserver
        exited 0
    "#]]
    .assert_eq(&told(&setup));
}
