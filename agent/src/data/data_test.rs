//! A real disk (a loop device), real tools of e2fsprogs, a real mount in a namespace of its own. Needs root.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::Command;
use std::thread;

use rustix::thread::{UnshareFlags, unshare_unsafe};

use super::*;

const MB: u64 = 1 << 20;

struct Disk {
    _folder: tempfile::TempDir,
    file: PathBuf,
    device: PathBuf,
}

fn run(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    text
}

impl Disk {
    fn new(bytes: u64) -> Disk {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("disk");
        fs::File::create(&file).unwrap().set_len(bytes).unwrap();
        let device = run(Command::new("losetup").args(["--find", "--show"]).arg(&file));
        Disk { _folder: folder, file, device: device.trim().into() }
    }

    fn grow(&self, bytes: u64) {
        fs::File::options().write(true).open(&self.file).unwrap().set_len(bytes).unwrap();
        run(Command::new("losetup").arg("--set-capacity").arg(&self.device));
    }

    fn write(&self, at: u64, bytes: &[u8]) {
        let file = fs::File::options().write(true).open(&self.device).unwrap();
        file.write_all_at(bytes, at).unwrap();
        file.sync_all().unwrap();
    }

    fn place(&self) -> Place {
        Place::whole(self.device.clone())
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        Command::new("losetup").arg("--detach").arg(&self.device).status().unwrap();
    }
}

/// `what`, where `/data` is memory of this thread's own.
fn apart(what: impl FnOnce() + Send + 'static) {
    if !rustix::process::geteuid().is_root() {
        assert!(std::env::var_os("CI").is_none(), "CI must run these tests as root");
        return eprintln!("skipped: mounts need root");
    }
    let inside = move || {
        #[allow(unsafe_code)]
        // SAFETY: the flag touches neither memory nor descriptors; the thread ends with the test.
        unsafe { unshare_unsafe(UnshareFlags::NEWNS) }.unwrap();
        run(Command::new("mount").args(["--make-rprivate", "/"]));
        // The root of the test's machine has no `/data`.
        run(Command::new("mount").args(["-t", "tmpfs", "tmpfs", "/mnt"]));
        fs::create_dir_all("/mnt/data").unwrap();
        what();
    };
    thread::spawn(inside).join().unwrap();
}

fn role(lost: Lost) -> Data {
    Data { paths: vec![format!("{AT}/db")], lost, check_s: 60 }
}

fn unmounted() {
    unmount(AT, UnmountFlags::empty()).unwrap();
}

#[test]
fn made_once_kept_and_grown() {
    apart(|| {
        let disk = Disk::new(64 * MB);
        bring_place(&disk.place(), &role(Lost::Memory)).unwrap();
        assert!(is_lasting());
        fs::write(format!("{AT}/db/kept"), "for long").unwrap();
        let before = room();
        unmounted();
        assert_eq!(ext4::look(&disk.device).unwrap(), Look::Clean, "the mark is gone");
        disk.grow(160 * MB);
        let may_grow = may_grow();
        bring_place(&disk.place(), &role(Lost::Memory)).unwrap();
        assert_eq!(fs::read_to_string(format!("{AT}/db/kept")).unwrap(), "for long");
        assert!(!may_grow || room() > before * 2, "{before} then {}", room());
        unmounted();
    });
}

/// CAP_SYS_RESOURCE, which a container may lack; PID 1 of a guest has it, and its test shows that it grows.
fn may_grow() -> bool {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap();
    let held = status.lines().find_map(|line| line.strip_prefix("CapEff:")).unwrap();
    let may = u64::from_str_radix(held.trim(), 16).unwrap() >> 24 & 1 == 1;
    if !may {
        eprintln!("skipped: growing a mounted ext4 needs CAP_SYS_RESOURCE");
    }
    may
}

/// Bytes of the file system.
fn room() -> u64 {
    let found = rustix::fs::statvfs(AT).unwrap();
    found.f_blocks * found.f_frsize
}

#[test]
fn half_made_is_made_anew() {
    apart(|| {
        let disk = Disk::new(64 * MB);
        ext4::mark(&disk.device).unwrap();
        tool::make(&disk.device, MAKE_MAX).unwrap();
        assert_eq!(ext4::look(&disk.device).unwrap(), Look::HalfMade, "mke2fs leaves the mark");
        bring_place(&disk.place(), &role(Lost::Memory)).unwrap();
        unmounted();
        assert_eq!(ext4::look(&disk.device).unwrap(), Look::Clean);
    });
}

#[test]
fn a_lost_superblock_has_a_second() {
    apart(|| {
        let disk = Disk::new(300 * MB);
        bring_place(&disk.place(), &role(Lost::Memory)).unwrap();
        fs::write(format!("{AT}/db/kept"), "for long").unwrap();
        unmounted();
        disk.write(0, &[0xA5; 4096]);
        assert_eq!(ext4::look(&disk.device).unwrap(), Look::Other);
        bring_place(&disk.place(), &role(Lost::Memory)).unwrap();
        assert_eq!(fs::read_to_string(format!("{AT}/db/kept")).unwrap(), "for long");
        unmounted();
    });
}

#[test]
fn what_cannot_be_repaired_is_left_unless_the_role_says_fresh() {
    apart(|| {
        let disk = Disk::new(64 * MB);
        disk.write(1000, &[0xA5; 8192]);
        let why = bring_place(&disk.place(), &role(Lost::Memory)).unwrap_err();
        assert!(why.ends_with("it holds something that is no ext4, and is left as it is"), "{why}");
        let mut found = [0; 4];
        fs::File::open(&disk.device).unwrap().read_exact_at(&mut found, 1000).unwrap();
        assert_eq!(found, [0xA5; 4]);
        bring_place(&disk.place(), &role(Lost::Fresh)).unwrap();
        assert!(is_lasting());
        unmounted();
    });
}

#[test]
fn a_full_one_stops_writers_and_not_the_machine() {
    apart(|| {
        let disk = Disk::new(32 * MB);
        bring_place(&disk.place(), &role(Lost::Memory)).unwrap();
        let db = format!("{AT}/db");
        run(Command::new("chmod").args(["0777", &db]));
        let fill = format!("head -c 60000000 /dev/zero > {db}/full");
        let mut filler = Command::new("setpriv");
        filler.args(["--reuid=65534", "--clear-groups", "sh", "-c", &fill]);
        let output = filler.output().unwrap();
        assert!(!output.status.success(), "its writer is told");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("No space left"), "{said}");
        fs::write(format!("{OWN}/seed"), [0; 4096]).unwrap();
        unmounted();
    });
}
