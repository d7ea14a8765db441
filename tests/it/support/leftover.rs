//! What a run left alive: every process that holds something of a folder open, stands in it, or has it mounted.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

/// Waits until nothing is alive that knows `folder`; panics with what is after 20 s. A kill's echoes take milliseconds.
#[track_caller]
pub fn none(folder: &Path) {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let alive = alive(folder);
        if alive.is_empty() {
            return;
        }
        assert!(Instant::now() < end, "still alive: {alive:#?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Pid and command line of each.
fn alive(folder: &Path) -> Vec<String> {
    let own = std::process::id().to_string();
    let entries = fs::read_dir("/proc").expect("/proc").flatten();
    let pids = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()) && *name != own);
    pids.filter(|pid| knows(pid, folder)).map(|pid| format!("{pid} {}", command_line(&pid))).collect()
}

fn knows(pid: &str, folder: &Path) -> bool {
    let proc = Path::new("/proc").join(pid);
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let mounts = fs::read_to_string(proc.join("mountinfo")).unwrap_or_default();
    let open = fs::read_dir(proc.join("fd")).into_iter().flatten().flatten();
    let mut links = open.map(|entry| entry.path()).chain(["cwd", "root"].map(|link| proc.join(link)));
    mounts.contains(&*name) || links.any(|link| fs::read_link(link).is_ok_and(|to| to.starts_with(folder)))
}

fn command_line(pid: &str) -> String {
    fs::read_to_string(format!("/proc/{pid}/cmdline")).unwrap_or_default().replace('\0', " ")
}
