//! A disk that is full, a real one: a channel and what is taken from it, on a memory of a few megabytes that is filled to a
//! seeded number of bytes before each step.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;

use ci::channel::{self, Folder, Shelf};

use crate::support::Chance;
use crate::support::Ran;
use crate::support::texts::Texts;

const DISK: &str = "ROOTBREW_TEST_DISK";
const STEPS: u64 = 200;

/// As root of a namespace of its own, which may mount.
#[test]
fn a_full_disk_leaves_the_line_valid() {
    let disk = tempfile::tempdir().expect("a folder");
    let here = std::env::current_exe().expect("this program");
    let script = "mount -t tmpfs -o size=4m tmpfs \"$0\" && exec \"$1\" --exact --ignored --nocapture full::of_a_full_disk";
    let mut child = Command::new("unshare");
    child.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(disk.path()).arg(here);
    Ran::of(child.env(DISK, disk.path())).expect(0).says(&["1 passed"]);
}

#[test]
#[ignore = "a child of another test"]
fn of_a_full_disk() {
    let disk = std::path::PathBuf::from(std::env::var_os(DISK).expect("a disk"));
    let public = disk.join("public");
    let texts = Texts::new(Box::new(move || -> Box<dyn Shelf> {
        Box::new(Folder::create(&public).expect("a folder"))
    }));
    let (trusted, to) = (disk.join("trusted"), disk.join("out"));
    let shelf = texts.shelf();
    let shelf = shelf.as_ref();
    texts.publish(shelf, "web", "first").expect("it is published");
    texts.pull_to(shelf, "web", &trusted, &to).expect("it is taken");
    let mut chance = Chance(0x5eed);
    let (mut full, mut images) = (0, vec!["first".to_string()]);
    for at in 0..STEPS {
        let left = chance.below(64 << 10);
        fill(&disk.join("ballast"), &disk, left);
        let text = format!("image {at} ").repeat(2000);
        let done = match at % 5 {
            0 | 1 => {
                images.push(text.clone());
                texts.publish(shelf, "web", &text)
            }
            2 => texts.change(shelf, |desk| channel::promote(desk, "edge", "stable", "web", 0).map(drop)),
            3 => texts.prune(shelf),
            _ => texts
                .pull_to(shelf, "web", &trusted, &to)
                .map(|root| assert!(images.contains(&root), "{root}")),
        };
        if let Err(error) = done {
            assert!(error.to_string().contains("No space left"), "step {at}, {left} bytes left: {error}");
            full += 1;
        }
        let taken = fs::read_to_string(to.join("root.erofs")).expect("what was taken stays");
        assert!(images.contains(&taken), "step {at}: a root that never was");
        fs::remove_file(disk.join("ballast")).expect("it is removed");
        texts.is_whole();
        if at % 5 == 4 {
            texts.prune(shelf).expect("it is pruned");
            texts.pull_to(shelf, "web", &trusted, &to).expect("it is taken");
        }
    }
    assert!((STEPS / 10..STEPS).contains(&full), "{full} of {STEPS} found the disk full");
}

/// Until `left` bytes are free, by whole pages.
fn fill(ballast: &Path, disk: &Path, left: u64) {
    let found = rustix::fs::statvfs(disk).expect("a file system");
    let free = found.f_bavail * found.f_frsize;
    let mut file = File::create(ballast).expect("a file");
    file.write_all(&vec![1; free.saturating_sub(left) as usize]).expect("it is filled");
}
