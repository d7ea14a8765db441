//! A channel of a thousand synthetic images: published, verified, taken from; and what verifying held in memory.

use std::path::Path;
use std::time::{Duration, Instant};

use builder::fetch::Places;
use ci::channel::{self, Bucket, Content, Desk, Folder, Item, Keyring, Life, Shelf, now_s};

use super::{Result, Wish};

/// Ten roles, a hundred images each, of 200 KB that don't compress.
const ROLES: usize = 10;
const IMAGES: usize = 100;
const ROOT_BYTES: usize = 200_000;

pub fn run(_: &Wish) -> Result<()> {
    let home = tempfile::tempdir()?;
    let ask = || Ok(b"a passphrase".to_vec());
    let keys = Keyring::at(&home.path().join("keys"), &ask);
    let shelf = shelf(&home.path().join("public"))?;
    let shelf = shelf.as_ref();
    channel::init(shelf, &keys, 3, 2, Life::default(), now_s())?;
    let begun = Instant::now();
    for image in 0..IMAGES {
        let mut desk = Desk::open(shelf, &keys, Life::default(), now_s())?;
        for role in 0..ROLES {
            desk.publish("edge", item(role, image))?;
        }
        desk.commit()?;
    }
    println!(
        "publish of {ROLES} changed roles, of {IMAGES}: mean {:.3} s",
        begun.elapsed().as_secs_f64() / IMAGES as f64
    );
    let begun = Instant::now();
    let report = channel::verify(shelf, &keys.trusted(), now_s())?;
    let wall_s = begun.elapsed().as_secs_f64();
    println!(
        "verify of {} images, {} blobs, {} bytes, {} faults: {wall_s:.2} s",
        report.images,
        report.blobs,
        report.bytes,
        report.faults.len()
    );
    println!("most memory: {}", most_memory()?);
    Ok(())
}

/// A folder; or the bucket that `ROOTBREW_BENCH_BUCKET` names, asked as `AWS_…` say.
fn shelf(folder: &Path) -> Result<Box<dyn Shelf>> {
    let Ok(url) = std::env::var("ROOTBREW_BENCH_BUCKET") else {
        return Ok(Box::new(Folder::create(folder)?));
    };
    let environment = std::env::vars().filter(|(name, _)| name.starts_with("AWS_")).collect();
    Ok(Box::new(Bucket::open(&url, &environment, &Places::default(), Duration::from_secs(60))?))
}

fn item(role: usize, image: usize) -> Item {
    let mut chance = (role * IMAGES + image + 1) as u64;
    let root: Vec<u8> = (0..ROOT_BYTES).map(|_| next(&mut chance)).collect();
    let kernel = format!("kernel {image}").into_bytes();
    let part =
        |name: &str, bytes: &[u8]| (name.to_string(), "x/y".to_string(), Content::Bytes(bytes.to_vec()));
    Item {
        role: format!("role-{role}"),
        root_sha256: trust::sha256(&root),
        kernel_sha256: trust::sha256(&kernel),
        commit: None,
        parts: vec![part("root.erofs", &root), part("vmlinuz", &kernel), part("tree.txt", &root[..5000])],
        statement: None,
    }
}

/// xorshift (Marsaglia 2003).
fn next(chance: &mut u64) -> u8 {
    *chance ^= *chance << 13;
    *chance ^= *chance >> 7;
    *chance ^= *chance << 17;
    *chance as u8
}

/// Of this process until now, as the kernel counts it.
fn most_memory() -> Result<String> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    Ok(line.ok_or("no VmHWM")?.trim().to_string())
}
