//! The cgroup of one sandbox: what counts its memory and its processes, where the machine lets us.
//!
//! Version 2 where a controller is delegated to us, version 1 where it is mounted and writable, else nothing, and
//! rlimits take its place. Removed at the end; what a killed helper left is swept by the next one.
//!
//! ```text
//! v2  <own cgroup or an ancestor>/rootbrew-<helper's pid>/     memory.max memory.oom.group pids.max
//! v1  <memory mount>/<own>/rootbrew-<helper's pid>/            memory.limit_in_bytes
//!     <pids mount>/<own>/rootbrew-<helper's pid>/              pids.max
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::setup::{Limiter, Limits};

const PREFIX: &str = "rootbrew-";

#[derive(Default)]
pub struct Cgroup {
    memory: Option<Group>,
    processes: Option<Group>,
}

#[derive(Clone)]
struct Group {
    folder: PathBuf,
    version: Limiter,
}

impl Cgroup {
    /// As much of a cgroup as this machine allows: that may be nothing.
    pub fn make(limits: &Limits) -> Cgroup {
        let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
        let own = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let unified = unified(&mounts, &own);
        let memory = unified.clone().filter(|group| group.limit("memory.max", limits.memory_bytes));
        let memory = memory.inspect(Group::die_as_one).or_else(|| {
            legacy(&mounts, &own, "memory")
                .filter(|group| group.limit("memory.limit_in_bytes", limits.memory_bytes))
        });
        let processes = unified.filter(|group| group.limit("pids.max", limits.processes));
        let processes = processes.or_else(|| {
            legacy(&mounts, &own, "pids").filter(|group| group.limit("pids.max", limits.processes))
        });
        Cgroup { memory, processes }
    }

    pub fn memory(&self) -> Option<Limiter> {
        self.memory.as_ref().map(|group| group.version)
    }

    pub fn processes(&self) -> Option<Limiter> {
        self.processes.as_ref().map(|group| group.version)
    }

    /// Moves a process in, where it can't go by itself.
    pub fn hold(&self, pid: i32) -> io::Result<()> {
        let newer = self.groups().find(|group| group.version == Limiter::CgroupV2);
        newer.map_or(Ok(()), |group| fs::write(group.folder.join("cgroup.procs"), pid.to_string()))
    }

    /// The files by which init moves itself in: [`enter`].
    ///
    /// A thread that moves itself needs no lock over all processes; moving another one waited 2 to 12 ms (measured).
    pub fn doors(&self) -> io::Result<Vec<File>> {
        let older = self.groups().filter(|group| group.version == Limiter::CgroupV1);
        older.map(|group| OpenOptions::new().write(true).open(group.folder.join("tasks"))).collect()
    }

    pub fn memory_peak_bytes(&self) -> Option<u64> {
        let group = self.memory.as_ref()?;
        let name =
            if group.version == Limiter::CgroupV2 { "memory.peak" } else { "memory.max_usage_in_bytes" };
        fs::read_to_string(group.folder.join(name)).ok()?.trim().parse().ok()
    }

    /// Whether the kernel killed something inside for memory.
    pub fn ran_out_of_memory(&self) -> bool {
        let Some(group) = &self.memory else { return false };
        let name = if group.version == Limiter::CgroupV2 { "memory.events" } else { "memory.oom_control" };
        group.count(name, "oom_kill") > 0
    }

    /// Whether a fork was refused inside.
    pub fn ran_out_of_processes(&self) -> bool {
        self.processes.as_ref().is_some_and(|group| group.count("pids.events", "max") > 0)
    }

    /// The files that wake a poll (`POLLPRI`) when one of the two above may have become true.
    pub fn events(&self) -> Vec<File> {
        let memory = self.memory.iter().map(|group| group.folder.join("memory.events"));
        let processes = self.processes.iter().map(|group| group.folder.join("pids.events"));
        memory.chain(processes).filter_map(|path| File::open(path).ok()).collect()
    }

    fn groups(&self) -> impl Iterator<Item = &Group> {
        self.memory.iter().chain(&self.processes)
    }
}

