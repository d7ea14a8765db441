//! A service's cgroup (version 2): its limits, and the one way to end all that came of it.
//!
//! ```text
//! /sys/fs/cgroup                        PID 1, and what is no service's
//! └─ services ─ nginx                   memory.max memory.oom.group pids.max cpu.max; cgroup.kill
//! ```
//! A kernel without it serves as well: nothing is limited, and ends are those of process groups.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use host::role::Service;
use rustix::process::Pid;

/// Where version 2 is mounted: by us; on a machine that has version 1 too (tests), beside it.
const ROOTS: [&str; 2] = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"];
/// Of linux/magic.h.
const MAGIC: i64 = 0x6367_7270;

pub struct Cgroup {
    path: PathBuf,
    /// Whoever writes `0` to it is inside. CLONE_INTO_CGROUP would do without, but Linux 6.18 kills what is cloned into
    /// a cgroup that `cgroup.kill` was ever used on.
    door: File,
    ooms: u64,
}

impl Cgroup {
    /// Makes it, with the service's limits; a limit that this kernel does not know is left out. `None`: no version 2 here.
    pub fn make(name: &str, service: &Service) -> Option<Cgroup> {
        let root = ROOTS.iter().map(Path::new).find(|path| is_version_2(path))?;
        let group = root.join(group());
        let path = group.join(name);
        let made = [&group, &path].into_iter().try_for_each(|path| fs::create_dir(path).or_else(known));
        made.ok()?;
        for above in [root, &group] {
            for controller in ["+memory", "+pids", "+cpu"] {
                put(above, "cgroup.subtree_control", controller);
            }
        }
        limits(service).iter().for_each(|(file, value)| put(&path, file, value));
        let door = File::options().write(true).open(path.join("cgroup.procs")).ok()?;
        let mut made = Cgroup { path, door, ooms: 0 };
        made.ooms = made.count_ooms();
        Some(made)
    }

    pub fn door(&self) -> &File {
        &self.door
    }

    /// Ends every process in it, at once and without a way out.
    pub fn kill(&self) {
        put(&self.path, "cgroup.kill", "1");
    }

    /// Whether `pid` is in it; `None`: it is gone.
    pub fn holds(&self, pid: i32) -> Option<bool> {
        let path = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let whole = |place: &str| ROOTS.iter().any(|root| self.path == Path::new(&format!("{root}{place}")));
        Some(path.lines().filter_map(|line| line.strip_prefix("0::")).any(whole))
    }

    pub fn processes(&self) -> Vec<Pid> {
        let text = fs::read_to_string(self.path.join("cgroup.procs")).unwrap_or_default();
        text.lines().filter_map(|line| Pid::from_raw(line.parse().ok()?)).collect()
    }

    /// News when a task was refused: read, so that only what comes is new.
    pub fn tasks_refused(&self) -> io::Result<File> {
        let mut file = File::open(self.path.join("pids.events"))?;
        io::copy(&mut file, &mut io::sink())?;
        Ok(file)
    }

    /// Whether the limit of its memory ended it since this was asked last.
    pub fn ran_out_of_memory(&mut self) -> bool {
        let now = self.count_ooms();
        std::mem::replace(&mut self.ooms, now) < now
    }

    fn count_ooms(&self) -> u64 {
        let text = fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        let count = text.lines().find_map(|line| line.strip_prefix("oom_kill ")?.trim().parse().ok());
        count.unwrap_or(0)
    }

    /// Memory in use in bytes, tasks, and processor time in microseconds; `None` where the kernel does not count it.
    pub fn figures(&self) -> [Option<u64>; 3] {
        let number = |file: &str| fs::read_to_string(self.path.join(file)).ok()?.trim().parse().ok();
        let cpu = || {
            let text = fs::read_to_string(self.path.join("cpu.stat")).ok()?;
            text.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok())
        };
        [number("memory.current"), number("pids.current"), cpu()]
    }
}

fn limits(service: &Service) -> Vec<(&'static str, String)> {
    let mut limits = vec![
        // It dies whole: half a service serves nobody, and is not started again.
        ("memory.oom.group", "1".to_string()),
        // The agent's own process in it is not the service's.
        ("pids.max", (service.tasks + 1).to_string()),
        ("memory.max", service.memory.map_or("max".into(), |bytes| bytes.to_string())),
    ];
    // Of 100 ms.
    let quota = service.cpu.map_or("max".into(), |percent| (percent * 1000).max(1000).to_string());
    limits.push(("cpu.max", format!("{quota} 100000")));
    limits
}

/// Tests run beside others.
fn group() -> String {
    if cfg!(test) { format!("rootbrew-test-{}", std::process::id()) } else { "services".into() }
}

fn is_version_2(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|found| found.f_type as i64 == MAGIC)
}

fn known(cause: io::Error) -> io::Result<()> {
    if cause.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(cause) }
}

/// What cannot be written is not there in this kernel.
fn put(folder: &Path, file: &str, value: &str) {
    let open = File::options().write(true).open(folder.join(file));
    open.and_then(|mut file| io::Write::write_all(&mut file, value.as_bytes())).unwrap_or_default();
}

/// Tests leave nothing behind.
#[cfg(test)]
impl Drop for Cgroup {
    fn drop(&mut self) {
        self.kill();
        for _ in 0..100 {
            if fs::remove_dir(&self.path).is_ok() {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        self.path.pop();
        fs::remove_dir(&self.path).unwrap_or_default();
    }
}
