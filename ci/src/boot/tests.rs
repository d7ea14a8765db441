//! Faults of a boot, each on a real QEMU. A whole boot is the integration tests' part: it needs an image.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::guest::launch;
use super::*;

fn boot(folder: &Path, kernel: &[u8]) -> Boot {
    let write = |name: &str, bytes: &[u8]| {
        let path = folder.join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    Boot {
        kernel: write("vmlinuz, or not", kernel),
        root: write("root, with a comma.erofs", &[0; 4096]),
        data: None,
        debug: None,
        memory_mb: 32,
        cpus: 1,
        cmdline: vec![],
        environment: Vec::new(),
        ports: vec![80],
        console: Console::Quiet,
        observe: None,
        control: None,
        volume: None,
        monitor: None,
    }
}

fn emulated() -> Accelerator {
    Accelerator::Emulated("for the test".into())
}

#[test]
fn a_kernel_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let mut boot = boot(folder.path(), b"");
    boot.kernel = folder.path().join("nowhere");
    let error = start(&boot, &mut |_| ()).unwrap_err().to_string();
    assert!(error.starts_with("open /") && error.contains("nowhere"), "{error}");
}

#[test]
fn a_kernel_that_is_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut guest = launch(&boot(folder.path(), b"not a kernel"), &emulated()).unwrap();
    let error = guest.until_ready(READY_LIMIT).unwrap_err().to_string();
    assert!(error.starts_with("the guest ended before it was ready (exit status: 1)"), "{error}");
    assert!(error.contains("| qemu: invalid kernel header"), "{error}");
}

/// 1 KiB of `cli; hlt` behind the header of a kernel: it loads, runs, and says nothing.
fn mute() -> Vec<u8> {
    let mut kernel = [0xfa, 0xf4].repeat(2048);
    kernel[0x1f1] = 1;
    kernel[0x1fe..0x200].copy_from_slice(&[0x55, 0xaa]);
    kernel[0x202..0x206].copy_from_slice(b"HdrS");
    kernel[0x206..0x208].copy_from_slice(&[0x0c, 0x02]);
    kernel
}

#[test]
fn a_guest_that_says_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut guest = launch(&boot(folder.path(), &mute()), &emulated()).unwrap();
    let error = guest.until_ready(Duration::from_secs(1)).unwrap_err().to_string();
    assert!(error.starts_with("the guest was not ready after 1 s"), "{error}");
}

#[test]
fn no_guest_outlives_us() {
    let folder = tempfile::tempdir().unwrap();
    let guest = launch(&boot(folder.path(), &mute()), &emulated()).unwrap();
    let process = format!("/proc/{}", guest.pid());
    assert!(Path::new(&process).exists());
    drop(guest);
    assert!(!Path::new(&process).exists());
}

#[test]
fn a_stopper_ends_the_wait() {
    let folder = tempfile::tempdir().unwrap();
    let mut guest = launch(&boot(folder.path(), &mute()), &emulated()).unwrap();
    let stopper = guest.stopper();
    let waiter = std::thread::spawn(move || guest.wait().map(|()| Instant::now()));
    stopper.stop();
    waiter.join().unwrap().unwrap();
}
