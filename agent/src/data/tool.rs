//! The two programs of e2fsprogs that the agent runs, each in its time.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, kill_process, pidfd_open, waitpid};

/// e2fsck(8): 0 nothing was wrong, 1 it was mended, 2 and the machine must start anew, which it just did.
const MENDED: [i32; 3] = [0, 1, 2];

/// 4 KiB, so that the second superblock is where we look for it; a twentieth is root's, so that a full partition does not
/// keep the machine from its own few bytes. Tables are filled in later: a terabyte is made in a second.
pub fn make(device: &Path, limit: Duration) -> Result<(), String> {
    let options = "lazy_itable_init=1,lazy_journal_init=1,nodiscard";
    let words = ["-q", "-F", "-t", "ext4", "-b", "4096", "-m", "5", "-L", "rootbrew-data", "-E", options];
    match run("mke2fs", &words, device, limit, Stdio::inherit)? {
        0 => Ok(()),
        code => Err(format!("mke2fs exited with {code}")),
    }
}

/// Mends what can be mended without a question. With `more`, it is a try, of which nobody hears.
pub fn check(device: &Path, limit: Duration, more: &[&str]) -> Result<(), String> {
    let output = if more.is_empty() { Stdio::inherit } else { Stdio::null };
    match run("e2fsck", &[&["-p"], more].concat(), device, limit, output)? {
        code if MENDED.contains(&code) => Ok(()),
        code => Err(format!("e2fsck -p cannot repair it (exited with {code}); it is left as it is")),
    }
}

/// Its exit status.
fn run(
    program: &str,
    words: &[&str],
    device: &Path,
    limit: Duration,
    output: fn() -> Stdio,
) -> Result<i32, String> {
    let path = if cfg!(test) { "/usr/sbin:/sbin" } else { "/bin" };
    let mut command = Command::new(program);
    command.args(words).arg(device).env_clear().env("PATH", path).stdin(Stdio::null());
    command.stdout(output()).stderr(output());
    let child = command.spawn().map_err(|cause| format!("start {program}: {cause}"))?;
    let pid = Pid::from_child(&child);
    let ended = is_over(pid, limit);
    if !ended {
        kill_process(pid, Signal::KILL).unwrap_or_default();
    }
    let status = waitpid(Some(pid), WaitOptions::empty()).map_err(|cause| format!("{program}: {cause}"))?;
    match status.and_then(|(_, status)| status.exit_status()) {
        Some(code) if ended => Ok(code),
        _ if !ended => Err(format!("{program} did not end within {} s", limit.as_secs())),
        _ => Err(format!("{program} was killed")),
    }
}

fn is_over(pid: Pid, limit: Duration) -> bool {
    let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { return false };
    let limit = Timespec { tv_sec: limit.as_secs() as i64, tv_nsec: i64::from(limit.subsec_nanos()) };
    poll(&mut [PollFd::new(&process, PollFlags::IN)], Some(&limit)).is_ok_and(|count| count > 0)
}
