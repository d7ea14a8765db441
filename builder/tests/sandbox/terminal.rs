//! The same sandbox on the caller's terminal.

use std::process::{Command, Output};

use builder::sandbox;

use crate::toy::shell;

/// What [`on_a_terminal`] runs on a terminal of its own.
#[test]
#[ignore = "is run by another test"]
fn entered() {
    let line = "test -t 0 && echo a terminal; trap 'echo heard' INT; kill -INT $$; id -u; exit 7";
    assert_eq!(sandbox::enter(&shell(line)).unwrap(), 7);
}

#[test]
fn on_a_terminal() {
    let program = std::env::current_exe().unwrap();
    let line = format!("{} --exact terminal::entered --ignored --nocapture", program.display());
    let Output { status, stdout, .. } =
        Command::new("script").args(["-qec", &line, "/dev/null"]).output().unwrap();
    let said = String::from_utf8_lossy(&stdout).into_owned();
    assert!(status.success(), "{said}");
    assert!(said.contains("a terminal\r\n") && said.contains("heard\r\n1000\r\n"), "{said}");
}
