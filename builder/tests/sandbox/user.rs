//! Root runs every test once more as an ordinary user: the sandbox must be the same for both.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Where this is run by an ordinary user, the other tests are that run already.
#[test]
fn all_the_same_for_an_ordinary_user() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    // The binary may lie where only root can go.
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let program = folder.path().join("tests");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=1000", "--regid=1000", "--clear-groups"])
        .arg(&program)
        .env("TMPDIR", folder.path())
        .env("HOME", folder.path())
        .env_remove("UPDATE_EXPECT")
        .current_dir(folder.path())
        .output()
        .expect("setpriv (apt-get install util-linux)");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// A container masks parts of its `/proc`, and the kernel then refuses a fresh one: shown is the outer one.
#[test]
fn a_masked_proc_is_no_end() {
    let program = std::env::current_exe().unwrap();
    let inner = format!(
        "mount -t tmpfs none /proc/tty && exec {} --exact user::probed --ignored --nocapture",
        program.display()
    );
    let namespaces = if rustix::process::geteuid().is_root() { "-m" } else { "-Urm" };
    // The mask must be locked, as a container's is: by one more user namespace, which the sandbox makes.
    let output = Command::new("unshare").args([namespaces, "sh", "-c", &inner]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("proc: Outer"), "{said}");
}

#[test]
#[ignore = "is run by another test"]
fn probed() {
    let (ended, said) =
        crate::toy::run(&crate::toy::shell("cat /proc/self/comm; echo x > /proc/self/comm")).unwrap();
    assert_eq!(said, "cat\n/bin/sh: can't create /proc/self/comm: Read-only file system\n");
    println!("{:?}", ended.abilities);
}

/// Where user namespaces are switched off for us, the error names the switch, and nothing was run.
#[test]
fn a_refusal_names_the_switch() {
    let program = std::env::current_exe().unwrap();
    // Only in a user namespace of its own can a test switch them off for nobody else.
    let inner = format!(
        "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all {} --exact user::refused --ignored",
        program.display()
    );
    let output = Command::new("unshare").args(["-Ur", "sh", "-c", &inner]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
#[ignore = "is run by another test"]
fn refused() {
    let error = builder::sandbox::probe().unwrap_err().to_string();
    assert!(error.contains("user namespaces are switched off"), "{error}");
    assert!(error.contains("sysctl user.max_user_namespaces"), "{error}");
}