/// Moves the calling, only thread of a process through the doors; the right to do so is that of who opened them.
pub fn enter(doors: Vec<File>) -> io::Result<()> {
    doors.into_iter().try_for_each(|mut door| door.write_all(b"0"))
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        for group in self.groups() {
            // Both versions 2 are one folder: the second removal finds nothing. Busy ones are swept by the next helper.
            fs::remove_dir(&group.folder).ok();
        }
    }
}

impl Group {
    /// A new group below `parent`, which is swept of what dead helpers left.
    fn make(parent: &Path, version: Limiter) -> Option<Group> {
        let folder = parent.join(format!("{PREFIX}{}", std::process::id()));
        match fs::create_dir(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return None,
            _ => sweep(parent),
        }
        Some(Group { folder, version })
    }

    /// Whether the limit holds now; where it can't, the group is gone again.
    fn limit(&self, name: &str, value: u64) -> bool {
        fs::write(self.folder.join(name), value.to_string()).is_ok()
    }

    /// A build that lost one process to memory is lost as a whole.
    fn die_as_one(&self) {
        // Since Linux 4.19; without it, the build itself sees that its child was killed.
        fs::write(self.folder.join("memory.oom.group"), "1").ok();
    }

    fn count(&self, file: &str, key: &str) -> u64 {
        let text = fs::read_to_string(self.folder.join(file)).unwrap_or_default();
        let count =
            text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(' ')?.trim().parse().ok());
        count.unwrap_or(0)
    }
}

/// Removes the groups of helpers that were killed: a group that holds a process can't be removed, so none is harmed.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let pid =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)).filter(|pid| pid.parse::<u32>().is_ok());
        if pid.is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            fs::remove_dir(entry.path()).ok();
        }
    }
}

/// A group in version 2's tree whose parent hands down memory or pids: our own cgroup or the nearest above that we may write.
fn unified(mounts: &str, own: &str) -> Option<Group> {
    let (mount, root) = mounts.lines().find_map(|line| cgroup_mount(line, |kind, _| kind == "cgroup2"))?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let start = mount.join(Path::new(own).strip_prefix(root).ok()?);
    let above = start.ancestors().take_while(|folder| folder.starts_with(&mount));
    above.filter(|folder| hands_down(folder)).find_map(|folder| Group::make(folder, Limiter::CgroupV2))
}

fn hands_down(folder: &Path) -> bool {
    let control = folder.join("cgroup.subtree_control");
    let has = |text: String| text.split_whitespace().any(|name| name == "memory" || name == "pids");
    if fs::read_to_string(&control).is_ok_and(has) {
        return true;
    }
    // Refused where the controller is not delegated to us, or where processes stand in the group itself.
    fs::write(&control, "+memory +pids").is_ok()
}

fn legacy(mounts: &str, own: &str, controller: &str) -> Option<Group> {
    let named =
        |kind: &str, options: &str| kind == "cgroup" && options.split(',').any(|option| option == controller);
    let (mount, root) = mounts.lines().find_map(|line| cgroup_mount(line, named))?;
    let path = own.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        controllers.split(',').any(|name| name == controller).then_some(path)
    })?;
    let inner = Path::new(path).strip_prefix(root).unwrap_or(Path::new(""));
    let below = [mount.join(inner), mount];
    below.iter().find_map(|parent| Group::make(parent, Limiter::CgroupV1))
}

/// Mount point and root of a line of mountinfo whose type and super options are wanted (proc_pid_mountinfo(5)).
fn cgroup_mount(line: &str, wanted: impl Fn(&str, &str) -> bool) -> Option<(PathBuf, PathBuf)> {
    let (front, back) = line.split_once(" - ")?;
    let mut front = front.split(' ').skip(3);
    let (root, mount) = (front.next()?, front.next()?);
    let mut back = back.split(' ');
    let (kind, options) = (back.next()?, back.nth(1)?);
    wanted(kind, options).then(|| (mount.into(), root.into()))
}
