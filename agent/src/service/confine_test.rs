//! What a service may not, tried from within: real processes in real rooms.

use super::tests::Trial;
use super::*;

/// Runs `script` in a room; it must come to its end with 0.
fn inside(keys: &str, script: &str) {
    let keys = format!("once = true\nrestart = \"never\"\n{keys}\nrun = [\"sh\", \"-c\", '''{script}''']");
    let Some(mut trial) = Trial::of(&keys) else { return };
    assert_eq!(trial.verdict(), Verdict::Ready, "{script}\n{:?}", trial.lines());
}

#[test]
fn holds_its_capabilities_and_no_others() {
    let status = "for word in CapEff:.0000000000000400 CapBnd:.0000000000000400 NoNewPrivs:.1 Seccomp:.2; do \
                  grep -q \"$word\\$\" /proc/self/status || { echo $word; exit 1; }; done; test $(id -u) = 65534";
    inside("caps = [\"net_bind_service\"]", status);
}

#[test]
fn sees_its_own_processes_only() {
    inside("", "test $$ = 2 && test \"$(ls -d /proc/[0-9]* | wc -l)\" -le 6 && ! test -e /proc/1/root/etc");
    inside("shares = [\"pids\"]\nseccomp = \"none\"", "test $$ -gt 2 || exit 1");
}

#[test]
fn writes_where_it_may_only() {
    let folder = tempfile::Builder::new().prefix("rootbrew-it").tempdir_in("/var/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
    let place = folder.path().display();
    let all = format!(
        "! touch {place}/x && ! touch /var/tmp/rootbrew-x && touch /tmp/rootbrew-x && echo x > /dev/null && ! touch /etc/x"
    );
    inside("", &all);
    inside("user = \"root\"", &all);
    let writes = format!("writes = [\"{place}/data\"]");
    inside(
        &writes,
        &format!(
            "touch {place}/data/x && ! touch {place}/x && ! cp /bin/true {place}/data/t && exit 1; ! {place}/data/t"
        ),
    );
    assert!(folder.path().join("data/x").exists() && !std::path::Path::new("/tmp/rootbrew-x").exists());
}

#[test]
fn reads_where_it_may_only() {
    let folder = tempfile::Builder::new().prefix("rootbrew-it").tempdir_in("/var/tmp").unwrap();
    std::fs::set_permissions(folder.path(), std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = folder.path().join("open");
    std::fs::write(&path, "readable by all").unwrap();
    inside("", &format!("! cat {}", path.display()));
    inside(&format!("reads = [{:?}]", folder.path()), &format!("cat {}", path.display()));
}

#[test]
fn finds_no_devices_and_no_firmware() {
    inside(
        "user = \"root\"",
        "! test -e /dev/vda && ! test -e /dev/console && test -c /dev/urandom && test -z \"$(ls /sys)\"",
    );
    inside(
        "user = \"root\"",
        "test -z \"$(cat /proc/kmsg /proc/kallsyms)\" && ! echo x > /proc/sys/kernel/hostname",
    );
    inside("shares = [\"sys\"]", "test -e /sys/kernel && ! cat /sys/firmware/*");
}

#[test]
fn has_no_calls_to_leave_by() {
    inside(
        "user = \"root\"\ncaps = [\"sys_chroot\"]",
        "! unshare -m true && ! mount -t tmpfs x /tmp && ! dmesg",
    );
    inside("", "! unshare -U true");
    inside("seccomp = [\"unshare\", \"clone\"]", "unshare -U true");
}

#[test]
fn has_a_network_or_none() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let ask = |port: u16| {
        format!(
            "exec perl -MIO::Socket::INET -e \"IO::Socket::INET->new(PeerAddr => q(127.0.0.1:{port})) or exit 7\""
        )
    };
    inside("", &ask(port));
    inside(
        "network = \"none\"",
        &format!(
            "! sh -c '{}' && grep -q lo: /proc/net/dev && ! grep -q eth /proc/net/dev",
            ask(port).replace('\'', "")
        ),
    );
}

#[test]
fn is_bounded_in_descriptors_and_cores() {
    inside("descriptors = 64", "test $(ulimit -n) = 64 && test $(ulimit -c) = 131072");
    inside("core = 0", "test $(ulimit -c) = 0");
    inside("core = \"1 MiB\"", "test $(ulimit -c) -gt 0 && test $(ulimit -n) = 1024");
}

/// A room is its own: what one leaves in /tmp, the next does not find.
#[test]
fn starts_with_an_empty_tmp_and_a_terminal() {
    inside("", "test -z \"$(ls -A /tmp)\" && touch /dev/shm/x && test -e /tmp/x");
    inside("", "exec perl -MPOSIX -e \"open my \\$m, q(+<), q(/dev/ptmx) or die \\$!\"");
}
