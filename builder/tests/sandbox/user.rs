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
