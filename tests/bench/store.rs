//! The store: how blobs get on disk by strategy, a keg's way out, and how fast everything is hashed again.
//!
//! Each strategy is measured on a quiet disk and beside a program that keeps writing: `syncfs` waits for all that is
//! dirty on the file system, `fdatasync` for its own file (and for the journal).

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use kegs::{Digest, Store, verify};

use crate::table::{Times, figure, row};
use crate::{Result, Wish, warm};

/// As long as many a header or object file.
const BLOB_BYTES: usize = 2048;

pub fn run(wish: &Wish) -> Result<()> {
    let parent = wish.store.parent().filter(|parent| parent.is_dir()).unwrap_or(Path::new("."));
    let folder = tempfile::Builder::new().prefix("rootbrew-bench-").tempdir_in(parent)?;
    puts(folder.path(), wish, "quiet disk")?;
    beside_writer(folder.path(), || puts(folder.path(), wish, "busy disk"))?;
    lay_out(folder.path(), wish)?;
    hash(folder.path())
}

fn puts(folder: &Path, wish: &Wish, disk: &str) -> Result<()> {
    for count in [1, 2, 4, 8, 16, 100, 6000] {
        let rounds = wish.rounds(if count > 1000 { 3 } else { 10 });
        let store = Store::create(&folder.join(format!("{disk} {count}")))?;
        let (mut ours, mut each, mut whole) = (Times::default(), Times::default(), Times::default());
        for round in 0..rounds {
            let blobs = blobs(count, round);
            ours.time(
                || Ok(store.put_all(blobs.iter().map(|(digest, bytes)| (*digest, bytes.as_slice())))?),
            )?;
            if count <= 100 {
                let files = folder.join(format!("each {disk} {count} {round}"));
                each.time(|| write(&files, &blobs, |file| file.sync_data()))?;
            }
            let files = folder.join(format!("whole {disk} {count} {round}"));
            whole.time(|| {
                write(&files, &blobs, |_| Ok(()))?;
                Ok(rustix::fs::syncfs(File::open(&files)?)?)
            })?;
        }
        row(&format!("{disk}: Store::put_all of {count}"), "", &ours, &ours);
        if count <= 100 {
            row("  fdatasync each", "", &each, &ours);
        }
        row("  syncfs once", "", &whole, &ours);
    }
    Ok(())
}

fn blobs(count: usize, round: usize) -> Vec<(Digest, Vec<u8>)> {
    let bytes = |at: usize| {
        format!("{round} {at} {} ", std::process::id()).into_bytes().into_iter().cycle().take(BLOB_BYTES)
    };
    (0..count).map(|at| bytes(at).collect::<Vec<u8>>()).map(|bytes| (Digest::of(&bytes), bytes)).collect()
}

fn write(
    folder: &Path,
    blobs: &[(Digest, Vec<u8>)],
    sync: impl Fn(&File) -> std::io::Result<()>,
) -> Result<()> {
    fs::create_dir(folder)?;
    for (digest, bytes) in blobs {
        let staged = folder.join("staged");
        let mut file = File::create_new(&staged)?;
        file.write_all(bytes)?;
        sync(&file)?;
        fs::rename(&staged, folder.join(digest.hex()))?;
    }
    Ok(())
}

/// Runs beside a thread that writes 32 MB every 100 ms and never waits for the disk, as a build does.
fn beside_writer(folder: &Path, run: impl FnOnce() -> Result<()>) -> Result<()> {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| -> std::io::Result<()> {
            let block = vec![7; 32 << 20];
            while !done.load(Ordering::Relaxed) {
                fs::write(folder.join("busy"), &block)?;
                std::thread::sleep(std::time::Duration::from_millis(100));
            }
            Ok(())
        });
        let ran = run();
        done.store(true, Ordering::Relaxed);
        writer.join().map_err(|_| "the writer panicked")??;
        ran
    })
}

fn lay_out(folder: &Path, wish: &Wish) -> Result<()> {
    let keg = folder.join("keg of 6000");
    write(&keg, &blobs(6000, usize::MAX), |_| Ok(()))?;
    let (mut taken, mut laid) = (Times::default(), Times::default());
    for round in 0..wish.rounds(5) {
        let store = Store::create(&folder.join(format!("store {round}")))?;
        let (root, _) = taken.time(|| Ok(store.put_folder(&keg)?))?;
        laid.time(|| Ok(store.lay_out("keg-1", &root)?))?;
    }
    row("Store::put_folder, 6000 files", "", &taken, &taken);
    row("Store::lay_out, 6000 files", "", &laid, &taken);
    Ok(())
}

fn hash(folder: &Path) -> Result<()> {
    let store = Store::create(&folder.join("hashed"))?;
    let megabytes = 512;
    for at in 0..64u8 {
        store.put_bytes_unsynced(&vec![at; (megabytes << 20) / 64])?;
    }
    store.sync()?;
    let (mut ours, mut theirs) = (Times::default(), Times::default());
    for _ in 0..3 {
        let damages = ours.time(|| Ok(verify::verify(&store, &|_| ())?))?;
        assert!(damages.is_empty(), "a fresh store is whole");
        let sum = "find \"$0\" -type f -print0 | xargs -0 sha256sum";
        theirs.time(|| {
            warm::succeed(Command::new("sh").arg("-c").arg(sum).arg(store.folder().join("blobs")))
        })?;
    }
    let rate = |times: &Times| format!("{:.0} MB/s", megabytes as f64 * 1e3 / times.min());
    figure("store verify, all cores", "", &rate(&ours));
    figure("sha256sum, one core", "", &rate(&theirs));
    Ok(())
}
